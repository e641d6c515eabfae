"""The M-step of normal densities: weighted least squares, then the residual covariance."""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from mixstat.numerics import linear_algebra
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray
from mixstat.parts import predictors
from mixstat.parts.normal import Normals, ResidualSums

ROUNDS = 20  # turns of penalised coefficients and covariance in one M-step
EMPTY = 1e-12  # responsibility below which an expert keeps what it had

SomeNormals = TypeVar("SomeNormals", bound=Normals)


def m_step(
    normals: SomeNormals,
    statistics: ResidualSums,
    bounds: tuple[SomeNormals, SomeNormals],
    penalty: Penalty,
) -> SomeNormals:
    """Weighted least squares, then the weighted residual covariance, floored.

    Solved as a step from the current coefficients: at a fixed point the step is zero
    whatever the rounding. With a penalty the two depend on each other, and take turns.
    """
    if penalty.leading(_n_coefficients(normals)).absent:
        return _turn(normals, statistics, bounds, penalty)[0]

    def turn(carry):
        before, sums, _, n = carry
        new, moved = _turn(before, sums, bounds, penalty)
        change = jnp.max(jnp.abs(new.log_scale - before.log_scale))
        return new, moved, change, n + 1

    def moving(carry):
        return (carry[2] > 1e-12) & (carry[3] < ROUNDS)

    # coefficients at a covariance, the covariance at coefficients, until both stand
    start = (jax.tree.map(jnp.asarray, normals), statistics, jnp.inf, 0)
    return jax.lax.while_loop(moving, turn, start)[0]


def _turn(
    normals: SomeNormals,
    statistics: ResidualSums,
    bounds: tuple[SomeNormals, SomeNormals],
    penalty: Penalty,
) -> tuple[SomeNormals, ResidualSums]:
    """New coefficients at the old covariance, then the covariance; and the sums about them."""
    lower, upper = bounds
    free = lower.coef < upper.coef
    shrinking = penalty.leading(_n_coefficients(normals))
    if shrinking.absent:
        step = _least_squares(statistics, free)
    else:
        step = _penalised_least_squares(normals, statistics, shrinking, free)
    sums = statistics.stepped(step)
    moving = lower.log_scale < upper.log_scale
    # floors are below one, and scales that are held have none
    floor = jnp.exp(jnp.min(jnp.where(moving, lower.log_scale, 0.0)))
    log_scale, shear = _covariance(normals, statistics.mass, sums.square, floor)
    log_scale = _among_pseudo_rows(normals, log_scale, statistics.mass, penalty)
    alive = statistics.mass > EMPTY
    if normals.covariance != "tied":
        log_scale = jnp.where(alive[:, None], log_scale, normals.log_scale)
        shear = jnp.where(alive[:, None], shear, normals.shear)
    coef = normals.coef + jnp.where(alive[:, None, None], step, 0.0)
    log_scale = jnp.clip(log_scale, lower.log_scale, upper.log_scale)
    shear = jnp.clip(shear, lower.shear, upper.shear)
    return type(normals)(coef, log_scale, shear, normals.covariance), sums


def _least_squares(
    statistics: ResidualSums, free: Bool[AnyArray, "K m p"]
) -> Float[AnyArray, "K m p"]:
    gram = predictors.symmetric(statistics.gram, free.shape[2])
    used = free[:, 0]  # features that an expert may use are those of all its outputs
    masked = jnp.where(used[:, :, None] & used[:, None, :], gram, 0.0)
    masked = masked + jnp.eye(used.shape[1])[None] * jnp.where(used, 0.0, 1.0)[:, None, :]
    right = jnp.swapaxes(jnp.where(free, statistics.cross, 0.0), 1, 2)
    return jnp.swapaxes(predictors.solve(masked, right), 1, 2)


