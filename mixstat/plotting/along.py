"""Rows along one input: numbers, dates or categories, and how its axis is drawn."""

import numbers
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Axes, Setting, Table, as_frame
from mixstat.kinds import check_table
from mixstat.plotting.base import dress_dates

MOST_HELD = 3  # inputs whose values are told


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
    held: tuple[str, ...] = ()
    """Where the other inputs stay, as in "w = 0.5"."""

    def place(self, X: Table) -> Float[np.ndarray, " n"]:
        """Where the rows of a table stand on the axis."""
        column = column_of(X, self.name)
        if self.levels is not None:
            number = {level: i for i, level in enumerate(self.levels)}
            return np.array([number.get(str(value), np.nan) for value in column], float)
        return _days(column) if self.dates else np.asarray(column, float)

    def dress(self, ax: Axes) -> None:
        """Give an axis its name, and dates or categories where it has them."""
        ax.set_xlabel(self.name)
        if self.levels is not None:
            ax.set_xticks(np.arange(len(self.levels)), self.levels)
            ax.set_xlim(-0.5, len(self.levels) - 0.5)
        elif self.dates:
            ax.xaxis_date()
            dress_dates(ax)
        tell_held(ax, self.held)


def along(X: Table, feature: Setting, n_points: int) -> Along:
    """Rows like X's medians (or first row) in which one input runs over its range."""
    line = _line(X, feature, n_points)
    return replace(line, held=held_values(line.rows, [line.name]))


def held_values(rows: Table, varying: Sequence[str]) -> tuple[str, ...]:
    """Values of the inputs that are the same in all rows."""
    names = [name for name in names_of(rows) if name not in varying]
    first = {name: column_of(rows, name)[0] for name in names}
    return tuple(f"{name} = {_shown(value)}" for name, value in first.items())


def tell_held(ax: Axes, held: Sequence[str]) -> None:
    """Say above the axes where the other inputs stay."""
    if held:
        more = len(held) - MOST_HELD
        words = [*held[:MOST_HELD], *([f"{more} more"] if more > 0 else [])]
        ax.set_title("at " + ", ".join(words), loc="right", fontsize="small", color="0.35")


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, numbers.Real) else str(value)


def _line(X: Table, feature: Setting, n_points: int) -> Along:
    position, name = position_of(X, feature)
    frame, column = as_frame(X), column_of(X, name)
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


def position_of(X: Table, feature: Setting, argument: str = "feature") -> tuple[int, str]:
    """Position and name of an input."""
    if as_frame(X) is None:
        check_table("X", X)
    names = names_of(X)
    if isinstance(feature, str) and (as_frame(X) is None or feature not in names):
        raise ValueError(
            f"{argument} {feature!r} is not a column of X, one of which it must name: "
            f"{', '.join(names[:12])}."
        )
    if isinstance(feature, str):
        return names.index(feature), feature
    position = -1
    if not isinstance(feature, bool) and isinstance(feature, numbers.Integral):
        position = int(feature)
    if not 0 <= position < len(names):
        raise ValueError(f"{argument} must lie in 0..{len(names) - 1}, got {feature!r}.")
    return position, names[position]


def names_of(X: Table) -> list[str]:
    """Names of the inputs."""
    frame = as_frame(X)
    if frame is None:
        return [f"x{j}" for j in range(np.asarray(X).shape[1])]
    return [str(c) for c in frame.columns]


def column_of(X: Table, name: str) -> np.ndarray:
    """Values of an input."""
    frame, position = as_frame(X), names_of(X).index(name)
    if frame is None:
        return np.asarray(np.asarray(X)[:, position], float)
    return np.asarray(frame.iloc[:, position])


def with_two(first: Along, second: Along, position: int) -> Table:
    """Rows in which two inputs run over all pairs of their values, the first one fastest."""
    n, m = len(first.positions), len(second.positions)
    every, values = np.tile(np.arange(n), m), np.repeat(second.positions, n)
    frame = as_frame(first.rows)
    if frame is None:
        rows = np.asarray(first.rows)[every]
        rows[:, position] = values
        return rows
    rows = frame.iloc[every].reset_index(drop=True)
    rows.isetitem(position, values)
    return rows
