"""Tables of results, where pandas is wanted and not before."""

from collections.abc import Mapping, Sequence

from mixstat.arguments import DataFrame, Setting


def as_frame(
    columns: Mapping[str, Setting], rows: Sequence[str] | None = None, name: str | None = None
) -> DataFrame:
    """A data frame of columns; ``rows`` are names of its rows, ``name`` what they are names of."""
    import pandas

    index = None if rows is None else pandas.Index(list(rows), name=name)
    return pandas.DataFrame(dict(columns), index=index)
