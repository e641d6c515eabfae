"""One Newton step of a part's parameters: within bounds, with a ridge, with an L1 penalty.

A part (a gate, or one expert) sees its surrogate through a gradient and a positive
semidefinite information matrix. All M-steps without a closed form end here.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from mixstat import dense
from mixstat.precision import AnyArray

SWEEPS = 200  # passes of coordinate descent over the coefficients of one quadratic model


class Shrink(NamedTuple):
    """What a penalty takes: half of ``v' square v`` plus ``sum(l1 |v|)``."""

    square: Float[AnyArray, "D D"]
    l1: Float[AnyArray, " D"] | None = None  # None where there is no L1 penalty at all

    def value(self, vector: Float[AnyArray, " D"]) -> AnyArray:
        """The penalty at ``vector``."""
        smooth = 0.5 * vector @ (self.square @ vector)
        return smooth if self.l1 is None else smooth + self.l1 @ abs(vector)


def newton_step(
    vector: Float[AnyArray, " D"],
    gradient: Float[AnyArray, " D"],
    information: Float[AnyArray, "D D"],
    bounds: tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]],
    shrink: Shrink | None,
) -> Float[AnyArray, " D"]:
    """Where the quadratic model of the surrogate is largest.

    Parameters with equal bounds stay. A guard shortens steps where the information is
    singular, as along a direction that changes nothing.
    """
    size = vector.shape[0]
    if size == 0:
        return vector
    lower, upper = bounds
    if shrink is not None:
        gradient = gradient - shrink.square @ vector
        information = information + shrink.square
    # one that a bound stops would otherwise carry others along, as if it moved
    stopped = ((vector <= lower) & (gradient <= 0)) | ((vector >= upper) & (gradient >= 0))
    free = (lower < upper) & ~stopped
    # a matrix that loses definiteness to overflow must not spread NaN to parameters that stand
    scale = jnp.maximum(jnp.max(jnp.abs(jnp.diagonal(information))), 1e-200)
    guard = 1e-10 * jnp.trace(information) / size + 1e-200

    def best(free: AnyArray, taken: AnyArray) -> AnyArray:
        """The maximum over the free parameters, the others having moved by ``taken``."""
        both = free[:, None] & free[None, :]
        diagonal = jnp.where(free, guard, scale)
        system = jnp.where(both, information, 0.0) + jnp.diag(diagonal)
        right = jnp.where(free, gradient - information @ taken, 0.0)
        if shrink is None or shrink.l1 is None:
            step = dense.solve_positive(system, right[:, None])[:, 0]
            moved = vector + step
        else:
            moved = lasso_step(vector, right, system, shrink.l1)
        return jnp.where(free, moved, vector + taken)

    moved = best(free, jnp.zeros_like(gradient))
    # others must not move as if one that meets its bound had gone all the way
    cut = free & ((moved < lower) | (moved > upper))
    taken = jnp.where(cut, jnp.clip(moved, lower, upper) - vector, 0.0)
    moved = jax.lax.cond(jnp.any(cut), lambda: best(free & ~cut, taken), lambda: moved)
    return jnp.where(free, jnp.clip(moved, lower, upper), vector)


def lasso_step(
    vector: Float[AnyArray, " D"],
    gradient: Float[AnyArray, " D"],
    information: Float[AnyArray, "D D"],
    l1: Float[AnyArray, " D"],
) -> Float[AnyArray, " D"]:
    """Maximise ``g's - s'Is/2 - sum(l1 |v + s|)`` over v + s by coordinate descent.

    A Newton step of the coefficients that are not zero follows each sweep, since coordinates
    alone crawl where features are correlated.

    Friedman, Hastie and Tibshirani (2010), Regularization paths for generalized linear models
    via coordinate descent, J. Statist. Softw. 33(1), equation 10.
    """
    size = vector.shape[0]
    curve = jnp.diagonal(information)

    def coordinate(j, carry):
        point, slope = carry
        pull = slope[j] + curve[j] * point[j]
        new = jnp.sign(pull) * jnp.maximum(jnp.abs(pull) - l1[j], 0.0) / curve[j]
        move = new - point[j]
        return point.at[j].set(new), slope - information[:, j] * move

    def sweep(carry):
        point, slope, _, n = carry
        new, slope = jax.lax.fori_loop(0, size, coordinate, (point, slope))
        change = jnp.max(jnp.abs(curve * (new - point)))
        return *_along_face(new, slope, information, l1), change, n + 1

    def moving(carry):
        return (carry[2] > 1e-13) & (carry[3] < SWEEPS)

    start = (jnp.asarray(vector), gradient, jnp.asarray(jnp.inf, vector.dtype), jnp.asarray(0))
    return jax.lax.while_loop(moving, sweep, start)[0]


def _along_face(
    point: Float[AnyArray, " D"],
    slope: Float[AnyArray, " D"],
    information: Float[AnyArray, "D D"],
    l1: Float[AnyArray, " D"],
) -> tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]]:
    """To the maximum over the nonzero coefficients, or as far as their signs allow."""
    active = point != 0
    force = jnp.where(active, slope - l1 * jnp.sign(point), 0.0)
    both = active[:, None] & active[None, :]
    system = jnp.where(both, information, jnp.eye(len(point), dtype=point.dtype))
    move = dense.solve_positive(system, force[:, None])[:, 0]
    move = jnp.where(jnp.all(jnp.isfinite(move)), jnp.where(active, move, 0.0), 0.0)
    crossing = active & (l1 > 0) & ((point + move) * point <= 0)
    reach = jnp.where(crossing, -point / jnp.where(crossing, move, 1.0), 1.0)
    length = jnp.min(reach)
    new = jnp.where(crossing & (reach <= length), 0.0, point + length * move)
    return new, slope - information @ (new - point)
