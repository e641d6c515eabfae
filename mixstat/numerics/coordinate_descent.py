"""A quadratic model less an L1 penalty: coordinate descent with Newton steps along faces."""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from mixstat.numerics import linear_algebra
from mixstat.numerics.precision import AnyArray

SWEEPS = 200  # passes of coordinate descent over the coefficients of one quadratic model


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
    move = linear_algebra.solve_positive(system, force[:, None])[:, 0]
    move = jnp.where(jnp.all(jnp.isfinite(move)), jnp.where(active, move, 0.0), 0.0)
    crossing = active & (l1 > 0) & ((point + move) * point <= 0)
    reach = jnp.where(crossing, -point / jnp.where(crossing, move, 1.0), 1.0)
    length = jnp.min(reach)
    new = jnp.where(crossing & (reach <= length), 0.0, point + length * move)
    return new, slope - information @ (new - point)
