"""Units: rows that share one unknown expert, such as all visits of a patient."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped

from mixstat.arguments import Table
from mixstat.data.design import Design

Labels: TypeAlias = Shaped[np.ndarray, " n"]  # of the unit of each row

ROUNDING = 1e-12  # relative difference of values that are the same


def numbered(unit: Labels) -> Int[np.ndarray, " n"]:
    """Numbers of the units from 0 on, in the order in which they come."""
    _, first, number = np.unique(unit, return_index=True, return_inverse=True)
    place = np.empty(len(first), int)
    place[np.argsort(first)] = np.arange(len(first))
    return place[number.reshape(-1)]


def firsts(number: Int[np.ndarray, " n"]) -> Int[np.ndarray, " u"]:
    """The first row of each unit, by its number."""
    return np.unique(number, return_index=True)[1]


def check_constant(X: Table, unit: Labels, gate: Design, what: str = "gate") -> None:
    """Refuse columns of the gate that vary within a unit, which has one share of each expert.

    ``what`` begins the names of the arguments that choose them.
    """
    columns, number = gate.source.raw(X), numbered(unit)
    first = columns[firsts(number)[number]]
    varies = np.abs(columns - first) > ROUNDING * (1 + np.abs(first))
    if not varies.any():
        return
    row, column = (int(one[0]) for one in np.nonzero(varies))
    raise ValueError(
        f"{what}_features must be constant within each unit of groups, but {gate.names[column]} "
        f"varies in unit {unit[row]!s}: {first[row, column]:g} and {columns[row, column]:g}. Name "
        f"those that are constant in {what}_features (or {what}_formula), or give "
        f"{'gate_degree=0' if what == 'gate' else 'none of them'} (or {what}_formula='~ 1') for "
        "equal shares of all units."
    )


def check_weights_of_units(weight: Float[np.ndarray, " n"], unit: Labels) -> None:
    """Refuse weights that vary within a unit, which counts as a whole."""
    number = numbered(unit)
    first = weight[firsts(number)[number]]
    if np.any(varies := weight != first):
        row = int(np.argmax(varies))
        raise ValueError(
            f"sample_weight must be the same for all rows of a unit of groups, got {first[row]:g} "
            f"and {weight[row]:g} in unit {unit[row]!s}."
        )
