"""Earlier values of inputs as further inputs."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from mixstat.alignment import check_same_rows
from mixstat.arguments import Series, Setting, Table, as_frame, count_rows
from mixstat.kinds import check_length, check_table
from mixstat.soft_sensors.times import check_times
from mixstat.validation import check_choice, check_integer, choose_columns


class LaggedFeatures(TransformerMixin, BaseEstimator):
    """Earlier values of each column beside its present one; rows are in the order of time.

    The table keeps its rows, so that it stays beside y. The first rows of a table have no
    history: ``fill`` says what stands there. Transform a whole series at once and split it
    afterwards, so that only its very first rows lack a history; nothing of the future enters
    a row.

    Parameters
    ----------
    lags : sequence of int, or dict of such sequences by column, default=(0, 1)
        How many rows back, 0 being the row itself. A dict gives columns their own lags, by
        name or position; columns that it leaves out are passed on as they are.
    fill : {"first", "nan"}, default="first"
        What stands before the first row: the first row's own value, or NaN. :func:`lag_rows`
        drops such rows instead, from y too.

    Attributes
    ----------
    lags_ : list of ndarray
        Lags of each column.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    Notes
    -----
    Being about neighbouring rows, it does not have scikit-learn's invariance of rows.
    ``set_output(transform="pandas")`` gives tables with an index.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.soft_sensors import LaggedFeatures
    >>> X = np.arange(4.0)[:, None]
    >>> LaggedFeatures(lags=[0, 2]).fit_transform(X)
    array([[0., 0.],
           [1., 0.],
           [2., 0.],
           [3., 1.]])
    """

    def __init__(self, lags=(0, 1), *, fill="first") -> None:
        self.lags = lags
        self.fill = fill

    def fit(self, X: Table, y: object = None) -> "LaggedFeatures":
        """Check the settings and learn the columns.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs.
        y : None
            Not used.

        Returns
        -------
        LaggedFeatures
            This transformer.

        Raises
        ------
        ValueError
            If a lag is no integer >= 0, occurs twice, or belongs to a column that X lacks.
        """
        check_choice("fill", self.fill, ("first", "nan"))
        learnt = copy(self)  # so that a fit that is refused leaves this transformer as it was
        validate_data(learnt, check_table("X", X), dtype=np.float64)
        learnt.lags_ = _each_column(self.lags, learnt._names())
        self.__dict__ = learnt.__dict__
        return self

    def transform(self, X: Table) -> Float[np.ndarray, "n p"]:
        """Columns with their lags: all lags of the first column, then those of the second.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Inputs in the order of time.

        Returns
        -------
        ndarray of shape (n, p)
            The table, or a data frame if ``set_output`` asked for one.
        """
        check_is_fitted(self)
        table = validate_data(self, check_table("X", X), dtype=np.float64, reset=False)
        check_times("X", X)
        before = np.nan if self.fill == "nan" else None
        return _lagged(table, self.lags_, np.zeros(len(table), int), before)

    def get_feature_names_out(self, input_features: Setting = None) -> np.ndarray:
        """Names such as "u1" and "u1_lag5".

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns; None means those seen in ``fit``.

        Returns
        -------
        ndarray of str
            A name for each column of the result.
        """
        check_is_fitted(self)
        if isinstance(input_features, str) or not isinstance(input_features, Iterable | None):
            raise ValueError(f"input_features must be a list of names, got {input_features!r}.")
        names = self._names() if input_features is None else [str(n) for n in input_features]
        if len(names) != self.n_features_in_ or (
            hasattr(self, "feature_names_in_") and names != list(self.feature_names_in_)
        ):
            raise ValueError(
                f"input_features must be the columns seen in fit, {', '.join(self._names())}; "
                f"got {', '.join(names)}."
            )
        pairs = zip(names, self.lags_, strict=True)
        named = [f"{name}_lag{lag}" if lag else name for name, lags in pairs for lag in lags]
        return np.array(named, dtype=object)

    def _names(self) -> list[str]:
        unnamed = [f"x{j}" for j in range(self.n_features_in_)]
        return [str(n) for n in getattr(self, "feature_names_in_", unnamed)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def lag_rows(
    X: Table, *others: Series, lags: Setting = (0, 1), groups: Series = None
) -> tuple[Any, ...]:
    """Lagged columns of the rows that have a full history, and the same rows of other tables.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Inputs in the order of time.
    *others : array-like of length n
        Responses, labels, times: whatever has a row for each of X.
    lags : sequence of int, or dict of such sequences by column, default=(0, 1)
        As in :class:`LaggedFeatures`.
    groups : array-like of shape (n,), default=None
        Labels of runs, such as batches; no history reaches from one run into the next.

    Returns
    -------
    tuple
        Lagged inputs, (m, p), and ``others`` without the rows that were dropped. Data frames
        stay data frames, with their index.

    Raises
    ------
    ValueError
        If lengths or ``lags`` do not suit X, or no row has a full history.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat.soft_sensors import lag_rows
    >>> X, y = lag_rows(np.arange(4.0)[:, None], np.arange(4), lags=[0, 2])
    >>> X
    array([[2., 0.],
           [3., 1.]])
    >>> y
    array([2, 3])
    """
    check_same_rows(X=X, groups=groups, **{f"others[{j}]": one for j, one in enumerate(others)})
    transformer = LaggedFeatures(lags).fit(X)
    check_consistent_length(X, *others)
    check_length("groups", groups, count_rows(X))
    table = validate_data(transformer, X, dtype=np.float64, reset=False)
    start = _starts(len(table), groups)
    check_times("X", X, start)
    longest = max(int(lags_of_column.max()) for lags_of_column in transformer.lags_)
    whole = np.flatnonzero(np.arange(len(table)) - start >= longest)
    if len(whole) == 0:
        raise ValueError(f"lags reach {longest} rows back, and no run of X is longer than that.")
    lagged = _lagged(table, transformer.lags_, start, None)[whole]
    frame = as_frame(X)
    if frame is not None:
        import pandas as pd

        names = transformer.get_feature_names_out()
        lagged = pd.DataFrame(lagged, columns=names, index=frame.index[whole])
    return (lagged, *(_safe_indexing(other, whole) for other in others))


def _starts(n: int, groups: Series) -> Int[np.ndarray, " n"]:
    """The first row of each row's run."""
    if groups is None:
        return np.zeros(n, int)
    labels = np.asarray(groups)
    if labels.ndim != 1:
        raise ValueError(f"groups must be a label for each row, got shape {labels.shape}.")
    new = np.concatenate([[True], labels[1:] != labels[:-1]])
    return np.flatnonzero(new)[np.cumsum(new) - 1]


def _lagged(
    X: Float[np.ndarray, "n d"], lags: list[np.ndarray], start: np.ndarray, before: float | None
) -> Float[np.ndarray, "n p"]:
    """All columns with their lags; ``before`` stands before a run's first row (None: that row)."""
    rows = np.arange(len(X))
    columns = []
    for j, lags_of_column in enumerate(lags):
        for lag in lags_of_column:
            column = X[np.maximum(rows - lag, start), j]
            columns.append(
                column if before is None else np.where(rows - lag < start, before, column)
            )
    return np.column_stack(columns)


def _each_column(lags: Setting, names: list[str]) -> list[np.ndarray]:
    if not isinstance(lags, Mapping):
        return [_checked(lags)] * len(names)
    columns = [np.zeros(1, int)] * len(names)
    for column, lags_of_column in lags.items():
        for j in choose_columns("lags", column, names):
            columns[j] = _checked(lags_of_column)
    return columns


def _checked(lags: Setting) -> Int[np.ndarray, " l"]:
    listed = list(lags) if isinstance(lags, Iterable) and not isinstance(lags, str) else [lags]
    numbers = [check_integer("lags", lag, 0) for lag in listed]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"lags must hold different integers >= 0, got {lags!r}.")
    return np.array(numbers)
