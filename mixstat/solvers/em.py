"""EM: closed-form experts or a Newton step for each part, safeguarded acceleration.

The expectation-maximisation of Jordan and Jacobs (1994, Neural Computation 6, 181-214), with
Anderson's extrapolation of its fixed point, restarted whenever it would lose likelihood
(Henderson and Varadhan 2019, J. Comput. Graph. Statist. 28, 834-846). One pass over the data
gives the log-likelihood of a model and the sums for its M-step, so a step that loses
likelihood is noticed one pass later and replaced: by the plain EM step if it was extrapolated,
by a shorter gate step if it was plain (the experts' part of the M-step alone never loses).
"""

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, PyTree

from mixstat.model import Mixture
from mixstat.numerics import linear_algebra, parameter_vector
from mixstat.numerics.compiled import kernel, traced
from mixstat.numerics.precision import AnyArray
from mixstat.objective.objective import Objective
from mixstat.objective.reduction import is_large, total
from mixstat.results import Status
from mixstat.solvers.base import Solver
from mixstat.solvers.m_step import choose, m_step_of, slack, statistics_for, with_exact_gate
from mixstat.solvers.outcome import Outcome
from mixstat.solvers.stop_rule import StopRule, check_rule
from mixstat.validation import check_switch

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
    mix = linear_algebra.solve(gram + guard * jnp.eye(MEMORY), steps @ step)
    return Memory(points, steps, point, step, memory.count + 1), point + step - mix @ (
        points + steps
    )


def _accepted(
    state: EMState,
    objective: Objective,
    value: AnyArray,
    target: Mixture,
    rule: StopRule,
    accelerate: bool,
) -> EMState:
    """The trial becomes the model; the next trial is its EM step or an extrapolation."""
    n_iter = state.n_iter + 1
    settled = jnp.abs(state.gain) <= rule.absolute + rule.relative * jnp.abs(state.value)
    gain = value - state.value
    memory, trial, extrapolated = state.memory, target, jnp.asarray(False)
    if accelerate:
        point, goal = (
            parameter_vector.traced_vector(state.trial),
            parameter_vector.traced_vector(target),
        )
        memory, further = _extrapolate(memory, point, goal - point)
        further = objective.clip(further)
        extrapolated = (memory.count > 1) & jnp.all(jnp.isfinite(further))
        trial = parameter_vector.from_vector(target, jnp.where(extrapolated, further, goal))
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


def _rejected(state: EMState, exact: bool):
    """Back to the plain EM step, or to a shorter one, of experts too unless theirs is exact."""
    fraction = jnp.where(state.extrapolated, 1.0, 0.5 * state.fraction)
    shortened = state.model.gate if exact else state.model
    aim = state.target.gate if exact else state.target
    moved = jax.tree.map(lambda old, new: old + fraction * (new - old), shortened, aim)
    trial = Mixture(moved, state.target.experts) if exact else moved
    point = parameter_vector.traced_vector(state.model)
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
    worst, vector = jnp.asarray(-1e300), parameter_vector.traced_vector(start)
    zero = jnp.asarray(0)
    return EMState(
        model=start,
        value=worst,
        target=start,
        trial=start,
        extrapolated=jnp.asarray(False),
        fraction=jnp.asarray(1.0),
        memory=_forget(vector),
        gain=-worst,
        smallest_gain=-worst,
        n_iter=zero - 1,
        n_passes=zero,
        status=zero + Status.RUNNING,
    )


def advance(
    objective: Objective,
    state: EMState,
    rule: StopRule,
    *,
    accelerate: bool = True,
    exact_gate: bool = False,
) -> EMState:
    """One pass over the data: the trial is accepted or replaced."""
    if exact_gate:
        value, target = with_exact_gate(objective, state.trial, rule.gate)
    else:
        sums = total(statistics_for(objective), state.trial, objective.batch)
        value, target = m_step_of(objective, state.trial, sums)
    return _settle(objective, state, value, target, rule, accelerate)


def _settle(
    objective: Objective,
    state: EMState,
    value: AnyArray,
    target: Mixture,
    rule: StopRule,
    accelerate: bool,
) -> EMState:
    """What follows from the trial's objective and its M-step."""
    dtype = objective.batch.rows.weight.dtype
    # False for NaN too
    good = value >= state.value - slack(state.value, dtype)
    good = good & (value < jnp.inf)
    yes = _accepted(state, objective, value, target, rule, accelerate)
    exact = state.model.experts.exact_step and objective.plane is None
    return choose(good, yes, _rejected(state, exact))


