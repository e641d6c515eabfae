"""Ground truths: a conditional density, a law of the inputs, and what theory says about both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Estimator, Table
from mixstat.data.design import MappedColumns
from mixstat.data.source import Source
from mixstat.experts.gaussian import GaussianExperts
from mixstat.fitting.fit import Fit, Readable
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.predictive import Predictive
from mixstat.rates.box import Box
from mixstat.rates.inputs import NOWHERE, InputLaw, Lattice, Observed
from mixstat.rates.law import Features, Law
from mixstat.validation import check_integer

DataSeed: TypeAlias = int | np.random.SeedSequence | np.random.Generator | None
MARKS = {
    "seen": "read in the source named",
    "second hand": "read in somebody else's account of the source",
    "derived": "worked out for mixstat and checked numerically",
    "recall": "believed, not checked against the text",
}

NEAR = 0.2  # noise of starts near a truth, where it does not say another


class Claim(NamedTuple):
    """A slope that theory states for a loss on a log-log plot."""

    specification: str  # "exact", "over" or "any"
    loss: str
    slope: float | None  # None: no polynomial rate
    mark: str


@dataclass(frozen=True)
class RegressionFunction:
    """p(y | x) of a smooth or rough function plus normal noise; no mixture of experts."""

    function: Callable[[np.ndarray], np.ndarray]
    """Maps inputs (n, d) to means (n,)."""
    scale: float | int
    """Standard deviation of the noise."""
    pieces: int = 0
    """Equal pieces of the interval of x in which the function is smooth; 0: all of it is."""

    def at(self, X: Float[np.ndarray, "n d"]) -> Predictive:
        """The normal distribution of each row."""
        mean = np.asarray(self.function(X), float)
        eta = np.stack([mean, np.full(len(mean), np.log(self.scale))])[None]
        experts = GaussianExperts(
            np.zeros((1, 1, 1)), np.full((1, 1), np.log(self.scale)), np.zeros((1, 0))
        )
        return Predictive(np.ones((1, len(mean))), experts, eta)

    def breaks(self, low: float, high: float) -> Float[np.ndarray, " b"]:
        """Ends of the pieces."""
        return np.linspace(low, high, self.pieces + 1) if self.pieces else NOWHERE


@dataclass(frozen=True)
class Truth:
    """Where simulated data come from."""

    name: str
    law: Law | RegressionFunction
    inputs: InputLaw
    citation: str
    mark: str
    """How certain the setting is: a key of ``MARKS``."""
    claims: tuple[Claim, ...] = ()
    box: Box | None = None
    """Compact parameter set within which fits of this truth are studied."""
    near: float | int = NEAR
    """Noise of starts that is small beside the distances of the true atoms."""
    note: str = ""

    def __post_init__(self) -> None:
        if self.mark not in MARKS:
            raise ValueError(f"mark must be one of {', '.join(MARKS)}; got {self.mark!r}.")

    @property
    def mixture(self) -> Mixture:
        """The mixture in the user's units.

        Raises ValueError for a truth that is a regression function.
        """
        if not isinstance(self.law, Law):
            raise ValueError(f"the truth {self.name!r} is no mixture of experts.")
        return self.law.mixture

    @property
    def is_mixture(self) -> bool:
        """Whether the truth is a mixture of experts."""
        return isinstance(self.law, Law)

    @property
    def n_experts(self) -> int:
        """Number of true experts."""
        return self.mixture.n_experts

    @property
    def discrete(self) -> bool:
        """Whether y takes separate values."""
        return self.is_mixture and self.mixture.experts.discrete

    def sample(self, n: int, random_state: DataSeed = None) -> tuple[np.ndarray, np.ndarray]:
        """One data set.

        Parameters
        ----------
        n : int
            Number of rows.
        random_state : int, SeedSequence, Generator or None, default=None
            As for ``numpy.random.default_rng``.

        Returns
        -------
        X : ndarray of shape (n, d)
            Inputs.
        y : ndarray of shape (n,), or (n, m) for several outputs
            Responses.
        """
        n = check_integer("n", n, 1)
        random = np.random.default_rng(random_state)
        X = self.inputs.sample(n, random)
        y = self.law.at(X).sample(1, random)[:, :, 0].T
        return X, y[:, 0] if y.shape[1] == 1 else y

    @property
    def counted(self) -> bool:
        """Whether data sets are tables of counts: classes at the points of a lattice."""
        return isinstance(self.inputs, Lattice) and self.classes

    @property
    def classes(self) -> bool:
        """Whether y is the number of a class."""
        return self.is_mixture and self.mixture.experts.response == "class"

    def counts(
        self, n: int, random_state: DataSeed = None
    ) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, " r"]]:
        """One data set of a counted truth: rows of inputs and classes, and how often each came.

        All pairs of a point and a class are there, in the same order for every size.
        """
        random = np.random.default_rng(random_state)
        points, share = self.inputs.nodes(1)
        at = self.law.at(points)
        each = np.einsum("kn,kcn->nc", at.share, at.experts.functions(at.eta))
        counts = random.multinomial(check_integer("n", n, 1), np.ravel(each * share[:, None]))
        n_points, n_classes = each.shape
        y = np.tile(np.arange(float(n_classes)), n_points)
        return np.repeat(points, n_classes, axis=0), y, counts.astype(float)

    def with_inputs(self, inputs: InputLaw) -> "Truth":
        """The same truth under another law of the inputs."""
        return replace(self, inputs=inputs)

    def describe(self) -> dict[str, Any]:
        """All that the data depend on, in plain types: what a study's fingerprint holds."""
        facts: dict[str, Any] = {"name": self.name, "inputs": self.inputs.describe()}
        if isinstance(self.law, RegressionFunction):
            seen = self.law.function(self.inputs.nodes(2).X)
            return facts | {"scale": self.law.scale, "means": np.asarray(seen).tolist()}
        gate, experts = self.mixture.gate, self.mixture.experts
        names = [_names(source) for source in self.law.features]
        return facts | {
            "gate": repr(gate),
            "experts": repr(experts),
            "n_experts": self.n_experts,
            "parameters": parameter_vector.to_vector(self.mixture).tolist(),
            "features": names,
        }


