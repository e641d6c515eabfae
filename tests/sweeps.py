"""Sweeps of which a part runs by default and the rest with ``-m exhaustive``."""

from collections.abc import Iterable
from typing import Any

import pytest


def first(values: Iterable[Any], n: int = 1) -> list[Any]:
    """The values, those after the first ``n`` marked ``exhaustive``."""
    return [value if i < n else rest(value) for i, value in enumerate(values)]


def rest(*values: Any) -> Any:
    """One case of a sweep that does not run by default."""
    return pytest.param(*values, marks=pytest.mark.exhaustive)
