"""The queues of compiled steps through which a batch of fits goes."""

from functools import partial

import jax
import numpy as np
from jaxtyping import Float, Int

from mixstat.fitting import lanes as queue
from mixstat.fitting.members import Member, of_member
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray
from mixstat.objective.objective import Objective
from mixstat.solvers import em as em_steps
from mixstat.solvers import newton_batched
from mixstat.solvers.em import EMState, StopRule
from mixstat.solvers.newton_batched import NewtonState


def em(
    objective: Objective,
    members: Member,
    n_members: int,
    rule: StopRule,
    *,
    lanes: int,
    accelerate: bool,
    exact_gate: bool,
) -> EMState:
    """EM for every member; leaves of the state gain a leading axis."""
    rule = StopRule(*(np.asarray(limit) for limit in rule))
    options = {"lanes": lanes, "accelerate": accelerate, "exact_gate": exact_gate}
    return parameter_vector.as_numpy(
        _em(objective, members, np.asarray(n_members), rule, **options)
    )


@kernel("lanes", "accelerate", "exact_gate")
def _em(
    objective: Objective,
    members: Member,
    n_members: Int[AnyArray, ""],
    rule: StopRule,
    *,
    lanes: int,
    accelerate: bool,
    exact_gate: bool,
) -> EMState:
    options = {"accelerate": accelerate, "exact_gate": exact_gate}

    def step(member: Member, state: EMState) -> EMState:
        return em_steps.advance(of_member(objective, member), state, rule, **options)

    def begin(member: Member) -> EMState:
        return em_steps.begin(member.start)

    running = partial(em_steps.running, rule=rule)
    return em_steps.ended(queue.run(begin, step, running, members, n_members, lanes))


def newton(
    objective: Objective,
    members: Member,
    n_members: int,
    tol: float,
    *,
    lanes: int,
    boxed: bool,
) -> NewtonState:
    """Newton for every member; leaves of the state gain a leading axis."""
    count = np.asarray(n_members)
    last = _newton(objective, members, count, np.asarray(tol), lanes=lanes, boxed=boxed)
    return parameter_vector.as_numpy(last)


@kernel("lanes", "boxed")
def _newton(
    objective: Objective,
    members: Member,
    n_members: Int[AnyArray, ""],
    tol: Float[AnyArray, ""],
    *,
    lanes: int,
    boxed: bool,
) -> NewtonState:
    def step(member: Member, state: NewtonState) -> NewtonState:
        return newton_batched.advance(of_member(objective, member), state, tol, boxed=boxed)

    def begin(member: Member) -> NewtonState:
        return newton_batched.begin(member.start)

    return queue.run(begin, step, newton_batched.running, members, n_members, lanes)


def vectors(stacked: Mixture) -> Float[np.ndarray, "M D"]:
    """Parameter vectors of models that share their leaves."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(stacked)]
    return np.hstack([leaf.reshape(len(leaf), -1) for leaf in leaves])
