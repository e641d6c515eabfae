"""EM: closed-form experts or a Newton step for each part, safeguarded acceleration.

The expectation-maximisation of Jordan and Jacobs (1994, Neural Computation 6, 181-214), with
Anderson's extrapolation of its fixed point, restarted whenever it would lose likelihood
(Henderson and Varadhan 2019, J. Comput. Graph. Statist. 28, 834-846). One pass over the data
gives the log-likelihood of a model and the sums for its M-step, so a step that loses
likelihood is noticed one pass later and replaced: by the plain EM step if it was extrapolated,
by a shorter gate step if it was plain (the experts' part of the M-step alone never loses).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from mixstat import dense, flat
from mixstat.kernels import kernel
from mixstat.model import Mixture
from mixstat.precision import AnyArray, in_float64
from mixstat.results import FitResult, Status
from mixstat.solvers.certify import GRADIENT_TOL, certify
from mixstat.solvers.m_step import choose, evaluate, slack
from mixstat.solvers.problem import Problem

# absolute and relative tolerance, and the largest number of steps
Limits = tuple[AnyArray | float, AnyArray | float, AnyArray | int]

MEMORY = 5  # differences that the extrapolation remembers
SHORTEST = 2.0**-20  # gate steps are not halved below this


class EMState(NamedTuple):
    """The current model, what is tried next, and what people read."""

    model: Mixture  # the best model so far
    value: Float[AnyArray, ""]  # its objective: mean log-likelihood minus penalty
    target: Mixture  # its M-step
    trial: Mixture  # the model evaluated next
    extrapolated: Bool[AnyArray, ""]  # whether ``trial`` is
    fraction: Float[AnyArray, ""]  # of the Newton steps taken by a plain ``trial``
    memory: "Memory"
    gain: Float[AnyArray, ""]  # of the last step
    smallest_gain: Float[AnyArray, ""]  # of all steps
    n_iter: Int[AnyArray, ""]
    n_passes: Int[AnyArray, ""]
    status: Int[AnyArray, ""]


class Memory(NamedTuple):
    """Differences of successive points and EM steps, a ring of ``MEMORY`` rows."""

    points: Float[AnyArray, "h D"]
    steps: Float[AnyArray, "h D"]
    point: Float[AnyArray, " D"]
    step: Float[AnyArray, " D"]
    count: Int[AnyArray, ""]


def _forget(vector: AnyArray) -> Memory:
    blank = jnp.zeros((MEMORY, vector.size), vector.dtype)
    return Memory(blank, blank, vector, vector, jnp.asarray(0))


def _extrapolate(memory: Memory, point: AnyArray, step: AnyArray) -> tuple[Memory, AnyArray]:
    """Anderson's combination of the last EM steps that would make the step smallest."""
    slot = (memory.count - 1) % MEMORY
    points = jnp.asarray(memory.points).at[slot].set(point - memory.point)
    steps = jnp.asarray(memory.steps).at[slot].set(step - memory.step)
    points = jnp.where(memory.count > 0, points, memory.points)
    steps = jnp.where(memory.count > 0, steps, memory.steps)
    gram = steps @ steps.T
    guard = 1e-12 * jnp.trace(gram) + 1e-300
    mix = dense.solve(gram + guard * jnp.eye(MEMORY), steps @ step)
    return Memory(points, steps, point, step, memory.count + 1), point + step - mix @ (
        points + steps
    )


def _accepted(state: EMState, problem: Problem, value, target, limits, accelerate: bool):
    """The trial becomes the model; the next trial is its EM step or an extrapolation."""
    atol, rtol, _ = limits
    n_iter = state.n_iter + 1
    settled = jnp.abs(state.gain) <= atol + rtol * jnp.abs(state.value)
    gain = value - state.value
    memory, trial, extrapolated = state.memory, target, jnp.asarray(False)
    if accelerate:
        point, goal = flat.traced_vector(state.trial), flat.traced_vector(target)
        memory, further = _extrapolate(memory, point, goal - point)
        lower, upper = flat.traced_vector(problem.lower), flat.traced_vector(problem.upper)
        further = jnp.clip(further, lower, upper)
        extrapolated = (memory.count > 1) & jnp.all(jnp.isfinite(further))
        trial = flat.from_vector(target, jnp.where(extrapolated, further, goal))
    return EMState(
        model=state.trial,
        value=value,
        target=target,
        trial=trial,
        extrapolated=extrapolated,
        fraction=jnp.ones_like(state.fraction),
        memory=memory,
        gain=gain,
        smallest_gain=jnp.minimum(state.smallest_gain, gain),
        n_iter=n_iter,
        n_passes=state.n_passes + 1,
        status=jnp.where(settled, Status.CONVERGED, Status.RUNNING),
    )


