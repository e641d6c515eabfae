"""What conformal prediction may be asked for, checked before anything is fitted."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

import mixstat.selection.folds as folds
from mixstat.alignment import check_same_rows
from mixstat.arguments import Estimator, Response, Setting, Table, Weights, count_rows
from mixstat.conformal.laws import Laws
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classification import ClassificationMixture
from mixstat.estimators.formula_rows import row_weights
from mixstat.estimators.named import of_column
from mixstat.estimators.prediction import RegressionMixture
from mixstat.selection.grid import with_settings

METHODS = ("split", "cross", "prefit")
REGIONS = ("all", "expert")
THRESHOLDS = ("density", "content")


class Rows(NamedTuple):
    """What a predictor is made from."""

    X: Table
    y: Response
    weight: Float[np.ndarray, " n"]
    params: dict[str, Setting]
    """Further arguments of the estimator's ``fit``."""

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.weight)

    def take(self, chosen: Int[np.ndarray, " r"]) -> "Rows":
        """Some of them."""
        y = None if self.y is None else _safe_indexing(self.y, chosen)
        params = folds.rows_of(self.params, self.X, chosen)
        return Rows(_safe_indexing(self.X, chosen), y, self.weight[chosen], params)


def check_offset(params: dict[str, Setting]) -> None:
    """Refuse offsets that sets for new rows would have no way to find."""
    offset = params.get("offset")
    if offset is not None and not isinstance(offset, str):
        raise ValueError(
            "params['offset'] must be the name of a column of a frame X, in which sets for new "
            f"rows find theirs; got {type(offset).__name__}."
        )


def check_estimator(estimator: Estimator, *, fitted: bool) -> BaseMixture:
    """A regressor of one output or a classifier."""
    if not isinstance(estimator, BaseMixture):
        raise ValueError(f"estimator must be one of mixstat, got {estimator!r}.")
    if fitted:
        check_is_fitted(estimator)
        check_fitted(estimator)
    return estimator


def check_fitted(estimator: BaseMixture) -> None:
    """Refuse responses that are not one number a row, of which sets could be made."""
    columns, experts = len(estimator.fit_.units.location), estimator.fit_.model.experts
    if experts.response.startswith("censored"):
        raise ValueError(
            "estimator must have responses that are exact: where only a range is known nobody can "
            f"tell whether a set holds the response; got {experts!r}."
        )
    if experts.jumps:
        raise ValueError(
            "estimator must have no point mass beside a continuous family, whose densities no "
            f"probability compares with; got {experts!r}."
        )
    if columns == 1:
        return
    if experts.response == "binomial":
        raise ValueError(
            "estimator must have binomial experts of a known number of trials, such as "
            "BinomialExperts(trials=10): with successes and failures as y new rows have none; got "
            f"{experts!r}."
        )
    raise ValueError(
        f"estimator must have one output, got {columns}: sets of several outputs are no intervals."
    )


def check_crossed(regions: str, threshold: str, sample_weight: Weights, y: Response) -> None:
    """Refuse what has no guarantee with several fits."""
    if threshold != "density":
        raise ValueError(
            f"threshold must be 'density' for method='cross', got {threshold!r}. "
            "Use method='split'."
        )
    if regions != "all":
        raise ValueError(
            f"regions must be 'all' for method='cross', got {regions!r}: experts of different "
            "fits have different regions. Use method='split'."
        )
    if sample_weight is not None:
        raise ValueError(
            "sample_weight must be None for method='cross', which has no guarantee with "
            f"weights; got {type(sample_weight).__name__}. Use method='split'."
        )
    if y is None:
        raise ValueError("y must be given for method='cross': folds are made of it, got None.")


def fit_to(estimator: BaseMixture, rows: Rows) -> BaseMixture:
    """A new estimator of the same settings, fitted to rows."""
    fresh = with_settings(estimator, {})
    fresh.fit(rows.X, rows.y, sample_weight=rows.weight, **rows.params)
    check_fitted(fresh)
    return fresh


def laws_of(estimators: tuple[BaseMixture, ...], X: Table) -> Laws:
    """Predictive distributions of regressors at rows."""
    each = []
    for one in estimators:
        assert isinstance(one, RegressionMixture)
        each.append(one._predictive(X))
    return Laws(tuple(each))


def log_proba(estimator: BaseMixture, X: Table) -> Float[np.ndarray, "n C"]:
    """Log probability of each class."""
    assert isinstance(estimator, ClassificationMixture)
    with np.errstate(divide="ignore"):
        return np.log(estimator.predict_proba(X))


def weights_of(estimator: BaseMixture, X: Table, sample_weight: Weights) -> Float[np.ndarray, " n"]:
    """Numbers for rows, ones by default; beside a formula it may name a column."""
    return row_weights(X, sample_weight, count_rows(X), estimator._formulas())


def new_weights(
    estimator: BaseMixture, X: Table, sample_weight: Weights, *, told: bool
) -> Float[np.ndarray, " n"]:
    """Those of rows that sets are made for, given where they were ``told`` to ``fit``."""
    if told and sample_weight is None:
        raise ValueError(
            "sample_weight must be given here as it was given to fit: the threshold of a row "
            "depends on its own weight; got None."
        )
    if sample_weight is not None and not told:
        raise ValueError(
            f"sample_weight must be None, as it was for fit; got {type(sample_weight).__name__}."
        )
    weight = of_column(X, sample_weight, estimator._formulas())
    check_same_rows(X=X, sample_weight=weight)
    return weights_of(estimator, X, weight)


def regions_of(estimator: BaseMixture, X: Table, regions: str) -> Int[np.ndarray, " n"]:
    """The most probable expert given x, or zeros."""
    if regions == "all":
        return np.zeros(count_rows(X), int)
    return np.asarray(estimator.predict_expert(X), int)
