"""What people know of the experts of rows: their numbers, or which are possible and how far."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mixstat.alignment import check_same_rows
from mixstat.arguments import Table, count_rows
from mixstat.contextual.table import log_possibility
from mixstat.data.units import Labels, numbered
from mixstat.estimators.grouping import column_of, shown
from mixstat.estimators.missing import taken
from mixstat.estimators.offsets import check_dotted
from mixstat.fitting.schema import ColumnSource, Schema
from mixstat.fitting.tables import TrainingRows
from mixstat.kinds import check_length, check_numbers, is_missing_value

UNKNOWN = -1  # what scikit-learn writes for no label


def told(
    rows: TrainingRows,
    schema: Schema,
    X: Table,
    known: Table,
    source: ColumnSource | None,
    n_experts: int,
) -> tuple[TrainingRows, Schema]:
    """Rows of a fit with what is known of their experts, and where that comes from.

    Parameters
    ----------
    rows, schema
        The rows, without those that were left out.
    X, known
        As they were given.
    source
        How the fit was told.
    n_experts
        Number of experts.
    """
    if source is None:
        return rows, schema
    check_same_rows(X=X, known_experts=known)
    if schema.formulas is not None:
        check_dotted(schema.formulas, {"known_experts": source})
    kept = None if schema.missing is None else schema.missing.kept
    table = possibilities(X, known, n_experts)
    table = table if kept is None else np.asarray(taken(table, kept))
    rows = replace(rows, log_possibility=of_rows(table, rows.unit))
    return rows, replace(schema, known=source)


def read_known(
    X: Table, known: Table, source: ColumnSource | None, n_experts: int, unit: Labels | None
) -> Float[np.ndarray, "n K"] | None:
    """Log possibilities of the experts of rows that a fit is asked about.

    ``known`` may be left out where the fit took a column; None where nothing is told.
    """
    if source is None:
        if known is not None:
            raise ValueError(
                f"known_experts must be left out, as it was in fit; got {shown(known)}."
            )
        return None
    known = source.column if known is None else known
    return None if known is None else of_rows(possibilities(X, known, n_experts), unit)


def possibilities(X: Table, known: Table, n_experts: int) -> Float[np.ndarray, "n K"]:
    """How possible each expert is for each row; the best of each row has one.

    Parameters
    ----------
    X
        The table as it was given.
    known
        Numbers of experts, a table with a column for each expert, or the name of a column of X.
    n_experts
        Number of experts.
    """
    if isinstance(known, str):
        known = column_of(X, "known_experts", known)
    n = count_rows(X)
    axes = np.ndim(known)  # type: ignore[arg-type]
    if axes not in (1, 2):
        raise ValueError(
            f"known_experts must have an entry for each of the {n} rows of X: the number of its "
            f"expert, or a possibility for each expert; got {shown(known)}."
        )
    check_length("known_experts", known, n)
    return _of_numbers(known, n_experts) if axes == 1 else _of_table(known, n_experts)


def of_rows(
    table: Float[np.ndarray, "n K"], unit: Labels | None
) -> Float[np.ndarray, "n K"] | None:
    """Log possibilities; of a unit what is possible for all its rows. None if all is possible."""
    if unit is not None:
        table = _of_units(table, unit)
    return None if np.all(table == 1) else log_possibility(table)


def _of_numbers(known: Table, n_experts: int) -> Float[np.ndarray, "n K"]:
    """One for the expert that is known, and for all where none is."""
    table = np.ones((count_rows(known), n_experts))
    for row, value in enumerate(_as_objects(known)):
        if is_missing_value(value):
            continue
        number = _number(value)
        if number is None or not UNKNOWN <= number < n_experts:
            raise ValueError(
                f"known_experts must hold numbers of experts from 0 to {n_experts - 1}, and NaN, "
                f"None or -1 where the expert is not known; got {value!r} in row {row}."
            )
        if number != UNKNOWN:
            table[row] = np.arange(n_experts) == number
    return table


def _as_objects(known: Table) -> list[object]:
    """Values one by one; what is masked is missing."""
    return known.tolist() if isinstance(known, np.ma.MaskedArray) else np.asarray(known).tolist()


def _number(value: object) -> int | None:
    """A whole number; None for anything else."""
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    return int(value) if whole else None  # type: ignore[arg-type]


def _of_table(known: Table, n_experts: int) -> Float[np.ndarray, "n K"]:
    """Possibilities divided by the largest of their row; a row of NaN says nothing."""
    try:
        values = np.array(check_numbers("known_experts", known), float)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"known_experts must hold numbers between 0 and 1: {error}") from None
    if values.shape[1] != n_experts:
        raise ValueError(
            f"known_experts must have a column for each of the {n_experts} experts, got shape "
            f"{values.shape}."
        )
    values[np.isnan(values).all(axis=1)] = 1.0
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        row, k = (int(one) for one in np.argwhere(wrong)[0])
        raise ValueError(
            "known_experts must lie between 0 and 1 (a whole row may be NaN, where nothing is "
            f"known), got {values[row, k]:g} in row {row}, column {k}."
        )
    best = values.max(axis=1)
    if not best.all():
        raise ValueError(
            f"known_experts must leave an expert possible in every row; got only zeros in row "
            f"{int(np.argmin(best))}."
        )
    return values / best[:, None]


def _of_units(table: Float[np.ndarray, "n K"], unit: Labels) -> Float[np.ndarray, "n K"]:
    """What all rows of a unit leave possible, by the least of them, for each of its rows."""
    number = numbered(unit)
    least = np.ones((number.max() + 1, table.shape[1]))
    np.minimum.at(least, number, table)
    best = least.max(axis=1)
    if not best.all():
        row = int(np.argmin(best[number]))
        raise ValueError(
            "known_experts must leave an expert possible for all rows of a unit of groups; those "
            f"of unit {unit[row]!s} contradict each other."
        )
    return (least / best[:, None])[number]
