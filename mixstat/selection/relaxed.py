"""The relaxed elastic net: inputs chosen with a penalty, coefficients estimated without."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from sklearn.exceptions import ConvergenceWarning

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Setting, Table, Weights, count_rows
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.formula_rows import row_weights
from mixstat.estimators.named import without_named
from mixstat.fitting.fit import Fit
from mixstat.results import DesignWarning, Status, report
from mixstat.selection.folds import check_params, of_rows
from mixstat.selection.penalty import PenaltyPath

NEGLIGIBLE = 1e-12  # a strength that keeps features unrotated and shrinks nothing to be seen


@dataclass(frozen=True)
class RelaxedPath:
    """Refits of the sets of inputs that a path of penalties went through.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import penalty_path, relax
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, l1_ratio=1.0, random_state=0)
    >>> path = penalty_path(moe, X, y, part="experts", strengths=[0.3, 0.1, 0.03])
    >>> relaxed = relax(path, X, y)
    >>> relaxed.used[relaxed.best_index_]
    array([[ True,  True, False, False],
           [ True,  True, False, False]])
    """

    used: Bool[np.ndarray, "u K p"]
    """Which coefficients of ``expert_names_`` each refit may use."""
    bic: Float[np.ndarray, " u"]
    """Bayesian criterion of each refit; small is good."""
    status: tuple[Status, ...]
    """Why each refit stopped."""
    best_index_: int
    """Position of the smallest criterion among converged refits."""
    best_estimator_: BaseMixture
    """The refit there: all other coefficients are exactly zero."""


def relax(
    path: Setting,
    X: Table,
    y: Response,
    *,
    sample_weight: Weights = None,
    params: Setting = None,
) -> RelaxedPath:
    """Refit every set of experts' inputs on a path without shrinkage, and choose one by BIC.

    An L1 penalty strong enough to leave out what does not matter shrinks what does. The refits
    take from the path only which coefficients of the experts are zero. The gate keeps the
    penalty of the path's chosen fit.

    Parameters
    ----------
    path : PenaltyPath
        What :func:`penalty_path` returned, best with ``part="experts"``.
    X, y, sample_weight, params
        The rows of the path, and what else ``fit`` takes; response and weights may be named.

    Returns
    -------
    RelaxedPath
        The refits' criterion, and the chosen one.

    Raises
    ------
    ValueError
        If ``path`` has no L1 penalty.

    Warns
    -----
    ConvergenceWarning
        If the chosen refit is not a certified maximum.

    References
    ----------
    Meinshausen, N. (2007). Relaxed lasso. Comput. Statist. Data Anal. 52, 374-393.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.selection import penalty_path, relax
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, l1_ratio=1.0, random_state=0)
    >>> path = penalty_path(moe, X, y, part="experts", strengths=[0.3, 0.1, 0.03])
    >>> relax(path, X, y).best_estimator_.expert_coef_[:, 1:].round(1)
    array([[ 1.9,  0. ,  0. ],
           [-1.9,  0. ,  0. ]])
    """
    if not isinstance(path, PenaltyPath):
        raise ValueError(f"path must be what penalty_path returned, got {path!r}.")
    model, given = path.best_estimator_, check_params(params)
    if not isinstance(model, BaseMixture) or not model.l1_ratio:
        raise ValueError("path must be a path of penalties with l1_ratio > 0, got l1_ratio=0.")
    several = path.expert_coef.ndim == 4  # outputs, one of which suffices to use an input
    nonzero = np.asarray(path.expert_coef) != 0
    tables = np.any(nonzero, axis=2) if several else nonzero
    constant = np.arange(tables.shape[2]) < int(model.fit_.designs.experts.source.constant)
    used = np.unique(tables | constant, axis=0)
    X, y, sample_weight = without_named(X, y, sample_weight, model._formulas())
    check_same_rows(X=X, y=y, sample_weight=sample_weight, **given)
    weight = row_weights(X, sample_weight, count_rows(X), model._formulas())
    start = model.responsibilities(X, y, **of_rows(given))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DesignWarning)
        fits = [_refit(model, start, one, X, y, weight, given) for one in used]
    bic = np.array([_bic(moe.fit_) for moe in fits])
    certified = np.array([moe.converged_ for moe in fits])
    best = int(np.argmin(np.where(certified if certified.any() else True, bic, np.inf)))
    report(fits[best].fit_.maximum.certificate, ConvergenceWarning)
    return RelaxedPath(used, bic, tuple(moe.status_ for moe in fits), best, fits[best])


def _refit(
    model: BaseMixture,
    start: Float[np.ndarray, "n K"],
    used: Bool[np.ndarray, "K p"],
    X: Table,
    y: Response,
    weight: Float[np.ndarray, " n"],
    params: dict[str, Setting],
) -> BaseMixture:
    """The model fitted again with the coefficients it may use, from responsibilities."""
    given = model.get_params(deep=False)
    own = {"expert_penalty": NEGLIGIBLE, "init": start, "warm_start": False}
    moe = type(model)(**given | own)
    moe.fit_ = moe._new_fit(X, y, weight, zeros=~used, **params)
    return moe.set_params(init=given["init"], warm_start=given["warm_start"])


def _bic(fit: Fit) -> float:
    total = fit.sum_of_weights
    return float(-2 * total * fit.log_likelihood + fit.n_parameters * np.log(total))
