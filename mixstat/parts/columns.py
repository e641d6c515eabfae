"""Which column of a table each parameter of a part multiplies, and parts with fewer columns."""

from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Float, Int

from mixstat.data.scaling import WIDE
from mixstat.numerics import parameter_vector
from mixstat.numerics.sparse_ridge import SparseRidge
from mixstat.parts.part import Part

SomePart = TypeVar("SomePart", bound=Part)

NONE = -1  # the column of what multiplies no feature, or the constant by itself


def column_numbers(part: Part) -> Int[np.ndarray, " D"]:
    """The column of its features that each parameter multiplies, or -1."""
    found = np.full(parameter_vector.size(part), NONE)
    for group in parameter_vector.numbered(part).groups():
        number = np.asarray(group.coef)
        if group.feature != "1":
            column = np.broadcast_to(np.arange(number.shape[-1]), number.shape)
            used = number > 0
            found[number[used] - 1] = column[used]
    return found


def predictor_columns(part: Part) -> Int[np.ndarray, " E"]:
    """:func:`column_numbers` of the coefficients of one stack of predictors, in their order."""
    each = [np.zeros(0, int)]
    for group in part.stacked_groups():
        rows, width = group.coef.shape[1:]
        own = np.full(width, NONE) if group.feature == "1" else np.arange(width)
        each.append(np.tile(own, rows))
    return np.concatenate(each)


def is_wide(part: Part) -> bool:
    """Whether the part has many columns, and its coefficients stand column by column."""
    return width(part) > WIDE and keeps_columns(part)


def width(part: Part) -> int:
    """Number of columns of the widest table that the part multiplies."""
    widths = [g.coef.shape[-1] for g in part.groups() if g.feature != "1"]
    return max(widths, default=0)


def numbered_with(part: SomePart, chosen: Int[np.ndarray, " w"]) -> SomePart:
    """The numbers of its parameters, counted from one, in the same part with some columns.

    Raises
    ------
    ValueError
        If a part does not keep coefficients of features column by column.
    """
    numbers, all_columns = parameter_vector.numbered(part), width(part)
    columns = parameter_vector.from_vector(part, column_numbers(part))

    def some(number: np.ndarray, column: np.ndarray) -> np.ndarray:
        number, column = np.asarray(number), np.asarray(column)
        empty = not column.size and column.shape[-1:] == (all_columns,)  # a gate of one expert
        if (column == NONE).all() and not empty:
            return number
        if not np.array_equal(column, np.broadcast_to(np.arange(column.shape[-1]), column.shape)):
            raise ValueError(f"{type(part).__name__} does not keep coefficients by columns.")
        return number[..., chosen]

    return jax.tree.map(some, numbers, columns)


def keeps_columns(part: Part) -> bool:
    """Whether :func:`numbered_with` works."""
    try:
        numbered_with(part, np.zeros(0, int))
    except ValueError:
        return False
    return True


def with_columns(part: SomePart, chosen: Int[np.ndarray, " w"]) -> SomePart:
    """The part with some of its columns."""
    few = numbered_with(part, chosen)
    return parameter_vector.from_vector(few, parameter_vector.to_vector(part)[places_of(few)])


def places_of(numbers: object) -> Int[np.ndarray, " d"]:
    """Where the parameters that :func:`numbered_with` left are in the vector of all."""
    leaves = [np.ravel(np.asarray(leaf)) for leaf in jax.tree.leaves(numbers)]
    return np.concatenate([np.zeros(0, int), *leaves]).astype(int) - 1


def form_by_columns(
    part: SomePart, form: Callable[[SomePart], Float[np.ndarray, "d d"]]
) -> SparseRidge:
    """A quadratic form that treats all columns but the first alike, and ties none of them.

    ``form`` is that of a part with two columns.
    """
    few = with_columns(part, np.arange(2))
    table, own, all_columns = form(few), column_numbers(few), column_numbers(part)
    rows, columns, entries = [], [], []
    for kind in (NONE, 0, 1):
        inside = np.flatnonzero(own == kind)
        if np.delete(table[inside], inside, axis=1).any():
            raise ValueError(f"the penalty of {type(part).__name__} ties columns.")
        block = table[np.ix_(inside, inside)]
        like = all_columns == kind if kind < 1 else all_columns >= 1
        # as many tables of places as there are such columns, in the order of the parameters
        places = np.flatnonzero(like)
        places = places[np.argsort(all_columns[places], kind="stable")]
        places = places.reshape(-1, max(len(inside), 1))
        left, right = np.nonzero(block)
        rows.append(places[:, left].ravel())
        columns.append(places[:, right].ravel())
        entries.append(np.tile(block[left, right], len(places)))
    return SparseRidge(*(np.concatenate(each) for each in (rows, columns, entries)))
