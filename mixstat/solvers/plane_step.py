"""The M-step where equations tie parameters: a scoring step of all of them together.

The surrogate's gradient and information are those of both parts, projected on the plane of the
equations. The step is uphill for the surrogate, and so for the likelihood if it is short enough.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, PyTree

from mixstat.model import Mixture, expanded_index
from mixstat.numerics import linear_algebra, parameter_vector
from mixstat.numerics.precision import AnyArray
from mixstat.objective import plane as planes
from mixstat.objective.objective import Objective
from mixstat.parts import predictors

FLAT = 1e-8  # eigenvalues below this, relative to the largest, are taken to be so
LONGEST = 2.0  # change of a parameter in a step, in standardised units


class StepSums(NamedTuple):
    """Sums over rows of which an M-step is made."""

    value: AnyArray  # mean log-likelihood
    gate: PyTree  # statistics of the gate
    experts: PyTree


def step_in_plane(objective: Objective, model: Mixture, sums: StepSums) -> tuple[AnyArray, Mixture]:
    """Objective of ``model`` and the end of a step, from Newton sums of both parts."""
    vector = parameter_vector.traced_vector(model)
    gradient, information = _quadratic(model, sums)
    gradient = objective.penalty.gradient(vector, gradient)
    information = objective.penalty.information(information, vector)
    gradient = planes.along(objective.plane, gradient)
    free, uphill = objective.free(vector, gradient), objective.projected(vector, gradient)
    system = -planes.curved(objective.plane, -information)
    step = _newton(objective, system, uphill, free)
    if objective.plane is not None and objective.plane.box is not None:
        ends = jnp.asarray(objective.lower) - vector, jnp.asarray(objective.upper) - vector
        step = _within(objective, (system, uphill), free, step, ends)
    value = sums.value - objective.penalty.value(vector)
    return value, parameter_vector.from_vector(model, objective.clip(vector + step))


def _newton(
    objective: Objective,
    system: Float[AnyArray, "D D"],
    uphill: Float[AnyArray, " D"],
    free: Bool[AnyArray, " D"],
) -> Float[AnyArray, " D"]:
    """A step of the free parameters along the plane, no longer than is believed."""
    system = jnp.where(free[:, None] & free[None, :], system, 0.0)
    system = system + jnp.diag(jnp.where(free, 0.0, 1.0 + jnp.max(jnp.abs(system))))
    values, vectors = linear_algebra.eigh(jnp.where(jnp.isfinite(system), system, 0.0))
    size = jnp.maximum(jnp.abs(values), FLAT * jnp.max(jnp.abs(values)) + 1e-200)
    step = vectors @ ((jnp.where(free, uphill, 0.0) @ vectors) / size)
    step = planes.along(objective.plane, step)
    return step * jnp.minimum(1.0, LONGEST / (jnp.max(jnp.abs(step)) + 1e-200))


def _within(
    objective: Objective,
    surrogate: tuple[Float[AnyArray, "D D"], Float[AnyArray, " D"]],
    free: Bool[AnyArray, " D"],
    step: Float[AnyArray, " D"],
    ends: tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]],
) -> Float[AnyArray, " D"]:
    """A step within limits that gains by the surrogate, given one that may cross them.

    What would cross goes to its limit, and the others step again knowing that. Along the gradient,
    clipped, a step that is short enough always gains (Bertsekas 1982, SIAM J. Control Optim. 20,
    221-246); the best of all is taken.
    """
    (system, uphill), (low, high) = surrogate, ends

    def crossing(carry: tuple[AnyArray, AnyArray]) -> Bool[AnyArray, " D"]:
        step, inside = carry
        return inside & ((step < low) | (step > high))

    def again(carry: tuple[AnyArray, AnyArray]) -> tuple[AnyArray, AnyArray]:
        cut = crossing(carry)
        inside = carry[1] & ~cut
        taken = jnp.where(inside, 0.0, jnp.clip(carry[0], low, high))
        moved = _newton(objective, system, uphill - system @ taken, inside)
        return jnp.where(inside, moved, taken), inside

    last, _ = jax.lax.while_loop(lambda c: jnp.any(crossing(c)), again, (step, free))
    curve = jnp.maximum(jnp.max(jnp.abs(system)), 1e-200)
    short = jnp.outer(2.0 ** jnp.arange(4.0, -12.0, -1.0), jnp.asarray(uphill / curve))
    tried = jnp.clip(jnp.vstack([last, step, short]), low[None], high[None])
    gains = tried @ uphill - 0.5 * jnp.sum((tried @ system) * tried, axis=1)
    return tried[jnp.argmax(jnp.where(jnp.isfinite(gains), gains, -jnp.inf))]


def _quadratic(
    model: Mixture, sums: StepSums
) -> tuple[Float[AnyArray, " D"], Float[AnyArray, "D D"]]:
    """Gradient and information of the surrogate in the parameter vector."""
    index = np.concatenate([np.ravel(places) for places in expanded_index(model)])
    size, where = parameter_vector.size(model), model.experts.layout()
    each = jax.vmap(lambda one: predictors.curvature(one, where))(sums.experts.information)
    of_gate = predictors.curvature(sums.gate.information, predictors.layout(model.gate.groups()))
    blocks = jax.scipy.linalg.block_diag(jnp.asarray(of_gate), *each)
    slopes = jnp.concatenate([sums.gate.slopes, jnp.ravel(sums.experts.slopes)])
    information = parameter_vector.fold(parameter_vector.fold(blocks, index, size).T, index, size)
    return parameter_vector.fold(slopes, index, size), information
