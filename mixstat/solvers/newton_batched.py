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
from jaxtyping import Bool, Float, Int

from mixstat.model import Mixture
from mixstat.numerics import linear_algebra, parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray
from mixstat.objective.objective import Derivatives, Objective, TracedDerivatives
from mixstat.results import Status
from mixstat.solvers.outcome import Outcome
from mixstat.solvers.trust_region import ROUNDING, SURPLUS

MAX_STEPS = 60  # passes after which a member is left to the trust region
FIRST, LONGEST, SHORTEST = 0.5, 1e3, 1e-10  # lengths of a step
GRID = 32  # dampings tried at once for a step of the wanted length
FLAT = 1e-10  # eigenvalues below this, relative to the largest, are taken to be so


class NewtonState(NamedTuple):
    """The best point so far with its derivatives, and what is tried next."""

    vector: Float[AnyArray, " D"]
    known: TracedDerivatives
    norm: Float[AnyArray, ""]  # of the projected gradient
    smallest: Float[AnyArray, ""]  # eigenvalue of the information of free parameters
    radius: Float[AnyArray, ""]  # longest step that is tried
    trial: Float[AnyArray, " D"]
    predicted: Float[AnyArray, ""]
    n_iter: Int[AnyArray, ""]
    n_passes: Int[AnyArray, ""]
    status: Int[AnyArray, ""]


def begin(start: Mixture) -> NewtonState:
    """Before the first pass, which is accepted whatever it finds."""
    vector = parameter_vector.traced_vector(start)
    size, zero = len(vector), jnp.asarray(0.0)
    nothing = TracedDerivatives(
        value=zero - jnp.inf,
        gradient=jnp.zeros(size),
        hessian=jnp.zeros((size, size)),
        mass=jnp.zeros(start.n_experts),
    )
    return NewtonState(
        vector=vector,
        known=nothing,
        norm=zero + jnp.inf,
        smallest=zero,
        radius=zero + FIRST,
        trial=vector,
        predicted=zero + jnp.inf,
        n_iter=jnp.asarray(-1),
        n_passes=jnp.asarray(0),
        status=jnp.asarray(int(Status.RUNNING)),
    )


def running(state: NewtonState) -> Bool[AnyArray, ""]:
    """Whether another pass is due."""
    return state.status == Status.RUNNING


@kernel("boxed")
def run(objective: Objective, start: Mixture, tol: AnyArray | float, *, boxed: bool) -> NewtonState:
    """Newton from ``start``, in one compiled loop."""

    def step(state: NewtonState) -> NewtonState:
        return advance(objective, state, jnp.asarray(tol), boxed=boxed)

    return jax.lax.while_loop(running, step, begin(start))


def climb(objective: Objective, start: Mixture, *, tol: float) -> Outcome:
    """:func:`run` as the stage of a plan; what it cannot finish is left to the trust region."""
    state = parameter_vector.as_numpy(run(objective, start, tol, boxed=is_boxed(objective)))
    if int(state.status) == Status.NONFINITE:
        return Outcome(start, Status.STALLED, 0, int(state.n_passes))
    known = numpy_derivatives(state)
    model, status = objective.model(state.vector), Status(int(state.status))
    return Outcome(model, status, int(state.n_iter), int(state.n_passes), known)


def numpy_derivatives(state: NewtonState, which: int | tuple[()] = ()) -> Derivatives:
    """What is known where a walk ended; of many walks, that of one."""
    value, *tables = (np.asarray(table)[which] for table in state.known)
    return Derivatives(float(value), *tables)


def is_boxed(objective: Objective) -> bool:
    """Whether there are bounds beside the floors under scales."""
    limited = objective.plane is not None and objective.plane.box is not None
    return limited or bool(np.isfinite(np.asarray(objective.upper)).any())


def advance(objective: Objective, state: NewtonState, tol: AnyArray, *, boxed: bool) -> NewtonState:
    """One pass over the data: the trial is accepted or not, and the next one chosen."""
    now, accepted = _look(objective, state)
    step, now = _step(objective, now, boxed)
    value = now.known.value
    arrived = (now.norm <= SURPLUS * tol) & (now.smallest > 0)
    invisible = ~(state.predicted > ROUNDING * (1 + jnp.abs(state.known.value)))
    stopped = ~accepted & (invisible | (now.radius < SHORTEST))
    status = jnp.where(arrived, Status.CONVERGED, Status.RUNNING)
    # a maximum all the same where only rounding is left
    good = (now.norm <= tol) & (now.smallest > -tol)
    status = jnp.where(
        stopped & ~arrived, jnp.where(good, Status.CONVERGED, Status.STALLED), status
    )
    status = jnp.where(jnp.isfinite(value), status, Status.NONFINITE)
    spent = (now.n_passes >= MAX_STEPS) & (status == Status.RUNNING)
    status = jnp.where(spent, jnp.where(good, Status.CONVERGED, Status.MAX_ITER), status)
    return now._replace(trial=now.vector + step, status=status)


