"""Columns of a data frame as people have them: numbers, and text or categories in levels."""

from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Column, DataFrame, Table, as_frame
from mixstat.data.formula_text import listed
from mixstat.kinds import TIMES, is_missing_value

Levels: TypeAlias = tuple[Hashable, ...]

SHOWN = 8  # levels that a message lists


def as_pandas(X: Table) -> Table:
    """A data frame of another library as one of pandas, where it holds more than numbers."""
    convert: Any = getattr(X, "to_pandas", None)
    if as_frame(X) is not None or not callable(convert) or not hasattr(X, "columns"):
        return X
    return X if np.asarray(X).dtype.kind in "biuf" else convert()


def categories_of(X: Table) -> tuple[str, ...]:
    """Names of the columns of a frame that hold text or categories; dates are refused."""
    frame = as_frame(X)
    if frame is None or not hasattr(frame, "columns"):
        return ()
    columns = [(name, frame.iloc[:, j]) for j, name in enumerate(frame.columns)]
    found = [name for name, column in columns if _is_category(f"X[{name!r}]", column)]
    if unnamed := [name for name in frame.columns if found and not isinstance(name, str)]:
        raise TypeError(
            "X must have columns whose names are strings where it holds text or categories; got "
            f"the name {unnamed[0]!r}: X.columns.astype(str) makes strings of them."
        )
    return tuple(found)


def _is_category(called: str, column: Column) -> bool:
    """Whether a column holds levels rather than numbers."""
    if hasattr(column, "cat"):
        return True
    kind = str(column.dtype)
    if kind.startswith(("datetime", "timedelta", "period", "interval")):
        raise _of_dates(called, kind, column.iloc[0] if len(column) else None)
    if column.dtype == object:
        return _holds_text(called, column)
    return kind.startswith(("str", "large_string"))


def _holds_text(called: str, column: Column) -> bool:
    """Whether objects are text; a mixture is refused, and so are dates."""
    values = [value for value in column if not is_missing_value(value)]
    text = [isinstance(value, str) for value in values]
    if any(text) and not all(text):
        other = values[text.index(False)]
        raise ValueError(
            f"{called} must hold numbers, or text alone; got {values[text.index(True)]!r} beside "
            f"{other!r}: astype(str) makes text of all."
        )
    for value in values:
        if isinstance(value, TIMES):
            raise _of_dates(called, type(value).__name__, value)
    return bool(text)


def _of_dates(called: str, kind: str, value: object) -> ValueError:
    return ValueError(
        f"{called} must hold numbers, text or categories; got {kind}, as in {value!r}. Dates are "
        "numbers only in a unit, which is for you to choose: for days since the first, write "
        f"({called} - {called}.min()) / pandas.Timedelta('1D'); for the month, "
        f"{called}.dt.month_name()."
    )


def check_levels(X: DataFrame, categories: Sequence[str]) -> None:
    """Refuse missing values among levels."""
    for name in categories:
        missing = np.flatnonzero(np.asarray(X[name].isna()))
        if len(missing):
            raise ValueError(
                f"X[{name!r}] must have a level in every row, got a missing value (NaN) in row "
                f"{missing[0]}, {len(missing)} in all; missing='drop' leaves such rows out of fits."
            )


def levels_of(column: Column, called: str) -> Levels:
    """Levels that occur: those of a category in its order, text in that of the alphabet."""
    if hasattr(column, "cat"):
        seen = set(column.unique())
        levels = tuple(level for level in column.cat.categories if level in seen)
    else:
        levels = tuple(sorted(str(level) for level in column.unique()))
    if len(levels) == len(column) > 2:
        raise ValueError(
            f"{called} must have rows that share a level, got another one in each of the "
            f"{len(column)} rows; leave the column out, or name it in groups."
        )
    return levels


def place_of(column: Column, levels: Levels, called: str) -> Float[np.ndarray, "n l"]:
    """A column of 0 and 1 for each level but the first, the reference."""
    values = np.asarray(column.astype(object))
    hits: list[Bool[np.ndarray, " n"]] = [np.asarray(values == level, bool) for level in levels]
    strange = ~np.any(hits, axis=0)
    if strange.any():
        row = int(np.argmax(strange))
        raise ValueError(
            f"{called} must hold levels that the fit has seen ({listed(levels, SHOWN)}), got "
            f"{values[row]!r} in row {row}, {int(strange.sum())} such rows in all."
        )
    return np.array(hits[1:], float).reshape(len(levels) - 1, len(values)).T
