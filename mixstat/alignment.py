"""Tables that belong to the same rows must say so: their indexes are compared at one door.

Tables with an index (of pandas) are matched by it or refused, and never sorted: the order of rows
has a meaning that nobody but their owner knows. Equal indexes pass. An index that only numbers its
rows from 0 says nothing beside one of dates or names, and then position counts, as it does for
tables without an index.
"""

import sys
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from mixstat.arguments import Table

Index: TypeAlias = Any  # of pandas, which is loaded if a table has one


def check_same_rows(**tables: Table) -> None:
    """Refuse tables whose indexes tell that their rows are not the same, in the same order.

    Parameters
    ----------
    **tables
        Tables by the name of their argument, a dict of columns among them; the first one with
        an index is what the others are compared with.
    """
    first: tuple[str, Index] | None = None
    for name, table in _with_columns(tables).items():
        index = _index_of(table)
        if index is None:
            continue
        if first is None:
            first = name, index
        else:
            _compare(*first, name, index)


def _with_columns(tables: Mapping[str, Table]) -> dict[str, Table]:
    """Tables, and the columns of those that are dicts, by name."""
    out: dict[str, Table] = {}
    for name, table in tables.items():
        if isinstance(table, Mapping):
            out |= {f"{name}[{column!r}]": values for column, values in table.items()}
        else:
            out[name] = table
    return out


def _index_of(table: Table) -> Index | None:
    """The index of a data frame or a series; None of other tables."""
    pandas = sys.modules.get("pandas")
    index = getattr(table, "index", None) if hasattr(table, "iloc") else None
    return index if pandas is not None and isinstance(index, pandas.Index) else None


def _compare(one: str, mine: Index, other: str, yours: Index) -> None:
    if len(mine) != len(yours):
        return  # what else is wrong with lengths is told where they are checked
    if (
        mine.equals(yours)
        or _are_equal(mine, yours)
        or _only_numbers(mine, yours)
        or _only_numbers(yours, mine)
    ):
        return
    if set(mine) == set(yours):
        what = "the same labels in another order"
    else:
        row = next(i for i, pair in enumerate(zip(mine, yours)) if pair[0] != pair[1])
        what = f"{yours[row]!s} in row {row} where {one} has {mine[row]!s}"
    raise ValueError(
        f"{other} must have the index of {one}, got {what}: rows are not matched by position where "
        f"indexes differ. Align them ({other}.loc[{one}.index]), or pass {other}.to_numpy() if the "
        "order is right."
    )


def _are_equal(mine: Index, yours: Index) -> bool:
    """Whether labels are the same though they are written otherwise, as times of two zones are."""
    try:
        return bool(np.all(mine == yours))
    except (TypeError, ValueError):
        return False


def _only_numbers(mine: Index, yours: Index) -> bool:
    """Whether one index numbers its rows from 0 while the other has labels that are no numbers."""
    is_numeric = sys.modules["pandas"].api.types.is_numeric_dtype
    is_numbered = is_numeric(mine.dtype) and bool(np.array_equal(mine, np.arange(len(mine))))
    return is_numbered and not is_numeric(yours.dtype)
