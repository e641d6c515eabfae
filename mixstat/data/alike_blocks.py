"""Whether blocks of rows have the same columns, of the same kinds."""

import numpy as np

from mixstat.arguments import Table, as_frame
from mixstat.data.blocks import Block

KINDS = {
    **dict.fromkeys("biuf", "numbers"),
    **dict.fromkeys("OSUT", "text"),
    **dict.fromkeys("mM", "dates or times"),
}


def check_alike(first: Block, block: Block, number: int) -> None:
    """Refuse a block that could not stand under the first one as one table."""
    for name in ("X", "y"):
        one, other = (_columns(getattr(each, name)) for each in (first, block))
        if list(one.items()) == list(other.items()):
            continue
        unlike = [c for c in one if c in other and one[c] != other[c]]
        if list(one) == list(other) and unlike:
            column = unlike[0]
            raise TypeError(
                f"{name}: block {number} has {other[column]} in the column {column}, and block 0 "
                f"{one[column]}; all blocks must have the same kinds of columns."
            )
        raise ValueError(
            f"{name}: block {number} has {_listed(other)}, and block 0 {_listed(one)}; all blocks "
            "must have the same columns in the same order."
        )


def _columns(table: Table) -> dict[str, str]:
    """What each column holds; of an array by the numbers of its columns."""
    if table is None:
        return {}
    frame = as_frame(table)
    if frame is None:
        array = np.asarray(table)
        width = array.shape[1] if array.ndim > 1 else 1
        kind = KINDS.get(array.dtype.kind, str(array.dtype))
        return {f"number {j}": kind for j in range(width)}
    if not hasattr(frame, "columns"):  # a series
        return {"number 0": _kind(getattr(frame, "dtype", None))}
    return {str(name): _kind(frame[name].dtype) for name in frame.columns}


def _kind(dtype: object) -> str:
    """Kind of a column of a data frame, whose types are NumPy's or of its own."""
    text = str(dtype).lower()
    if text.startswith(("str", "category", "object", "large_string")):
        return "text"
    kind = getattr(dtype, "kind", "O")
    return KINDS.get(kind, text)


def _listed(columns: dict[str, str]) -> str:
    if not columns:
        return "none"
    if next(iter(columns)) == "number 0":
        return f"{len(columns)} column{'s' * (len(columns) > 1)} without names"
    names = ", ".join(list(columns)[:12])
    return f"the columns {names}" if len(columns) <= 12 else f"the columns {names}, ..."