def _names(source: Source) -> list[str]:
    if isinstance(source, MappedColumns) and not hasattr(source, "names"):
        return [*_names(source.source), source.name]  # one that no rows were shown to
    return list(source.names)


def from_fit(estimator: Estimator, X: Table, *, name: str = "fit", box: Box | None = None) -> Truth:
    """A fitted model as a truth.

    Parameters
    ----------
    estimator : MixtureOfExperts or MixtureOfExpertsClassifier
        A fitted estimator. Classes are told as numbers 0, ..., C - 1.
    X : array-like of shape (n, d)
        Rows from which inputs are drawn with replacement.
    name : str, default="fit"
        Name of the truth.
    box : Box, default=None
        Compact parameter set for studies.

    Returns
    -------
    Truth
        With the estimator's model in the user's units.

    Raises
    ------
    ValueError
        If the estimator was fitted from a formula, or X has other columns.
    """
    if not isinstance(estimator, Readable):
        raise ValueError(f"estimator must be one of mixstat, got {type(estimator).__name__}.")
    check_is_fitted(estimator)
    fit: Fit = vars(estimator)["fit_"]
    if fit.request.schema.formulas is not None:
        raise ValueError(
            "estimator must be fitted on a numeric table, got one fitted from a formula."
        )
    rows = np.asarray(estimator._read(X), float)
    sources = Features(fit.designs.experts.source, fit.designs.gate.source)
    law = Law(fit.user_model, sources)
    citation = f"a fit of {fit.request.title}"
    return Truth(name, law, Observed(rows), citation, "derived", box=box)


def replicate_seed(seed: int, n: int, replicate: int, stream: int = 0) -> np.random.SeedSequence:
    """The seed of one data set, whatever else is drawn beside it, before it or after it.

    ``stream`` keeps draws of different purpose apart: 0 is the data, 1 the starts.
    """
    return np.random.SeedSequence(seed, spawn_key=(n, replicate, stream))