def _penalised_least_squares(
    normals: Normals, statistics: ResidualSums, penalty: Penalty, free: Bool[AnyArray, "K m p"]
) -> Float[AnyArray, "K m p"]:
    k, m, p = normals.coef.shape
    gram = predictors.symmetric(statistics.gram, p)
    n = m * p
    factor = normals.whitener()  # factor' factor is the precision
    precision = jnp.swapaxes(factor, 1, 2) @ factor
    system = jnp.einsum("kml,kpq->kmplq", precision, gram).reshape(k, n, n)
    coef = jnp.reshape(normals.coef, (k, n))
    right = (precision @ statistics.cross).reshape(k, n)
    right = jax.vmap(lambda own, v, g: own.smooth.gradient(v, g))(penalty, coef, right)
    curved = jax.vmap(lambda own, v, matrix: own.smooth.information(matrix, v))
    system = curved(penalty, coef, system)
    open_ = free.reshape(k, n)
    right = jnp.where(open_, right, 0.0)
    system = jnp.where(open_[:, :, None] & open_[:, None, :], system, 0.0)
    system = system + jnp.eye(n)[None] * jnp.where(open_, 0.0, 1.0)[:, None, :]
    curve = jnp.diagonal(system, axis1=1, axis2=2)
    guard = 1e-13 * jnp.max(curve, axis=1, keepdims=True) + 1e-200
    system = system + jnp.eye(n)[None] * guard[:, :, None]
    moved = jax.vmap(lambda own, *model: own.maximum(*model))(penalty, coef, right, system)
    return jnp.where(open_, moved - coef, 0.0).reshape(k, m, p)


def _n_coefficients(normals: Normals) -> int:
    """Of an expert; they come first among its parameters."""
    return normals.coef.shape[1] * normals.coef.shape[2]


def _among_pseudo_rows(
    normals: Normals, log_scale: AnyArray, mass: AnyArray, penalty: Penalty
) -> AnyArray:
    """Scales that a penalty holds from vanishing, as some more rows would."""
    rows = penalty.pseudo_rows(_n_coefficients(normals), log_scale.shape[1])
    if rows is None or normals.covariance == "tied":
        return log_scale
    weight, square = rows
    total = mass[:, None] + weight
    variance = (mass[:, None] * jnp.exp(2 * log_scale) + weight * square) / total
    return jnp.where(weight > 0, 0.5 * jnp.log(variance), log_scale)


def _covariance(
    normals: Normals, mass: AnyArray, square: AnyArray, floor: AnyArray
) -> tuple[AnyArray, AnyArray]:
    """Log scales and generalised autoregressive parameters of the residual covariance."""
    m = square.shape[1]
    if normals.covariance == "tied":
        mass, square = jnp.sum(mass, keepdims=True), jnp.sum(square, axis=0, keepdims=True)
    sigma = square / jnp.maximum(mass, jnp.finfo(square.dtype).tiny)[:, None, None]
    variance = jnp.diagonal(sigma, axis1=1, axis2=2)
    shear = jnp.zeros((len(sigma), 0), sigma.dtype)
    if normals.covariance == "spherical":
        variance = jnp.mean(variance, axis=1, keepdims=True)
    elif normals.shear.shape[1]:
        unit, variance = _modified_cholesky(sigma, floor**2)
        inverse = jax.vmap(linear_algebra.unit_lower_inverse)(unit)
        rows, cols = np.tril_indices(m, -1)
        shear = inverse[:, rows, cols]
    return 0.5 * jnp.log(jnp.maximum(variance, floor**2)), shear


def _modified_cholesky(sigma: AnyArray, floor: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Unit lower triangle L and variances d with ``sigma = L diag(d) L'``.

    Variances are floored on the way, so that outputs which determine each other (a covariance
    that is singular, or indefinite by rounding) leave finite numbers.
    """
    m = sigma.shape[1]
    columns, variances = [], []
    rest = sigma
    for j in range(m):
        variance = jnp.maximum(rest[:, j, j], floor)
        column = rest[:, :, j] / variance[:, None]
        column = jnp.where(np.arange(m)[None, :] > j, column, 0.0).at[:, j].set(1.0)
        rest = rest - variance[:, None, None] * column[:, :, None] * column[:, None, :]
        columns.append(column)
        variances.append(variance)
    return jnp.stack(columns, axis=2), jnp.stack(variances, axis=1)
