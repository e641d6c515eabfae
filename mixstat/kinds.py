"""What tables may hold: other kinds of data are refused by the name of their argument."""

import datetime
import numbers
from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np

from mixstat.arguments import DataFrame, Response, Table, as_frame, count_rows

TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def check_numbers(name: str, table: Table, *, booleans: bool = True) -> Table:
    """A table, or an array, if what it holds can be taken as real numbers.

    Shapes, NaN and infinity are left to later checks; so is None, which may stand for nothing.

    Parameters
    ----------
    name
        Of the argument.
    table
        What was given.
    booleans
        Whether True and False may stand for 1 and 0.
    """
    if table is None or _is_plain(table):
        return table
    table = _check_whole(name, table)
    frame = as_frame(table)
    if frame is not None:
        _check_dense(name, frame)
    if frame is not None and hasattr(frame, "columns"):
        for j, column in enumerate(frame.columns):
            _check_array(f"{name}[{column!r}]", _as_array(name, frame.iloc[:, j]), booleans)
        return table
    _check_array(name, _as_array(name, table), booleans)
    return table


def check_table(name: str, table: Table, n_rows: int = 1) -> Table:
    """A table of numbers with at least so many rows."""
    table = check_numbers(name, table)
    if table is None:
        raise ValueError(f"{name} must be a table with a row for each observation, got None.")
    shape = table.shape if as_frame(table) is not None else np.asarray(table).shape  # type: ignore
    if len(shape) != 2:
        seen = f"{len(shape)}D" if shape else "scalar"
        raise ValueError(
            f"{name} must be a table with a row for each observation. Expected 2D array, got "
            f"{seen} array of shape {shape}. Reshape your data: {name}.reshape(-1, 1) for one "
            f"input, {name}.reshape(1, -1) for one row."
        )
    if shape[1] == 0:
        raise ValueError(
            f"{name} must have columns: it has 0 feature(s) (shape={tuple(shape)}) while a minimum "
            "of 1 is required."
        )
    check_names(name, table)
    n = count_rows(table)
    if n < n_rows:
        raise ValueError(
            f"{name} must have rows: it has {n} sample(s), while a minimum of {n_rows} is required."
        )
    return table


def check_outputs(name: str, y: Response) -> None:
    """Refuse responses that are neither a vector nor a table whose columns have names."""
    shape = np.asarray(y).shape
    if len(shape) not in (1, 2) or shape[1:] == (0,):
        raise ValueError(
            f"{name} must be a vector, or a table with a column for each output; got shape {shape}."
        )
    if len(shape) == 2:
        check_names(name, y)


def check_names(name: str, table: Table) -> None:
    """Refuse columns of a data frame that cannot be told apart by their names."""
    frame = as_frame(table)
    if frame is None:
        return
    names = list(frame.columns)
    twice = [one for i, one in enumerate(names) if one in names[:i]]
    if twice:
        raise ValueError(
            f"{name} must have columns of different names, got {twice[0]!r} more than once."
        )
    kinds = sorted({type(one).__name__ for one in names})
    if len(kinds) > 1 and "str" in kinds:
        raise TypeError(
            f"{name} must have columns whose names are all strings, got names of the kinds "
            f"{', '.join(kinds)}; {name}.columns.astype(str) makes strings of them."
        )


def check_length(name: str, values: Table, n: int) -> None:
    """Refuse what has not an entry for each of ``n`` rows."""
    if values is None:
        return
    if not np.asarray(values).shape:
        raise ValueError(
            f"{name} must have an entry for each of the {n} rows of X; got {values!r}."
        )
    if (seen := count_rows(values)) != n:
        raise ValueError(
            f"{name} must have an entry for each of the {n} rows of X; got inconsistent numbers of "
            f"samples: [{n}, {seen}]."
        )


def check_labels(name: str, y: Response) -> Response:
    """Responses, if what they hold can be taken as labels of one kind."""
    if y is None:
        return y
    y = _check_whole(name, y)
    array = _as_array(name, y)
    if array.dtype.kind in "mMcVS":
        raise ValueError(
            f"{name} must hold labels (integers, strings or booleans), got {array.dtype}, as in "
            f"{array.flat[0]!s}; strings of them may be labels."
        )
    if array.dtype.kind == "O":
        _check_kinds_of_labels(name, array)
    return y


