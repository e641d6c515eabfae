"""How certain stated knowledge is, chosen by likelihood or by blocks of held-out rows."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing

import mixstat.selection.folds as folds
from mixstat.alignment import check_same_rows
from mixstat.arguments import Estimator, Response, Setting, Table, Weights, count_rows
from mixstat.estimators.contextual import ContextualMixtureOfExperts
from mixstat.estimators.formula_rows import row_weights
from mixstat.estimators.named import without_named
from mixstat.results import DesignWarning, Status, report
from mixstat.selection.ascent import merit
from mixstat.selection.folds import Splitter, check_params
from mixstat.validation import check_choice

CRITERIA = ("likelihood", "cv")
ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class AlphaPath:
    """Fits with knowledge taken as more and more certain, and the one that was chosen.

    Examples
    --------
    >>> from mixstat import ContextualMixtureOfExperts
    >>> from mixstat.contextual import AlphaCertain
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import alpha_path
    >>> X, y = make_tent(300, random_state=0)
    >>> up = AlphaCertain("up", on=0, inside=(None, 0.6))
    >>> down = AlphaCertain("down", on=0, inside=(0.4, None))
    >>> moe = ContextualMixtureOfExperts([up, down], n_init=2, random_state=0)
    >>> alpha_path(moe, X, y, alphas=[0.5, 0.9, 1.0]).ignorance.round(1)
    array([0.5, 0.2, 0.1])
    """

    alphas: Float[np.ndarray, " a"]
    """Certainties, smallest first."""
    log_likelihood: Float[np.ndarray, " a"]
    """Weighted mean of ``log sum_k poss_k pi_k f_k`` over the training rows. It falls from the
    plain model's at alpha 0 to that of the contexts as stated at alpha 1."""
    conditional_log_likelihood: Float[np.ndarray, " a"]
    """Weighted mean of log p(y | x) over the training rows, by the gate alone."""
    ignorance: Float[np.ndarray, " a"]
    """``ignorance_`` of each fit: log C at alpha 0, and least at alpha 1."""
    status: tuple[Status, ...]
    """Why each fit stopped."""
    criterion: Float[np.ndarray, " a"]
    """What was minimised."""
    criterion_error: Float[np.ndarray, " a"] | None
    """Standard error of the held-out log-likelihood over the folds; None without folds."""
    criterion_name: str
    """"likelihood" or "cv"."""
    best_index_: int
    """Position of the smallest criterion among converged fits."""
    best_estimator_: ContextualMixtureOfExperts
    """The estimator fitted there."""

    @property
    def best_alpha_(self) -> float:
        """The chosen certainty."""
        return float(self.alphas[self.best_index_])


class Task(NamedTuple):
    """Rows, and the estimator whose certainty varies."""

    estimator: ContextualMixtureOfExperts
    X: Table
    y: Response
    weight: np.ndarray
    params: dict[str, Setting]

    def fit(
        self, alpha: float, start: ContextualMixtureOfExperts | None = None
    ) -> ContextualMixtureOfExperts:
        """The fit at a certainty, from the estimator's own starts or from another fit."""
        given = self.estimator.get_params(deep=False)
        settings = given | {"alpha": float(alpha), "warm_start": False}
        if start is not None:
            settings["init"] = start
        moe = type(self.estimator)(**settings)
        moe.fit(self.X, self.y, sample_weight=self.weight, **self.params)
        return moe.set_params(init=given["init"], warm_start=given["warm_start"])

    def rows(self, chosen: np.ndarray) -> "Task":
        """The same on some rows."""
        return self._replace(
            X=_safe_indexing(self.X, chosen),
            y=_safe_indexing(self.y, chosen),
            weight=self.weight[chosen],
            params=folds.rows_of(self.params, self.X, chosen),
        )


