"""What results of inference tell in numbers: estimates, errors, intervals and criteria."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import Column, DataFrame, Setting
from mixstat.inference.cautions import few_draws, few_sure_rows, meaning_of_weights
from mixstat.inference.covariances import Covariance, ParameterCovariance
from mixstat.inference.covariances.base import Groups
from mixstat.inference.estimate import Estimate
from mixstat.inference.frames import column, limits, square
from mixstat.inference.hypotheses import LinearTest
from mixstat.inference.linear import read_constraints
from mixstat.inference.quantity import ends_of_draws
from mixstat.inference.wald import linear_test
from mixstat.numerics.quiet import quiet_methods
from mixstat.validation import check_open_share


@quiet_methods
@dataclass(frozen=True, eq=False)
class ReportedNumbers:
    """Estimates of a fitted mixture with a covariance; not to be used directly.

    Parameters have the names and the units of ``moe.params``. Errors are NaN where there are
    none: for what the data do not determine, what sits on its bound and what is held.
    """

    estimate: Estimate
    """The fit as inference sees it."""
    covariance: ParameterCovariance
    """Of the internal parameters, from which all others follow."""
    kind: Covariance
    """Which kind of covariance it is, with its settings."""
    groups: Groups
    """Numbers of the clusters of the rows that count."""
    level: float = 0.95
    """Confidence level of intervals, unless another one is asked for."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to mind: a fit that is not sound, or penalised; few rows; weights; lost draws."""
        return (
            *self.estimate.description.cautions,
            *few_sure_rows(self.estimate, self.kind),
            *meaning_of_weights(self.estimate, self.kind),
            *self.covariance.notes,
            *few_draws(self.covariance, self.level),
        )

    # numbers

    @property
    def names(self) -> list[str]:
        """Names of the parameters."""
        return self.estimate.names

    @property
    def cov_type(self) -> str:
        """Name of the kind of covariance."""
        return self.kind.name

    @property
    def params(self) -> Column:
        """Estimates, a pandas Series."""
        return column(self.estimate.params, self.names, "estimate")

    @cached_property
    def reported_covariance(self) -> Float[np.ndarray, "E E"]:
        """Covariance of the estimates, as an array."""
        return self.covariance.of(self.estimate.jacobian)

    @cached_property
    def std_errors(self) -> Float[np.ndarray, " E"]:
        """Standard errors, as an array."""
        return np.sqrt(np.diag(self.reported_covariance))

    def cov_params(self) -> DataFrame:
        """Covariance of the estimates.

        Returns
        -------
        DataFrame
            Rows and columns by name.
        """
        return square(self.reported_covariance, self.names)

    @property
    def bse(self) -> Column:
        """Standard errors, a pandas Series."""
        return column(self.std_errors, self.names, "std_error")

    @cached_property
    def _single(self) -> LinearTest:
        """Each parameter against zero."""
        matrix = np.eye(len(self.names))
        constraints = read_constraints(matrix, self.names)
        return linear_test(self.estimate, self.covariance, constraints, self.level)

    @property
    def zvalues(self) -> Column:
        """Estimates over their errors, a pandas Series; NaN for logs of scales."""
        return column(self._single.zvalues, self.names, "z")

    @property
    def tvalues(self) -> Column:
        """The same as :attr:`zvalues`, by the name that statsmodels has for it."""
        return self.zvalues

    @property
    def pvalues(self) -> Column:
        """Two-sided p values of zero, a pandas Series; NaN for logs of scales."""
        return column(self._single.pvalues, self.names, "p")

    def conf_int(self, level: Setting = None) -> DataFrame:
        """Confidence intervals.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        DataFrame
            Columns "low" and "high". From normal quantiles, or of a bootstrap as its ``interval``
            says.
        """
        return limits(self.intervals(level), self.names)

    def intervals(self, level: Setting = None) -> Float[np.ndarray, "E 2"]:
        """Confidence intervals, as an array."""
        share = self._level(level)
        params, draws = self.estimate.params, self.covariance.draws
        if draws is None or self.covariance.interval == "normal":
            half = stats.norm.ppf(0.5 + 0.5 * share) * self.std_errors
            return np.column_stack([params - half, params + half])
        in_units, interval = self.estimate.in_user_units(draws), self.covariance.interval
        ends = np.column_stack(ends_of_draws(in_units, params, share, interval))
        return np.where(np.isnan(self.std_errors)[:, None], np.nan, ends)

    def _level(self, level: Setting) -> float:
        return self.level if level is None else check_open_share("level", level)

    # criteria

    @property
    def llf(self) -> float:
        """Total log-likelihood, in the units of the data."""
        return self.estimate.log_likelihood

    @property
    def df_model(self) -> int:
        """Number of free parameters, scales and the gate's among them."""
        return self.estimate.n_parameters

    @property
    def nobs(self) -> float:
        """Sum of the weights: the number of rows where each counts once."""
        return self.estimate.total_weight

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 llf + 2 df; small is good."""
        return -2 * self.llf + 2 * self.df_model

    @property
    def bic(self) -> float:
        """Bayesian criterion, -2 llf + df log n; small is good."""
        return float(-2 * self.llf + self.df_model * np.log(self.nobs))

    @property
    def icl(self) -> float:
        """Integrated classification likelihood: BIC plus twice the entropy of responsibilities.

        Biernacki, Celeux and Govaert (2000), IEEE Trans. Pattern Anal. 22, 719-725.
        """
        return self.bic + 2 * self.estimate.entropy
