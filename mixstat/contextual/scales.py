"""Values of a variable as numbers: as they are, or days for times."""

import datetime
import itertools
import numbers as numbers_of
from collections.abc import Iterable, Sequence
from typing import SupportsFloat, TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.kinds import is_missing_value

Moment: TypeAlias = str | datetime.date | np.datetime64  # a timestamp, or its text
Place: TypeAlias = Moment | SupportsFloat  # along a variable
Length: TypeAlias = datetime.timedelta | np.timedelta64 | SupportsFloat

DAY = np.timedelta64(1, "D")
EPOCH = np.datetime64("1970-01-01")
GRID = 401  # values at which a distribution is drawn
MARGIN = 0.3  # of the range in which it changes, drawn on both sides


def as_numbers(values: np.ndarray, whose: str) -> Float[np.ndarray, " n"]:
    """Numbers, or days since 1970 for times."""
    if holds_times(values):
        if values.dtype.kind == "O":
            values = np.array([as_time(v) for v in values])
        return (values - EPOCH) / DAY
    try:
        if values.dtype.kind in "mcSU":
            raise TypeError  # numpy takes durations and some text for numbers
        return values.astype(float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{whose} must hold numbers or times, got {str(values[0])!r}; for labels give inside a "
            "list of them."
        ) from None


def holds_times(values: np.ndarray) -> bool:
    """Whether values are timestamps."""
    if values.dtype.kind == "O" and len(values):
        return all(isinstance(v, datetime.date | np.datetime64) for v in values)
    return values.dtype.kind == "M"


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


def check_places(whose: str, places: Sequence[object]) -> list[float]:
    """Ends along a variable as numbers, smallest first; all of them numbers, or all times."""
    numbers = [_checked_place(whose, place) for place in places]
    finite = [place for place, number in zip(places, numbers) if np.isfinite(number)]
    if len({is_time(place) for place in finite}) > 1:
        raise ValueError(f"{whose} must hold numbers alone or times alone, got {places!r}.")
    if not all(low <= high for low, high in itertools.pairwise(numbers)):
        raise ValueError(
            f"{whose} must be {len(numbers)} values in increasing order, got {places!r}."
        )
    return numbers


def _checked_place(whose: str, place: object) -> float:
    number = np.nan
    known = isinstance(place, numbers_of.Real) and not isinstance(place, bool)
    if known or is_time(place):
        try:
            number = as_number(place)  # pyright: ignore[reportArgumentType]
        except (TypeError, ValueError):  # text that is no time, or a time that is none
            number = np.nan
    if np.isnan(number):
        raise ValueError(f"{whose} must hold numbers or times such as '2024-05-01', got {place!r}.")
    return number


def check_kinds_meet(whose: str, places: Sequence[object], values: np.ndarray, on: object) -> None:
    """Refuse times where the variable has numbers, and numbers where it has times."""
    stated = {is_time(one) for one in places if one is not None and np.isfinite(as_number(one))}  # pyright: ignore[reportArgumentType]
    as_numbers(values, f"on={on!r}")  # refuses what is neither
    if not stated or stated == {holds_times(values)}:
        return
    words = ("numbers", "times")
    seen = words[holds_times(values)]
    hint = ""
    if on == "time" and seen == "numbers":
        hint = "; rows have times where X is a data frame whose index holds them"
    raise ValueError(
        f"{whose} is stated in {words[True in stated]}, but on={on!r} holds {seen} such as "
        f"{values[0]!s}{hint}."
    )


def check_length(whose: str, value: object, *, zero: bool, times: bool) -> float:
    """A length along a variable, in its units, or in days where that is a time."""
    number = np.nan
    lasting = isinstance(value, datetime.timedelta | np.timedelta64)
    if lasting or (isinstance(value, numbers_of.Real) and not isinstance(value, bool)):
        number = width(value)  # pyright: ignore[reportArgumentType]
    if lasting and not times:
        raise ValueError(f"{whose} must be a number where the context has no times, got {value!r}.")
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        wanted = ">= 0" if zero else "> 0"
        raise ValueError(
            f"{whose} must be {wanted} (a finite number, or a timedelta for times), got {value!r}."
        )
    return number


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


def check_kinds_of_labels(
    context: str, stated: Iterable[object], values: list[object], on: object
) -> None:
    """Refuse labels of another kind than the variable's, which no row could ever have."""
    seen = {_kind(value): value for value in values if not is_missing_value(value)}
    wanted = {_kind(label): label for label in stated}
    if seen and wanted and not seen.keys() & wanted.keys():
        kind, value = next(iter(seen.items()))
        other, label = next(iter(wanted.items()))
        raise ValueError(
            f"{context}: inside must hold labels of the kind that on={on!r} has, {kind} such as "
            f"{value!r}; got {other}, {label!r}."
        )


def _kind(label: object) -> str:
    if isinstance(label, numbers_of.Number):
        return "numbers"
    if isinstance(label, datetime.date | np.datetime64):
        return "times"
    return "strings" if isinstance(label, str) else f"{type(label).__name__} objects"
