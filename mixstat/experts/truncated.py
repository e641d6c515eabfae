"""Truncated experts: counts of which only some values can be seen, as behind a hurdle."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.experts.registry import REGISTRY
from mixstat.numerics import functions
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.parts.ranges import log_of_rest
from mixstat.validation import check_integer

MOST = 100  # values that are summed
RARE = 1e-12  # probability of a count that can be seen, below which rounding would decide


def _named(expert: object) -> object:
    """A family by its name."""
    return REGISTRY[expert] if isinstance(expert, str) and expert in REGISTRY else expert


class Truncated(Experts):
    """Counts of another family, given that they are at least ``lower``.

    Smaller counts cannot be seen: nights of those who stayed, purchases of those who bought.
    ``["zero", Truncated("poisson")]`` is a hurdle model, in which every zero is the point's.
    Predictions are of counts that can be seen.

    Mullahy, J. (1986). Specification and testing of some modified count data models.
    J. Econometrics 33, 341-365.

    Parameters
    ----------
    expert
        A family of counts, by name or as an object: "poisson" or "negative_binomial".
    lower
        The smallest count that can be seen.
    """

    expert: Any = eqx.field(converter=_named)
    lower: int = eqx.field(static=True, default=1, kw_only=True)

    def __check_init__(self) -> None:
        if not isinstance(self.expert, Experts) or self.expert.response != "count":
            raise ValueError(
                "expert must be a family of counts, 'poisson' or 'negative_binomial', or an object "
                f"of one; got {self.expert!r}."
            )
        if check_integer("lower", self.lower, 1) > MOST:
            raise ValueError(f"lower must be at most {MOST}, got {self.lower}.")

    def _like(self, expert: Experts) -> "Truncated":
        return Truncated(expert, lower=self.lower)

    @property
    def plain(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.expert.plain

    @property
    def response(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.expert.response

    @property
    def n_experts(self) -> int:
        return self.expert.n_experts

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "Truncated":
        return self._like(self.expert.null(n_experts, n_features, n_outputs))

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        self.expert.check(y)
        if np.any(y < self.lower):
            row = int(np.flatnonzero(y[:, 0] < self.lower)[0])
            raise ValueError(
                f"y must be at least lower={self.lower} for truncated experts, got {y[row, 0]:g} "
                f"in row {row}."
            )

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        return self.expert.encode(y)

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        return self.expert.view(y)

    def groups(self) -> tuple[Group, ...]:
        return self.expert.groups()

    def _hidden(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K h n"]:
        """Log probabilities of the counts that cannot be seen."""
        each = [self._log_of(eta, count) for count in range(self.lower)]
        return library_of(eta).stack(each, axis=1)

    def _log_of(self, eta: Float[AnyArray, "K L n"], count: int) -> Float[AnyArray, "K n"]:
        """Log probability of a count before truncation."""
        row = self.expert.encode(np.array([[float(count)]]))[0]
        wide = np.repeat(row[:, None], eta.shape[2], axis=1)
        return self.expert.link(eta, wide.astype(eta.dtype))

    def _log_seen(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K n"]:
        """Log probability of a count that can be seen; if few can, that of the first one."""
        library = library_of(eta)
        fall = -functions.logsumexp(self._hidden(eta), axis=1)
        few = fall < RARE
        rest = log_of_rest(library.where(few, RARE, fall))
        return library.where(few, self._log_of(eta, self.lower), rest)

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K n"]:
        log = self.expert.link(eta, y) - self._log_seen(eta)
        return library_of(eta, y).where(y[:1] >= self.lower, log, -np.inf)

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K L L n"]:
        """That of counts that are not truncated, which say more."""
        return self.expert.information(eta, y)

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> PyTree:
        return self.expert.start_statistics(rows, resp)

    def start(self, statistics: PyTree, bounds: "tuple[Truncated, Truncated]") -> "Truncated":
        """As if nothing were hidden."""
        lower, upper = (bound.expert for bound in bounds)
        return self._like(self.expert.start(statistics, (lower, upper)))

    def bounds(self, min_scale: float) -> "tuple[Truncated, Truncated]":
        lower, upper = (self._like(bound) for bound in self.expert.bounds(min_scale))
        return lower, upper

    def collapsed(self, bounds: "tuple[Truncated, Truncated]") -> "Truncated":
        lower, upper = (bound.expert for bound in bounds)
        return self._like(self.expert.collapsed((lower, upper)))

    def permute(self, order: AnyArray) -> "Truncated":
        return self._like(self.expert.permute(order))

    def in_units(self, location, scale, to_user) -> "Truncated":
        return self._like(self.expert.in_units(location, scale, to_user))

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        return self.expert.labels(features, outputs)

    def titles(self) -> dict[str, str]:
        return self.expert.titles()

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return self.expert.reported_attributes(single_output=single_output)

    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> "Seen":
        return Seen(self.expert.marginals(eta), self.lower)

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K 1 n"]:
        library = library_of(eta)
        counts = np.arange(float(self.lower), dtype=eta.dtype)[None, :, None]
        hidden = library.sum(counts * library.exp(self._hidden(eta)), axis=1, keepdims=True)
        seen = library.exp(self._log_seen(eta))[:, None]
        return (self.expert.traced_functions(eta) - hidden) / seen

    def __repr__(self) -> str:
        return f"Truncated({self.expert!r}, lower={self.lower})"


class Seen:
    """Frozen distribution of counts from ``lower`` on, with the methods that are used here."""

    def __init__(self, law: Any, lower: int) -> None:
        self.law, self.lower = law, lower
        self.seen = law.sf(lower - 1)

    def _moment(self, power: int, whole: np.ndarray) -> np.ndarray:
        hidden = sum(count**power * self.law.pmf(count) for count in range(1, self.lower))
        return (whole - hidden) / self.seen

    def mean(self) -> np.ndarray:
        """Means."""
        return self._moment(1, self.law.mean())

    def var(self) -> np.ndarray:
        """Variances."""
        square = self._moment(2, self.law.var() + self.law.mean() ** 2)
        return np.maximum(square - self.mean() ** 2, 0.0)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Probability of not exceeding ``y``."""
        return np.where(y < self.lower, 0.0, 1 - self.sf(y))

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probability of exceeding ``y``."""
        return np.minimum(self.law.sf(np.maximum(y, self.lower - 1)) / self.seen, 1.0)

    def ppf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles."""
        return np.maximum(self.law.isf((1 - q) * self.seen), self.lower)

    def isf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles by what lies above."""
        return np.maximum(self.law.isf(q * self.seen), self.lower)

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Log probability of ``y``."""
        return np.where(y < self.lower, -np.inf, self.law.logpmf(y) - np.log(self.seen))

    def rvs(self, random_state: np.random.Generator) -> np.ndarray:
        """One draw at each place."""
        return self.isf(random_state.random(self.seen.shape))

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest counts."""
        return np.full(self.seen.shape, float(self.lower)), np.full(self.seen.shape, np.inf)
