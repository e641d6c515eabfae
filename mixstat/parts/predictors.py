"""Linear predictors: the part that every gate and every expert family has in common.

A gate or a family states its predictors as *groups*: a coefficient array and the name of the
features it multiplies ("Z" gate features, "Phi" expert features, "1" the constant). All
derivatives in parameters are then matrix products of per-row derivatives in the predictors
with the features, so that no pass over the data is made per parameter.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.numerics import linear_algebra, tiles
from mixstat.numerics.precision import AnyArray, library_of

MANY_FEATURES = 64  # above, products of all pairs of features outgrow the cache


class Group(NamedTuple):
    """Predictors that share their features: ``coef @ features``."""

    feature: str  # "Z", "Phi" or "1"
    coef: AnyArray  # (rows, p) for a gate, (K, rows, p) for experts


def predict(groups: tuple[Group, ...], rows: Rows) -> AnyArray:
    """Linear predictors of all groups, stacked: (predictors, n) or (K, predictors, n).

    In NumPy, by products that do not depend on what rows there are, where all is NumPy's.
    """
    library = library_of(rows.weight, *(group.coef for group in groups))
    etas = []
    for feature, coef in groups:
        if feature == "1":
            etas.append(library.broadcast_to(coef, (*coef.shape[:-1], rows.weight.shape[-1])))
        elif library is np:
            etas.append(tiles.product(np.asarray(coef), np.asarray(rows.feature(feature))))
        else:
            etas.append(coef @ rows.feature(feature))
    if groups and groups[0].feature == "Phi":
        etas[0] = with_offset(etas[0], rows)
    return etas[0] if len(etas) == 1 else library.concatenate(etas, axis=-2)


def with_offset(eta: Float[AnyArray, "K L n"], rows: Rows) -> Float[AnyArray, "K L n"]:
    """The experts' first predictors, with what is known of them beforehand."""
    return eta if rows.offset is None else eta + rows.offset[None]


def without_offset(working: Float[AnyArray, "L n"], rows: Rows) -> Float[AnyArray, "L n"]:
    """Working responses, less what is known of the predictors beforehand."""
    return working if rows.offset is None else working - rows.offset


def products(features: Float[AnyArray, "p n"]) -> Float[AnyArray, "u n"]:
    """Products of every two features, u = p (p + 1) / 2 of them."""
    first, second = np.triu_indices(features.shape[0])
    return features[first] * features[second]


def own_sums(
    weights: Float[AnyArray, "b n"], features: Float[AnyArray, "p n"]
) -> Float[AnyArray, "b u"]:
    """Sum over rows of ``weights[b] * features[p] * features[q]`` for every p <= q.

    One matrix product with the distinct products of features: half the work of multiplying
    every weighted feature with every feature, which is done where the products would not fit.
    """
    p = features.shape[0]
    if p > MANY_FEATURES:
        return cross_sums(weights, features, features)[:, *np.triu_indices(p)]
    return weights @ products(features).T


def symmetric(sums: Float[AnyArray, "b u"], p: int) -> Float[AnyArray, "b p p"]:
    """The symmetric matrices whose upper triangles are ``sums``."""
    first, second = np.triu_indices(p)
    where = np.empty((p, p), int)
    where[first, second] = where[second, first] = np.arange(len(first))
    return sums[:, where]


def cross_sums(
    weights: Float[AnyArray, "b n"], left: Float[AnyArray, "p n"], right: Float[AnyArray, "q n"]
) -> Float[AnyArray, "b p q"]:
    """Sum over rows of ``weights[b] * left[p] * right[q]``, as one matrix product."""
    b, p, q = weights.shape[0], left.shape[0], right.shape[0]
    scaled = weights[:, None, :] * left[None, :, :]
    return (scaled.reshape(b * p, -1) @ right.T).reshape(b, p, q)


class Layout:
    """Which features each predictor multiplies, and where its coefficients stand.

    Coefficients are counted predictor by predictor; kernels work feature by feature.
    """

    def __init__(self, keys: tuple[str, ...], widths: tuple[int, ...]) -> None:
        self.names = list(dict.fromkeys(keys))
        self.index = {n: np.flatnonzero([k == n for k in keys]) for n in self.names}
        self.width = dict(zip(keys, widths, strict=True))
        ends = np.cumsum([self.width[k] for n in self.names for k in keys if k == n])
        start = dict(zip(np.concatenate([[], *self.index.values()]).astype(int), [0, *ends]))
        ranges = [start[e] + np.arange(widths[e]) for e in range(len(keys))]
        # from 'feature by feature' to 'predictor by predictor'
        self.order = np.concatenate([np.zeros(0, int), *ranges])

    def pairs(self) -> list[tuple[str, str]]:
        """Every two names of features once, the constant second."""
        names = sorted(self.names, key=lambda name: name == "1")
        return [(a, b) for i, a in enumerate(names) for b in names[i:]]


