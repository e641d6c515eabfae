"""Rates: slopes of log loss on log n, with bootstrap intervals and tests against theory."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from mixstat.arguments import DataFrame, Frame, Setting
from mixstat.hints import hinting
from mixstat.rates.checks import check_instance, check_number, check_pair, short
from mixstat.rates.frames import as_frame
from mixstat.rates.losses import find_column
from mixstat.validation import check_choice, check_integer

Window: TypeAlias = tuple[float, float]  # smallest and largest n that count
Statistic: TypeAlias = Callable[..., Any]  # of values, along an axis

STATISTICS: dict[str, Statistic] = {"mean": np.mean, "median": np.median}
MIDDLE = (0.1, 0.9)  # quantiles of losses that are told
TOO_MANY = 0.01  # share of fits without a certificate above which a slope is not to be trusted


class RateWarning(UserWarning):
    """A rate rests on fits that should not be trusted, or leaves some out."""


class SlopeTest(NamedTuple):
    """A slope, or a difference of slopes, against a stated value."""

    estimate: float
    stated: float
    p_value: float
    """Two-sided, from the bootstrap."""
    interval: tuple[float, float]
    """Of the estimate."""


@dataclass(frozen=True)
class Rate:
    """Slope of the log of a statistic of a loss on log n."""

    loss: str
    statistic: str
    slope: float
    intercept: float
    interval: tuple[float, float]
    """Bootstrap interval of the slope, over replicates within each n."""
    level: float
    sizes: Int[np.ndarray, " s"]
    centre: Float[np.ndarray, " s"]
    """Statistic of the loss at each n."""
    mean: Float[np.ndarray, " s"]
    deviation: Float[np.ndarray, " s"]
    """Standard deviation of the loss over replicates."""
    n_replicates: Int[np.ndarray, " s"]
    unconverged: float
    """Share of fits without a certificate."""
    middle: Float[np.ndarray, "2 s"]
    """10 % and 90 % quantiles of the loss at each n."""
    ends: Float[np.ndarray, "2 s"]
    """Bootstrap interval of the statistic at each n."""
    slopes: Float[np.ndarray, " B"] = field(repr=False)
    """Bootstrap slopes."""

    @property
    def std_error(self) -> float:
        """Standard deviation of the bootstrap slopes."""
        return float(np.std(self.slopes, ddof=1))

    def to_frame(self) -> DataFrame:
        """What the slope was computed from, a row for each n.

        Returns
        -------
        DataFrame
            With "n", "replicates", the "mean" and "deviation" of the loss, "q10" and "q90", the
            statistic (a column "median" if that is it) with its bootstrap interval "low" and
            "high", and "fitted", the power law.
        """
        columns = {
            "n": self.sizes,
            "replicates": self.n_replicates,
            "mean": self.mean,
            "deviation": self.deviation,
            "q10": self.middle[0],
            "q90": self.middle[1],
            self.statistic: self.centre,
            "low": self.ends[0],
            "high": self.ends[1],
            "fitted": self.line(self.sizes),
        }
        return as_frame(columns)

    def line(self, n: Setting) -> np.ndarray | np.floating:
        """The fitted power law at sizes ``n``."""
        try:
            sizes = np.asarray(n, float)
        except (TypeError, ValueError) as error:
            raise ValueError(f"n must be sizes, got {short(n)}.") from error
        if not np.all(sizes > 0):
            raise ValueError(f"n must be positive, got {short(n)}.")
        return np.exp(self.intercept) * sizes**self.slope

    def test(self, stated: Setting) -> SlopeTest:
        """Whether the slope may be the one that theory states."""
        return _test(self.slope, self.slopes, check_number("stated", stated), self.level)

    def compare(self, other: Setting) -> SlopeTest:
        """Whether two rates of independent studies have the same slope.

        Studies that share their data sets give differences that are, if anything, better
        determined than this says.
        """
        other = check_instance("other", other, Rate, "a Rate")
        count = min(len(self.slopes), len(other.slopes))
        gaps = self.slopes[:count] - other.slopes[:count]
        return _test(self.slope - other.slope, gaps, 0.0, self.level)

    def __str__(self) -> str:
        low, high = self.interval
        sizes = f"n from {self.sizes[0]} to {self.sizes[-1]}"
        return (
            f"{self.statistic} {self.loss}: slope {self.slope:.3f}, "
            f"{100 * self.level:g} % interval ({low:.3f}, {high:.3f}), {sizes}"
        )


@hinting
def fit_rate(
    table: DataFrame,
    loss: Setting,
    *,
    statistic: Setting = "mean",
    window: Setting = None,
    level: Setting = 0.95,
    n_bootstrap: Setting = 2000,
    random_state: Setting = 0,
) -> Rate:
    """Least squares of the log of a mean (or median) loss on log n.

    Parameters
    ----------
    table : DataFrame
        Rows of a study, with columns "n", "replicate", ``loss`` and, if known, "converged".
    loss : str
        A column of ``table``, or a loss that has one column there, such as "voronoi".
    statistic : {"mean", "median"}, default="mean"
        Over the replicates of each n.
    window : pair of numbers, default=None
        Smallest and largest n that count; None means all.
    level : float, default=0.95
        Of the interval.
    n_bootstrap : int, default=2000
        Draws of replicates within each n.
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    Rate
        Slope, interval, and what they were computed from.

    Raises
    ------
    ValueError
        If there is no such column, fewer than two sizes remain, or a loss is negative or zero
        throughout at some n.

    Warns
    -----
    RateWarning
        If more than 1 % of the fits have no certificate, or rows without a finite loss are
        left out.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from mixstat.rates import fit_rate
    >>> n = np.repeat([100, 200, 400], 20)
    >>> losses = np.random.default_rng(0).chisquare(5, size=60) / np.sqrt(n)
    >>> rate = fit_rate(pd.DataFrame({"n": n, "kl": losses}), "kl")
    >>> print(f"{rate.slope:.2f}, from {rate.interval[0]:.1f} to {rate.interval[1]:.1f}")
    -0.41, from -0.7 to -0.2
    """
    function = STATISTICS[check_choice("statistic", statistic, tuple(STATISTICS))]
    n_bootstrap = check_integer("n_bootstrap", n_bootstrap, 2)
    level = check_level(level)
    random = np.random.default_rng(check_integer("random_state", random_state, 0))
    loss = _column(table, loss)
    limits = (-np.inf, np.inf) if window is None else check_pair("window", window)
    groups, unconverged = _groups(table, loss, limits)
    sizes = np.array(sorted(groups))
    centre = np.array([function(groups[n]) for n in sizes])
    if np.any(centre <= 0):
        bad = sizes[np.argmax(centre <= 0)]
        raise ValueError(
            f"loss must have a positive {statistic}: the {statistic} of {loss!r} must be positive, "
            f"got zero at n={bad}."
        )
    drawn = np.stack([_bootstrap(groups[n], function, n_bootstrap, random) for n in sizes])
    x = np.log(sizes)
    slope, intercept = _line(x, np.log(centre))
    with np.errstate(divide="ignore"):
        slopes, _ = _line(x, np.log(drawn))
    slopes = slopes[np.isfinite(slopes)]
    tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
    ends = np.quantile(slopes, tails)
    return Rate(
        loss=loss,
        statistic=str(statistic),
        slope=float(slope),
        intercept=float(intercept),
        interval=(float(ends[0]), float(ends[1])),
        level=level,
        sizes=sizes,
        centre=centre,
        mean=np.array([groups[n].mean() for n in sizes]),
        deviation=np.array([groups[n].std(ddof=min(1, len(groups[n]) - 1)) for n in sizes]),
        n_replicates=np.array([len(groups[n]) for n in sizes]),
        middle=np.transpose([np.quantile(groups[n], MIDDLE) for n in sizes]),
        ends=np.quantile(drawn, tails, axis=1),
        unconverged=unconverged,
        slopes=slopes,
    )


def check_level(level: Setting) -> float:
    """A probability."""
    value = check_number("level", level)
    if not 0 < value < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}.")
    return value


def _column(table: DataFrame, loss: Setting) -> str:
    """A column of numbers of a study's table."""
    if not isinstance(table, Frame) or "n" not in table.columns:
        raise TypeError(f"table must be a data frame with a column 'n', got {_columns(table)}.")
    if np.asarray(table["n"]).dtype.kind not in "iuf":
        raise TypeError(f"table must have numbers in the column 'n', got {table['n'].dtype}.")
    name = find_column([str(column) for column in table.columns], loss)
    if np.asarray(table[name]).dtype.kind not in "iufb":
        raise ValueError(f"loss must be a column of numbers, got {name!r}.")
    return name


