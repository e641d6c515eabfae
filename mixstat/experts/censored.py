"""Censored experts: of some rows only a range is known in which the response lies."""

from dataclasses import replace
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, PyTree

from mixstat.arguments import Response, as_frame
from mixstat.data.batch import Rows
from mixstat.data.design import HUGE
from mixstat.experts.base import Experts
from mixstat.experts.wrapped import Wrapped
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.ranges import Range

FAR = 1e50  # standardised, beyond which an end is none
ENDS = 5  # rows that say what is known: both ends, whether each is open, whether y is exact


class Censored(Wrapped):
    """Experts of another family, of whose responses some are known to lie in a range.

    y has two columns, a lower and an upper end. Where they are equal the response is exact; a
    lower end of ``-inf`` or an upper one of ``inf`` is none. So a time that is censored on the
    right is ``(time, inf)`` and a value below a limit of detection ``(-inf, limit)``. Predictions
    are those of the response itself.

    Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data,
    second edition, chapter 3. Tobin, J. (1958). Econometrica 26, 24-36.

    Parameters
    ----------
    expert
        The family, by name or as an object: "gaussian", "t", "skew_normal", "gamma",
        "lognormal", "weibull", "exponential", "inverse_gaussian", "beta", "poisson" or
        "negative_binomial".

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import Censored
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> time, end = 5 * rng.weibull(2.0, size=300), rng.uniform(2, 9, size=300)
    >>> y = np.column_stack([np.minimum(time, end), np.where(time < end, time, np.inf)])
    >>> moe = MixtureOfExperts(1, expert=Censored("weibull")).fit(X, y)
    >>> moe.shape_.round(2)
    array([1.96])
    """

    paired: ClassVar[bool] = True
    word: ClassVar[str] = "censored"

    def __check_init__(self) -> None:
        family = self.expert
        if not isinstance(family, Experts) or not family.knows_ranges:
            raise ValueError(
                "expert must be a family that knows the probability of a range: 'gaussian', 't', "
                "'skew_normal', 'gamma', 'lognormal', 'weibull', 'exponential', "
                "'inverse_gaussian', 'beta', 'poisson' or 'negative_binomial', or an object of "
                f"one; got {family!r}."
            )

    @property
    def response(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return f"censored {self.expert.response}"

    @property
    def discrete(self) -> bool:
        return self.expert.discrete

    @property
    def ranges(self) -> bool:
        return True

    # the response

    def widths(self, n_outputs: int) -> tuple[int, ...]:
        return (2, 1)

    def bounded(self, y: Response) -> Response:
        if y is None:
            return None
        frame = as_frame(y)
        if frame is not None:
            return frame.clip(-HUGE, HUGE) if all(k.kind in "iuf" for k in _kinds(frame)) else y
        try:
            return np.clip(np.asarray(y, float), -HUGE, HUGE)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return y  # which later checks refuse by name

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        if y.shape[1] not in self.widths(1):
            raise ValueError(
                "y must have two columns, a lower and an upper end, for censored experts, got "
                f"{y.shape[1]}."
            )
        low, high = self._ends(y)
        _refuse(
            low > high,
            y,
            "lower ends that are not above the upper ones for censored experts, got {:g} and {:g}",
        )
        _refuse((low == high) & (np.abs(low) >= HUGE), y, "a finite end at least, got {:g}, {:g}")
        # ends are values that the family can have; another one stands where there is none
        for end in (low, high) if self.discrete else (np.where(low == high, low, HUGE), high):
            known = np.abs(end) < HUGE
            if known.any():
                self.expert.check(np.where(known, end, end[np.argmax(known)])[:, None])

    def standard(self, y, share, *, constant: bool):
        """By rows at their exact values, or in the middle of what is known."""
        return self.expert.standard(self._middle(y), share, constant=constant)

    def has_density(self, y: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        low, high = self._ends(y)
        return low == high

    def contains(self, y: Float[np.ndarray, "n c"], at: float) -> Bool[np.ndarray, " n"]:
        low, high = self._ends(y)
        if np.isinf(at):
            return high >= FAR
        return (low <= at) & (at <= high)

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        """What the family sees of a value in the middle, then what is known of the range."""
        low, high = self._ends(y)
        exact, middle = low == high, self._middle(y)
        below, above = low <= -FAR, high >= FAR
        flags = [below | exact, above | exact, exact]
        known = [np.where(one, middle[:, 0], end) for one, end in zip(flags, (low, high))]
        return np.column_stack([self.expert.encode(middle), *known, *flags])

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        return self.expert.view(y[:, :-ENDS])

    def one_less(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Just below the range: its lower end."""
        below = self._ends(y)[0] - float(self.discrete)
        return np.repeat(below[:, None], y.shape[1], axis=1)

    def exact(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "1 n"]:
        if np.any(y[0] != y[-1]):
            raise ValueError("y must be exact here, got a range: give rows that are exact.")
        return y[:1]

    def reached(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "1 n"]:
        return y[-1:]

    def observed(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n 1"]:
        """Exact values, or the middle of what is known."""
        return self._middle(y)

    def _ends(self, y: Float[np.ndarray, "n c"]) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends; equal where only one column is given."""
        low, high = y[:, 0], y[:, -1]
        if self.expert.response in ("positive", "share"):  # of which nothing is below zero
            low = np.where((low <= 0) & (low < high), -HUGE, low)
        if self.expert.response == "share":  # nor above one
            high = np.where((high >= 1) & (low < high), HUGE, high)
        return low, high

    def _middle(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n 1"]:
        """A value in each range: the middle, or the only end; any where nothing is known."""
        low, high = self._ends(y)
        below, above = low <= -FAR, high >= FAR
        middle = np.floor(0.5 * (low + high)) if self.discrete else 0.5 * (low + high)
        known = np.where(below, high, np.where(above, low, middle))
        anything = 0.5 if self.expert.response == "share" else 1.0
        return np.where(below & above, anything, known)[:, None]

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K n"]:
        density = self.expert.link(eta, y[:-ENDS])
        of_range = self.expert.log_range(eta, _range(y))
        return library_of(eta, y).where(y[-1:] > 0, density, of_range)

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        exact, ends = y[-1] > 0, _range(y)
        first, second = self.expert.derivatives(eta, y[:-ENDS])
        other, bend = self.expert.range_derivatives(eta, ends)
        return jnp.where(exact, first, other), jnp.where(exact, second, bend)

    def score(
        self,
        eta: Float[AnyArray, "K L n"],
        y: Float[AnyArray, "r n"],
        resp: Float[AnyArray, "K n"],
    ) -> Float[AnyArray, "K L n"]:
        return resp[:, None, :] * self.derivatives(eta, y)[0]

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> Float[AnyArray, "K L L n"]:
        """That of exact responses, which is no smaller: steps are those of EM or shorter."""
        return self.expert.information(eta, y[:-ENDS])

    def _inner(self, rows: Rows) -> Rows:
        return replace(rows, y=rows.y[:-ENDS])

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> PyTree:
        return self.expert.start_statistics(self._inner(rows), resp)

    def with_covariance(self, covariance: str) -> "Censored":
        return self._like(self.expert.with_covariance(covariance))

    # what people see

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return self.expert.reported_attributes(single_output=True)

    def marginals(self, eta: Float[np.ndarray, "K L n"]):
        """Of the response itself, whether it can be seen or not."""
        return self.expert.marginals(eta)

    def sample(self, eta: Float[np.ndarray, "L n"], k: int, random: np.random.Generator):
        return self.expert.sample(eta, k, random)

    def cdf(
        self, eta: Float[np.ndarray, "K L n"], y: Float[np.ndarray, "c n"]
    ) -> Float[np.ndarray, "K 1 n"]:
        """Probability of not exceeding the upper end."""
        return self.expert.cdf(eta, self.reached(y))

    def crps(
        self,
        eta: Float[np.ndarray, "K L n"],
        share: Float[np.ndarray, "K n"],
        y: Float[np.ndarray, "c n"],
    ) -> Float[np.ndarray, "1 n"]:
        return self.expert.crps(eta, share, self.exact(y))

    def __repr__(self) -> str:
        return f"Censored({self.expert!r})"


def _range(y: Float[AnyArray, "r n"]) -> Range:
    """What is known of encoded responses."""
    low, high, below, above = (row[None] for row in y[-ENDS:-1])
    return Range(low, high, below > 0, above > 0)


def _refuse(wrong: np.ndarray, y: Float[np.ndarray, "n c"], wanted: str) -> None:
    """Raise ValueError for the first row that is wrong."""
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"y must have {wanted.format(y[row, 0], y[row, -1])} in row {row}.")


def _kinds(frame: Any) -> list[np.dtype]:
    return [np.dtype(kind) for kind in np.atleast_1d(np.asarray(frame.dtypes, object))]
