"""Where the fits of a study begin."""

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Int

from mixstat.data import batch as batches
from mixstat.experts.gaussian import GaussianExperts
from mixstat.fitting import gate_starts, starts
from mixstat.gates.reference import full
from mixstat.gates.softmax import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.rates.checks import check_names
from mixstat.rates.law import Features
from mixstat.rates.truths import Truth
from mixstat.validation import check_choice, check_integer, check_positive


@dataclass(frozen=True)
class Task:
    """What a start may look at."""

    truth: Truth
    objective: Objective
    null: Mixture
    features: Features
    X: np.ndarray
    y: np.ndarray  # (rows, c) as simulated
    weight: np.ndarray  # (rows,) how often each row came
    ordered: bool = False  # whether the first experts stand for the true ones in their order

    @property
    def n(self) -> int:
        """Size of the data set."""
        return int(self.weight.sum())


class Start(abc.ABC):
    """Interface: a first model for a fit of a data set."""

    n_starts: int
    needs_atoms: ClassVar[bool]
    """Whether the truth must be a mixture of the same kind with no more experts."""

    @abc.abstractmethod
    def first(self, task: Task, random: np.random.Generator) -> Mixture:
        """One first model."""

    def check(self, truth: Truth, null: Mixture) -> None:
        """Raise ValueError if such fits cannot start like this."""
        check_integer("n_starts", self.n_starts, 1)
        if not self.needs_atoms:
            return
        name = type(self).__name__
        if not truth.is_mixture:
            raise ValueError(f"start={name} needs a truth that is a mixture; use RandomStart().")
        same = _copies_fit(truth.mixture, null)
        alike = truth.mixture.gate.is_like(null.gate)
        if not same or not alike or null.n_experts < truth.n_experts:
            raise ValueError(
                f"start={name} copies true atoms, so the fitted model must have the truth's gate, "
                f"features and family and at least its {truth.n_experts} experts; use "
                "RandomStart() for others."
            )


@dataclass(frozen=True)
class NearTruth(Start):
    """Copies of true atoms, each used at least once, plus normal noise.

    The noise does not shrink with n: a start whose distance from the truth shrinks like the
    answer makes its own slope.

    Examples
    --------
    >>> from mixstat.rates import NearTruth, RateStudy, find_truth
    >>> start = NearTruth(scale=0.1, n_starts=2)
    >>> study = RateStudy(find_truth("softmax-gaussian-mild"), 2, [200], 3, start, ["kl"])
    >>> study.run(progress=False)["starts_agreeing"].tolist()
    [2, 2, 2]
    """

    scale: float = 0.2
    """Standard deviation of the noise in every parameter (of a scale or temperature, its log)."""
    n_starts: int = 1
    needs_atoms: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_positive("scale", self.scale, zero=True)
        check_integer("n_starts", self.n_starts, 1)

    def first(self, task: Task, random: np.random.Generator) -> Mixture:
        """One first model."""
        near = task.truth.mixture
        if near.exchangeable:
            labels = _labels(near.n_experts, task.null.n_experts, random, ordered=task.ordered)
            near = near.permute(labels)
        vector = parameter_vector.to_vector(near)
        noise = self.scale * random.standard_normal(len(vector))
        return parameter_vector.from_vector(near, vector + noise)


@dataclass(frozen=True)
class RandomStart(Start):
    """Starts that know nothing of the truth, as estimators make them.

    Examples
    --------
    >>> from mixstat.rates import RandomStart, RateStudy, find_truth
    >>> start = RandomStart(n_starts=3, kinds=("regressions", "random"))
    >>> study = RateStudy(find_truth("softmax-gaussian-mild"), 2, [200], 3, start, ["kl"])
    >>> study.run(progress=False)["starts_agreeing"].tolist()
    [3, 3, 3]
    """

    n_starts: int = 5
    kinds: tuple[str, ...] = starts.KINDS
    needs_atoms: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_integer("n_starts", self.n_starts, 1)
        kinds = check_names("kinds", self.kinds)
        for kind in kinds:
            check_choice("each of kinds", kind, starts.KINDS)
        if not kinds:
            raise ValueError("kinds must name a start at least, got none.")
        object.__setattr__(self, "kinds", tuple(kinds))

    def first(self, task: Task, random: np.random.Generator) -> Mixture:
        """One first model."""
        Phi, Z = task.features.tables(task.X)
        experts = task.null.experts
        encoded = experts.encode(task.y)
        share = task.weight / task.weight.sum()
        rows = starts.StartRows(Z, Phi, encoded, experts.view(encoded), share)
        kind = str(random.choice(self.kinds))
        made = starts.responsibilities(rows, task.null.n_experts, (kind,), random)
        resp = batches.lay_out_like(task.objective.batch, next(made)[1])
        return gate_starts.first_model(task.objective, task.null, resp, random)