def alpha_path(
    estimator: Estimator,
    X: Table,
    y: Response,
    *,
    alphas: Setting = ALPHAS,
    criterion: Setting = "likelihood",
    cv: Splitter = 5,
    sample_weight: Weights = None,
    params: Setting = None,
) -> AlphaPath:
    """Fit with knowledge of many certainties ``alpha`` and choose one.

    The possibility-weighted likelihood itself never falls as alpha falls, so it cannot choose.
    With ``criterion="likelihood"`` the statements count as data too: an expert whose context is
    c leads to the statement s with probability ``poss_c(s) / sum_s' poss_c(s')``, for certain
    labels a label that is wrong with probability ``(C - 1)(1 - alpha) / (1 + (C - 1)(1 -
    alpha))``. What is minimised is minus twice the log-likelihood of responses and statements,
    ``log_likelihood - ignorance`` per row. With ``criterion="cv"`` it is minus the mean
    log p(y | x) of held-out rows, by the gate alone, without their contexts.

    Parameters
    ----------
    estimator : ContextualMixtureOfExperts
        Its settings, all but ``alpha``. It is not changed.
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m), or str
        Responses, or the column of a frame X that holds them.
    alphas : array-like of shape (a,), default=(0, .2, .4, .6, .7, .8, .9, .95, 1)
        Certainties between 0 and 1.
    criterion : {"likelihood", "cv"}, default="likelihood"
        What chooses.
    cv : int or splitter, default=5
        Number of blocks of successive rows, or an object with ``split``, such as
        scikit-learn's ``TimeSeriesSplit``.
    sample_weight : array-like of shape (n,) or str, default=None
        Row weights as in ``fit``; also of held-out rows.
    params : dict, default=None
        Further arguments of ``fit``: ``possibilities`` or ``context_data``.

    Returns
    -------
    AlphaPath
        Certainties, log-likelihoods, criterion, and the chosen fit.

    Raises
    ------
    ValueError
        If an argument has a wrong type or range, or there is no knowledge to be certain of.

    Warns
    -----
    ConvergenceWarning
        If the chosen fit is not a certified maximum. All others are told in ``status`` alone.

    Examples
    --------
    >>> from mixstat import ContextualMixtureOfExperts
    >>> from mixstat.contextual import AlphaCertain
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import alpha_path
    >>> X, y = make_tent(300, random_state=0)
    >>> up = AlphaCertain("up", on=0, inside=(None, 0.6))
    >>> down = AlphaCertain("down", on=0, inside=(0.4, None))
    >>> moe = ContextualMixtureOfExperts([up, down], n_init=2, random_state=0)
    >>> alpha_path(moe, X, y, alphas=[0.5, 0.9, 1.0]).best_alpha_
    1.0
    """
    if not isinstance(estimator, ContextualMixtureOfExperts):
        raise ValueError(
            f"estimator must be a ContextualMixtureOfExperts, got {type(estimator).__name__}."
        )
    criterion = check_choice("criterion", criterion, CRITERIA)
    grid = check_alphas(alphas)
    if estimator.contexts is None and check_params(params).get("possibilities") is None:
        raise ValueError(
            'there is no knowledge: set contexts, or give params={"possibilities": table}.'
        )
    given, formulas = check_params(params), estimator._formulas()
    X, y, sample_weight = without_named(X, y, sample_weight, formulas)
    check_same_rows(X=X, y=y, sample_weight=sample_weight, **given)
    weight = row_weights(X, sample_weight, count_rows(X), formulas)
    task = Task(estimator, X, y, weight, given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("once", DesignWarning)
        fits = walk(task, grid)
        value, error = _criterion(criterion, task, grid, fits, cv)
    certified = np.array([moe.converged_ for moe in fits])
    eligible = certified if certified.any() else np.ones(len(fits), bool)
    best = int(np.argmin(np.where(eligible, value, np.inf)))
    report(fits[best].fit_.maximum.certificate, ConvergenceWarning)
    return AlphaPath(
        alphas=grid,
        log_likelihood=np.array([moe.log_likelihood_ for moe in fits]),
        conditional_log_likelihood=np.array([moe.conditional_log_likelihood_ for moe in fits]),
        ignorance=np.array([moe.ignorance_ for moe in fits]),
        status=tuple(moe.status_ for moe in fits),
        criterion=value,
        criterion_error=error,
        criterion_name=criterion,
        best_index_=best,
        best_estimator_=fits[best],
    )


def check_alphas(alphas: Setting) -> Float[np.ndarray, " a"]:
    """Certainties from 0 to 1, each once, smallest first."""
    try:
        given = np.asarray(alphas, float)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        given = np.array(np.nan)
    grid = np.unique(given)
    if given.ndim != 1 or not np.all((grid >= 0) & (grid <= 1)) or len(grid) == 0:
        raise ValueError(f"alphas must be numbers between 0 and 1, got {alphas!r}.")
    return grid


def walk(task: Task, alphas: Float[np.ndarray, " a"]) -> list[ContextualMixtureOfExperts]:
    """The best fit found at each certainty; the objective never rises with it.

    A walk up begins with starts of its own; on the way down each fit also begins at the best
    one of the certainty above, which is worth no less there.
    """
    n = len(alphas)
    # at 0 experts have no contexts and may be renumbered: no start for a walk up
    fresh = {i for i in range(n) if i in (0, n - 1) or alphas[i - 1] == 0}
    own = {i: task.fit(alphas[i]) for i in sorted(fresh)}
    up: list[ContextualMixtureOfExperts] = []
    for i in range(n):
        up.append(own[i] if i == 0 or alphas[i - 1] == 0 else task.fit(alphas[i], up[-1]))
    best: dict[int, ContextualMixtureOfExperts] = {}
    for i in reversed(range(n)):
        found = [up[i], *([own[i]] if i in own else [])]
        if i + 1 < n:
            found.append(task.fit(alphas[i], best[i + 1]))
        best[i] = max(found, key=merit)
    return [best[i] for i in range(len(alphas))]


def _criterion(
    name: str,
    task: Task,
    alphas: np.ndarray,
    fits: list[ContextualMixtureOfExperts],
    cv: Splitter,
) -> tuple[np.ndarray, np.ndarray | None]:
    """What is minimised, and its standard error where folds tell it."""
    if name == "likelihood":
        each = [moe.log_likelihood_ - moe.ignorance_ for moe in fits]
        return -2.0 * float(task.weight.sum()) * np.array(each), None
    blocks = KFold(cv) if isinstance(cv, int) and not isinstance(cv, bool) else cv
    splits = folds.make(blocks, task.estimator, task.X, task.y)
    scores = np.array([_held_out(task, alphas, *split) for split in splits])
    error = np.std(scores, axis=0, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else None
    return -scores.mean(axis=0), error


def _held_out(
    task: Task, alphas: np.ndarray, train: np.ndarray, test: np.ndarray
) -> Float[np.ndarray, " a"]:
    """Weighted mean of log p(y | x) over held-out rows, at each certainty."""
    held = task.rows(test)
    fits = walk(task.rows(train), alphas)
    logs = [moe.score_samples(held.X, held.y) for moe in fits]
    return np.average(logs, axis=1, weights=held.weight)
