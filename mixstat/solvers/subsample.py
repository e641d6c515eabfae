"""Large data: the maximum on every s-th row first, then a few passes over all of them.

The information on the sample is close to that on all rows, so that steps with it shrink the
gradient by a constant factor at the price of a gradient (a chord, or simplified Newton, method:
Ortega and Rheinboldt 1970, Iterative Solution of Nonlinear Equations, section 7.1). Newton on
all rows has the last word. Nothing rests on the sample but the place to begin.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from mixstat.data import batch as batches
from mixstat.data.batch import Batch, Rows
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import AnyArray
from mixstat.objective.objective import Objective
from mixstat.results import Status
from mixstat.solvers.degeneracy import is_degenerate
from mixstat.solvers.outcome import Outcome

LEAST_ROWS = 16_384  # of a sample
ROWS_EACH = 60  # and at least so many for each parameter
LEAST_STRIDE = 4  # a sample that saves less is not worth its compilation,
LEAST_WORK = 5e6  # nor is one of so few rows times parameters
CONTRACTION = 0.3  # a chord step that leaves more of the gradient is the last
CLOSE = 1e-7  # largest gradient component at which Newton takes over
MOST_STEPS = 12
SAME_SHAPE = 32  # chunks up to which a sample keeps the shape of the whole


def sampling_stride(objective: Objective, model: Mixture) -> int:
    """Rows of which one is taken: a power of two, one for all of them."""
    if objective.batch.rows.sharing is not None:  # which a sample of rows would tear apart
        return 1
    chunks, length = objective.batch.rows.weight.shape
    rows = min(int(objective.batch.n_chunks), chunks) * length
    if rows * parameter_vector.size(model) < LEAST_WORK:
        return 1
    wanted = max(LEAST_ROWS, ROWS_EACH * parameter_vector.size(model))
    most = 2 ** int(np.log2(max(rows // wanted, 1)))
    return most if LEAST_STRIDE <= most <= length else 1


def sample(batch: Batch, step: int) -> Batch:
    """Every ``step``-th row, in the same layout."""
    chunks, length = batch.rows.weight.shape
    used = min(int(batch.n_chunks), chunks)
    kept = -(-used // step)

    def thin(table: AnyArray) -> np.ndarray:
        rows = np.asarray(table)[:used, ..., ::step]  # (used, p, length / step)
        rows = np.moveaxis(rows, 0, -2)  # (p, used, length / step)
        rows = rows.reshape(*rows.shape[:-2], -1)
        # a table with chunks to spare is thinned to its own shape, whose programs are there
        size = (chunks if chunks <= SAME_SHAPE else batches.padded_chunks(kept)) * length
        pad = [(0, 0)] * (rows.ndim - 1) + [(0, size - rows.shape[-1])]
        padded = np.pad(rows, pad, mode="edge").reshape(*rows.shape[:-1], -1, length)
        return np.ascontiguousarray(np.moveaxis(padded, -2, 0))

    rows: Rows = jax.tree.map(thin, batch.rows)
    weight = rows.weight.reshape(-1)
    weight[used * (length // step) :] = 0.0  # padding repeats the last row
    share = weight.sum()
    rows = eqx.tree_at(lambda r: r.weight, rows, (weight / share).reshape(rows.weight.shape))
    total = np.asarray(float(batch.total_weight) * share)
    return jax.device_put(Batch(rows, np.asarray(kept), total))


def from_sample(
    objective: Objective,
    start: Mixture,
    solve: Callable[[Objective, Mixture], Outcome],
    stride: int,
) -> Outcome | None:
    """A point close to the maximum on all rows; None where the sample does not lead there.

    ``solve`` finds the maximum on every ``stride``-th row.
    """
    smaller = objective.replace(batch=sample(objective.batch, stride), draft=None)
    near = solve(smaller, start)
    if near.status != Status.CONVERGED or near.known is None:
        return None
    if is_degenerate(smaller, near.model, near.known.mass):
        return None
    end = _chord(objective, near, -near.known.hessian)
    # a pass over the sample is a part of one
    return end.after(near._replace(n_passes=-(-near.n_passes // stride)))


def _chord(objective: Objective, near: Outcome, information: Float[np.ndarray, "D D"]) -> Outcome:
    """Newton steps on all rows with the information on the sample."""
    vector = parameter_vector.to_vector(near.model)
    gradient = objective.value_and_gradient(vector)[1]
    norm, n_passes = float(objective.norm(vector, gradient)), 1
    while norm > CLOSE and n_passes < MOST_STEPS:
        free = np.asarray(objective.free(vector, gradient))
        move = np.zeros(len(vector))
        move[free] = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
        trial = np.asarray(objective.clip(vector + move))
        slope = objective.value_and_gradient(trial)[1]
        after = float(objective.norm(trial, slope))
        n_passes += 1
        if not after < norm:
            break
        slow, vector, gradient, norm = after > CONTRACTION * norm, trial, slope, after
        if slow:
            break
    return Outcome(objective.model(vector), Status.MAX_ITER, n_passes - 1, n_passes)