def _look(objective: Objective, state: NewtonState) -> tuple[NewtonState, Bool[AnyArray, ""]]:
    """Derivatives at the trial; it becomes the point if it is better."""
    there = objective.traced_derivatives(state.trial)
    norm = objective.norm(state.trial, there.gradient)
    sane = jnp.isfinite(there.value) & jnp.all(jnp.isfinite(there.hessian))
    before = state.known.value
    visible = state.predicted > ROUNDING * (1 + jnp.abs(before))
    ratio = (there.value - before) / state.predicted
    better = jnp.where(visible, ratio > 1e-4, norm < state.norm)
    accepted = sane & (better | (state.n_iter < 0))
    radius = _radius(state, ratio, sane)
    radius = jnp.where(visible | ~sane, radius, state.radius)
    trial = (state.trial, there, norm)
    point = (state.vector, state.known, state.norm)
    vector, known, norm = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), trial, point)
    now = state._replace(
        vector=vector,
        known=known,
        norm=norm,
        radius=jnp.where(state.n_iter < 0, FIRST, radius),
        n_iter=state.n_iter + accepted,
        n_passes=state.n_passes + 1,
    )
    return now, accepted


def _radius(state: NewtonState, ratio: AnyArray, sane: AnyArray) -> AnyArray:
    """Half of a step that gained too little, twice one that gained what was predicted."""
    step = state.trial - state.vector
    length = jnp.sqrt(step @ step)
    good = (ratio > 0.75) & (length > 0.8 * state.radius)
    wider = jnp.where(good, jnp.minimum(2 * state.radius, LONGEST), state.radius)
    return jnp.where(sane & (ratio >= 0.25), wider, 0.5 * jnp.minimum(length, state.radius))


def _step(
    objective: Objective, state: NewtonState, boxed: bool
) -> tuple[Float[AnyArray, " D"], NewtonState]:
    """The step of the free parameters, as far as the first bound."""
    vector, known = state.vector, state.known
    lower, upper = jnp.asarray(objective.lower), jnp.asarray(objective.upper)
    free = objective.free(vector, known.gradient)
    step, smallest = _damped(state, free)
    if boxed:  # one on its bound that would leave the box is held, and the others step again
        leaving = ((vector <= lower) & (step < 0)) | ((vector >= upper) & (step > 0))
        step = _damped(state, free & ~leaving)[0]
    edge = jnp.where(step > 0, upper, lower) - vector
    crossing = free & (jnp.abs(step) > jnp.abs(edge))
    reach = jnp.min(jnp.where(crossing, edge / jnp.where(crossing, step, 1.0), 1.0))
    step = reach * step
    # exactly on the bound, so that it is seen to be there
    step = jnp.where(crossing & (edge == step), edge, step)
    step = jnp.clip(vector + step, lower, upper) - vector
    predicted = known.gradient @ step + 0.5 * step @ (known.hessian @ step)
    return step, state._replace(smallest=smallest, predicted=predicted)


def _damped(
    state: NewtonState, free: Bool[AnyArray, " D"]
) -> tuple[Float[AnyArray, " D"], Float[AnyArray, ""]]:
    """Step of the free parameters, and the smallest eigenvalue of their information."""
    known = state.known
    gradient = jnp.where(free, known.gradient, 0.0)
    top = jnp.max(jnp.abs(jnp.diagonal(known.hessian)))
    held = jnp.diag(jnp.where(free, 0.0, top + 1.0))
    information = jnp.where(free[:, None] & free[None, :], -known.hessian, 0.0) + held
    safe = jnp.where(jnp.isfinite(information), information, 0.0)
    values, vectors = linear_algebra.eigh(safe)
    along = gradient @ vectors
    size = jnp.maximum(jnp.abs(values), FLAT * jnp.max(jnp.abs(values)) + 1e-200)
    step = vectors @ (along / (size + _damping(along, size, state.radius)))
    return jnp.where(free, step, 0.0), values[0]


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
