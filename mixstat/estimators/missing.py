"""Rows with a missing value: left out where that was asked for, and told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from jaxtyping import Bool

from mixstat.arguments import Response, Setting, Table, as_frame
from mixstat.data.formula import check_frame
from mixstat.estimators.offsets import without_columns
from mixstat.fitting.schema import Formulas, MissingRows, Schema
from mixstat.kinds import is_missing_value

WAYS = ("raise", "drop")


def find_missing(
    X: Table, y: Response, others: Sequence[Table], formulas: Formulas | None
) -> MissingRows | None:
    """Which rows have all values; None where lengths differ, which is told elsewhere.

    Parameters
    ----------
    X, y, others
        The rows; names among ``others`` are of columns of X.
    formulas
        Those of the model, whose columns alone count.
    """
    names = [one for one in others if isinstance(one, str)]
    table = _columns(X, y, names, formulas)
    inputs = where_missing(table)
    response = where_missing(_responses(X, y, formulas))
    beside = [where_missing(one) for one in others if not isinstance(one, str)]
    found = [one for one in (inputs, response, *beside) if one is not None]
    if inputs is None or any(len(one) != len(inputs) for one in found):
        return None
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    labels = np.arange(len(inputs)) if index is None else np.asarray(index)
    kept = ~np.any(found, axis=0)
    return MissingRows(kept, labels[kept], 0 if response is None else int(response.sum()))


def complete(rows: Sequence[Table], beside: Sequence[Table], schema: Schema) -> list[Table]:
    """X, y and others without rows that lack a value, and what may lack values itself."""
    X, y, *others = rows
    found = find_missing(without_columns(X, schema.known), y, others, schema.formulas)
    every = (*rows, *beside)
    return [one if found is None else taken(one, found.kept) for one in every]


def taken(table: Setting, kept: Bool[np.ndarray, " n"]) -> Setting:
    """The rows that are kept, of what has an entry for each of them; all else as it is."""
    frame = as_frame(table)
    if frame is not None:
        return frame[kept] if len(frame) == len(kept) else table
    if table is None or isinstance(table, str) or hasattr(table, "fit"):
        return table
    array = np.asarray(table)
    return array[kept] if array.ndim and len(array) == len(kept) else table


@contextmanager
def naming_rows(advice: str, **tables: Table) -> Iterator[None]:
    """Where scikit-learn's complaint about NaN names a row, and says what to do about it."""
    try:
        yield
    except ValueError as error:
        first = str(error).partition("\n")[0]
        for name, table in tables.items():
            if (
                first == f"Input {name} contains NaN."
                and (marks := where_missing(table)) is not None
            ):
                rows = np.flatnonzero(marks)
                raise ValueError(
                    f"{first[:-1]} in row {rows[0]}, {len(rows)} such rows in all; {advice}"
                ) from None
        raise


def _columns(X: Table, y: Response, names: list[str], formulas: Formulas | None) -> Table:
    """What of X counts: all, or the columns of formulas and those that are named."""
    if formulas is None or as_frame(X) is None:
        return X
    frame = check_frame(X, "formula")
    formulas = formulas.of_table(frame)
    used = [*formulas.inputs, *names, *(n for one in formulas.offsets for n in one.columns)]
    return frame[[name for name in dict.fromkeys(used) if name in frame.columns]]


def _responses(X: Table, y: Response, formulas: Formulas | None) -> Table:
    if y is not None or formulas is None or as_frame(X) is None:
        return y
    frame = check_frame(X, "formula")
    return frame[[name for name in formulas.outputs if name in frame.columns]]


def where_missing(table: Table) -> Bool[np.ndarray, " n"] | None:
    """Rows in which something is missing; None of what has no rows."""
    frame = as_frame(table)
    if frame is not None:
        missing = np.asarray(frame.isna())
    elif table is None or hasattr(table, "tocsr"):
        return None
    elif isinstance(table, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(table)
    else:
        missing = _among(np.asarray(table))
    return np.any(missing.reshape(len(missing), -1), axis=1) if missing.ndim else None


def _among(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f":
        return np.isnan(array)
    if array.dtype.kind == "O":
        return np.array([is_missing_value(one) for one in array.flat], bool).reshape(array.shape)
    return np.zeros(array.shape, bool)
