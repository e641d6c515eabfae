"""Truncated experts: of responses only some can be seen, as behind a hurdle."""

from dataclasses import replace
from typing import ClassVar, Self

import equinox as eqx
import numpy as np
from jaxtyping import Float

from mixstat.data.scaling import ToUser
from mixstat.experts.base import Experts
from mixstat.experts.truncated_ends import Ends
from mixstat.experts.truncated_laws import Between, Listed, Seen
from mixstat.experts.wrapped import Wrapped
from mixstat.numerics import functions
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import integrals
from mixstat.parts.integrals import Places
from mixstat.parts.ranges import log_of_rest
from mixstat.validation import check_integer

CONTINUOUS = "real", "positive", "share"  # responses
MOST = 100  # values that are summed
RARE = 1e-12  # probability of a count that can be seen, below which rounding would decide


class Truncated(Wrapped):
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
        "exponential", "inverse_gaussian" or "beta".
    lower
        The smallest response that can be seen, in units of y; of counts 1 unless an end is given.
    upper
        The largest one.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import Truncated
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = rng.poisson(np.exp(1 + X[:, 0]))
    >>> seen = y > 0
    >>> moe = MixtureOfExperts(1, expert=Truncated("poisson")).fit(X[seen], y[seen])
    >>> moe.expert_coef_.round(1)
    array([[1. , 1.1]])
    """

    word: ClassVar[str] = "truncated"

    lower: float | int | None = eqx.field(static=True, default=None, kw_only=True)
    upper: float | int | None = eqx.field(static=True, default=None, kw_only=True)

    def __check_init__(self) -> None:
        family = self.expert
        if not isinstance(family, Experts) or family.response not in ("count", *CONTINUOUS):
            self._refuse_family()
        if not family.knows_ranges:
            self._refuse_family()
        if self._counts:
            self._check_counts()
        else:
            self._ends.check(family.response)

    def _check_counts(self) -> None:
        first = check_integer("lower", self.first, 1 if self.upper is None else 0)
        if first > MOST:
            raise ValueError(f"lower must be at most {MOST}, got {self.lower}.")
        if self.upper is not None:
            last = check_integer("upper", self.upper, first + 1)
            if last - first > MOST:
                raise ValueError(
                    f"upper must be at most lower + {MOST} = {first + MOST} for counts, got {last}."
                )

    def _refuse_family(self) -> None:
        raise ValueError(
            "expert must be a family of counts, 'poisson' or 'negative_binomial', or a continuous "
            f"one that knows the probability of a range, or an object of one; got {self.expert!r}."
        )

    @property
    def _counts(self) -> bool:
        return self.expert.response == "count"

    @property
    def _share(self) -> bool:
        return self.expert.response == "share"

    def _as_given(self, y: AnyArray) -> AnyArray:
        """A response as people give it, from what stands first of it encoded."""
        return library_of(y).exp(y) if self._share else y

    @property
    def first(self) -> float | int:
        """The smallest count that can be seen."""
        if self.lower is None:
            return 1 if self.upper is None else 0
        return self.lower

    @property
    def _ends(self) -> Ends:
        return Ends(self.first if self._counts else self.lower, self.upper)

    def standard_family(self) -> Self:
        if self._counts or self._share:
            return self
        low, high = self._ends.standard(positive=self.response == "positive")
        return replace(self, lower=low, upper=high)

    def standard(self, y, share, *, constant: bool):
        if self._counts or self._share:
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

    @property
    def _listed(self) -> np.ndarray:
        """Counts that are summed: all that can be seen, or all that cannot, which are fewer."""
        first = int(self.first)
        few = (0, first) if self.upper is None else (first, int(self.upper) + 1)
        return np.arange(*few, dtype=float)

    def _logs(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K h n"]:
        """Log probabilities of listed counts."""
        return library_of(eta).stack([self._log_of(eta, count) for count in self._listed], axis=1)

    def _log_of(self, eta: Float[AnyArray, "K L n"], count: float) -> Float[AnyArray, "K n"]:
        """Log probability of a count before truncation."""
        row = self.expert.encode(np.array([[count]]))[0]
        wide = np.repeat(row[:, None], eta.shape[2], axis=1)
        return self.expert.link(eta, wide.astype(eta.dtype))

    def _log_seen(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K n"]:
        """Log probability of a count that can be seen; if few can, that of the first one."""
        library, of_listed = library_of(eta), functions.logsumexp(self._logs(eta), axis=1)
        if self.upper is not None:
            return of_listed
        fall = -of_listed
        few = fall < RARE
        rest = log_of_rest(library.where(few, RARE, fall))
        return library.where(few, self._log_of(eta, float(self.first)), rest)

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K n"]:
        library, log = library_of(eta, y), self.expert.link(eta, y)
        if self._counts:
            of_seen = self._log_seen(eta)
        else:
            of_seen = self.expert.log_range(eta, self._ends.range(eta))
        (low, high), slack = self._ends.numbers, self._ends.slack
        given = self._as_given(y[:1])
        seen = (given >= low - slack) & (given <= high + slack)
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

    def in_units(self, location: np.ndarray, scale: np.ndarray, to_user: ToUser) -> Self:
        moved = self.expert.in_units(location, scale, to_user)
        if self._counts:
            return self._with(moved)
        low, high = self._ends.moved(location, scale)
        return replace(self, expert=moved, lower=low, upper=high)

    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> "Seen | Listed | Between":
        law = self.expert.marginals(eta)
        if self._counts and self.upper is not None:
            return Listed(self._listed, np.asarray(self._logs(eta))[:, None])
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
        return self._as_given(at.y[:, 0]), library.exp(
            log - functions.logsumexp(log, axis=1)[:, None]
        )

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K 1 n"]:
        library = library_of(eta)
        if not self._counts:
            y, share = self._seen(eta)
            return library.sum(share * y, axis=1, keepdims=True)
        counts, log_seen = self._listed[None, :, None].astype(eta.dtype), self._log_seen(eta)
        if self.upper is not None:
            share = library.exp(self._logs(eta) - log_seen[:, None])
            return library.sum(counts * share, axis=1, keepdims=True)
        hidden = library.sum(counts * library.exp(self._logs(eta)), axis=1, keepdims=True)
        return (self.expert.traced_functions(eta) - hidden) / library.exp(log_seen)[:, None]

    def __repr__(self) -> str:
        ends = self._ends._asdict().items()
        said = [f"{name}={end:g}" for name, end in ends if end is not None]
        return f"Truncated({', '.join([repr(self.expert), *said])})"
