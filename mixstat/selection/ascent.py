"""Fits along a path of strengths: where it begins, and the walk down and up."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.estimators.base import BaseMixture
from mixstat.fitting.fit import Fit
from mixstat.numerics import parameter_vector

PARTS = ("both", "experts", "gate")
HUGE = 1e6  # a strength at which every slope of standardised data is zero
RISE = 1.2  # steps in which the largest strength is searched above that of the gradient
LONGEST = 100  # and how many of them
ROUNDING = 1e-10  # a smaller gain in the objective is none


class Task(NamedTuple):
    """Rows, and the estimator whose penalty varies."""

    estimator: BaseMixture
    part: str
    X: Table
    y: Response
    sample_weight: Weights
    params: dict[str, Setting] = {}  # noqa: RUF012 (what else fit takes; never changed)

    @property
    def weights(self) -> tuple[float, float]:
        """What a strength of one means for experts and gate; a part not walked keeps its own."""
        own = self.estimator.expert_penalty, self.estimator.gate_penalty
        walked = self.part != "gate", self.part != "experts"
        pairs = zip(own, walked, strict=True)
        return tuple(float(w) if w > 0 or not on else 1.0 for w, on in pairs)  # type: ignore

    def settings(self, strength: float) -> dict[str, float]:
        """Parameters of an estimator at ``strength``."""
        expert, gate = self.weights
        return {
            "expert_penalty": strength * expert if self.part != "gate" else expert,
            "gate_penalty": strength * gate if self.part != "experts" else gate,
        }

    def fit(self, strength: float, start: BaseMixture | None = None) -> BaseMixture:
        """The estimator fitted at a strength, from its own starts or from another fit.

        Its other settings are those that were given.
        """
        given = self.estimator.get_params(deep=False)  # clone would unfit an estimator in init
        settings = given | self.settings(strength) | {"warm_start": False}
        if start is not None:
            settings["init"] = start
        moe = type(self.estimator)(**settings)
        moe.fit(self.X, self.y, sample_weight=self.sample_weight, **self.params)
        return moe.set_params(init=given["init"], warm_start=given["warm_start"])


def merit(moe: BaseMixture) -> tuple[bool, float]:
    """By what fits of the same rows and penalty compare: certified first, then the objective."""
    maximum = moe.fit_.maximum
    return maximum.is_certified, maximum.value


def walk(task: Task, strengths: Float[np.ndarray, " s"]) -> list[BaseMixture]:
    """The better fit of a walk down and a walk up, at each strength; strongest first."""
    down, up = [task.fit(strengths[0])], [task.fit(strengths[-1])]
    for strength in strengths[1:]:
        down.append(task.fit(strength, down[-1]))
    for strength in strengths[-2::-1]:
        up.append(task.fit(strength, up[-1]))
    pairs = zip(down, reversed(up), strict=True)
    return [max(pair, key=merit) for pair in pairs]


def grid(task: Task, n_strengths: int, ratio: float) -> Float[np.ndarray, " s"]:
    """Geometric steps down from the largest strength."""
    return largest(task) * np.geomspace(1.0, ratio, n_strengths)


def largest(task: Task) -> float:
    """The smallest strength at which the best fit found has no slopes.

    There the largest gradient in a slope, at the fit of constants alone, equals its weight in
    the penalty. Where starts find a higher maximum with slopes all the same (the gradient
    vanishes by symmetry at the constants of two lines that cross), it rises until they do not.
    """
    constant = task.fit(HUGE).fit_
    strength = _steepest(task, constant) * HUGE
    if strength == 0:
        raise ValueError(
            f"part={task.part!r} has no slopes that the data could move: there is nothing to "
            "penalise."
        )
    strength *= 1 + 1e-7  # the fit of constants is known to its gradient's tolerance
    other = task.fit(strength)
    for _ in range(LONGEST):
        certified, value = merit(other)
        gain = value - constant.maximum.value
        if not _moving(task, other.fit_) or gain <= ROUNDING or not certified:
            break
        strength *= RISE
        other = task.fit(strength, other)
    return strength


def _moving(task: Task, fit: Fit) -> bool:
    """Whether any slope whose penalty is walked is not zero."""
    return bool(np.any(parameter_vector.to_vector(fit.model)[_walked(task, fit)]))


def _walked(task: Task, fit: Fit) -> Bool[np.ndarray, " D"]:
    """Parameters whose L1 (or else squared) penalty grows with the strength."""
    l1 = fit.maximum.l1
    bent = l1 if l1.any() else fit.maximum.squares
    of_gate = np.arange(len(bent)) < parameter_vector.size(fit.model.gate)
    own = {"both": np.ones_like(of_gate), "experts": ~of_gate, "gate": of_gate}[task.part]
    return (bent > 0) & own


def _steepest(task: Task, fit: Fit) -> float:
    """Largest gradient in a walked slope of the log-likelihood, as a share of its L1 strength."""
    maximum = fit.maximum
    zero = _walked(task, fit) & (parameter_vector.to_vector(fit.model) == 0) & maximum.varying
    return float(np.max(np.abs(maximum.gradient[zero]) / maximum.l1[zero], initial=0.0))
