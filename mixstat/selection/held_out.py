"""Probabilities of experts for rows that their fit has not seen."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

import mixstat.selection.folds as folds
from mixstat.alignment import check_same_rows
from mixstat.arguments import Estimator, Response, Setting, Table, Weights, count_rows
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.named import without_named
from mixstat.estimators.shares import KINDS
from mixstat.validation import check_choice, check_weights


def held_out_shares(
    estimator: Estimator,
    X: Table,
    y: Response,
    *,
    of: Setting = "gate",
    cv: folds.Splitter = 5,
    sample_weight: Weights = None,
    params: Setting = None,
) -> np.ndarray:
    """Probabilities of the experts of each row, by a fit to other rows.

    What ``cross_val_predict`` does for predictions; its ``method`` takes none but scikit-learn's
    own names.

    Parameters
    ----------
    estimator : estimator
        A mixture of experts; copies of it are fitted.
    X : array-like of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m), or str
        Responses or labels, or the column of a frame X that holds them.
    of : {"gate", "responsibilities"}, default="gate"
        Given x alone, or given x and y of the held-out row.
    cv : int, cross-validation generator or iterable, default=5
        Folds, each row held out once. A number shuffles rows by ``random_state``.
    sample_weight : array-like of shape (n,) or str, default=None
        Row weights of the fits.
    params : dict, default=None
        Further arguments of ``fit``, such as ``groups``, whose rows stay together, or ``offset``.

    Returns
    -------
    ndarray of shape (n, n_experts)
        Rows sum to one. Experts of each fit are numbered by what they predict on average, so
        that a column is about the same expert where experts differ in that.

    Raises
    ------
    TypeError
        If the estimator is no mixture of experts.
    ValueError
        If an argument is wrong, or rows are held out never or twice.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.selection import held_out_shares
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(400, 1))
    >>> up = rng.random(400) < 1 / (1 + np.exp(-3 * X[:, 0]))
    >>> y = np.where(up, X[:, 0], -X[:, 0]) + 0.1 * rng.standard_normal(400)
    >>> moe = MixtureOfExperts(n_experts=2, n_init=2, random_state=0)
    >>> held_out_shares(moe, X, y, cv=2).shape
    (400, 2)
    """
    if not isinstance(estimator, BaseMixture):
        raise TypeError(f"estimator must be a mixture of experts, got {estimator!r}.")
    kind, beside = check_choice("of", of, KINDS), folds.check_params(params)
    X, y, sample_weight = without_named(X, y, sample_weight, estimator._formulas())
    check_same_rows(X=X, y=y, sample_weight=sample_weight)
    n = count_rows(X)
    weight = None if sample_weight is None else check_weights(sample_weight, n)
    splits = folds.make(cv, estimator, X, y, beside.get("groups"))
    shares: np.ndarray | None = None
    for train, test in splits:
        more = {} if weight is None else {"sample_weight": weight[train]}
        moe = clone(folds.knowing_all_classes(estimator, y))
        of_train = folds.rows_of(beside, X, train)
        moe.fit(_safe_indexing(X, train), _safe_indexing(y, train), **more, **of_train)
        found = _of_rows(moe, kind, X, y, test, folds.rows_of(beside, X, test))
        shares = np.full((n, found.shape[1]), np.nan) if shares is None else shares
        shares[test] = found
    seen = np.bincount(np.concatenate([test for _, test in splits]), minlength=n)
    if shares is None or not np.all(seen == 1):
        raise ValueError(
            f"cv must hold out each row once, got {np.sum(seen != 1)} rows held out otherwise."
        )
    return shares


def _of_rows(
    moe: BaseMixture,
    kind: str,
    X: Table,
    y: Response,
    rows: np.ndarray,
    params: dict[str, Setting],
) -> np.ndarray:
    """Shares of some rows."""
    inputs = _safe_indexing(X, rows)
    if kind == "gate":
        return moe.gate_proba(inputs)
    return moe.responsibilities(inputs, _safe_indexing(y, rows), **folds.of_rows(params))