def running(state: EMState, rule: StopRule) -> Bool[AnyArray, ""]:
    """Whether another pass is due."""
    return (state.status == Status.RUNNING) & (state.n_iter < rule.max_iter)


def ended(state: EMState) -> EMState:
    """The last state, which says so if it ran out of steps."""
    ran_out = state.status == Status.RUNNING
    return state._replace(status=jnp.where(ran_out, Status.MAX_ITER, state.status))


def run(
    objective: Objective,
    start: Mixture,
    rule: StopRule,
    *,
    accelerate: bool = True,
    exact_gate: bool = False,
) -> EMState:
    """EM from ``start``: one compiled loop, or one program a step where rows are many.

    Parameters
    ----------
    objective, start
        What to maximise, and where to begin.
    rule
        When to stop.
    accelerate
        Extrapolate (static). Off gives plain EM.
    exact_gate
        Take the gate's M-step to its maximum (static); else one Newton step.
    """
    if traced((objective, start)) or exact_gate or not is_large(objective.batch):
        return _run(objective, start, rule, accelerate=accelerate, exact_gate=exact_gate)
    # the sums of a pass are made by all processors, what follows from them by one
    few_rows = jax.tree.map(lambda table: table[:1, ..., :1], objective.batch.rows)
    batch = eqx.tree_at(lambda b: b.rows, objective.batch, few_rows)
    settings = objective.replace(batch=batch, draft=None)
    state = _begin(start)
    while int(state.status) == Status.RUNNING and int(state.n_iter) < int(rule.max_iter):
        sums = total(statistics_for(objective), state.trial, objective.batch)
        state = _settle_sums(settings, state, sums, rule, accelerate=accelerate)
    if int(state.status) == Status.RUNNING:
        state = state._replace(status=np.asarray(int(Status.MAX_ITER)))
    return state


@kernel()
def _begin(start: Mixture) -> EMState:
    return begin(start)


@kernel("accelerate")
def _settle_sums(
    objective: Objective, state: EMState, sums: PyTree, rule: StopRule, *, accelerate: bool
) -> EMState:
    value, target = m_step_of(objective, state.trial, sums)
    return _settle(objective, state, value, target, rule, accelerate)


@kernel("accelerate", "exact_gate")
def _run(
    objective: Objective, start: Mixture, rule: StopRule, *, accelerate: bool, exact_gate: bool
) -> EMState:
    options = {"accelerate": accelerate, "exact_gate": exact_gate}
    step = partial(advance, objective, rule=rule, **options)
    return ended(jax.lax.while_loop(partial(running, rule=rule), step, begin(start)))


@dataclass(frozen=True)
class EM(Solver):
    """Expectation-maximisation alone, until the objective gains nothing that can be seen."""

    accelerate: bool = True
    """Extrapolate; off gives plain EM."""
    exact_gate: bool = False
    """Take the gate's M-step to its maximum; else one Newton step."""
    stop: StopRule = field(default_factory=StopRule)
    """When to stop; its ``max_iter`` is a limit beside that of :meth:`run`."""

    def __post_init__(self) -> None:
        check_switch("accelerate", self.accelerate)
        check_switch("exact_gate", self.exact_gate)
        check_rule(self.stop)

    def unmet_need(self, objective: Objective) -> str:
        if self.exact_gate and objective.plane is not None:
            return "EM(exact_gate=True) needs a gate that no constraints tie; use 'auto' or EM()"
        return super().unmet_need(objective)

    def run(
        self, objective: Objective, start: Mixture, *, tol: float = 0.0, max_iter: int = 1000
    ) -> Outcome:
        steps = min(int(max_iter), int(self.stop.max_iter))
        rule = self.stop._replace(max_iter=steps)
        options = {"accelerate": self.accelerate, "exact_gate": self.exact_gate}
        state = run(objective, start, rule, **options)
        model, status = parameter_vector.as_numpy(state.model), Status(int(state.status))
        return Outcome(model, status, int(state.n_iter), int(state.n_passes))
