"""Newton within a radius for many members at once: the same pass, a step without branches.

The step divides the gradient by the absolute eigenvalues of the information, so that saddles
are left along negative curvature (Dauphin et al. 2014, NeurIPS 27, 2933-2941), plus whatever
keeps it within a radius that follows the success of the quadratic model. What does not end here
is left to the trust region of :mod:`mixstat.solvers.newton`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from mixstat import dense, flat
from mixstat.derivatives import derivatives_and_mass
from mixstat.kernels import kernel
from mixstat.model import Mixture
from mixstat.precision import AnyArray
from mixstat.results import Status
from mixstat.solvers.newton import ROUNDING, SURPLUS
from mixstat.solvers.problem import Problem

MAX_STEPS = 60  # passes after which a member is left to the trust region
FIRST, LONGEST, SHORTEST = 0.5, 1e3, 1e-10  # lengths of a step
GRID = 32  # dampings tried at once for a step of the wanted length
FLAT = 1e-10  # eigenvalues below this, relative to the largest, are taken to be so


class NewtonState(NamedTuple):
    """The best point so far with its derivatives, and what is tried next."""

    vector: Float[AnyArray, " D"]
    value: Float[AnyArray, ""]
    gradient: Float[AnyArray, " D"]
    hessian: Float[AnyArray, "D D"]
    mass: Float[AnyArray, " K"]  # weight that each expert is responsible for
    norm: Float[AnyArray, ""]  # of the projected gradient
    smallest: Float[AnyArray, ""]  # eigenvalue of the information of free parameters
    decrement: Float[AnyArray, ""]  # gain that the whole Newton step predicts
    radius: Float[AnyArray, ""]  # longest step that is tried
    trial: Float[AnyArray, " D"]
    predicted: Float[AnyArray, ""]
    n_iter: Int[AnyArray, ""]
    n_passes: Int[AnyArray, ""]
    status: Int[AnyArray, ""]


def begin(start: Mixture) -> NewtonState:
    """Before the first pass, which is accepted whatever it finds."""
    vector = flat.traced_vector(start)
    size = len(vector)
    zero = jnp.asarray(0.0)
    return NewtonState(
        *(vector, zero - jnp.inf, jnp.zeros(size), jnp.zeros((size, size))),
        *(jnp.zeros(start.n_experts), zero + jnp.inf, zero, zero),
        *(zero + FIRST, vector, zero + jnp.inf, jnp.asarray(-1), jnp.asarray(0)),
        jnp.asarray(int(Status.RUNNING)),
    )


def running(state: NewtonState) -> AnyArray:
    """Whether another pass is due."""
    return state.status == Status.RUNNING


@kernel("boxed")
def run(problem: Problem, start: Mixture, tol: AnyArray | float, *, boxed: bool) -> NewtonState:
    """Newton from ``start``, in one compiled loop."""

    def step(state: NewtonState) -> NewtonState:
        return advance(problem, start, state, jnp.asarray(tol), boxed=boxed)

    return jax.lax.while_loop(running, step, begin(start))


def is_boxed(problem: Problem) -> bool:
    """Whether there are bounds beside the floors under scales."""
    return bool(np.isfinite(flat.to_vector(problem.upper)).any())


def advance(
    problem: Problem, template: Mixture, state: NewtonState, tol: AnyArray, *, boxed: bool
) -> NewtonState:
    """One pass over the data: the trial is accepted or not, and the next one chosen."""
    now, accepted = _look(problem, template, state)
    free = _free(problem, now)
    step, now = _step(problem, now, free, boxed)
    arrived = (now.norm <= SURPLUS * tol) & (now.smallest > 0)
    invisible = ~(state.predicted > ROUNDING * (1 + jnp.abs(state.value)))
    stopped = ~accepted & (invisible | (now.radius < SHORTEST))
    status = jnp.where(arrived, Status.CONVERGED, Status.RUNNING)
    # a maximum all the same where only rounding is left
    good = (now.norm <= tol) & (now.smallest > -tol)
    status = jnp.where(
        stopped & ~arrived, jnp.where(good, Status.CONVERGED, Status.STALLED), status
    )
    status = jnp.where(jnp.isfinite(now.value), status, Status.NONFINITE)
    spent = (now.n_passes >= MAX_STEPS) & (status == Status.RUNNING)
    status = jnp.where(spent, jnp.where(good, Status.CONVERGED, Status.MAX_ITER), status)
    return now._replace(trial=now.vector + step, status=status)


def _look(problem: Problem, template: Mixture, state: NewtonState):
    """Derivatives at the trial; it becomes the point if it is better."""
    model = flat.from_vector(template, state.trial)
    value, gradient, hessian, mass = derivatives_and_mass(model, problem.batch)
    if problem.shrink is not None:
        square = problem.shrink.square
        value = value - 0.5 * state.trial @ (square @ state.trial)
        gradient, hessian = gradient - square @ state.trial, hessian - square
    seen = state._replace(
        vector=state.trial, value=value, gradient=gradient, hessian=hessian, mass=mass
    )
    seen = seen._replace(norm=jnp.max(jnp.where(_free(problem, seen), jnp.abs(gradient), 0.0)))
    sane = jnp.isfinite(value) & jnp.all(jnp.isfinite(hessian))
    visible = state.predicted > ROUNDING * (1 + jnp.abs(state.value))
    ratio = (value - state.value) / state.predicted
    better = jnp.where(visible, ratio > 1e-4, seen.norm < state.norm)
    accepted = sane & (better | (state.n_iter < 0))
    radius = _radius(state, ratio, sane)
    radius = jnp.where(visible | ~sane, radius, state.radius)
    pairs = zip(seen, state, strict=True)
    now = NewtonState(*(jnp.where(accepted, new, old) for new, old in pairs))
    radius = jnp.where(state.n_iter < 0, FIRST, radius)
    return now._replace(
        radius=radius, n_iter=state.n_iter + accepted, n_passes=state.n_passes + 1
    ), accepted


def _radius(state: NewtonState, ratio: AnyArray, sane: AnyArray) -> AnyArray:
    """Half of a step that gained too little, twice one that gained what was predicted."""
    step = state.trial - state.vector
    length = jnp.sqrt(step @ step)
    good = (ratio > 0.75) & (length > 0.8 * state.radius)
    wider = jnp.where(good, jnp.minimum(2 * state.radius, LONGEST), state.radius)
    return jnp.where(sane & (ratio >= 0.25), wider, 0.5 * jnp.minimum(length, state.radius))


def _free(problem: Problem, state: NewtonState) -> AnyArray:
    """Parameters that no bound holds back from moving uphill."""
    lower, upper = flat.traced_vector(problem.lower), flat.traced_vector(problem.upper)
    below = (state.vector <= lower) & (state.gradient <= 0)
    return ~(below | ((state.vector >= upper) & (state.gradient >= 0)))


def _step(problem: Problem, state: NewtonState, free: AnyArray, boxed: bool):
    """The step of the free parameters, as far as the first bound."""
    lower, upper = flat.traced_vector(problem.lower), flat.traced_vector(problem.upper)
    step, smallest, decrement = _damped(state, free)
    if boxed:  # one on its bound that would leave the box is held, and the others step again
        leaving = ((state.vector <= lower) & (step < 0)) | ((state.vector >= upper) & (step > 0))
        step = _damped(state, free & ~leaving)[0]
    edge = jnp.where(step > 0, upper, lower) - state.vector
    crossing = free & (jnp.abs(step) > jnp.abs(edge))
    reach = jnp.min(jnp.where(crossing, edge / jnp.where(crossing, step, 1.0), 1.0))
    step = reach * step
    # exactly on the bound, so that it is seen to be there
    step = jnp.where(crossing & (edge == step), edge, step)
    step = jnp.clip(state.vector + step, lower, upper) - state.vector
    predicted = state.gradient @ step + 0.5 * step @ (state.hessian @ step)
    return step, state._replace(smallest=smallest, decrement=decrement, predicted=predicted)


def _damped(state: NewtonState, free: AnyArray):
    """Step, smallest eigenvalue and Newton decrement of the free parameters."""
    gradient = jnp.where(free, state.gradient, 0.0)
    top = jnp.max(jnp.abs(jnp.diagonal(state.hessian)))
    held = jnp.diag(jnp.where(free, 0.0, top + 1.0))
    information = jnp.where(free[:, None] & free[None, :], -state.hessian, 0.0) + held
    safe = jnp.where(jnp.isfinite(information), information, 0.0)
    values, vectors = dense.eigh(safe)
    along = gradient @ vectors
    size = jnp.maximum(jnp.abs(values), FLAT * jnp.max(jnp.abs(values)) + 1e-200)
    step = vectors @ (along / (size + _damping(along, size, state.radius)))
    return jnp.where(free, step, 0.0), values[0], 0.5 * jnp.sum(along**2 / size)


def _damping(along: AnyArray, size: AnyArray, radius: AnyArray) -> AnyArray:
    """What to add to the eigenvalues for a step within the radius; zero where nothing is needed.

    Two grids in place of a root finder: every member does the same.
    """

    def length(damping: AnyArray) -> AnyArray:
        return jnp.sqrt(jnp.sum((along[None, :] / (size[None, :] + damping[:, None])) ** 2, 1))

    most = jnp.sqrt(along @ along) / radius + 1e-300  # the step is no longer than this allows
    coarse = most * jnp.logspace(-16.0, 0.0, GRID)
    least = jnp.argmax(length(coarse) <= radius)
    fine = coarse[least] * jnp.logspace(-16.0 / (GRID - 1), 0.0, GRID)
    found = fine[jnp.argmax(length(fine) <= radius)]
    return jnp.where(length(jnp.zeros(1))[0] <= radius, 0.0, found)
