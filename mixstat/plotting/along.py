"""Rows along one input: numbers, dates or categories, and how its axis is drawn."""

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Axes, Setting, Table, as_frame
from mixstat.kinds import check_table


@dataclass(frozen=True, eq=False)
class Along:
    """Rows in which one input runs over its values, the others being at their middle."""

    name: str
    """Of the input."""
    rows: Table
    positions: Float[np.ndarray, " p"]
    """Where the rows stand on the axis: numbers, days, or numbers of categories."""
    levels: list[str] | None = None
    """Names of categories, in the order of their numbers."""
    dates: bool = False
    """Whether positions are days, as matplotlib counts them."""

    def place(self, X: Table) -> Float[np.ndarray, " n"]:
        """Where the rows of a table stand on the axis."""
        column = _column(X, self.name)
        if self.levels is not None:
            number = {level: i for i, level in enumerate(self.levels)}
            return np.array([number.get(str(value), np.nan) for value in column], float)
        return _days(column) if self.dates else np.asarray(column, float)

    def dress(self, ax: Axes) -> None:
        """Give an axis its name, and dates or categories where it has them."""
        ax.set_xlabel(self.name)
        if self.levels is not None:
            ax.set_xticks(np.arange(len(self.levels)), self.levels)
        elif self.dates:
            ax.xaxis_date()
            ax.figure.autofmt_xdate()


def along(X: Table, feature: Setting, n_points: int) -> Along:
    """Rows like X's medians (or first row) in which one input runs over its range."""
    position, name = _position(X, feature)
    frame, column = as_frame(X), _column(X, name)
    if frame is None:
        values = np.linspace(np.min(column), np.max(column), n_points)
        rows = np.tile(np.median(np.asarray(X, float), axis=0), (n_points, 1))
        rows[:, position] = values
        return Along(name, rows, values)
    if column.dtype.kind == "M":
        first, last = np.array([column.min(), column.max()], "datetime64[ns]").astype(np.int64)
        moments = np.linspace(first, last, n_points).astype(np.int64).astype("datetime64[ns]")
        return Along(name, _with(frame, position, moments), _days(moments), dates=True)
    if column.dtype.kind not in "iufb":
        kinds = frame.iloc[:, position].astype("category")
        present = [one for one in kinds.cat.categories if (kinds == one).any()]
        levels = kinds.iloc[: len(present)].copy()
        levels = levels.cat.set_categories(kinds.cat.categories)
        levels.iloc[:] = present
        return Along(
            name,
            _with(frame, position, levels.astype(frame.dtypes.iloc[position])),
            np.arange(float(len(present))),
            [str(one) for one in present],
        )
    values = np.linspace(float(column.min()), float(column.max()), n_points)
    return Along(name, _with(frame, position, values), values)


def _with(frame: Any, position: int, values: object) -> Any:  # tables of pandas
    """A row of the frame for each of some values of one column, numbers at their median."""
    count = len(values)  # type: ignore[arg-type]
    rows = frame.iloc[[0] * count].reset_index(drop=True)
    for j in range(len(frame.columns)):  # by position: names may be anything
        if getattr(frame.dtypes.iloc[j], "kind", "O") in "iufb":
            rows.isetitem(j, np.full(count, float(frame.iloc[:, j].median())))
    index = getattr(values, "reset_index", None)
    rows.isetitem(position, values if index is None else index(drop=True))
    return rows


def _days(moments: np.ndarray) -> Float[np.ndarray, " n"]:
    from matplotlib.dates import date2num

    return np.asarray(date2num(np.asarray(moments, "datetime64[ns]")), float)


def _position(X: Table, feature: Setting) -> tuple[int, str]:
    """Position and name of an input."""
    if as_frame(X) is None:
        check_table("X", X)
    names = _names(X)
    if isinstance(feature, str) and (as_frame(X) is None or feature not in names):
        raise ValueError(
            f"feature {feature!r} is not a column of X, one of which it must name: "
            f"{', '.join(names[:12])}."
        )
    if isinstance(feature, str):
        return names.index(feature), feature
    position = -1
    if not isinstance(feature, bool) and isinstance(feature, numbers.Integral):
        position = int(feature)
    if not 0 <= position < len(names):
        raise ValueError(f"feature must lie in 0..{len(names) - 1}, got {feature!r}.")
    return position, names[position]


def _names(X: Table) -> list[str]:
    frame = as_frame(X)
    if frame is None:
        return [f"x{j}" for j in range(np.asarray(X).shape[1])]
    return [str(c) for c in frame.columns]


def _column(X: Table, name: str) -> np.ndarray:
    """Values of an input."""
    frame, position = as_frame(X), _names(X).index(name)
    if frame is None:
        return np.asarray(np.asarray(X)[:, position], float)
    return np.asarray(frame.iloc[:, position])
