"""Arguments of studies: errors that name the argument, the value seen and the value wanted."""

import difflib
import numbers
import reprlib
from collections.abc import Collection, Iterable
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.validation import check_integer

T = TypeVar("T")
CLOSE = 3  # names that may have been meant
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 60


def short(value: Setting) -> str:
    """A value in a line, however large it is."""
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of shape {value.shape}"
    if type(value).__repr__ is object.__repr__ or isinstance(value, type):
        return value.__name__ if isinstance(value, type) else type(value).__name__
    return SHORT.repr(value)


def check_instance(name: str, value: Setting, kind: type[T], wanted: str) -> T:
    """An object of some class; ``wanted`` says which, in words."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {wanted}, got {short(value)}.")
    return value


def check_number(name: str, value: Setting) -> float:
    """A finite number."""
    number = np.nan
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {short(value)}.")
    return number


def check_switch(name: str, value: Setting) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {short(value)}.")
    return bool(value)


def check_text(name: str, value: Setting) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a string that is not empty, got {short(value)}.")
    return value


def check_name(name: str, value: Setting, known: Collection[str], more: str = "") -> str:
    """One of many names; the error shows those that are close, or where all are listed."""
    if isinstance(value, str) and value in known:
        return value
    close = difflib.get_close_matches(value, known, CLOSE) if isinstance(value, str) else []
    listed = ", ".join(repr(one) for one in close or known)
    if close:
        raise ValueError(
            f"{name} must be one of {len(known)} names, got {value!r}; did you mean {listed}?{more}"
        )
    raise ValueError(f"{name} must be one of {listed}; got {short(value)}.{more}")


def check_pair(name: str, value: Setting) -> tuple[float, float]:
    """Two numbers (low, high) with low <= high, which may be infinite."""
    listed = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
    ends = [
        float(end)
        for end in listed
        if isinstance(end, numbers.Real) and not isinstance(end, bool | np.bool_)
    ]
    if len(listed) != 2 or len(ends) != 2 or not ends[0] <= ends[1]:
        raise ValueError(
            f"{name} must be two numbers (low, high) with low <= high, got {short(value)}."
        )
    return ends[0], ends[1]


def check_interval(low: Setting, high: Setting) -> tuple[float, float]:
    """Finite ends of an interval."""
    ends = check_number("low", low), check_number("high", high)
    if not ends[0] < ends[1]:
        raise ValueError(f"low must be less than high, got low={ends[0]:g}, high={ends[1]:g}.")
    return ends


def check_integers(name: str, value: Setting, minimum: int) -> list[int]:
    """Integers in a list."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of integers >= {minimum}, got {short(value)}.")
    return [check_integer(f"each of {name}", one, minimum) for one in value]


def check_names(name: str, value: Setting) -> list[str]:
    """Strings in a list, or a single one."""
    if isinstance(value, str):
        return [value]
    listed = list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(one, str) for one in listed):
        raise TypeError(f"{name} must be a list of names, got {short(value)}.")
    return [str(one) for one in listed]


def check_table(name: str, value: Setting) -> Float[np.ndarray, "n d"]:
    """Rows of finite numbers."""
    wanted = f"{name} must be a table (n, d) of finite numbers"
    try:
        table = np.asarray(value)
        table = table.astype(float) if table.dtype.kind == "O" else table
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}, got {short(value)}.") from error
    if table.dtype.kind not in "biuf":
        raise ValueError(f"{wanted}, got {short(value)} of dtype {table.dtype}.")
    if table.ndim != 2 or not table.size:
        hint = "; reshape(-1, 1) makes one input of a vector" if table.ndim == 1 else ""
        raise ValueError(f"{wanted}, got shape {table.shape}{hint}.")
    if not np.all(np.isfinite(table.astype(float))):
        raise ValueError(f"{wanted}, got NaN or infinity.")
    return table.astype(float)


def check_seed(name: str, value: Setting) -> np.random.Generator:
    """A generator from a seed, as numpy.random.default_rng makes it."""
    if value is None or isinstance(value, np.random.SeedSequence | np.random.Generator):
        return np.random.default_rng(value)
    return np.random.default_rng(check_integer(name, value, 0))
