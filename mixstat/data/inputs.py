"""Inputs of a table: read, replaced, and moved a little for derivatives."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Series, Table, as_frame

STEP = 1e-3  # of an input, in its deviations: errors of the fourth order and rounding are alike


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
    function: Callable[[Table], Float[np.ndarray, "n p"]], X: Table, column: int | str
) -> Float[np.ndarray, "n p"]:
    """Derivatives in one input of what is made of each row by itself.

    By central differences of fourth order. Inputs that are all positive, of which logs and roots
    may be taken, stay so.
    """
    values = np.asarray(take_input(X, column), float)
    size = float(np.std(values)) or float(np.max(np.abs(values), initial=0.0)) or 1.0
    step = np.full(len(values), STEP * size)
    if np.all(values > 0):
        step = np.minimum(step, STEP * values)
    # exactly what is added, so that no rounding is divided by the step
    step = (values + step) - values

    def at(times: float) -> np.ndarray:
        return function(replace_input(X, column, values + times * step))

    near, far = at(1.0) - at(-1.0), at(2.0) - at(-2.0)
    return (8 * near - far) / (12 * step[:, None])
