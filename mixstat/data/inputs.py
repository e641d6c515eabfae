"""Inputs of a table: read, replaced, and moved a little for derivatives."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Series, Table, as_frame

STEP = 1e-3  # of an input, in its deviations: errors of the fourth order and rounding are alike

# places, in steps, and weights of first derivatives
CENTRAL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))
ASIDE = ((0, -25 / 12), (1, 4.0), (2, -3.0), (3, 4 / 3), (4, -1 / 4))


def take_input(X: Table, column: int | str) -> np.ndarray:
    """Values of one input: by its position, or by name in a data frame."""
    frame = as_frame(X)
    return np.asarray(X)[:, int(column)] if frame is None else np.asarray(frame[column])


def replace_input(X: Table, column: int | str, values: Series) -> Table:
    """A copy of the table with other values of one input."""
    frame = as_frame(X)
    if frame is not None:
        return frame.assign(**{str(column): values})
    moved = np.array(X, float)
    moved[:, int(column)] = values
    return moved


def differences(
    function: Callable[[Table], Float[np.ndarray, "n p"]],
    X: Table,
    column: int | str,
    deviation: float,
) -> Float[np.ndarray, "n p"]:
    """Derivatives in one input of what is made of each row by itself.

    By differences of fourth order: central ones, or where the function is not defined on both
    sides of a row, as splines are not beyond the rows of the fit, to one side.

    Parameters
    ----------
    function
        Of the table.
    X, column
        The rows, and the input.
    deviation
        Of the input, which sets the steps. Inputs that are all positive, of which logs and roots
        may be taken, stay so.
    """
    values = np.asarray(take_input(X, column), float)
    step = np.full(len(values), STEP * (deviation or 1.0))
    if np.all(values > 0):
        step = np.minimum(step, STEP * values)
    inward = np.where(values <= np.median(values), 1.0, -1.0)
    ways = [(CENTRAL, step), *((ASIDE, side * step) for side in (inward, 1.0, -1.0))]
    failure: ValueError | None = None
    for stencil, one in ways:
        moved = (values + one) - values  # exactly what is added, so that rounding does not count
        try:
            sums = [
                times * function(replace_input(X, column, values + place * moved))
                for place, times in stencil
            ]
        except ValueError as error:
            failure = failure or error
            continue
        return np.sum(sums, axis=0) / moved[:, None]
    assert failure is not None
    raise failure
