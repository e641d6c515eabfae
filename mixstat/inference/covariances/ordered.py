"""Covariances of rows in the order of time, whose neighbours depend on each other."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from mixstat.inference.covariances.base import (
    Groups,
    SandwichCovariance,
    check_small_sample,
    regression_factor,
)
from mixstat.inference.estimate import Estimate
from mixstat.validation import check_choice, check_integer

KERNELS = ("bartlett", "parzen")


@dataclass(frozen=True)
class HAC(SandwichCovariance):
    """Sandwich that counts covariances of the scores of rows up to some lag apart.

    Rows are in the order of time, evenly spaced. With ``groups`` each has a series of its own,
    and rows of different ones are not neighbours.

    Parameters
    ----------
    lags : int or None, default=None
        The largest lag. None takes floor(4 (n / 100)^(2/9)) for n rows.
    kernel : {"bartlett", "parzen"}, default="bartlett"
        Weight of lag l: 1 - l / (lags + 1) (Newey and West), or Parzen's function of
        l / (lags + 1). Both give no negative variance.
    small_sample : {"none", "regression"}, default="none"
        Factor of the covariance: one, or n / (n - k) with k coefficients, scales not counted.

    References
    ----------
    Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity and
    autocorrelation consistent covariance matrix. Econometrica 55, 703-708.

    Newey, W. K. and West, K. D. (1994). Automatic lag selection in covariance matrix estimation.
    Rev. Econ. Stud. 61, 631-653.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import HAC
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y, cov_type=HAC(lags=3))
    >>> results.bse[["expert0:x0", "expert1:x0"]].round(3).tolist()
    [0.063, 0.09]
    """

    lags: int | None = None
    kernel: str = "bartlett"
    small_sample: str = "none"

    name: ClassVar[str] = "hac"
    takes_groups: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.lags is not None:
            check_integer("lags", self.lags, 0)
        check_choice("kernel", self.kernel, KERNELS)
        check_small_sample(self.small_sample, ("none", "regression"))

    def middle(
        self, scores: Float[np.ndarray, "n k"], estimate: Estimate, groups: Groups
    ) -> Float[np.ndarray, "k k"]:
        """Sum of the products of the scores of rows up to ``lags`` apart."""
        n, lags = estimate.n_rows, self._lags(estimate)
        if lags >= n:
            raise ValueError(f"lags must be less than the number of rows, {n}; got {lags}.")
        series = np.zeros(n, int) if groups is None else groups[:, 0]
        order = np.argsort(series, kind="stable")  # a series after the other, each in its order
        series, table = series[order], (scores * estimate.weight[:, None])[order]
        middle = table.T @ table
        for lag, weight in enumerate(kernel_weights(self.kernel, lags), start=1):
            same = series[lag:] == series[:-lag]
            product = (table[lag:] * same[:, None]).T @ table[:-lag]
            middle = middle + weight * (product + product.T)
        factor = regression_factor(estimate) if self.small_sample == "regression" else 1.0
        return factor * middle

    def describe(self, estimate: Estimate, groups: Groups) -> tuple[str, tuple[str, ...]]:
        """What it is, and whether series are short."""
        lags = self._lags(estimate)
        factor = ", times n / (n - k)" if self.small_sample == "regression" else ""
        title = f"HAC sandwich, {self.kernel.capitalize()} kernel, {lags} lags{factor}"
        short = groups is not None and np.bincount(groups[:, 0]).max() <= lags
        return title, (f"No series is longer than the {lags} lags.",) if short else ()

    def _lags(self, estimate: Estimate) -> int:
        return default_lags(estimate.n_rows) if self.lags is None else self.lags


def default_lags(n: int) -> int:
    """The largest lag by the rule of thumb of Newey and West."""
    return min(int(4 * (n / 100) ** (2 / 9)), n - 1)


def kernel_weights(kernel: str, lags: int) -> Float[np.ndarray, " l"]:
    """Weights of the lags from one on."""
    share = np.arange(1, lags + 1) / (lags + 1)
    if kernel == "bartlett":
        return 1 - share
    return np.where(share <= 0.5, 1 - 6 * share**2 + 6 * share**3, 2 * (1 - share) ** 3)