def _columns(table: Setting) -> str:
    """The columns of a data frame, or any other value."""
    return f"the columns {list(table.columns)}" if isinstance(table, Frame) else short(table)


def _groups(table: DataFrame, loss: str, window: Window) -> tuple[dict[int, np.ndarray], float]:
    """Finite losses by n, and the share of fits without a certificate."""
    n, values = np.asarray(table["n"]), np.asarray(table[loss], float)
    low, high = window
    inside = (n >= low) & (n <= high)
    finite = inside & np.isfinite(values)
    if len(np.unique(n[finite])) < 2:
        raise ValueError(
            f"window={window} leaves {len(np.unique(n[finite]))} sizes with a finite {loss!r}; "
            "a slope needs two."
        )
    if finite.sum() < inside.sum():
        lost = int(inside.sum() - finite.sum())
        words = f"{lost} of {int(inside.sum())} rows have no finite {loss!r} and are left out."
        warnings.warn(words, RateWarning, stacklevel=3)
    share = 0.0
    if "converged" in table.columns:
        share = float(1 - np.mean(np.asarray(table["converged"], bool)[inside]))
    if share > TOO_MANY:
        words = f"{100 * share:.3g} % of the fits have no certificate: the slope may be theirs."
        warnings.warn(words, RateWarning, stacklevel=3)
    return {int(one): values[finite & (n == one)] for one in np.unique(n[finite])}, share


def _bootstrap(
    values: np.ndarray, function: Statistic, count: int, random: np.random.Generator
) -> np.ndarray:
    """(B,) statistics of draws with replacement."""
    chosen = random.integers(len(values), size=(count, len(values)))
    return function(values[chosen], axis=1)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    """Least squares slope and intercept along the first axis."""
    gap = x - x.mean()
    slope = gap @ y / (gap @ gap)
    return slope, y.mean(axis=0) - slope * x.mean()


def _test(estimate: float, draws: np.ndarray, stated: float, level: float) -> SlopeTest:
    beyond = np.sum(np.abs(draws - estimate) >= abs(estimate - stated))
    low, high = np.quantile(draws, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    p_value = float((beyond + 1) / (len(draws) + 1))
    return SlopeTest(float(estimate), float(stated), p_value, (float(low), float(high)))
