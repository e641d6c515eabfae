"""A folder of finished cells: written whole or not at all, checked when read."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mixstat.arguments import Folder

FINGERPRINT = "study.json"
CELLS = "cells"


def tables() -> tuple[Any, Any]:
    """pandas and pyarrow; ImportError says how to get them."""
    try:
        import pandas
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "studies keep their rows with pandas and pyarrow: pip install 'mixstat[rates]'."
        ) from error
    return pandas, pyarrow


class StoreMismatchError(ValueError):
    """A store that another study has written."""


class Store:
    """Cells of one study on disk.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    fingerprint : dict
        What the rows depend on, in plain types. It is written the first time, and compared
        afterwards.

    Raises
    ------
    StoreMismatchError
        If the folder was made with another fingerprint; what differs is named.
    """

    def __init__(self, folder: Folder, fingerprint: dict[str, Any]) -> None:
        tables()
        self.folder = Path(folder)
        self.cells = self.folder / CELLS
        self.damaged: list[str] = []
        self.cells.mkdir(parents=True, exist_ok=True)
        path = self.folder / FINGERPRINT
        mine = json.loads(json.dumps(fingerprint))
        if not path.exists():
            text = json.dumps(mine, indent=1, sort_keys=True) + "\n"
            write_at_once(path, text.encode())
        differing = difference(read_fingerprint(self.folder), mine)
        if differing:
            raise StoreMismatchError(f"{self.folder} belongs to another study: {differing}.")

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep the rows of a cell: either all of them are on disk afterwards, or none."""
        _, arrow = tables()
        n, first, last = rows[0]["n"], rows[0]["replicate"], rows[-1]["replicate"]
        sink = arrow.BufferOutputStream()
        table = arrow.Table.from_pylist(list(rows))
        arrow.parquet.write_table(table, sink, write_page_checksum=True)
        name = f"n{n:09d}-r{first:06d}-{last:06d}.parquet"
        write_at_once(self.cells / name, sink.getvalue().to_pybytes())

    def read(self) -> Any:
        """All rows as a DataFrame sorted by n and replicate.

        Damaged files are listed in ``damaged`` and set aside, so that their rows are missing.
        """
        pandas, _ = tables()
        frames = [f for path in sorted(self.cells.glob("*.parquet")) if (f := self._one(path))]
        rows = [row for frame in frames for row in frame]
        if not rows:
            return pandas.DataFrame({"n": [], "replicate": []}, dtype=int)
        table = pandas.DataFrame(rows).drop_duplicates(["n", "replicate"])
        return table.sort_values(["n", "replicate"]).reset_index(drop=True)

    def missing(self, wanted: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those pairs of n and replicate that are not on disk."""
        table = self.read()
        there = set(zip(table["n"].tolist(), table["replicate"].tolist(), strict=True))
        return [pair for pair in wanted if pair not in there]

    def _one(self, path: Path) -> list[dict[str, Any]]:
        _, arrow = tables()
        try:
            return arrow.parquet.read_table(path, page_checksum_verification=True).to_pylist()
        except (arrow.ArrowException, OSError, ValueError):
            self.damaged.append(path.name)
            path.replace(path.with_suffix(".damaged"))
            return []


def read_fingerprint(folder: Folder) -> dict[str, Any]:
    """The fingerprint of a store.

    Raises
    ------
    ValueError
        If the folder is no store, or its fingerprint cannot be read.
    """
    path = Path(folder) / FINGERPRINT
    if not path.exists():
        raise ValueError(f"store must be a folder with {FINGERPRINT}, got {str(folder)!r}.")
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged; remove the folder to begin anew.") from error


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file under another name, flush it to the disk, then give it its name."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def difference(theirs: object, mine: object, where: str = "") -> str:
    """Differences of two trees of plain values, in words; the first of each entry at the top."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        pairs = [(f"{where}.{k}" if where else k, k) for k in sorted({*theirs, *mine})]
        absent = "nothing"
        entries = [difference(theirs.get(k, absent), mine.get(k, absent), w) for w, k in pairs]
        named = list(filter(None, entries))
        return named[0] if where and named else "; ".join(named)
    if isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        entries = [difference(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(theirs, mine))]
        return next(filter(None, entries), "")
    return "" if theirs == mine else f"{where} is {theirs!r} there and {mine!r} here"
