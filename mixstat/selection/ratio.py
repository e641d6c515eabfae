"""Whether one expert more is needed: the bootstrap test of the likelihood ratio."""

import time
import warnings
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning

from mixstat.alignment import check_same_rows
from mixstat.arguments import DataFrame, Estimator, Response, Seed, Setting, Table
from mixstat.estimators.base import BaseMixture
from mixstat.fitting.fit import Fit
from mixstat.fitting.progress import Progress
from mixstat.fitting.ratio_draws import best_split
from mixstat.numerics import parameter_vector
from mixstat.results import DesignWarning, warn
from mixstat.selection.criteria import log_likelihood
from mixstat.selection.grid import Settings, with_settings
from mixstat.selection.lo_mendell_rubin import lo_mendell_rubin
from mixstat.selection.nested import check_nested, check_testable
from mixstat.selection.ratio_table import Asked, drawn_table, monte_carlo_pvalue
from mixstat.validation import check_integer, check_seed, check_switch

MANY_LOST = 0.01  # share of refits that do not count, above which the p-value may mislead


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapTest:
    """A test of K experts against K + 1; made by :func:`bootstrap_test`.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import bootstrap_test
    >>> X, y = make_tent(100, n_irrelevant=0, random_state=0)
    >>> test = bootstrap_test(X, y, estimator=MixtureOfExperts(n_init=2), n_draws=9)
    >>> len(test.draws), bool(test.statistic > test.draws.max())
    (9, True)
    """

    n_experts: int
    """K, the number under the hypothesis."""
    statistic: float
    """Twice the difference of the log-likelihoods of :attr:`alternative` and :attr:`null`."""
    pvalue: float
    """Share of the draws, the data among them, with a statistic at least as large."""
    table: DataFrame
    """A row for each draw: ``statistic``, ``log_likelihood_null``,
    ``log_likelihood_alternative``, ``status_null``, ``status_alternative``, and ``counts_null`` and
    ``counts_alternative``: whether a maximum that is admissible was found."""
    null: BaseMixture = field(repr=False)
    """The fit with K experts."""
    alternative: BaseMixture | None = field(repr=False)
    """The fit with K + 1 experts; None where no maximum of theirs counts and the statistic is
    zero."""
    stopped: bool
    """Whether draws ended early."""
    lo_mendell_rubin: float
    """The p-value of Lo, Mendell and Rubin (2001), for comparison only: their theorem does not
    apply to mixtures (Jeffries 2003). NaN where there is no alternative."""
    seconds: float
    """Of the whole call."""

    @property
    def draws(self) -> Float[np.ndarray, " B"]:
        """Statistics of the draws that are compared: all in which the null model's refit counts."""
        return self.table["statistic"][self.table["counts_null"]].to_numpy(float)

    @property
    def n_inadmissible(self) -> int:
        """Draws that are left out: no maximum with K experts counts."""
        return int((~self.table["counts_null"]).sum())

    @property
    def n_zero(self) -> int:
        """Draws in which no maximum with K + 1 experts counts, so that the statistic is zero."""
        return int((self.table["counts_null"] & ~self.table["counts_alternative"]).sum())

    @property
    def n_certified(self) -> int:
        """Draws whose two refits are both certified maxima that count."""
        arrived = (self.table[["status_null", "status_alternative"]] == "CONVERGED").all(axis=1)
        counts = self.table["counts_null"] & self.table["counts_alternative"]
        return int((arrived & counts).sum())

    @property
    def monte_carlo_error(self) -> float:
        """Standard error of the p-value, for the number of draws is finite."""
        return float(np.sqrt(self.pvalue * (1 - self.pvalue) / (len(self.draws) + 1)))

    def summary(self) -> str:
        """The test in sentences.

        Returns
        -------
        str
            Lines for a person.
        """
        k, n = self.n_experts, len(self.table)
        lines = [
            f"Bootstrap test of K={k} against K={k + 1}: likelihood ratio statistic "
            f"{self.statistic:.4f}, p = {self.pvalue:.4g} (Monte Carlo error "
            f"{self.monte_carlo_error:.2g}).",
            f"{n} draws{', ended early' if self.stopped else ''}: {self.n_certified} with both "
            f"refits certified, {self.n_zero} where no maximum with {k + 1} experts counts and the "
            f"statistic is zero, {self.n_inadmissible} left out; {self.seconds:.1f} s.",
        ]
        if np.isfinite(self.lo_mendell_rubin):
            lines.append(
                f"For comparison only, Lo, Mendell and Rubin: p = {self.lo_mendell_rubin:.4g}."
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()


def bootstrap_test(
    X: Table,
    y: Response = None,
    *,
    n_experts: Setting = 1,
    estimator: Estimator = None,
    n_draws: Setting = 999,
    stop_after: Setting = None,
    random_state: Seed = 0,
    verbose: Setting = False,
) -> BootstrapTest:
    """Test K experts against K + 1 by the parametric bootstrap of the likelihood ratio.

    Twice the difference of the two log-likelihoods has no known distribution where K experts are
    enough. It is therefore computed again for responses that are drawn from the fit with K
    experts, at the same X (McLachlan 1987). All refits run as batches and end at certified
    maxima.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m), default=None
        Responses or labels, independent given X; may be left out beside a formula.
    n_experts : int, default=1
        K, the number of experts under the hypothesis.
    estimator : MixtureOfExperts or MixtureOfExpertsClassifier, default=None
        All other settings, without a penalty; None is ``MixtureOfExperts(random_state=0)``. It is
        not changed.
    n_draws : int, default=999
        Number of draws, or the most where they may end early.
    stop_after : int, default=None
        End once so many draws have a statistic at least as large as that of the data, and take
        their share for the p-value (Besag and Clifford 1991). A large p-value then takes few
        draws; a small one is as exact as without. None makes all draws.
    random_state : int, RandomState or None, default=0
        Seed of the draws and of the starts.
    verbose : bool, default=False
        Print a line for each batch.

    Returns
    -------
    BootstrapTest
        Statistic, p-value, all draws, and both fits.

    Raises
    ------
    ValueError
        If an argument has a wrong type or range, or if the models are not nested, have a
        penalty, or say nothing of y given x alone.

    Warns
    -----
    ConvergenceWarning
        If in more than one percent of the draws the fit with K experts is no admissible maximum.

    Notes
    -----
    The fit with K experts is searched as ``fit`` does, and in each draw begins at the parameters
    that the response was drawn from. With K + 1 experts, the data and every draw are searched in
    the same way: from the fit with K experts one expert is split in two, in five ways for every
    expert that there is, and all these starts are run to the end; the best admissible one is
    taken, and where there is none the statistic is zero. Draws begin at the alternative of the
    data, too. A longer search of the data alone would find larger statistics than those that it
    is compared with, and too many experts; that is why ``alternative`` may lie below what ``fit``
    finds.

    A draw in which no maximum with K experts counts is left out.

    References
    ----------
    Besag, J. and Clifford, P. (1991). Sequential Monte Carlo p-values. Biometrika 78, 301-304.

    McLachlan, G. J. (1987). On bootstrapping the likelihood ratio test statistic for the number
    of components in a normal mixture. J. R. Statist. Soc. C 36, 318-324.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import bootstrap_test
    >>> X, y = make_tent(100, n_irrelevant=0, random_state=0)
    >>> moe = MixtureOfExperts(n_init=2)
    >>> bootstrap_test(X, y, n_experts=1, estimator=moe, n_draws=9).pvalue
    0.1
    """
    began = time.perf_counter()
    k, most = check_integer("n_experts", n_experts, 1), check_integer("n_draws", n_draws, 1)
    enough = None if stop_after is None else check_integer("stop_after", stop_after, 1)
    progress = Progress("bootstrap_test", check_switch("verbose", verbose))
    seed = int(check_seed("random_state", random_state).randint(2**31))
    base = with_settings(check_testable(estimator), {"random_state": seed})
    check_same_rows(X=X, y=y)
    null = with_settings(base, {"n_experts": k}).fit(X, y)
    check_nested(null)
    large, alternative = _alternative(base, null, X, y, seed)
    statistic = 0.0
    if alternative is not None:
        statistic = max(2 * (log_likelihood(alternative) - log_likelihood(null)), 0.0)
    table = drawn_table(null.fit_, large, Asked(statistic, most, enough), seed, progress)
    pvalue, used = monte_carlo_pvalue(statistic, table, enough)
    test = BootstrapTest(
        n_experts=k,
        statistic=statistic,
        pvalue=pvalue,
        table=table[:used],
        null=null,
        alternative=alternative,
        stopped=used < most,
        lo_mendell_rubin=_lo_mendell_rubin(null, alternative, statistic),
        seconds=time.perf_counter() - began,
    )
    _warn_of_lost(test)
    return test


def _alternative(
    base: BaseMixture, null: BaseMixture, X: Table, y: Response, seed: int
) -> tuple[Fit, BaseMixture | None]:
    """A fit with one expert more, searched as draws are; and its estimator if it counts."""
    shares = null.responsibilities(X, y)
    shares = np.hstack([shares[:, :-1], 0.5 * shares[:, -1:], 0.5 * shares[:, -1:]])
    settings: Settings = {"n_experts": shares.shape[1], "n_init": 1}
    first = _quietly(with_settings(base, settings | {"init": shares}), X, y)
    found = best_split(null.fit_, first.fit_, [seed, 1, 0])
    if found is None or found.log_likelihood <= null.fit_.maximum.result.log_likelihood:
        return first.fit_, None
    near = copy(first)
    near.fit_ = replace(first.fit_, model=parameter_vector.as_numpy(found.model))
    alternative = _quietly(with_settings(base, settings | {"init": near}), X, y)
    return alternative.fit_, alternative


def _quietly(estimator: BaseMixture, X: Table, y: Response) -> BaseMixture:
    """Fit without the warnings that the fit with fewer experts gave, or that the test tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DesignWarning)
        return estimator.fit(X, y)


def _lo_mendell_rubin(
    null: BaseMixture, alternative: BaseMixture | None, statistic: float
) -> float:
    return (
        np.nan if alternative is None else lo_mendell_rubin(null.fit_, alternative.fit_, statistic)
    )


def _warn_of_lost(test: BootstrapTest) -> None:
    lost, made = test.n_inadmissible, len(test.table)
    if lost > MANY_LOST * made:
        warn(
            f"In {lost} of {made} draws the fit with {test.n_experts} experts is no admissible "
            "maximum, and those are left out, so the p-value may mislead: the experts of the "
            "hypothesis are hardly told apart.",
            ConvergenceWarning,
        )
