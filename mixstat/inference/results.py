"""Results of inference: tests, functions of the parameters, and tables."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mixstat.arguments import DataFrame, Setting, Table
from mixstat.inference.covariances import Covariance
from mixstat.inference.covariances.base import Groups
from mixstat.inference.delta import Delta, ReportedParameters, delta_of_model, delta_of_reported
from mixstat.inference.estimate import Estimate
from mixstat.inference.frames import Told, exponentiated, summarise, tidy
from mixstat.inference.hypotheses import InvalidTest, LinearTest, WaldTest
from mixstat.inference.linear import read_constraints
from mixstat.inference.profiles import profile_intervals, signed_root
from mixstat.inference.row_results import RowResults
from mixstat.inference.score_test import score_test
from mixstat.inference.summary import Summary
from mixstat.inference.wald import linear_test, wald_test
from mixstat.model import Mixture
from mixstat.numerics.precision import AnyArray
from mixstat.numerics.quiet import quiet_methods
from mixstat.validation import check_open_share


@quiet_methods
@dataclass(frozen=True, eq=False)
class InferenceResults(RowResults):
    """Estimates of a fitted mixture with a covariance; made by ``moe.inference``.

    Parameters have the names and the units of ``moe.params``. Errors are NaN where there are
    none: for what the data do not determine, what sits on its bound and what is held.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y)
    >>> columns = ["estimate", "std_error", "low", "high"]
    >>> results.summary_frame().loc[["expert0:x0", "expert1:x0"], columns].round(2)
                estimate  std_error  low  high
    expert0:x0      1.91       0.05  1.8  2.01
    expert1:x0     -1.87       0.06 -2.0 -1.75
    """

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


def infer(estimate: Estimate, kind: Covariance, groups: Groups, level: float) -> InferenceResults:
    """Results of one kind of covariance."""
    return InferenceResults(estimate, kind.fit(estimate, groups), kind, groups, level)
