"""Clocks of the process that imports this; standard library only, so that importing is free."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Spent(NamedTuple):
    """Seconds."""

    cpu: float
    wall: float


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> Spent:
        """CPU seconds of all threads, and wall seconds."""
        return Spent(time.process_time() - self._cpu, time.perf_counter() - self._wall)


def timed(function: Callable[[], Any]) -> tuple[Any, Spent]:
    """The result of ``function`` and what it took."""
    watch = Stopwatch()
    result = function()
    return result, watch.read()


def peak_mb() -> float | None:
    """Largest resident memory of this process so far; None where the system does not say.

    Not ``ru_maxrss``: a child inherits the peak of the process it was forked from.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(found.group(1)) / 1024 if found else None