@dataclass(frozen=True)
class PublishedStart(Start):
    """The start of the scripts of arXiv 2305.03288, whose noise shrinks with n.

    One number is added to both coefficients of the gate, one to both of an expert, and the
    variance begins at the true standard deviation. Softmax gate and Gaussian experts of one
    input and one output only.

    Examples
    --------
    >>> from mixstat.rates import PublishedStart, RateStudy, find_truth
    >>> start = PublishedStart(n_starts=2)
    >>> study = RateStudy(find_truth("softmax-gaussian-mild"), 2, [200], 3, start, ["kl"])
    >>> study.run(progress=False)["starts_agreeing"].tolist()
    [2, 2, 2]
    """

    n_starts: int = 1
    needs_atoms: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer("n_starts", self.n_starts, 1)

    def check(self, truth: Truth, null: Mixture) -> None:
        """Raise ValueError for other models."""
        super().check(truth, null)
        known = null.gate.is_like(SoftmaxGate()) and null.experts.is_like(GaussianExperts())
        if not known or null.experts.n_outputs != 1:
            raise ValueError("PublishedStart is for softmax gates with Gaussian experts.")

    def first(self, task: Task, random: np.random.Generator) -> Mixture:
        """One first model."""
        return self.at(task.truth.mixture, task.n, task.null.n_experts, random)

    def at(self, truth: Mixture, n: int, k: int, random: np.random.Generator) -> Mixture:
        """One first model for ``n`` rows and ``k`` experts."""
        last = truth.n_experts - 1
        labels = np.zeros(0, int)
        while len(np.unique(labels)) < truth.n_experts:
            labels = random.integers(0, truth.n_experts, k)
            labels[-1] = last
        gate: Any = full(truth.gate.groups()[0].coef)[labels]
        experts = truth.experts.permute(labels)
        coef, log_scale = np.array(experts.groups()[0].coef), np.zeros((k, 1))
        for i, j in enumerate(labels):
            if i < k - 1:
                gate[i] += random.normal(0, 0.005 * n**-0.083)
            coef[i] += random.normal(0, 0.05 * n**-0.083)
            scale = float(np.exp(np.ravel(truth.experts.groups()[1].coef)[j]))
            log_scale[i] = 0.5 * np.log(scale + abs(random.normal(0, 0.005 * n**-0.25)))
        return Mixture(SoftmaxGate(gate[:-1]), GaussianExperts(coef, log_scale, np.zeros((k, 0))))


def _copies_fit(truth: Mixture, null: Mixture) -> bool:
    """Whether copies of true atoms make a model of the shape of ``null``.

    Where experts have each their own place, as in a tree, none can be copied or renumbered.
    """
    if not truth.exchangeable:
        return jax.tree.structure(truth) == jax.tree.structure(null)
    return parameter_vector.size(
        truth.permute(np.zeros(null.n_experts, int))
    ) == parameter_vector.size(null)


def _labels(
    n_true: int, k: int, random: np.random.Generator, *, ordered: bool = False
) -> Int[np.ndarray, " K"]:
    """A true atom for each fitted one: all of them, and others at random."""
    more = random.integers(0, n_true, k - n_true)
    if ordered:  # a fitted expert that is held has its own place
        return np.concatenate([np.arange(n_true), more])
    return random.permutation(np.concatenate([np.arange(n_true), more]))
