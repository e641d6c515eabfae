"""Tables as text, and the machine in words."""

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path


class Table:
    """A table that is printed as its rows come, every column as wide as its head says."""

    def __init__(self, title: str, heads: Iterable[tuple[str, int]]) -> None:
        self._heads = list(heads)
        print(f"\n{title}\n")
        self.row(*(head for head, _ in self._heads))

    def row(self, *cells: object) -> None:
        """Print a row; None is a dash."""
        pairs = zip(cells, self._heads, strict=True)
        told = (f"{'-' if cell is None else cell!s:>{width}}" for cell, (_, width) in pairs)
        print("  ".join(told).rstrip(), flush=True)


def number(value: float | None, digits: int = 2) -> str | None:
    """A number with so many decimals, None as it is."""
    return None if value is None else f"{value:.{digits}f}"


def span(values: Iterable[float], digits: int = 2) -> str:
    """Smallest and largest, as text."""
    low, high = min(values := list(values)), max(values)
    return f"{low:.{digits}f}..{high:.{digits}f}"


def machine() -> str:
    """Processors and memory, without names of hosts."""
    found = Path("/proc/cpuinfo")
    text = found.read_text() if found.exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    wide = "AVX-512, " if "avx512f" in text else ""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = model.group(1) if model else platform.processor() or platform.machine()
    versions = f"Python {platform.python_version()}"
    return f"{count} processors {name} ({wide}{platform.system()}), {versions}"
