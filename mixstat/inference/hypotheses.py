"""Tests of hypotheses on estimates; one that cannot be made is an object that says why."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import DataFrame, Setting
from mixstat.validation import check_open_share


@dataclass(frozen=True)
class WaldTest:
    """A statistic that is chi-squared distributed if its hypothesis holds.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y)
    >>> test = results.wald_test("expert0:x0 = 2, expert1:x0 = -2")
    >>> round(test.statistic, 1), round(test.pvalue, 2)
    (6.2, 0.04)
    """

    statistic: float
    """The larger, the less the data agree with the hypothesis."""
    df: int
    """Degrees of freedom."""
    null: str
    """The hypothesis, in words."""
    name: str = "Wald test"
    """What kind of test it is."""
    caution: str = ""
    """What to mind; empty if nothing."""

    @property
    def pvalue(self) -> float:
        """Probability of a statistic at least as large if the hypothesis holds."""
        return float(stats.chi2.sf(self.statistic, self.df))

    @property
    def is_valid(self) -> bool:
        """Whether the test could be made."""
        return True

    def critical_value(self, level: Setting = 0.95) -> float:
        """The quantile of the chi-squared distribution."""
        return float(stats.chi2.ppf(check_open_share("level", level), self.df))

    def __str__(self) -> str:
        text = (
            f"{self.name}. H0: {self.null}. Statistic {self.statistic:.4f}, "
            f"p = {self.pvalue:.4g} (chi2 with {self.df} df)."
        )
        return f"{text} {self.caution}" if self.caution else text


@dataclass(frozen=True)
class InvalidTest:
    """A test that cannot be made, and why.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y)
    >>> test = results.wald_test("log_scale0 = 0")
    >>> test.is_valid
    False
    >>> print(test.reason)
    log_scale0 is the log of a scale, whose zero depends on the units and is no hypothesis.
    """

    reason: str
    """Why it cannot be made."""
    null: str = ""
    """The hypothesis, in words."""
    name: str = "Test"
    """What kind of test it would have been."""

    @property
    def statistic(self) -> float:
        """Not a number."""
        return np.nan

    @property
    def pvalue(self) -> float:
        """Not a number."""
        return np.nan

    @property
    def df(self) -> int:
        """Zero."""
        return 0

    @property
    def is_valid(self) -> bool:
        """Whether the test could be made."""
        return False

    def critical_value(self, level: Setting = 0.95) -> float:
        """Not a number."""
        check_open_share("level", level)
        return np.nan

    def __str__(self) -> str:
        about = f" H0: {self.null}." if self.null else ""
        return f"{self.name} cannot be made: {self.reason}{about}"


@dataclass(frozen=True, eq=False)
class LinearTest:
    """Linear functions of the parameters against values, one by one.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y)
    >>> test = results.t_test("expert0:x0 + expert1:x0 = 0")
    >>> test.effect.round(2), test.pvalues.round(2)
    (array([0.04]), array([0.64]))
    """

    names: tuple[str, ...]
    """The functions, in words."""
    effect: Float[np.ndarray, " r"]
    """Their estimates."""
    std_error: Float[np.ndarray, " r"]
    """Their standard errors; NaN where the data do not determine them."""
    value: Float[np.ndarray, " r"]
    """What they are under the hypotheses."""
    reasons: tuple[str, ...]
    """Why a test cannot be made; empty where it can."""
    level: float
    """Confidence level of the intervals."""

    @property
    def zvalues(self) -> Float[np.ndarray, " r"]:
        """Distances from the hypotheses in standard errors; NaN where there is no test."""
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (self.effect - self.value) / self.std_error
        return np.where(np.array([reason != "" for reason in self.reasons]), np.nan, z)

    @property
    def statistic(self) -> Float[np.ndarray, " r"]:
        """The same as :attr:`zvalues`."""
        return self.zvalues

    @property
    def pvalues(self) -> Float[np.ndarray, " r"]:
        """Two-sided, from the normal distribution."""
        return 2 * stats.norm.sf(np.abs(self.zvalues))

    def conf_int(self, level: Setting = None) -> Float[np.ndarray, "r 2"]:
        """Intervals of the functions."""
        share = self.level if level is None else check_open_share("level", level)
        half = stats.norm.ppf(0.5 + 0.5 * share) * self.std_error
        return np.column_stack([self.effect - half, self.effect + half])

    def summary_frame(self) -> DataFrame:
        """A row for each function."""
        import pandas as pd

        low, high = self.conf_int().T
        columns = {
            "estimate": self.effect, "std_error": self.std_error, "value": self.value,
            "z": self.zvalues, "p": self.pvalues, "low": low, "high": high,
            "remark": list(self.reasons),
        }  # fmt: skip
        return pd.DataFrame(columns, index=list(self.names))

    def __str__(self) -> str:
        return self.summary_frame().to_string()
