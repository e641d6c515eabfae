"""Rows with a missing value: left out where that was asked for, and told."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from jaxtyping import Bool

from mixstat.arguments import Response, Setting, Table, as_frame
from mixstat.data.formula import check_frame
from mixstat.estimators.offsets import without_columns
from mixstat.experts.base import Experts
from mixstat.fitting.fit import Fit
from mixstat.fitting.schema import Formulas, MissingRows
from mixstat.kinds import is_missing_value

WAYS = ("raise", "drop")
IN_PART = "likelihood"  # rows count by the outputs that they have


def find_missing(
    X: Table,
    y: Response,
    others: Sequence[Table],
    formulas: Formulas | None,
    *,
    in_part: bool = False,
    alone: bool = False,
) -> MissingRows | None:
    """Which rows have all values; None where lengths differ, which is told elsewhere.

    Parameters
    ----------
    X, y, others
        The rows; names among ``others`` are of columns of X.
    formulas
        Those of the model, whose columns alone count.
    in_part
        Whether rows may lack some of their outputs.
    alone
        Whether they may then lack all, since their inputs alone tell something.
    """
    names = [one for one in others if isinstance(one, str)]
    table = _columns(X, y, names, formulas)
    inputs = where_missing(table)
    responses = _responses(X, y, formulas)
    response = where_missing(responses, np.all if in_part else np.any)
    used = None if in_part and alone else response
    beside = [where_missing(one) for one in others if not isinstance(one, str)]
    found = [one for one in (inputs, used, *beside) if one is not None]
    if inputs is None or any(len(one) != len(inputs) for one in found):
        return None
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    labels = np.arange(len(inputs)) if index is None else np.asarray(index)
    kept = ~np.any(found, axis=0)
    lacking = where_missing(responses) if in_part else None
    some = 0 if lacking is None else int(np.sum(lacking & kept))
    none = 0 if response is None else int(response.sum())
    by_inputs = 0 if used is response or response is None else int(np.sum(response & kept))
    return MissingRows(kept, labels[kept], none - by_inputs, some - by_inputs, by_inputs)


def complete(rows: Sequence[Table], beside: Sequence[Table], fit: Fit) -> list[Table]:
    """X, y and others without rows that lack a value, and what may lack values itself."""
    X, y, *others = rows
    schema, ways = fit.request.schema, {"alone": fit.model.gate.joint}
    inputs = without_columns(X, schema.known, schema.response)
    ways["in_part"] = fit.model.experts.in_part
    found = find_missing(inputs, y, others, schema.formulas, **ways)
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


def check_in_part(family: Experts, formulas: Formulas | None) -> None:
    """Refuse families and models of which rows cannot count by some of their outputs."""
    if not family.may_lack:
        raise ValueError(
            f"missing={IN_PART!r} needs Gaussian experts, of which a row may have some outputs; "
            f"got {type(family).__name__}."
        )
    if formulas is not None:
        raise ValueError(
            f"missing={IN_PART!r} needs outputs in y, beside no formula; got {formulas.experts!r}."
        )


def with_holes(response: np.ndarray, holes: Bool[np.ndarray, "n m"] | None) -> np.ndarray:
    """Responses that were checked, with NaN where they are missing.

    Raises
    ------
    ValueError
        If an output is missing in all rows.
    """
    if holes is None:
        return response
    if (empty := np.flatnonzero(holes.all(axis=0))).size:
        raise ValueError(f"y must have each output in some rows; output {empty[0]} is in none.")
    return np.where(holes.reshape(response.shape), np.nan, response)


def filled(y: Response) -> tuple[Response, Bool[np.ndarray, "n m"] | None]:
    """Responses with zeros where they are missing, and where that is; None of what has no rows."""
    holes = entries_missing(y)
    if holes is None or not holes.any():
        return y, None
    frame = as_frame(y)
    if frame is not None:
        return frame.mask(holes, 0.0), holes.reshape(len(holes), -1)
    return np.where(holes, 0.0, np.asarray(y)), holes.reshape(len(holes), -1)


def where_missing(
    table: Table, of_row: Callable[..., np.ndarray] = np.any
) -> Bool[np.ndarray, " n"] | None:
    """Rows in which something (or, with ``np.all``, all) is missing; None of what has no rows."""
    missing = entries_missing(table)
    return None if missing is None else of_row(missing.reshape(len(missing), -1), axis=1)


def entries_missing(table: Table) -> Bool[np.ndarray, "n ..."] | None:
    """Which entries are missing; None of what has no rows."""
    frame = as_frame(table)
    if frame is not None:
        missing = np.asarray(frame.isna())
    elif table is None or hasattr(table, "tocsr"):
        return None
    elif isinstance(table, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(table)
    else:
        missing = _among(np.asarray(table))
    return missing if missing.ndim else None


def _among(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f":
        return np.isnan(array)
    if array.dtype.kind == "O":
        return np.array([is_missing_value(one) for one in array.flat], bool).reshape(array.shape)
    return np.zeros(array.shape, bool)
