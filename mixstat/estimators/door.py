"""Where rows of a fit come in: checked as scikit-learn does, without touching an estimator."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_array, validate_data

from mixstat.arguments import DataFrame, Response, Table, as_frame, count_rows
from mixstat.data.categories import categories_of, check_levels
from mixstat.estimators.missing import naming_rows
from mixstat.fitting.schema import Schema
from mixstat.kinds import (
    check_labels,
    check_length,
    check_names,
    check_numbers,
    check_outputs,
    check_table,
)

FIT = "missing='drop' leaves such rows out of a fit and tells how many."
ASKED = "fill them or leave such rows out, since every input is needed."


class _Door(BaseEstimator):
    """Takes what scikit-learn writes on an estimator while it checks rows."""

    tags: Tags

    def __sklearn_tags__(self) -> Tags:
        return self.tags


def enter(
    estimator: BaseEstimator,
    X: Table,
    y: Response,
    *,
    multi_output: bool = False,
    y_numeric: bool = False,
    booleans: bool = True,
) -> tuple[Table, np.ndarray, Schema]:
    """Check the rows of a fit; what they look like is told, and not yet an attribute.

    Parameters
    ----------
    estimator
        Whose rows they are; messages name its class.
    X, y
        Inputs and responses, at least two rows of them.
    multi_output, y_numeric
        Whether y may have several columns, and must be numbers.
    booleans
        Whether numbers of y may be True and False.
    """
    named, categories = names_of(y), categories_of(X)
    with naming_rows(FIT, X=X, y=y):
        X = check_mixed(X, categories, 2) if categories else check_table("X", X, 2)
        # scikit-learn would make floats of integers and booleans that may be missing
        y = check_numbers("y", y, booleans=booleans) if y_numeric else plain(check_labels("y", y))
        if y is not None:
            check_outputs("y", y)
        check_length("y", y, count_rows(X))
        door = type(type(estimator).__name__, (_Door,), {"tags": get_tags(estimator)})()
        read, y = validate_data(
            door,
            _numbers_of(X, categories),
            y,
            multi_output=multi_output,
            y_numeric=y_numeric,
            dtype=np.float64,
            ensure_min_samples=2,
        )
    response = np.asarray(y)
    response = response.astype(float) if y_numeric and response.dtype == bool else response
    kind = {"is_vector": response.ndim == 1, "response_names": named}
    if categories:
        names = np.asarray(X.columns, object)  # type: ignore[attr-defined]
        return X, response, Schema(len(names), names, categories=categories, **kind)
    table, names = np.asarray(read), getattr(door, "feature_names_in_", None)
    return table, response, Schema(table.shape[1], names, **kind)


def read_again(estimator: BaseEstimator, X: Table, schema: Schema) -> Table:
    """New rows, checked as scikit-learn does, as the features of a fit want them."""
    if not schema.categories:
        X = check_table("X", X)
        with naming_rows(ASKED, X=X):
            return validate_data(estimator, X, reset=False, dtype=np.float64)
    frame = as_frame(X)
    if frame is None or not hasattr(frame, "columns"):
        raise TypeError(
            f"X must be a data frame, as in fit, where {schema.categories[0]} holds text or "
            f"categories; got {type(X).__name__}."
        )
    validate_data(estimator, X, reset=False, skip_check_array=True)
    with naming_rows(ASKED, X=X):
        return check_mixed(frame, schema.categories)


def check_mixed(X: DataFrame, categories: Sequence[str], n_rows: int = 1) -> DataFrame:
    """A data frame whose columns hold floats but for those that hold levels."""
    numeric = [name for name in X.columns if name not in categories]
    check_table("X", X[numeric] if numeric else np.zeros((len(X), 1)), n_rows)
    check_names("X", X)
    check_levels(X, categories)
    if not numeric:
        return X
    values = check_array(X[numeric], dtype=np.float64, input_name="X")
    return X.assign(**dict(zip(numeric, values.T, strict=True)))


def _numbers_of(X: Table, categories: Sequence[str]) -> Table:
    """What of the inputs scikit-learn looks at."""
    frame = as_frame(X)
    if not categories or frame is None:
        return X
    return np.zeros((len(frame), 1))


def is_sound(X: Table, schema: Schema) -> bool:
    """Whether new rows are an array that no check would refuse or tell something of.

    All checks take longer than what is asked of a single row.
    """
    return (
        type(X) is np.ndarray
        and X.dtype == np.float64
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == schema.n_features
        and schema.feature_names is None
        and bool(np.isfinite(X).all())
    )


def plain(y: Response) -> Response:
    """Labels of a series as NumPy has them: integers stay integers, booleans booleans."""
    return y.to_numpy() if as_frame(y) is not None else y  # type: ignore[union-attr]


def names_of(y: Response) -> tuple[str, ...]:
    """Names of the columns of a data frame, or of a series that has one."""
    columns = getattr(y, "columns", None)
    if columns is not None:
        return tuple(str(one) for one in columns)
    name = getattr(y, "name", None)
    return () if name is None else (str(name),)