def _rejected(state: EMState):
    """Back to the plain EM step, or to a shorter one."""
    fraction = jnp.where(state.extrapolated, 1.0, 0.5 * state.fraction)
    # experts with an exact M-step never lose; a Newton step of experts is shortened too
    exact = state.model.experts.exact_step
    shortened = state.model.gate if exact else state.model
    aim = state.target.gate if exact else state.target
    moved = jax.tree.map(lambda old, new: old + fraction * (new - old), shortened, aim)
    trial = Mixture(moved, state.target.experts) if exact else moved
    point = flat.traced_vector(state.model)
    stuck = jnp.where(fraction < SHORTEST, Status.STALLED, Status.RUNNING)
    return state._replace(
        trial=trial,
        extrapolated=jnp.asarray(False),
        fraction=fraction,
        memory=_forget(point),
        n_passes=state.n_passes + 1,
        status=jnp.where(state.n_iter < 0, Status.NONFINITE, stuck),
    )


def begin(start: Mixture) -> EMState:
    """Before the first pass, which "accepts" the start over an infinitely bad model.

    So the pass is compiled once.
    """
    worst = jnp.asarray(-1e300)
    zero, one, no = jnp.asarray(0), jnp.asarray(1.0), jnp.asarray(False)
    memory = _forget(flat.traced_vector(start))
    return EMState(
        *(start, worst, start, start, no, one, memory),
        *(-worst, -worst, zero - 1, zero, zero + Status.RUNNING),
    )


def advance(
    problem: Problem,
    state: EMState,
    limits: Limits,
    *,
    accelerate: bool = True,
    exact_gate: bool = False,
    gate_tol: AnyArray | float = 1e-15,
) -> EMState:
    """One pass over the data: the trial is accepted or replaced."""
    value, target = evaluate(problem, state.trial, exact_gate=exact_gate, gate_tol=gate_tol)
    dtype = problem.batch.rows.weight.dtype
    # False for NaN too
    good = value >= state.value - slack(state.value, dtype)
    good = good & (value < jnp.inf)
    yes = _accepted(state, problem, value, target, limits, accelerate)
    return choose(good, yes, _rejected(state))


def running(state: EMState, limits: Limits) -> Bool[AnyArray, ""]:
    """Whether another pass is due."""
    return (state.status == Status.RUNNING) & (state.n_iter < limits[2])


def ended(state: EMState) -> EMState:
    """The last state, which says so if it ran out of steps."""
    ran_out = state.status == Status.RUNNING
    return state._replace(status=jnp.where(ran_out, Status.MAX_ITER, state.status))


@kernel("accelerate", "exact_gate")
def run(
    problem: Problem,
    start: Mixture,
    limits: Limits,
    *,
    accelerate: bool = True,
    exact_gate: bool = False,
    gate_tol: AnyArray | float = 1e-15,
) -> EMState:
    """EM from ``start``, in one compiled loop.

    Parameters
    ----------
    limits
        Absolute and relative tolerance and the largest number of steps. The loop ends after
        the step whose entering log-likelihood had gained less than ``atol + rtol |value|``.
    accelerate
        Extrapolate (static). Off gives plain EM.
    exact_gate
        Take the gate's M-step to its maximum (static); else one Newton step.
    gate_tol
        An exact gate step ends when its surrogate changes by less than this, relative.
    """
    options = {"accelerate": accelerate, "exact_gate": exact_gate, "gate_tol": gate_tol}
    step = partial(advance, problem, limits=limits, **options)
    return ended(jax.lax.while_loop(partial(running, limits=limits), step, begin(start)))


@in_float64
def em(
    problem: Problem,
    start: Mixture,
    *,
    tol: float = GRADIENT_TOL,
    max_iter: int = 1000,
    accelerate: bool = True,
    exact_gate: bool = False,
) -> FitResult:
    """Maximise by EM alone, until the log-likelihood gains nothing that can be seen.

    Parameters
    ----------
    problem, start
        What to maximise, and where to begin.
    tol
        Largest component of the gradient that counts as converged in the certificate.
    max_iter
        Largest number of EM steps.
    accelerate, exact_gate
        As in :func:`run`.
    """
    limits = (1e-14, 1e-14, max_iter)
    state = run(problem, start, limits, accelerate=accelerate, exact_gate=exact_gate)
    status = Status(int(state.status))
    n_iter, n_passes = int(state.n_iter), int(state.n_passes)
    return certify(problem, state.model, status, n_iter=n_iter, n_passes=n_passes, tol=tol)
