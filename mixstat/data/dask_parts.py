"""Collections of Dask, a partition at a time."""

# Dask has no types
# pyright: basic

from collections.abc import Iterator
from typing import Any

from mixstat.arguments import Table


def parts_of(tables: dict[str, Any]) -> Iterator[tuple[Table, ...]]:
    """Rows of each partition, as the cluster makes them; None stays None.

    Parameters
    ----------
    tables
        Collections by the names of arguments, the first of which has all partitions.
    """
    import dask  # pyright: ignore[reportMissingImports]

    given = {name: _rows_whole(one) for name, one in tables.items() if one is not None}
    each = {name: _delayed(one) for name, one in given.items()}
    for parts in zip(*each.values(), strict=True):
        rows = dict(zip(each, dask.compute(*parts), strict=True))
        yield tuple(rows.get(name) for name in tables)


def check_parts(tables: dict[str, Any]) -> None:
    """Refuse what is no collection, or has other partitions than the first."""
    first = ""
    for name, one in tables.items():
        if one is None and first:
            continue
        if not hasattr(one, "to_delayed"):
            raise TypeError(
                f"{name} must be an array or data frame of Dask, got {one!r} "
                f"({type(one).__name__}); Blocks.of_arrays takes those in memory."
            )
        first = first or name
        seen, wanted = len(_delayed(_rows_whole(one))), len(_delayed(_rows_whole(tables[first])))
        if seen != wanted:
            raise ValueError(
                f"{name} must have the {wanted} partitions of {first}, got {seen}; rechunk or "
                "repartition one of them."
            )


def _rows_whole(table: Any) -> Any:
    """An array whose rows are not cut."""
    if getattr(table, "ndim", 1) == 2 and hasattr(table, "rechunk"):
        return table.rechunk({1: -1})
    return table


def _delayed(table: Any) -> list[Any]:
    """Its partitions, of which nothing is computed yet."""
    parts = table.to_delayed()
    return list(parts.ravel()) if hasattr(parts, "ravel") else list(parts)
