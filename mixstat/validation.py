"""Errors that name the argument, the value seen and the value wanted."""

import numbers
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from sklearn.utils import check_random_state  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from mixstat.arguments import Columns, Seed, Setting, Weights
from mixstat.kinds import check_numbers


def check_integer(name: str, value: Setting, minimum: int) -> int:
    """An integer of at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {value!r}.")
    return int(value)


def check_positive(name: str, value: Setting, *, zero: bool = False) -> float:
    """A finite number above zero (or not below it)."""
    number = np.nan
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        number = float(value)
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        wanted = ">= 0" if zero else "> 0"
        raise ValueError(f"{name} must be a finite number {wanted}, got {value!r}.")
    return number


def check_number(name: str, value: Setting) -> float:
    """A finite number."""
    number = np.nan
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value!r}.")
    return number


def check_choice(name: str, value: Setting, choices: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(repr(c) for c in choices)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}.")
    return value


def check_probability(name: str, value: Setting) -> np.ndarray:
    """Numbers strictly between zero and one."""
    try:
        array = np.asarray(value, float)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.size == 0 or array.ndim > 1 or not np.all((array > 0) & (array < 1)):
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}.")
    return array


def check_switch(name: str, value: Setting) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}.")
    return bool(value)  # pyright: ignore[reportUnknownArgumentType]


def check_share(name: str, value: Setting) -> float:
    """A number from 0 to 1."""
    number = np.nan
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value!r}.")
    return number


def check_open_share(name: str, value: Setting) -> float:
    """A number strictly between 0 and 1."""
    number = np.nan
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        number = float(value)
    if isinstance(value, list | tuple | np.ndarray):
        raise ValueError(f"{name} must be one number strictly between 0 and 1, got {value!r}.")
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}.")
    return number


def check_seed(name: str, value: Seed) -> np.random.RandomState:
    """The generator of a seed, as scikit-learn takes them."""
    try:
        return check_random_state(value)  # pyright: ignore[reportUnknownVariableType]
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be an integer from 0 to 2**32 - 1, a RandomState or None; got {value!r}."
        ) from None


def check_weights(sample_weight: Weights, n: int, *, all_rows: bool = True) -> np.ndarray:
    """Row weights: finite, none negative, and not all zero where they are of all rows."""
    if sample_weight is None:
        return np.ones(n)
    if isinstance(sample_weight, str):
        raise ValueError(
            f"sample_weight must be a number for each row, got {sample_weight!r}; the name of a "
            "column stands for its values in fit of a data frame, and beside a formula."
        )
    weight = _as_floats("sample_weight", sample_weight)
    if weight.ndim == 0:
        weight = np.full(n, float(weight))
    if weight.shape != (n,):
        raise ValueError(
            f"sample_weight must have one entry for each of the {n} rows of X, "
            f"got shape {weight.shape}."
        )
    if not np.all(np.isfinite(weight)):
        raise ValueError("sample_weight must be finite, got NaN or infinity.")
    if np.any(weight < 0):
        raise ValueError(f"sample_weight must not be negative, got {weight.min():g}.")
    if all_rows and not np.any(weight > 0):
        raise ValueError("sample_weight must have a positive entry, got only zeros.")
    return weight


def _as_floats(name: str, values: object) -> np.ndarray:
    """An array of numbers, of any shape."""
    try:
        return np.asarray(check_numbers(name, values), float)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(
            f"{name} must hold numbers, got {type(values).__name__}: {error}"
        ) from error


def choose_columns(name: str, chosen: Columns, names: Sequence[str]) -> np.ndarray:
    """Positions of columns given by name, position, mask or slice; None means all."""
    n = len(names)
    if chosen is None:
        return np.arange(n)
    if isinstance(chosen, slice):
        return np.arange(n)[chosen]
    listed: list[object] = [chosen]
    if isinstance(chosen, Iterable) and not isinstance(chosen, str):
        listed = list(cast(Iterable[object], chosen))
    if len(listed) == n and all(isinstance(c, bool | np.bool_) for c in listed):
        return np.flatnonzero(np.array(listed, bool))
    return np.array([_one_column(name, c, names) for c in listed], int)


def _one_column(name: str, column: object, names: Sequence[str]) -> int:
    if isinstance(column, str):
        if column not in names:
            raise ValueError(f"{name} names column {column!r}; X has {', '.join(names)}.")
        return list(names).index(column)
    if not isinstance(column, bool) and isinstance(column, numbers.Integral):
        position = int(column)
        if not -len(names) <= position < len(names):
            raise ValueError(f"{name} asks for column {position}, but X has {len(names)} columns.")
        return position % len(names)
    raise ValueError(f"{name} must hold column names or positions, got {column!r}.")
