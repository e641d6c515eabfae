"""Cells of long tables, kept one by one so that a run that was interrupted goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mixstat.files import write_at_once

Answer = TypeVar("Answer")


class Kept:
    """A folder of answers by name; without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, compute: Callable[[], Answer]) -> Answer:
        """The answer of that name, computed (and kept) if there is none; JSON values only."""
        if self._folder is None:
            return compute()
        path = self._folder / f"{name.replace('/', '-').replace(' ', '_')}.json"
        if not path.exists():
            write_at_once(path, json.dumps(compute()).encode())
        return json.loads(path.read_text())
