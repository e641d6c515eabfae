"""Which inputs effects are asked of, and how each moves: a little, or from one level to another."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.arguments import DataFrame, Series, Setting, Table, as_frame
from mixstat.data.coding import CodedColumns
from mixstat.data.design import Design, MappedColumns, PolynomialColumns
from mixstat.data.formula import FormulaColumns
from mixstat.data.formula_text import categories, words
from mixstat.data.inputs import replace_input, take_input
from mixstat.data.source import Source
from mixstat.inference.estimate import Estimate
from mixstat.inference.row_functions import Features


@dataclass(frozen=True)
class Input:
    """One column of X."""

    name: str
    column: int | str
    """Its position in an array, or its name in a data frame."""
    levels: tuple[Hashable, ...] = ()
    """Values that are compared with the first of them; none for a number that varies."""
    deviation: float = 0.0
    """Of a number that varies, in the rows of the fit."""


class Move(NamedTuple):
    """How an input moves: from one level to another; None for a little, for a derivative."""

    input: Input
    low: Hashable | None
    high: Hashable | None

    @property
    def words(self) -> str:
        """What the effect is of."""
        return "dy/dx" if self.low is None else f"{self.high} - {self.low}"


def moves_of(inputs: Sequence[Input]) -> list[Move]:
    """All moves of some inputs."""
    moves = []
    for one in inputs:
        if not one.levels:
            moves.append(Move(one, None, None))
        moves += [Move(one, one.levels[0], level) for level in one.levels[1:]]
    return moves


def find_inputs(estimate: Estimate, rows: Table, columns: Setting) -> list[Input]:
    """The columns asked for, or all that the model uses."""
    used = _used(estimate)
    if columns is None:
        return [_input(estimate, rows, name) for name in used]
    asked = [columns] if isinstance(columns, str | int) else columns
    if not isinstance(asked, list | tuple) or not asked:
        raise ValueError(f"columns must be names of columns of X, got {columns!r}.")
    names = [_name(estimate, one, used) for one in asked]
    if len(set(names)) < len(names):
        raise ValueError(f"columns must differ, got {columns!r}.")
    return [_input(estimate, rows, name) for name in names]


def _name(estimate: Estimate, column: object, used: Sequence[str]) -> str:
    number = isinstance(column, int | np.integer) and not isinstance(column, bool)
    if number and 0 <= column < len(estimate.inputs):  # type: ignore[operator]
        column = estimate.inputs[int(column)]  # type: ignore[call-overload]
    if not isinstance(column, str) or column not in used:
        raise ValueError(
            f"columns must be among the columns that the model uses, {', '.join(used)}; got "
            f"{column!r}."
        )
    return column


def _used(estimate: Estimate) -> list[str]:
    """Columns of X that the experts or the gate see, in the order of X."""
    seen: set[str] = set()
    for design in (estimate.expert_design, estimate.gate_design):
        seen |= _columns_of(design.source, estimate.inputs)
    return [name for name in estimate.inputs if name in seen]


def _columns_of(source: Source, names: Sequence[str]) -> set[str]:
    inner = source.source if isinstance(source, MappedColumns) else source
    if isinstance(inner, FormulaColumns):
        return set(words(inner.right).columns)
    if isinstance(inner, CodedColumns):
        return inner.used
    if isinstance(inner, PolynomialColumns):
        moving = inner.exponents.any(axis=0)
        return {names[int(j)] for j in inner.inputs[moving]}
    return set(names)


def _input(estimate: Estimate, rows: Table, name: str) -> Input:
    """A column with its levels: of categories, of what stands in C(...), and of 0 and 1."""
    frame = as_frame(rows)
    column = name if frame is not None else list(estimate.inputs).index(name)
    values = take_input(rows, column)
    if frame is not None and (hasattr(frame[name], "cat") or _is_category(estimate, name, values)):
        return Input(name, column, _levels(frame, name))
    different = np.unique(np.asarray(values, float))
    if np.array_equal(different, [0.0, 1.0]):
        return Input(name, column, (0, 1))
    return Input(name, column, deviation=float(np.std(np.asarray(values, float))))


def _is_category(estimate: Estimate, name: str, values: np.ndarray) -> bool:
    """Whether a column has no numbers, or stands in C(...)."""
    if values.dtype.kind not in "iuf":
        return not (values.dtype.kind == "O" and _are_numbers(values))
    sources = (estimate.expert_design.source, estimate.gate_design.source)
    sides = [source.right for source in sources if isinstance(source, FormulaColumns)]
    return any((name, True) in categories(side) for side in sides)


def _are_numbers(values: np.ndarray) -> bool:
    try:
        np.asarray(values, float)
    except (TypeError, ValueError):
        return False
    return not any(isinstance(value, bool | str) for value in values)


def _levels(frame: DataFrame, name: str) -> tuple[Hashable, ...]:
    """Levels that occur, in their order."""
    column = frame[name]
    if hasattr(column, "cat"):
        seen = set(column.unique())
        return tuple(level for level in column.cat.categories if level in seen)
    return tuple(sorted(column.unique().tolist(), key=lambda level: (str(type(level)), level)))


def typical_row(estimate: Estimate, rows: Table, weight: Float[np.ndarray, " n"]) -> Table:
    """One row of weighted means; of categories the most frequent one."""
    frame = as_frame(rows)
    if frame is None:
        return (weight @ np.asarray(rows, float) / weight.sum())[None]
    few = frame.iloc[:1]
    for name in [one for one in estimate.inputs if one in frame.columns]:
        few = replace_input(few, name, _typical(estimate, frame, name, weight))
    return few


def _typical(
    estimate: Estimate, frame: DataFrame, name: str, weight: Float[np.ndarray, " n"]
) -> Series:
    column, values = frame[name], np.asarray(frame[name])
    if hasattr(column, "cat") or _is_category(estimate, name, values):
        totals = [weight[values == level].sum() for level in _levels(frame, name)]
        return at_level(frame.iloc[:1], name, _levels(frame, name)[int(np.argmax(totals))])
    return np.array([weight @ values.astype(float) / weight.sum()])


def at_level(rows: Table, column: int | str, level: Hashable) -> Series:
    """Values of a column that are all one level, of the kind that the column has."""
    frame = as_frame(rows)
    if frame is None:
        return np.full(len(np.asarray(rows)), float(level))  # type: ignore[arg-type]
    import pandas as pd

    dtype = frame[column].dtype
    return pd.Series([level] * len(frame), index=frame.index, dtype=dtype)


def moved_features(estimate: Estimate, rows: Table, move: Move) -> tuple[Features, Features]:
    """Features and their derivatives; or features with the low and with the high level.

    Offsets stay as they are.
    """
    one = move.input
    if move.low is None:
        designs: tuple[Design, Design] = (estimate.expert_design, estimate.gate_design)
        slopes = [design.slopes(rows, one.column, one.deviation) for design in designs]
        return Features(*estimate.features(rows)), Features(*slopes)
    both = (replace_input(rows, one.column, at_level(rows, one.column, v)) for v in move[1:])
    low, high = (Features(*estimate.features(table)) for table in both)
    return low, high
