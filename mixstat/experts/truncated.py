"""Truncated experts: of responses only some can be seen, as behind a hurdle."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.experts.registry import REGISTRY
from mixstat.experts.truncated_ends import Ends
from mixstat.experts.truncated_laws import Between, Seen
from mixstat.numerics import functions
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import integrals
from mixstat.parts.integrals import Places
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.parts.ranges import log_of_rest
from mixstat.validation import check_integer

CONTINUOUS = "real", "positive"  # responses
MOST = 100  # values that are summed
RARE = 1e-12  # probability of a count that can be seen, below which rounding would decide


def _named(expert: object) -> object:
    """A family by its name."""
    return REGISTRY[expert] if isinstance(expert, str) and expert in REGISTRY else expert


class Truncated(Experts):
    """Responses of another family, given that they lie between ends; others are never seen.

    Counts that are at least ``lower``: nights of those who stayed, purchases of those who bought.
    ``["zero", Truncated("poisson")]`` is a hurdle model, in which every zero is the point's. Of a
    continuous family what is above ``lower``, below ``upper``, or between both. Predictions are of
    responses that can be seen.

    Mullahy, J. (1986). Specification and testing of some modified count data models.
    J. Econometrics 33, 341-365. Cohen, A. C. (1991). Truncated and Censored Samples.

    Parameters
    ----------
    expert
        A family of counts, by name or as an object: "poisson" or "negative_binomial"; or a
        continuous one: "gaussian", "t", "skew_normal", "gamma", "lognormal", "weibull",
        "exponential" or "inverse_gaussian".
    lower
        The smallest response that can be seen, in units of y; of counts 1 unless given.
    upper
        The largest one, of a continuous family.
    """

    expert: Any = eqx.field(converter=_named)
    lower: float | int | None = eqx.field(static=True, default=None, kw_only=True)
    upper: float | int | None = eqx.field(static=True, default=None, kw_only=True)

    def __check_init__(self) -> None:
        family = self.expert
        if not isinstance(family, Experts) or family.response not in ("count", *CONTINUOUS):
            self._refuse_family()
        if not family.knows_ranges:
            self._refuse_family()
        if self._counts:
            if check_integer("lower", self.first, 1) > MOST:
                raise ValueError(f"lower must be at most {MOST}, got {self.lower}.")
            if self.upper is not None:
                raise ValueError(f"upper must be None for a family of counts, got {self.upper}.")
            return
        self._ends.check(positive=family.response == "positive")

    def _refuse_family(self) -> None:
        raise ValueError(
            "expert must be a family of counts, 'poisson' or 'negative_binomial', or a continuous "
            f"one that knows the probability of a range, or an object of one; got {self.expert!r}."
        )

    @property
    def _counts(self) -> bool:
        return self.expert.response == "count"

    @property
    def first(self) -> float | int:
        """The smallest count that can be seen."""
        return 1 if self.lower is None else self.lower

    @property
    def _ends(self) -> Ends:
        return Ends(self.first if self._counts else self.lower, self.upper)

    def _like(self, expert: Experts) -> "Truncated":
        return Truncated(expert, lower=self.lower, upper=self.upper)

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
        if getattr(self.expert, "covariance", "full") == "tied":
            raise ValueError("covariance must not be 'tied' for truncated experts, got 'tied'.")
        return self._like(self.expert.null(n_experts, n_features, n_outputs))

    def standard_family(self) -> "Truncated":
        if self._counts:
            return self
        low, high = self._ends.standard(positive=self.response == "positive")
        return Truncated(self.expert, lower=low, upper=high)

    def standard(self, y, share, *, constant: bool):
        if self._counts:
            return self.expert.standard(y, share, constant=constant)
        if not constant:
            raise ValueError(
                "expert_features must have a constant for truncated experts of a continuous "
                "response: it takes the units of y."
            )
        return self._ends.units(y, share, positive=self.response == "positive")

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        self.expert.check(y)
        for name, end, side in zip(("lower", "upper"), self._ends, (1, -1), strict=True):
            beyond = np.zeros(len(y)) if end is None else side * (end - y[:, 0])
            if np.any(beyond > self._ends.slack):
                row, word = int(np.argmax(beyond)), "least" if side > 0 else "most"
                raise ValueError(
                    f"y must be at {word} {name}={end:g} for truncated experts, got "
                    f"{y[row, 0]:g} in row {row}."
                )

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        return self.expert.encode(y)

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        return self.expert.view(y)

    def groups(self) -> tuple[Group, ...]:
        return self.expert.groups()

    def _hidden(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K h n"]:
        """Log probabilities of the counts that cannot be seen."""
        each = [self._log_of(eta, count) for count in range(int(self.first))]
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
        return library.where(few, self._log_of(eta, int(self.first)), rest)

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K n"]:
        library, log = library_of(eta, y), self.expert.link(eta, y)
        if self._counts:
            return library.where(y[:1] >= self.first, log - self._log_seen(eta), -np.inf)
        (low, high), slack = self._ends.numbers, self._ends.slack
        seen = (y[:1] >= low - slack) & (y[:1] <= high + slack)
        of_seen = self.expert.log_range(eta, self._ends.range(eta))
        return library.where(seen, log - of_seen, -np.inf)

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        if self._counts:
            return super().derivatives(eta, y)
        first, second = self.expert.derivatives(eta, y)
        slope, bend = self.expert.range_derivatives(eta, self._ends.range(eta))
        return first - slope, second - bend

    def score(
        self,
        eta: Float[AnyArray, "K L n"],
        y: Float[AnyArray, "r n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "K L n"]:
        if self._counts:
            return super().score(eta, y, resp)
        return resp[:, None, :] * self.derivatives(eta, y)[0]

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K L L n"]:
        """That of what can be seen; of counts that of all of them, which say more."""
        if self._counts:
            return self.expert.information(eta, y)
        at, link = self._places_seen(eta), self.expert.link
        return integrals.information(link, lambda e, y: self.expert.derivatives(e, y)[0], eta, at)

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
        moved = self.expert.in_units(location, scale, to_user)
        if self._counts:
            return self._like(moved)
        low, high = self._ends.moved(location, scale)
        return Truncated(moved, lower=low, upper=high)

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        return self.expert.labels(features, outputs)

    def titles(self) -> dict[str, str]:
        return self.expert.titles()

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return self.expert.reported_attributes(single_output=single_output)

    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> "Seen | Between":
        law = self.expert.marginals(eta)
        if self._counts:
            return Seen(law, int(self.first))
        y, share = self._seen(eta)
        mean = np.sum(share * y, axis=1, keepdims=True)
        variance = np.sum(share * (y - mean) ** 2, axis=1, keepdims=True)
        return Between(law, self._ends.numbers, (mean, variance))

    def _places_seen(self, eta: Float[AnyArray, "K L n"]) -> Places:
        line = self.expert.line(integrals.fixed(eta))
        return integrals.places(self.expert.link, line, eta, self._ends.range(eta))

    def _seen(self, eta: Float[AnyArray, "K L n"]) -> tuple[AnyArray, AnyArray]:
        """Responses that can be seen and their shares, whose sums are means (K, J, n)."""
        library, link = library_of(eta), self.expert.link
        at = self._places_seen(eta)
        log = at.log_weights + integrals.link_at(link, eta, at.y)
        return at.y[:, 0], library.exp(log - functions.logsumexp(log, axis=1)[:, None])

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K 1 n"]:
        library = library_of(eta)
        if not self._counts:
            y, share = self._seen(eta)
            return library.sum(share * y, axis=1, keepdims=True)
        counts = np.arange(float(self.first), dtype=eta.dtype)[None, :, None]
        hidden = library.sum(counts * library.exp(self._hidden(eta)), axis=1, keepdims=True)
        seen = library.exp(self._log_seen(eta))[:, None]
        return (self.expert.traced_functions(eta) - hidden) / seen

    def __repr__(self) -> str:
        ends = self._ends._asdict().items()
        said = [f"{name}={end:g}" for name, end in ends if end is not None]
        return f"Truncated({', '.join([repr(self.expert), *said])})"
