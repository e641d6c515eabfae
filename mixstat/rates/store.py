"""A folder of finished cells: written whole or not at all, and verified before they are read."""

import json
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mixstat.arguments import DataFrame, Setting
from mixstat.files import DIGITS, as_folder, checksum, create, set_aside, write_at_once
from mixstat.rates.fitted import RateWarning

FINGERPRINT = "study.json"
CELLS = "cells"
CELL = re.compile(rf"n\d+-r\d+-\d+-([0-9a-f]{{{DIGITS}}})\.parquet")
STUDY = b"mixstat.study"  # key of the fingerprint in a cell

Fingerprint = dict[str, Any]


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
    """A store, or a file in it, that another study has written."""


class Store:
    """Cells of one study on disk.

    Every cell is a file with the fingerprint of its study inside and a checksum of its bytes in
    its name, so that nothing is read that is not as it was written. Several processes and threads
    may work in one store: of studies that begin in it at once, one owns it and the others are
    refused.

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
    ValueError
        If the folder cannot be made, or its fingerprint is damaged.
    """

    def __init__(self, folder: Setting, fingerprint: Fingerprint) -> None:
        tables()
        self.folder = as_folder(folder)
        self.cells = self.folder / CELLS
        self.damaged: list[str] = []
        self.fingerprint: Fingerprint = json.loads(json.dumps(fingerprint))
        path = self.folder / FINGERPRINT
        try:
            self.cells.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                create(path, _seal(self.fingerprint))
        except OSError as error:
            raise ValueError(
                f"store must be a folder that can be written, got {str(folder)!r}: "
                f"{error.strerror}: {error.filename}."
            ) from error
        differing = difference(read_fingerprint(self.folder), self.fingerprint)
        if differing:
            raise StoreMismatchError(f"{self.folder} belongs to another study: {differing}.")

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep the rows of a cell: either all of them are on disk afterwards, or none."""
        _, arrow = tables()
        n, first, last = rows[0]["n"], rows[0]["replicate"], rows[-1]["replicate"]
        sink = arrow.BufferOutputStream()
        table = arrow.Table.from_pylist(list(rows))
        owner = {STUDY: json.dumps(self.fingerprint, sort_keys=True)}
        arrow.parquet.write_table(table.replace_schema_metadata(owner), sink)
        content: bytes = sink.getvalue().to_pybytes()
        name = f"n{n:09d}-r{first:06d}-{last:06d}-{checksum(content)}.parquet"
        write_at_once(self.cells / name, content)

    def read(self) -> DataFrame:
        """All rows as a DataFrame sorted by n and replicate.

        Damaged cells are listed in ``damaged``, told of in a warning, and set aside under
        another name, so that their rows are missing. Files with names of another form are left
        alone.

        Raises
        ------
        StoreMismatchError
            If a cell is that of another study; the file is named.
        """
        pandas, _ = tables()
        before = len(self.damaged)
        paths = [path for path in sorted(self.cells.glob("*.parquet")) if CELL.match(path.name)]
        rows = [row for path in paths for row in self._one(path)]
        if self.damaged[before:]:
            words = ", ".join(self.damaged[before:])
            warnings.warn(
                f"{self.cells}: damaged and set aside, so that their rows are missing until the "
                f"study is run again: {words}.",
                RateWarning,
                stacklevel=3,
            )
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
        """Rows of a cell; none if it is damaged or has gone."""
        try:
            table = _verified(path)
        except FileNotFoundError:  # set aside by another run
            return []
        except _DamagedError:
            self.damaged.append(path.name)
            set_aside(path)
            return []
        owner = json.loads((table.schema.metadata or {}).get(STUDY, b"{}"))
        differing = difference(owner, self.fingerprint)
        if differing:
            raise StoreMismatchError(
                f"{path} belongs to another study: {differing}; move the file away."
            )
        return table.to_pylist()


class _DamagedError(Exception):
    """A cell that is not as it was written."""


def _verified(path: Path) -> Any:
    """The table of a cell, parsed only once its bytes are known to be those written."""
    _, arrow = tables()
    named = CELL.fullmatch(path.name)
    try:
        content = path.read_bytes()
    except IsADirectoryError as error:
        raise _DamagedError from error
    if named is None or checksum(content) != named[1]:
        raise _DamagedError
    try:
        return arrow.parquet.read_table(arrow.BufferReader(content))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _DamagedError from error


def read_fingerprint(folder: Setting) -> Fingerprint:
    """The fingerprint of a store.

    Raises
    ------
    ValueError
        If the folder is no store, or its fingerprint cannot be read or is not as it was written.
    """
    path = as_folder(folder) / FINGERPRINT
    if not path.exists():
        raise ValueError(f"store must be a folder with {FINGERPRINT}, got {str(folder)!r}.")
    try:
        content = path.read_bytes()
        study = json.loads(content)["study"]
        whole = content == _seal(study)
    except (ValueError, TypeError, KeyError, OSError, RecursionError) as error:
        raise ValueError(_ruined(path)) from error
    if not whole:
        raise ValueError(_ruined(path))
    return study


def _ruined(path: Path) -> str:
    return f"{path} is damaged, or no fingerprint of a study; remove the folder to begin anew."


def _seal(study: Fingerprint) -> bytes:
    """A fingerprint with its checksum, as a file."""
    plain = json.dumps(study, sort_keys=True)
    sealed = {"study": study, "checksum": checksum(plain.encode())}
    return (json.dumps(sealed, indent=1, sort_keys=True) + "\n").encode()


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
