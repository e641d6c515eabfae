"""Values of a variable as numbers: as they are, or days for times."""

import datetime
from collections.abc import Sequence
from typing import SupportsFloat, TypeAlias

import numpy as np
from jaxtyping import Float

Moment: TypeAlias = str | datetime.date | np.datetime64  # a timestamp, or its text
Place: TypeAlias = Moment | SupportsFloat  # along a variable
Length: TypeAlias = datetime.timedelta | np.timedelta64 | SupportsFloat

DAY = np.timedelta64(1, "D")
EPOCH = np.datetime64("1970-01-01")
GRID = 401  # values at which a distribution is drawn
MARGIN = 0.3  # of the range in which it changes, drawn on both sides


def as_numbers(values: np.ndarray, whose: str) -> Float[np.ndarray, " n"]:
    """Numbers, or days since 1970 for times."""
    if values.dtype.kind == "O" and all(isinstance(v, datetime.datetime) for v in values):
        values = np.array([as_time(v) for v in values])
    if values.dtype.kind == "M":
        return (values - EPOCH) / DAY
    try:
        return values.astype(float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{whose} must hold numbers or times, got {str(values[0])!r}; for labels give inside a "
            "list of them."
        ) from None


def is_time(value: object) -> bool:
    """Whether an end is a time: a timestamp, or its text."""
    return isinstance(value, Moment)


def as_time(value: Moment) -> np.datetime64:
    """A timestamp (with a zone: of UTC) or its text."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(value)


def as_number(value: Place) -> float:
    """An end of an interval as a number, or as days since 1970."""
    if isinstance(value, Moment):
        return float((as_time(value) - EPOCH) / DAY)
    return float(value)


def width(value: Length) -> float:
    """A length along a variable, in its units or in days."""
    if isinstance(value, np.timedelta64):
        return float(value / DAY)
    if isinstance(value, datetime.timedelta):
        return value / datetime.timedelta(days=1)
    return float(value)


def ramp(values: Float[np.ndarray, " n"], low: float, high: float) -> Float[np.ndarray, " n"]:
    """0 up to ``low``, 1 from ``high`` on, straight between; a step where they are equal."""
    if low == high or not np.isfinite(high - low):
        return (values >= high).astype(float)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def around(ends: Sequence[Place | None], beyond: float = 0.0) -> np.ndarray:
    """Values from the least of ``ends`` to the largest, and ``beyond``, with a margin."""
    known = [end for end in ends if end is not None]
    number = np.array([as_number(end) for end in known])
    number = number[np.isfinite(number)]
    if len(number) == 0:
        return np.linspace(0.0, 1.0, GRID)
    low, high = number.min() - beyond, number.max() + beyond
    margin = MARGIN * (high - low) if high > low else max(abs(low), 1.0)
    grid = np.unique([*np.linspace(low - margin, high + margin, GRID), *number])
    if is_time(known[0]):
        return EPOCH + np.round(grid * 86400e3).astype("timedelta64[ms]")
    return grid
