"""Where fits begin: responsibilities from k-means, partitions, regressions or chance.

Starts look at distinct rows in an order that depends on their values alone, so repeating rows
or shuffling them changes nothing, and a large table is represented by a fixed sample.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from mixstat.fitting import kmeans

KINDS = ("kmeans", "partition", "regressions", "random")
SAMPLE = 8192  # rows that starts look at; enough to tell basins apart, cheap to run many times


class StartRows(NamedTuple):
    """Distinct rows with summed weights, in an order that depends on their values alone."""

    Z: Float[np.ndarray, "n q"]
    Phi: Float[np.ndarray, "n p"]
    y: Float[np.ndarray, "n r"]  # as the experts' link sees it
    view: Float[np.ndarray, "n v"]  # as coordinates in which to look for clusters
    weight: Float[np.ndarray, " n"]
    offset: Float[np.ndarray, "n o"] | None = None  # known part of the experts' predictors
    unit: Int[np.ndarray, " n"] | None = None  # of rows that share one expert


def start_rows(
    Z: Float[np.ndarray, "n q"],
    Phi: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, "n r"],
    view: Float[np.ndarray, "n v"],
    weight: Float[np.ndarray, " n"],
    offset: Float[np.ndarray, "n o"] | None = None,
) -> StartRows:
    """Distinct rows in the order of a hash of their values, at most ``SAMPLE`` of them."""
    table = (Phi, y) if Z is Phi else (Phi, Z, y)
    keys = _hash(table if offset is None else (*table, offset))
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    summed = np.bincount(inverse, weights=weight)
    chosen = first[:SAMPLE]
    chosen_z = Z[chosen]
    # what was one table stays one table, so that programs are shared with the whole data
    chosen_phi = chosen_z if Z is Phi else Phi[chosen]
    known = None if offset is None else offset[chosen]
    return StartRows(chosen_z, chosen_phi, y[chosen], view[chosen], summed[:SAMPLE], known)


def rows_of_units(rows: StartRows, unit: Int[np.ndarray, " n"]) -> StartRows:
    """All rows of some units, as many as have at most ``SAMPLE`` rows: rows are not told apart."""
    if len(unit) <= SAMPLE:
        return rows._replace(unit=unit)
    order = np.random.default_rng(20240229).permutation(int(unit.max()) + 1)
    reached = np.cumsum(np.bincount(unit)[order])
    chosen = np.isin(unit, order[: max(int(np.sum(reached <= SAMPLE)), 1)])
    few = StartRows(*(None if table is None else table[chosen] for table in rows))  # type: ignore[arg-type]
    if rows.Z is rows.Phi:
        few = few._replace(Phi=few.Z)
    return few._replace(unit=np.unique(unit[chosen], return_inverse=True)[1])


def _hash(table: tuple[np.ndarray, ...]) -> np.ndarray:
    """A 64-bit mix of every value, rounded so that units and summation order do not matter."""
    random = np.random.default_rng(20240229)
    keys = np.zeros(len(table[0]), np.uint64)
    for block in table:
        for column in np.round(block.T * 2.0**22).astype(np.int64).view(np.uint64):
            odd = random.integers(2**63, dtype=np.uint64) | np.uint64(1)
            keys = (keys ^ column) * odd
            keys ^= keys >> np.uint64(29)
    return keys


def responsibilities(
    rows: StartRows, n_experts: int, kinds: tuple[str, ...], random: np.random.Generator
) -> Iterator[tuple[str, Float[np.ndarray, "n K"]]]:
    """Endless starts, taking turns among ``kinds``."""
    makers = {
        "kmeans": _kmeans,
        "partition": _partition,
        "regressions": _regressions,
        "random": _random,
    }
    turn = 0
    while True:
        kind = kinds[turn % len(kinds)]
        yield kind, makers[kind](rows, n_experts, random, turn // len(kinds))
        turn += 1


def one_hot(labels: Int[np.ndarray, " n"], n_experts: int) -> Float[np.ndarray, "n K"]:
    """Responsibilities that put each row wholly in its expert."""
    out = np.zeros((len(labels), n_experts))
    out[np.arange(len(labels)), labels] = 1.0
    return out


def inputs(rows: StartRows) -> np.ndarray:
    """What distinguishes rows but their responses."""
    if rows.Z.shape == rows.Phi.shape and np.array_equal(rows.Z, rows.Phi):
        return varying(rows.Phi)
    return np.hstack([varying(rows.Phi), varying(rows.Z)])


def varying(columns: np.ndarray) -> np.ndarray:
    """Columns other than the constant, which comes first where there is one."""
    constant = columns.shape[1] > 0 and np.all(columns[:, 0] == 1.0)
    return columns[:, int(constant) :]


def _kmeans(rows: StartRows, k: int, random: np.random.Generator, turn: int) -> np.ndarray:
    """Clusters of (x, y); later turns weigh y more or less, as either may carry the structure."""
    columns = inputs(rows)
    share = np.sqrt(max(columns.shape[1], 1))
    emphasis = 1.0 if turn == 0 else np.exp(random.normal(0.0, 1.0))
    points = np.hstack([columns / share, rows.view * emphasis])
    seed = int(random.integers(2**31))
    if len(points) <= k:
        return one_hot(np.arange(len(points)) % k, k)
    return one_hot(kmeans.labels_of(points, rows.weight, k, seed), k)


def _partition(rows: StartRows, k: int, random: np.random.Generator, turn: int) -> np.ndarray:
    """Slices along a direction in x, of random but comparable sizes."""
    columns = inputs(rows)
    if columns.shape[1] == 0:
        return _random(rows, k, random, turn)
    direction = random.standard_normal(columns.shape[1])
    along = columns @ direction
    order = np.argsort(along, kind="stable")
    reached = np.empty(len(order))
    reached[order] = np.cumsum(rows.weight[order]) / rows.weight.sum()
    cuts = np.cumsum(random.dirichlet(np.full(k, 5.0)))[:-1]
    return one_hot(np.searchsorted(cuts, reached), k)


def _regressions(rows: StartRows, k: int, random: np.random.Generator, turn: int) -> np.ndarray:
    """Regressions through few random rows each; every row goes to the nearest of them."""
    n, p = rows.Phi.shape
    size = min(n, p + 1)
    distance = np.empty((n, k))
    for j in range(k):
        chosen = random.choice(n, size=size, replace=False)
        coef = np.linalg.lstsq(rows.Phi[chosen], rows.view[chosen], rcond=None)[0]
        distance[:, j] = np.sum((rows.view - rows.Phi @ coef) ** 2, axis=1)
    return one_hot(np.argmin(distance, axis=1), k)


def _random(rows: StartRows, k: int, random: np.random.Generator, turn: int) -> np.ndarray:
    """Independent uniform points of the simplex."""
    return random.dirichlet(np.ones(k), size=len(rows.y))
