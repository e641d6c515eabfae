"""A lower bound for the number of experts that holds in samples of any size."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing

import mixstat.selection.folds as folds
from mixstat.alignment import check_same_rows
from mixstat.arguments import DataFrame, Estimator, Response, Seed, Setting, Table, count_rows
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.contextual import ContextualMixtureOfExperts
from mixstat.results import DesignWarning
from mixstat.selection.choice import check_base
from mixstat.selection.grid import with_settings
from mixstat.selection.member import REFUSALS
from mixstat.validation import check_integer, check_open_share, check_seed, check_switch

PATIENCE = 2  # numbers of experts without a better BIC after which no more are tried


@dataclass(frozen=True, eq=False, repr=False)
class ExpertBound:
    """How many experts there are at least; made by :func:`fewest_experts`.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts, datasets, selection
    >>> X, y = datasets.make_tent(300, random_state=0)
    >>> print(selection.fewest_experts(X, y, most=2, estimator=MixtureOfExperts(n_init=2)))
    At least 2 experts at 95 % confidence. ...
    """

    bound: int
    """The data have at least so many."""
    level: float
    """Probability with which that is true, whatever the truth."""
    table: DataFrame
    """A row for each number k that was tried: ``n_experts``, ``log_ratio`` (averaged over the
    swap), ``log_ratio_first`` and ``log_ratio_second`` of both halves (NaN if only one was
    used), ``threshold``, ``alternatives`` (experts of the densities it was compared with),
    ``status`` of the fits with k experts, ``searched`` (whether both were found often enough)
    and ``rejected``."""
    remark: str
    """Why it ended there."""

    def summary(self) -> str:
        """The statement in sentences, and the table.

        Returns
        -------
        str
            Lines for a person.
        """
        told = f"At least {self.bound} expert{'s' if self.bound > 1 else ''}"
        told += f" at {100 * self.level:g} % confidence. {self.remark}"
        table = self.table.to_string(index=False, float_format="{:.3f}".format)
        return f"{told}\n\n{table}"

    def __repr__(self) -> str:
        return self.summary()


def fewest_experts(
    X: Table,
    y: Response,
    *,
    level: Setting = 0.95,
    most: Setting = 6,
    estimator: Estimator = None,
    cross_fit: Setting = True,
    random_state: Seed = 0,
) -> ExpertBound:
    """A lower bound for the number of experts, valid in samples of any size.

    For k = 1, 2, ... the hypothesis that k experts are enough is tested by universal inference:
    rows are split into halves at random, a density with more experts is fitted to one half, and
    its likelihood on the other half is divided by the largest that k experts reach there. Under
    the hypothesis that ratio, and its average over the swap of the halves, has a mean of at most
    one, so it exceeds ``1 / (1 - level)`` with a probability of at most ``1 - level`` (Markov).
    The hypotheses are nested, so the first that is not rejected ends the search and no
    correction for several tests is needed: "at least k + 1" is wrong only if the hypothesis that
    holds was rejected.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m)
        Responses or labels. Rows must be independent given X.
    level : float, default=0.95
        Confidence, strictly between 0 and 1.
    most : int, default=6
        Largest number of experts that is fitted, and so the largest bound there can be.
    estimator : MixtureOfExperts or MixtureOfExpertsClassifier, default=None
        Gate, family and all other settings, without a penalty; None is ``MixtureOfExperts()``. It
        is not changed.
    cross_fit : bool, default=True
        Whether both halves take both parts, which makes the answer depend less on the split.
    random_state : int, RandomState or None, default=0
        Seed of the split and of the starts.

    Returns
    -------
    ExpertBound
        The bound, its level and the ratios.

    Raises
    ------
    ValueError
        If an argument has a wrong type or range, or the estimator has a penalty.

    Notes
    -----
    The statement is about the model: "no density of this family with this gate and k experts
    fits". With a wrong family more experts may be needed than there are groups.

    It is valid whenever the likelihood of the fit with k experts, on its own half, is not below
    that of the true density. A global maximum has that property by its definition, since the
    true density is one of those it is compared with. A fit that was stopped early, or sits at a
    poor local maximum, may not have it, and would make the ratio too large. So nothing is
    rejected unless the fits with k experts are regular maxima (or sit where the likelihood rises
    without limit, above every regular maximum), the best fit with fewer experts on the same half
    is taken where it is better, and ``searched`` tells whether the maximum was met often enough
    to trust that no better one was missed. The density in the numerator needs no such care: any
    density fitted to other rows will do, and a poor one costs power alone. Its number of experts
    is chosen by BIC.

    The price is power: experts must be clearer than a likelihood ratio test with a known
    distribution would ask for, since half of the rows are used and Markov's inequality is not
    sharp. A bound of 1 says nothing against more experts.

    References
    ----------
    Wasserman, L., Ramdas, A. and Balakrishnan, S. (2020). Universal inference. Proc. Natl. Acad.
    Sci. USA 117, 16880-16890.

    Nguyen, H. D., Fryer, D. and McLachlan, G. J. (2023). Order selection with confidence for
    finite mixture models. J. Korean Statist. Soc. 52, 154-184 (arXiv 2103.10640).

    Examples
    --------
    >>> from mixstat import MixtureOfExperts, datasets, selection
    >>> X, y = datasets.make_tent(300, random_state=0)
    >>> selection.fewest_experts(X, y, most=2, estimator=MixtureOfExperts(n_init=2)).bound
    2
    """
    confidence, limit = check_open_share("level", level), check_integer("most", most, 2)
    swap = check_switch("cross_fit", cross_fit)
    seed = int(check_seed("random_state", random_state).randint(2**31))
    base = with_settings(_unpenalised(estimator), {"random_state": seed})
    check_same_rows(X=X, y=y)
    if y is None or count_rows(y) < 4:
        raise ValueError(f"y must have at least 4 rows, two for each half; got {y!r}.")
    base = with_settings(folds.knowing_all_classes(base, y), {"random_state": seed})
    first, second = next(KFold(2, shuffle=True, random_state=seed).split(np.arange(count_rows(y))))
    halves = [_Half(base, *(_safe_indexing(t, rows) for t in (X, y))) for rows in (first, second)]
    for half in halves:
        if isinstance(why := half.fit(1), str):
            raise ValueError(why)
    pairs = [(halves[0], halves[1]), (halves[1], halves[0])]
    return _climb(pairs if swap else pairs[:1], confidence, limit)


class _Half:
    """Half of the rows, and fits to it."""

    def __init__(self, base: BaseMixture, X: Table, y: Response) -> None:
        self.base, self.X, self.y = base, X, y
        self.fits: dict[int, BaseMixture | str] = {}

    def fit(self, k: int) -> BaseMixture | str:
        """The fit with k experts, or why there is none."""
        if k not in self.fits:
            estimator = with_settings(self.base, {"n_experts": k})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                warnings.simplefilter("ignore", DesignWarning)
                try:
                    self.fits[k] = estimator.fit(self.X, self.y)
                except REFUSALS as error:
                    self.fits[k] = str(error)
        return self.fits[k]

    def log_likelihood(self, moe: BaseMixture) -> float:
        """Sum over these rows, of the inputs too where the gate is fitted to them."""
        return moe.n_parameters_ - 0.5 * moe.aic(self.X, self.y)

    def highest(self, k: int) -> float:
        """The largest log-likelihood here of k experts or fewer."""
        fits = [self.fit(j) for j in range(1, k + 1)]
        return max(self.log_likelihood(one) for one in fits if not isinstance(one, str))

    def alternative(self, k: int, most: int) -> BaseMixture | None:
        """The fit of more than k experts with the best BIC; None if there is none."""
        best, least, worse = None, np.inf, 0
        for j in range(k + 1, most + 1):
            one = self.fit(j)
            value = np.inf if isinstance(one, str) else one.bic(self.X, self.y)
            if not isinstance(one, str) and value < least:
                best, least, worse = one, value, 0
            else:
                worse += 1
            if worse == PATIENCE:
                break
        return best


def _climb(pairs: list[tuple[_Half, _Half]], level: float, most: int) -> ExpertBound:
    """Numbers of experts from one on, until one is not rejected."""
    import pandas

    threshold = float(-np.log1p(-level))
    rows: list[dict[str, object]] = []
    remark = f"No more than {most} experts were tried: a larger `most` may raise the bound."
    bound = most
    for k in range(1, most):
        why_not = " ".join(dict.fromkeys(why for own, _ in pairs if (why := _why_not(own, k))))
        row = {"n_experts": k} | (_nothing() if why_not else _ratios(pairs, k, most))
        ratio = row["log_ratio"]
        assert isinstance(ratio, float)
        rejected = not why_not and ratio > threshold
        rows.append(row | {"threshold": threshold, **_told(pairs, k), "rejected": rejected})
        if not rejected:
            bound, remark = k, why_not or f"{_experts(k)} cannot be excluded."
            break
    return ExpertBound(bound, level, pandas.DataFrame(rows), remark)


def _why_not(own: _Half, k: int) -> str:
    """Why the likelihood of k experts may not be the largest there is; empty if it is."""
    fit = own.fit(k)
    if isinstance(fit, str):
        return f"{_experts(k)} could not be fitted: {fit}"
    if not fit.status_.is_high:
        return f"The fit with {_experts(k)} is no maximum ({fit.status_}), so it rejects nothing."
    if any(fit.strengths_):
        return (
            f"Half of the rows are fewer than the parameters of {_experts(k)}, and a ridge was "
            "added, so the fit is no maximum of the likelihood and rejects nothing."
        )
    return ""


def _ratios(pairs: list[tuple[_Half, _Half]], k: int, most: int) -> dict[str, object]:
    """Log ratios of both halves, and the log of their average."""
    found: list[float] = []
    used: list[str] = []
    for own, other in pairs:
        alternative = other.alternative(k, most)
        if alternative is None:
            found.append(-np.inf)
            continue
        found.append(float(own.log_likelihood(alternative) - own.highest(k)))
        used.append(str(alternative.n_experts))
    return {
        "log_ratio": float(np.logaddexp.reduce(found) - np.log(len(found))),
        "log_ratio_first": found[0],
        "log_ratio_second": found[1] if len(found) > 1 else np.nan,
        "alternatives": ", ".join(used),
    }


def _nothing() -> dict[str, object]:
    numbers = dict.fromkeys(("log_ratio", "log_ratio_first", "log_ratio_second"), np.nan)
    return {**numbers, "alternatives": ""}


def _told(pairs: list[tuple[_Half, _Half]], k: int) -> dict[str, object]:
    """How the fits with k experts ended."""
    fits = [one for own, _ in pairs if not isinstance(one := own.fit(k), str)]
    searches = [one.certificate_.search for one in fits]
    return {
        "status": ", ".join(dict.fromkeys(one.status_.name for one in fits)),
        "searched": bool(fits) and all(one is None or one.enough for one in searches),
    }


def _experts(k: int) -> str:
    return "one expert" if k == 1 else f"{k} experts"


def _unpenalised(estimator: Estimator) -> BaseMixture:
    """The estimator's settings, of maximum likelihood alone."""
    base = check_base(estimator)
    if isinstance(base, ContextualMixtureOfExperts):
        raise ValueError(
            "estimator must be MixtureOfExperts or MixtureOfExpertsClassifier: contexts state how "
            "many experts there are; got ContextualMixtureOfExperts."
        )
    options = base._options()
    if options.penalises or options.scale_penalty:
        raise ValueError(
            "estimator must not be penalised: the bound rests on the largest likelihood of k "
            f"experts; got {base!r}."
        )
    return base