def layout(groups: tuple[Group, ...], rows: Rows | None = None) -> Layout:
    """The layout of a gate's predictors, or of one expert's."""
    keys = [g.feature for g in groups for _ in range(g.coef.shape[-2])]
    if rows is not None:
        keys = [rows.stored(key) for key in keys]
    widths = [g.coef.shape[-1] for g in groups for _ in range(g.coef.shape[-2])]
    return Layout(tuple(keys), tuple(widths))


def gradient(slopes: Float[AnyArray, "e n"], where: Layout, rows: Rows) -> Float[AnyArray, " D"]:
    """Gradient in the coefficients from per-row derivatives in the predictors."""
    parts: list[AnyArray] = [jnp.zeros(0)]  # a gate of one expert has no predictor
    for name in where.names:
        chosen = slopes[where.index[name]]
        sums = jnp.sum(chosen, axis=1) if name == "1" else chosen @ rows.feature(name).T
        parts.append(jnp.ravel(sums))
    return jnp.concatenate(parts)[where.order]


def row_gradients(
    slopes: Float[AnyArray, "e n"], where: Layout, rows: Rows
) -> Float[AnyArray, "D n"]:
    """:func:`gradient` of each row by itself."""
    parts: list[AnyArray] = [jnp.zeros((0, slopes.shape[1]))]
    for name in where.names:
        chosen = slopes[where.index[name]]
        if name != "1":
            products = chosen[:, None, :] * rows.feature(name)[None, :, :]
            chosen = products.reshape(-1, slopes.shape[1])
        parts.append(chosen)
    return jnp.concatenate(parts)[where.order]


class InOrder(NamedTuple):
    """Second derivatives (b, n) in the order in which they are made."""

    table: AnyArray
    place: np.ndarray  # where in it each pair stands


def curvature_sums(
    blocks: Float[AnyArray, "e e n"], where: Layout, rows: Rows
) -> dict[str, AnyArray]:
    """:func:`pair_sums` of (symmetric) second derivatives that are there in full."""
    return pair_sums(lambda left, right: blocks[left, right], where, rows)


def pair_sums(
    pairs: Callable[[np.ndarray, np.ndarray], AnyArray | InOrder], where: Layout, rows: Rows
) -> dict[str, AnyArray]:
    """Sums over rows that :func:`curvature` needs: the distinct ones only.

    ``pairs`` gives the second derivatives (b, n) in b pairs of predictors. Those in another order
    are added up in it, and sums are moved in the place of whole rows.
    """
    sums: dict[str, AnyArray] = {}
    for a, b in where.pairs():
        of_a, of_b = where.index[a], where.index[b]
        if a == b:
            upper, lower = np.triu_indices(len(of_a))
            weights, place = _ordered(pairs(of_a[upper], of_a[lower]))
            constant = a == "1"
            found = jnp.sum(weights, axis=1) if constant else own_sums(weights, rows.feature(a))
        else:
            left, right = np.repeat(of_a, len(of_b)), np.tile(of_b, len(of_a))
            weights, place = _ordered(pairs(left, right))
            if b == "1":
                found = weights @ rows.feature(a).T
            else:
                found = cross_sums(weights, rows.feature(a), rows.feature(b))
        sums[a + b] = found if place is None else found[place]
    return sums


def _ordered(pairs: AnyArray | InOrder) -> tuple[AnyArray, np.ndarray | None]:
    return pairs if isinstance(pairs, InOrder) else (pairs, None)


def curvature(sums: dict[str, AnyArray], where: Layout) -> Float[AnyArray, "D D"]:
    """Hessian in the coefficients, coefficients of each predictor together."""
    if not where.names:
        return np.zeros((0, 0))
    library = library_of(*sums.values())
    tiles: dict[tuple[str, str], AnyArray] = {}
    for a, b in where.pairs():
        m, n = len(where.index[a]), len(where.index[b])
        p, q = where.width[a], where.width[b]
        table = sums[a + b]
        if a == b:
            upper, lower = np.triu_indices(m)
            pair = np.empty((m, m), int)
            pair[upper, lower] = pair[lower, upper] = np.arange(len(upper))
            each = table.reshape(-1, 1, 1) if a == "1" else symmetric(table, p)
            four = each[pair]
        else:
            four = table.reshape(m, n, p, q)
        tile = library.transpose(four, (0, 2, 1, 3)).reshape(m * p, n * q)
        tiles[a, b], tiles[b, a] = tile, tile.T
    full = library.block([[tiles[a, b] for b in where.names] for a in where.names])
    return full[where.order][:, where.order]


def solve(
    matrix: Float[AnyArray, "b p p"], right: Float[AnyArray, "b p c"]
) -> Float[AnyArray, "b p c"]:
    """Solve stacked positive semidefinite systems; the tiny ridge only shortens a step."""
    size = matrix.shape[-1]
    trace = jnp.trace(matrix, axis1=-2, axis2=-1)[..., None, None]
    guard = (1e-13 * trace / size + jnp.finfo(matrix.dtype).tiny) * jnp.eye(size)[None]
    return jax.vmap(linear_algebra.solve_positive)(matrix + guard, right)
