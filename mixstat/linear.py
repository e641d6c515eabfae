"""Linear predictors: the part that every gate and every expert family has in common.

A gate or a family states its predictors as *groups*: a coefficient array and the name of the
features it multiplies ("Z" gate features, "Phi" expert features, "1" the constant). All
derivatives in parameters are then matrix products of per-row derivatives in the predictors
with the features, so that no pass over the data is made per parameter.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.batch import Rows
from mixstat.precision import AnyArray


class Group(NamedTuple):
    """Predictors that share their features: ``coef @ features``."""

    feature: str  # "Z", "Phi" or "1"
    coef: AnyArray  # (rows, p) for a gate, (K, rows, p) for experts


def predict(groups: tuple[Group, ...], rows: Rows) -> AnyArray:
    """Linear predictors of all groups, stacked: (predictors, n) or (K, predictors, n)."""
    etas = []
    for feature, coef in groups:
        if feature == "1":
            etas.append(jnp.broadcast_to(coef, (*coef.shape[:-1], rows.weight.shape[-1])))
        else:
            etas.append(coef @ rows.feature(feature))
    return jnp.concatenate(etas, axis=-2)


def weighted_grams(
    weights: Float[AnyArray, "b n"], left: Float[AnyArray, "p n"], right: Float[AnyArray, "q n"]
) -> Float[AnyArray, "b p q"]:
    """Sum over rows of ``weights[b] * left[p] * right[q]``, as one matrix product."""
    b, p, q = weights.shape[0], left.shape[0], right.shape[0]
    scaled = weights[:, None, :] * left[None, :, :]
    return (scaled.reshape(b * p, -1) @ right.T).reshape(b, p, q)


def gradient(
    slopes: Float[AnyArray, "e n"], keys: tuple[str, ...], rows: Rows
) -> Float[AnyArray, " D"]:
    """Gradient in the coefficients from per-row derivatives in the predictors.

    Ordered by predictor, each with the features its key names.
    """
    parts: list[AnyArray] = [jnp.zeros(0)]  # a gate of one expert has no predictor
    for key in dict.fromkeys(keys):
        index = np.flatnonzero([k == key for k in keys])
        chosen = slopes[index]
        if key == "1":
            parts.append(jnp.sum(chosen, axis=1))
        else:
            parts.append((chosen @ rows.feature(key).T).reshape(-1))
    return jnp.concatenate(parts)[_order(keys, rows)]


def curvature(
    blocks: Float[AnyArray, "e e n"], keys: tuple[str, ...], rows: Rows
) -> Float[AnyArray, "D D"]:
    """Hessian in the coefficients from per-row second derivatives in the predictors.

    ``blocks`` is symmetric in its first two axes; only one triangle is multiplied out.
    """
    names = list(dict.fromkeys(keys))
    index = {name: np.flatnonzero([k == name for k in keys]) for name in names}
    grid: list[list[AnyArray]] = [[jnp.zeros((0, 0))] * len(names) for _ in names]
    for a, first in enumerate(names):
        for b, second in enumerate(names[a:], start=a):
            if first == second:
                grid[a][a] = _own_block(blocks, index[first], first, rows)
            else:
                grid[a][b] = _cross_block(blocks, index[first], index[second], first, second, rows)
                grid[b][a] = grid[a][b].T
    if not names:
        return jnp.zeros((0, 0))
    order = _order(keys, rows)
    return jnp.block(grid)[order][:, order]


def _width(key: str, rows: Rows) -> int:
    return 1 if key == "1" else rows.feature(key).shape[0]


def _order(keys: tuple[str, ...], rows: Rows) -> np.ndarray:
    """Positions that turn 'grouped by feature name' into 'grouped by predictor'."""
    start, first = 0, {}
    for name in dict.fromkeys(keys):
        for e in np.flatnonzero([k == name for k in keys]):
            first[int(e)] = start
            start += _width(name, rows)
    ranges = [first[e] + np.arange(_width(key, rows)) for e, key in enumerate(keys)]
    return np.concatenate([np.zeros(0, int), *ranges])


def _own_block(blocks: AnyArray, index: np.ndarray, key: str, rows: Rows) -> AnyArray:
    size, width = len(index), _width(key, rows)
    if key == "1":
        return jnp.sum(blocks[index][:, index], axis=2)
    upper, lower = np.triu_indices(size)
    features = rows.feature(key)
    grams = weighted_grams(blocks[index[upper], index[lower]], features, features)
    where = np.empty((size, size), int)
    where[upper, lower] = where[lower, upper] = np.arange(len(upper))
    return jnp.swapaxes(grams[where], 1, 2).reshape(size * width, size * width)


def _cross_block(blocks, first, second, left: str, right: str, rows: Rows) -> AnyArray:
    weights = blocks[first][:, second]
    if left == "1":
        return _cross_block(
            jnp.swapaxes(blocks, 0, 1), second, first, right, left, rows
        ).T  # keep the constant on the right
    shape = (len(first), len(second), weights.shape[-1])
    flat = weights.reshape(-1, shape[-1])
    features = rows.feature(left)
    if right == "1":
        sums = (flat @ features.T).reshape(len(first), len(second), -1)
        return jnp.swapaxes(sums, 1, 2).reshape(len(first) * features.shape[0], len(second))
    grams = weighted_grams(flat, features, rows.feature(right))
    grams = grams.reshape(len(first), len(second), *grams.shape[1:])
    return jnp.transpose(grams, (0, 2, 1, 3)).reshape(
        len(first) * features.shape[0], len(second) * rows.feature(right).shape[0]
    )
