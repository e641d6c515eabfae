"""A queue of small iterations: whoever finishes leaves, and the next one takes the place.

Many members of one shape share a compiled loop with a fixed number of lanes. A lane works at
one member until it is done, writes the result and draws the next member, so that the cost
follows the sum of the iterations and nobody waits for the slowest. A member's numbers depend on
the number of lanes, which its shape fixes, but neither on its neighbours nor on how many there
are.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Int, PyTree

from mixstat.numerics.precision import AnyArray


class _Carry(NamedTuple):
    states: PyTree  # of the lanes, leaves (L, ...)
    member: Int[AnyArray, " L"]  # at which a lane works; n_members or more when it idles
    waiting: Int[AnyArray, ""]  # the next member to draw
    results: PyTree  # leaves (M + 1, ...); the last row is never read


def run(
    begin: Callable[[PyTree], PyTree],
    step: Callable[[PyTree, PyTree], PyTree],
    running: Callable[[PyTree], AnyArray],
    members: PyTree,
    n_members: AnyArray,
    lanes: int,
) -> PyTree:
    """The last state of each member, inside jit.

    Parameters
    ----------
    begin
        First state of a member.
    step
        One iteration: the member and its state to its next state.
    running
        Whether a state needs another iteration.
    members
        Tree of arrays (M, ...); rows from ``n_members`` on are padding.
    n_members
        How many there are.
    lanes
        How many are worked at together.
    """
    size = jax.tree.leaves(members)[0].shape[0]

    def take(which: AnyArray) -> PyTree:
        safe = jnp.minimum(which, size - 1)
        return jax.tree.map(lambda table: jnp.asarray(table)[safe], members)

    def go_on(carry: _Carry) -> AnyArray:
        return jnp.any(carry.member < n_members)

    def turn(carry: _Carry) -> _Carry:
        states = jax.vmap(step)(take(carry.member), carry.states)
        done = ~jax.vmap(running)(states) & (carry.member < n_members)
        place = jnp.where(done, carry.member, size)
        results = jax.tree.map(lambda all_, now: all_.at[place].set(now), carry.results, states)
        drawn = carry.waiting + jnp.cumsum(done) - 1
        member = jnp.where(done, drawn, carry.member)
        fresh = jax.vmap(begin)(take(member))
        states = jax.tree.map(lambda new, old: _where(done, new, old), fresh, states)
        return _Carry(states, member, carry.waiting + jnp.sum(done), results)

    first = jnp.arange(lanes)
    states = jax.vmap(begin)(take(first))
    results = jax.tree.map(lambda leaf: jnp.zeros((size + 1, *leaf.shape[1:]), leaf.dtype), states)
    carry = _Carry(states, first, jnp.asarray(lanes), results)
    results = jax.lax.while_loop(go_on, turn, carry).results
    return jax.tree.map(lambda leaf: leaf[:size], results)


def _where(condition: AnyArray, new: AnyArray, old: AnyArray) -> AnyArray:
    return jnp.where(condition.reshape(-1, *[1] * (new.ndim - 1)), new, old)
