"""Results of inference: estimates with a covariance, intervals, tests and a summary."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import Column, DataFrame, Setting, Table
from mixstat.inference.covariances import Covariance, ParameterCovariance
from mixstat.inference.covariances.base import Groups
from mixstat.inference.delta import Delta, ReportedParameters, delta_of_model, delta_of_reported
from mixstat.inference.estimate import Estimate
from mixstat.inference.frames import Told, column, exponentiated, limits, square, summarise, tidy
from mixstat.inference.hypotheses import InvalidTest, LinearTest, WaldTest
from mixstat.inference.linear import read_constraints
from mixstat.inference.profiles import profile_intervals, signed_root
from mixstat.inference.score_test import score_test
from mixstat.inference.summary import Summary
from mixstat.inference.wald import linear_test, wald_test
from mixstat.model import Mixture
from mixstat.numerics.precision import AnyArray
from mixstat.validation import check_open_share


@dataclass(frozen=True, eq=False)
class InferenceResults:
    """Estimates of a fitted mixture with a covariance; made by ``moe.inference``.

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
        """What to mind: a fit that is not sound, or penalised; what weights mean; lost draws."""
        return (
            *self.estimate.description.cautions,
            *meaning_of_weights(self.estimate, self.kind),
            *self.covariance.notes,
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
        tails = [0.5 - 0.5 * share, 0.5 + 0.5 * share]
        low, high = np.quantile(self.estimate.in_user_units(draws), tails, axis=0)
        if self.covariance.interval == "basic":
            low, high = 2 * params - high, 2 * params - low
        unknown = np.isnan(self.std_errors)
        return np.where(unknown[:, None], np.nan, np.column_stack([low, high]))

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

    # tests

    def t_test(self, hypotheses: Setting, value: Setting = None) -> LinearTest:
        """Linear functions of the parameters against values, one by one.

        Parameters
        ----------
        hypotheses : str, list of str or array of shape (r, E)
            Such as "expert0:x = expert1:x", or a matrix with a column for each parameter.
        value : float or array of shape (r,), default=None
            What the rows of a matrix are equal to; None means zero.

        Returns
        -------
        LinearTest
            Effects, errors, z and p values (normal), and why a test cannot be made.
        """
        constraints = read_constraints(hypotheses, self.names, value)
        return linear_test(self.estimate, self.covariance, constraints, self.level)

    def wald_test(self, hypotheses: Setting, value: Setting = None) -> WaldTest | InvalidTest:
        """Linear hypotheses all at once, by a chi-squared statistic.

        Parameters
        ----------
        hypotheses, value
            As in :meth:`t_test`.

        Returns
        -------
        WaldTest or InvalidTest
            The test, or why it cannot be made.
        """
        constraints = read_constraints(hypotheses, self.names, value)
        return wald_test(self.estimate, self.covariance, constraints)

    def score_test(self, column: Table, part: Setting = "experts") -> WaldTest | InvalidTest:
        """Rao's test of one more column in the gate or in the experts, without a refit.

        Parameters
        ----------
        column : array-like of shape (n,) or (n, q), or str
            Values on the rows of the fit; or the name of a column of the X that was given.
        part : {"experts", "gate"}, default="experts"
            Where the column would enter, with a coefficient for each expert.

        Returns
        -------
        WaldTest or InvalidTest
            With the variance of the scores of this kind of covariance (the observed information
            for "observed" and "bootstrap").
        """
        return score_test(self.estimate, self.kind, self.groups, column, part)

    def profile_int(self, names: Setting = None, level: Setting = None) -> DataFrame:
        """Profile likelihood intervals: values that the likelihood ratio test does not reject.

        Parameters
        ----------
        names : str, list of str or None, default=None
            Parameters; None takes all that have a standard error.
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        DataFrame
            Columns "low" and "high".
        """
        return profile_intervals(self.estimate, names, self._level(level))

    def signed_root_test(self, name: Setting, value: Setting = 0.0) -> WaldTest | InvalidTest:
        """Likelihood ratio test of one parameter, all others at their best.

        Parameters
        ----------
        name : str
            The parameter.
        value : float, default=0.0
            Its value under the hypothesis.

        Returns
        -------
        WaldTest or InvalidTest
            Its statistic is the deviance, the square of the signed root.
        """
        return signed_root(self.estimate, name, value)

    # functions of the parameters

    def delta(self, function: Callable[[Mixture], AnyArray]) -> Delta:
        """Errors of a function of the fitted mixture, by one pass of differentiation.

        Parameters
        ----------
        function : callable
            From a mixture, in internal units, to an array; written with ``jax.numpy``.
            ``results.estimate.features(X)`` are the features of its predictors, and
            ``location + scale * y`` turns its response into the units of the data.

        Returns
        -------
        Delta
            Value, covariance and standard errors.
        """
        return delta_of_model(self.estimate, self.covariance, function, self.level)

    def user_delta(self, function: Callable[[ReportedParameters], AnyArray]) -> Delta:
        """Errors of a function of the reported parameters.

        Parameters
        ----------
        function : callable
            From parameters, by name (``p["expert0:x"]``) or all of them (``p.vector``), to an
            array; written with ``jax.numpy``.

        Returns
        -------
        Delta
            Value, covariance and standard errors.
        """
        return delta_of_reported(self.estimate, self.covariance, function, self.level)

    # tables

    def at_level(self, level: Setting) -> "InferenceResults":
        """The same results with another confidence level.

        Parameters
        ----------
        level : float
            Strictly between 0 and 1.

        Returns
        -------
        InferenceResults
            New results.
        """
        return replace(self, level=check_open_share("level", level))

    def summary_frame(self, level: Setting = None) -> DataFrame:
        """A tidy table of the estimates.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        DataFrame
            Rows by name, with columns part, expert, output, term, estimate, std_error, z, p, low
            and high.
        """
        ends = self.intervals(level)
        return tidy(self.estimate, self._single, ends)

    def exponentiated(self, level: Setting = None) -> DataFrame:
        """Odds and rate ratios: exponentials of coefficients on a log or logit scale.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        DataFrame
            As :meth:`summary_frame`, with a column "ratio" that says what each is. Errors are by
            the delta method, z and p those of the coefficient, and ends exponentials of its ends.
        """
        return exponentiated(self.estimate, self._single, self.intervals(level))

    def summary(self, level: Setting = None) -> Summary:
        """Tables in the layout of statsmodels: facts, experts, gate equations, scales.

        Parameters
        ----------
        level : float, default=None
            Confidence level; None takes that of the results.

        Returns
        -------
        statsmodels.iolib.summary.Summary
            Prints as text; ``as_html`` and ``as_latex`` give other forms.
        """
        share = self._level(level)
        ends = self.intervals(share)
        functions = self.covariance.of(self.estimate.identified.jacobian)
        told = Told(self.covariance, self._single, ends, share, functions, self.remarks)
        return summarise(self.estimate, told)

    def as_latex(self, label: Setting = "") -> str:
        """The summary for LaTeX, each table with its title.

        Parameters
        ----------
        label : str, default=""
            Of a reference to it.

        Returns
        -------
        str
            Source.
        """
        if not isinstance(label, str):
            raise ValueError(f"label must be a text, got {label!r}.")
        return self.summary().as_latex(label=label)

    def as_html(self) -> str:
        """The summary as HTML.

        Returns
        -------
        str
            Source.
        """
        return self.summary().as_html()

    def __str__(self) -> str:
        return str(self.summary())


def meaning_of_weights(estimate: Estimate, kind: Covariance) -> tuple[str, ...]:
    """What weights are taken for, where there are any."""
    if not estimate.weighted or kind.name == "sampling":
        return ()
    if not estimate.counts_rows:
        return (
            "Weights are no whole numbers, so they count no equal rows, as these errors take them "
            f"to do ({estimate.total_weight:g} in all): scale them to the effective number of "
            "rows, or say cov_type='sampling' if they undo chances of being sampled.",
        )
    return (
        f"Weights count as numbers of rows, {estimate.total_weight:g} in all. If they undo chances "
        "of being sampled, say cov_type='sampling'.",
    )


def infer(estimate: Estimate, kind: Covariance, groups: Groups, level: float) -> InferenceResults:
    """Results of one kind of covariance."""
    return InferenceResults(estimate, kind.fit(estimate, groups), kind, groups, level)
