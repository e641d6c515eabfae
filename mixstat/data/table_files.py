"""Files of parquet or CSV, read by pyarrow a batch of rows at a time."""

# pyarrow has no types
# pyright: basic

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mixstat.arguments import DataFrame, Setting

KINDS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv"}


def dataset_at(path: Setting) -> Any:  # of pyarrow
    """The files of a folder, or a file, as pyarrow sees them."""
    try:
        from pyarrow import dataset
    except ImportError as error:
        raise ImportError(
            "Blocks.of_files needs pyarrow; install it with: pip install pyarrow"
        ) from error
    if not isinstance(path, str | os.PathLike) or not Path(path).exists():
        raise ValueError(f"path must be a file or a folder that exists, got {path!r}.")
    place = Path(path)
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    files = [file for file in files if file.suffix.lower() in KINDS]
    kinds = {KINDS[file.suffix.lower()] for file in files}
    if len(kinds) != 1:
        told = "both" if kinds else "none"
        raise ValueError(
            f"path must have files of parquet or of CSV (.parquet, .csv), got {told} in {path!r}."
        )
    names = [str(file) for file in files]
    with _naming(names[0]):
        return dataset.dataset(names, format=kinds.pop())


def tables_of(data: Any, columns: Sequence[str], rows: int) -> Iterator[DataFrame]:
    """Tables of at most so many rows, file after file; all must have the same columns."""
    for file in data.get_fragments():
        with _naming(file.path):
            own = file.physical_schema
        _check_same_columns(file.path, own, data.schema, columns)
        batches = iter(file.to_batches(schema=data.schema, columns=columns, batch_size=rows))
        while True:
            with _naming(file.path):
                batch = next(batches, None)
            if batch is None:
                break
            if batch.num_rows:
                yield batch.to_pandas()


def _check_same_columns(path: str, own: Any, first: Any, columns: Sequence[str]) -> None:
    """Refuse a file whose columns are not those of the first: pyarrow would leave them empty."""
    for name in columns:
        if name not in own.names:
            raise ValueError(
                f"path: {path!r} must have the column {name!r} as the first file does; it has "
                f"{', '.join(own.names[:12])}."
            )
        seen, wanted = str(own.field(name).type), str(first.field(name).type)
        if ("string" in seen) != ("string" in wanted):
            raise TypeError(
                f"path: {path!r} has values of type {seen} in the column {name!r}, and the first "
                f"file {wanted}."
            )


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors of files that cannot be read, with their name."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"path: {path!r} cannot be read, or is damaged: {error}") from error
