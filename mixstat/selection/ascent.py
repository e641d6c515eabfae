"""Fits along a path of strengths: where it begins, and the walk down and up."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat import flat
from mixstat.derivatives import derivatives
from mixstat.estimators.base import BaseMixture
from mixstat.precision import in_float64
from mixstat.results import Status

PARTS = ("both", "experts", "gate")
HUGE = 1e6  # a strength at which every slope of standardised data is zero
RISE = 1.2  # steps in which the largest strength is searched above that of the gradient
LONGEST = 100  # and how many of them
ROUNDING = 1e-10  # a smaller gain in the objective is none


class Fit(NamedTuple):
    """A fitted estimator on the path and what it maximised."""

    estimator: Any
    objective: float  # per row, in standardised units

    @property
    def sound(self) -> bool:
        """Whether it is a certified maximum."""
        return self.estimator.status_ == Status.CONVERGED


class Task(NamedTuple):
    """Rows, and the estimator whose penalty varies."""

    estimator: BaseMixture
    part: str
    X: Any
    y: Any
    sample_weight: Any
    params: dict[str, Any] = {}  # noqa: RUF012 (what else fit takes; never changed)

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

    def fit(self, strength: float, start: Fit | None = None) -> Fit:
        """The fit at a strength, from the estimator's own starts or from another fit."""
        return examined(self.refit(strength, start))

    def refit(self, strength: float, start: Fit | None) -> BaseMixture:
        """The estimator fitted at a strength, its other settings as they were given."""
        given = self.estimator.get_params(deep=False)  # clone would unfit an estimator in init
        settings = given | self.settings(strength) | {"warm_start": False}
        if start is not None:
            settings["init"] = start.estimator
        moe = type(self.estimator)(**settings)
        moe.fit(self.X, self.y, sample_weight=self.sample_weight, **self.params)
        return moe.set_params(init=given["init"], warm_start=given["warm_start"])


@in_float64
def examined(moe: Any) -> Fit:
    """A fitted estimator with what it maximised."""
    vector = flat.to_vector(moe.model_)
    objective = moe.result_.log_likelihood - moe.problem_.penalty(vector)
    return Fit(moe, float(objective))


def walk(task: Task, strengths: Float[np.ndarray, " s"]) -> list[Fit]:
    """The better fit of a walk down and a walk up, at each strength; strongest first."""
    down, up = [task.fit(strengths[0])], [task.fit(strengths[-1])]
    for strength in strengths[1:]:
        down.append(task.fit(strength, down[-1]))
    for strength in strengths[-2::-1]:
        up.append(task.fit(strength, up[-1]))
    pairs = zip(down, reversed(up), strict=True)
    return [max(pair, key=lambda fit: (fit.sound, fit.objective)) for pair in pairs]


def grid(task: Task, n_strengths: int, ratio: float) -> Float[np.ndarray, " s"]:
    """Geometric steps down from the largest strength."""
    return largest(task) * np.geomspace(1.0, ratio, n_strengths)


def largest(task: Task) -> float:
    """The smallest strength at which the best fit found has no slopes.

    There the largest gradient in a slope, at the fit of constants alone, equals its weight in
    the penalty. Where starts find a higher maximum with slopes all the same (the gradient
    vanishes by symmetry at the constants of two lines that cross), it rises until they do not.
    """
    constant = task.fit(HUGE)
    strength = _steepest(task, constant.estimator) * HUGE
    if strength == 0:
        raise ValueError(
            f"part={task.part!r} has no slopes that the data could move: there is nothing to "
            "penalise."
        )
    strength *= 1 + 1e-7  # the fit of constants is known to its gradient's tolerance
    other = task.fit(strength)
    for _ in range(LONGEST):
        gain = other.objective - constant.objective
        if not _moving(task, other.estimator) or gain <= ROUNDING or not other.sound:
            break
        strength *= RISE
        other = task.fit(strength, other)
    return strength


def _moving(task: Task, moe: Any) -> bool:
    """Whether any slope whose penalty is walked is not zero."""
    return bool(np.any(flat.to_vector(moe.model_)[_walked(task, moe)]))


def _walked(task: Task, moe: Any) -> Bool[np.ndarray, " D"]:
    """Parameters whose L1 (or else squared) penalty grows with the strength."""
    shrink = moe.problem_.shrink
    bent = np.diag(shrink.square) if shrink.l1 is None else shrink.l1
    of_gate = np.arange(len(bent)) < flat.size(moe.model_.gate)
    own = {"both": np.ones_like(of_gate), "experts": ~of_gate, "gate": of_gate}[task.part]
    return (np.asarray(bent) > 0) & own


@in_float64
def _steepest(task: Task, moe: Any) -> float:
    """Largest gradient in a walked slope of the log-likelihood, as a share of its L1 strength."""
    gradient = np.asarray(derivatives(moe.model_, moe.problem_.batch)[1])
    l1 = moe.problem_.shrink.l1
    zero = _walked(task, moe) & (flat.to_vector(moe.model_) == 0) & moe.problem_.varying
    return float(np.max(np.abs(gradient[zero]) / l1[zero], initial=0.0))
