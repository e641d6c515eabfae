"""One Newton step of a part's parameters, within bounds and less a penalty.

A part (a gate, or one expert) sees its surrogate through a gradient and a positive
semidefinite information matrix. All M-steps without a closed form end here.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from mixstat.numerics.bounds import free_to_rise
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray


def newton_step(
    vector: Float[AnyArray, " D"],
    gradient: Float[AnyArray, " D"],
    information: Float[AnyArray, "D D"],
    bounds: tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]],
    penalty: Penalty,
) -> Float[AnyArray, " D"]:
    """Where the quadratic model of the surrogate less the penalty is largest.

    Parameters with equal bounds stay. A guard shortens steps where the information is
    singular, as along a direction that changes nothing.
    """
    size = vector.shape[0]
    if size == 0:
        return vector
    lower, upper = bounds
    gradient = penalty.smooth.gradient(vector, gradient)
    information = penalty.smooth.information(information, vector)
    # one that a bound stops would otherwise carry others along, as if it moved
    free = (lower < upper) & free_to_rise(vector, gradient, bounds)
    # a matrix that loses definiteness to overflow must not spread NaN to parameters that stand
    scale = jnp.maximum(jnp.max(jnp.abs(jnp.diagonal(information))), 1e-200)
    guard = 1e-10 * jnp.trace(information) / size + 1e-200

    def best(free: AnyArray, taken: AnyArray) -> AnyArray:
        """The maximum over the free parameters, the others having moved by ``taken``."""
        both = free[:, None] & free[None, :]
        diagonal = jnp.where(free, guard, scale)
        system = jnp.where(both, information, 0.0) + jnp.diag(diagonal)
        right = jnp.where(free, gradient - information @ taken, 0.0)
        moved = penalty.maximum(vector, right, system)
        return jnp.where(free, moved, vector + taken)

    moved = best(free, jnp.zeros_like(gradient))
    # others must not move as if one that meets its bound had gone all the way
    cut = free & ((moved < lower) | (moved > upper))
    taken = jnp.where(cut, jnp.clip(moved, lower, upper) - vector, 0.0)
    moved = jax.lax.cond(jnp.any(cut), lambda: best(free & ~cut, taken), lambda: moved)
    return jnp.where(free, jnp.clip(moved, lower, upper), vector)