def _check_kinds_of_labels(name: str, array: np.ndarray) -> None:
    kinds: dict[str, object] = {}
    for row, value in enumerate(array.flat):
        if is_missing_value(value):
            raise ValueError(
                f"{name} must have a label in every row, got {value!r} in row {row}: leave such "
                "rows out."
            )
        kind = "number" if isinstance(value, numbers.Number) else type(value).__name__
        kinds.setdefault(kind, value)
    if len(kinds) > 1:
        seen = ", ".join(repr(value) for value in kinds.values())
        raise ValueError(f"{name} must hold labels of one kind, got {seen}; make strings of them.")


def is_missing_value(value: object) -> bool:
    """None, and NaN, NaT and NA, which do not equal themselves."""
    if value is None or type(value).__name__ == "NAType":
        return True
    same = value == value
    return isinstance(same, bool | np.bool_) and not same


def _is_plain(table: Table) -> bool:
    """Whether a table is an array of real numbers, as most are."""
    return type(table) is np.ndarray and table.dtype.kind in "fiu"


def _check_whole(name: str, table: Table) -> Table:
    """A table that is neither text, nor sparse, nor partly masked, and has an order."""
    if isinstance(table, str | bytes):
        raise ValueError(f"{name} must be an array, got {table!r}.")
    if hasattr(table, "tocsr"):
        raise TypeError(
            f"{name} must be dense, got sparse data: {type(table).__name__}; call .toarray() first."
        )
    if isinstance(table, Mapping | Set | Iterator):
        raise TypeError(f"{name} must be an array or a data frame, got a {type(table).__name__}.")
    if isinstance(table, np.ma.MaskedArray):
        masked = np.argwhere(np.ma.getmaskarray(table))
        if len(masked):
            raise ValueError(
                f"{name} must not have masked entries, got {len(masked)} of them, the first in row "
                f"{masked[0][0]}: leave such rows out."
            )
        return np.asarray(table)
    return table


def _check_dense(name: str, frame: DataFrame) -> None:
    """Refuse sparse columns of a data frame, or a sparse series."""
    kinds = getattr(frame, "dtypes", None)
    for kind in np.atleast_1d(np.asarray(kinds, object)):
        if type(kind).__name__ == "SparseDtype":
            raise TypeError(
                f"{name} must be dense, got sparse data: {kind}; call .sparse.to_dense() first."
            )


def _as_array(name: str, table: Any) -> np.ndarray:
    try:
        return np.asarray(table)
    except ValueError:
        raise ValueError(
            f"{name} must be an array whose rows have the same length; got rows that have not."
        ) from None


def _check_array(name: str, array: np.ndarray, booleans: bool) -> None:
    kind = array.dtype.kind
    if kind == "c":
        raise ValueError(
            f"{name}: Complex data not supported, got {array.dtype}; real numbers are wanted."
        )
    if kind == "b" and not booleans:
        raise ValueError(
            f"{name} must hold numbers, got True and False: classes are for "
            "MixtureOfExpertsClassifier, and astype(float) makes numbers of them."
        )
    if kind in "mMUSV":
        first = array.flat[0] if array.size else ""
        raise ValueError(f"{name} must hold numbers, got {array.dtype}, as in {str(first)!r}.")
    if kind == "O":
        _check_objects(name, array, booleans)


def _check_objects(name: str, array: np.ndarray, booleans: bool) -> None:
    """Refuse what is no number among objects."""
    for place, value in np.ndenumerate(array):
        if isinstance(value, bool | np.bool_):
            wrong = not booleans
        else:
            wrong = is_missing_value(value) or isinstance(value, (str, bytes, complex, *TIMES))
        row = f" in row {place[0]}" if place else ""
        if wrong:
            raise ValueError(f"{name} must hold numbers, got {value!r}{row}.")
        if not hasattr(value, "__float__"):
            raise TypeError(
                f"{name} must hold numbers, got {value!r}{row}: an argument must be no string or "
                "other object, but a number."
            )
