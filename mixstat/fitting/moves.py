"""From an end to other starts: one expert is dissolved and another one split in two.

Ueda, N., Nakano, R., Ghahramani, Z. and Hinton, G. (2000). SMEM algorithm for mixture models.
Neural Computation 12, 2109-2128. Rousseeuw, P. J. (1984). Least median of squares regression.
J. Am. Statist. Assoc. 79, 871-880. Which experts are taken is drawn here, not ranked: an EM run
costs no more than the ranking.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.fitting.starts import StartRows, inputs

Way: TypeAlias = Callable[
    [StartRows, Float[np.ndarray, " n"], np.random.Generator], Bool[np.ndarray, " n"]
]

PART = (0.1, 0.5)  # of an expert's rows, to which a regression is to come close
TRIES = 40  # such regressions
STANDS_OUT = 2.0  # times as common as any other value
DIGITS = 9  # to which standardised responses are one value
LEAST = 1e-6  # responsibility of an expert for a row, so that any row can be handed on


def moves(
    rows: StartRows,
    shares: Float[np.ndarray, "n K"],
    spare: Int[np.ndarray, " s"],
    random: np.random.Generator,
) -> Iterator[Float[np.ndarray, "n K"]]:
    """Endless starts near one end, whose responsibilities are ``shares``.

    ``spare`` are the experts that may be dissolved.
    """
    at_value = _commonest(rows)
    turn = 0
    while True:
        if at_value is not None and turn % (len(WAYS) + 1) == 0:
            gone = int(spare[turn // (len(WAYS) + 1) % len(spare)])
            yield _handed_over(without(shares, gone), at_value, gone)
        else:
            yield _split(rows, shares, spare, WAYS[turn % len(WAYS)], random)
        turn += 1


def _split(
    rows: StartRows,
    shares: Float[np.ndarray, "n K"],
    spare: Int[np.ndarray, " s"],
    way: Way,
    random: np.random.Generator,
) -> Float[np.ndarray, "n K"]:
    """One of the spare experts takes a part of the rows of another one."""
    gone = int(random.choice(spare))
    fewer = without(shares, gone)
    # larger experts are split more often
    size = np.delete(fewer.T @ rows.weight, gone)
    others = np.delete(np.arange(shares.shape[1]), gone)
    split = int(random.choice(others, p=size / size.sum()))
    part = way(rows, fewer[:, split], random)
    moved = fewer.copy()
    moved[:, gone] = np.where(part, fewer[:, split], 0.0)
    moved[:, split] -= moved[:, gone]
    return moved


def _commonest(rows: StartRows) -> Bool[np.ndarray, " n"] | None:
    """Rows with the commonest response, where it stands out.

    Zeros beside a regression, or where a scale ends: a flat line without noise, which is part of
    several experts before it is one. Where others are nearly as common, values are round numbers.
    """
    # an offset is taken from coordinates, which hides that responses are alike
    seen = rows.view if rows.offset is None else rows.y
    _, value = np.unique(np.round(seen, DIGITS), axis=0, return_inverse=True)
    met = np.bincount(value.ravel(), weights=rows.weight)
    chosen = value.ravel() == np.argmax(met)
    if chosen.sum() <= rows.Phi.shape[1] or np.sum(met > met.max() / STANDS_OUT) > 1:
        return None
    return chosen


def _handed_over(
    fewer: Float[np.ndarray, "n K"], part: Bool[np.ndarray, " n"], gone: int
) -> Float[np.ndarray, "n K"]:
    """All of some rows to the expert that was dissolved."""
    moved = np.where(part[:, None], 0.0, fewer)
    moved[part, gone] = 1.0
    return moved


def without(shares: Float[np.ndarray, "n K"], gone: int) -> Float[np.ndarray, "n K"]:
    """Responsibilities when one expert hands its rows to the others."""
    left = np.maximum(shares, LEAST)
    left[:, gone] = 0.0
    return left / left.sum(axis=1, keepdims=True)


def doubled(shares: Float[np.ndarray, "n K"], gone: int) -> Float[np.ndarray, "n K"]:
    """The same in which the place of the one that is gone is taken by half of the largest.

    Two experts that begin alike stay alike under EM: such a model is one of K - 1 experts.
    """
    fewer = without(shares, gone)
    largest = int(np.argmax(fewer.sum(axis=0)))
    fewer[:, gone] = fewer[:, largest] = 0.5 * fewer[:, largest]
    return fewer


def _by_residual(
    rows: StartRows, share: Float[np.ndarray, " n"], random: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Rows close to the expert's own regression, and those far from it."""
    residual = np.linalg.norm(rows.view - regression(rows, share), axis=1)
    return residual < quantile(residual, share * rows.weight, random.uniform(0.3, 0.8))


def _by_side(
    rows: StartRows, share: Float[np.ndarray, " n"], random: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Rows above the expert's regression, and those below it."""
    residual = rows.view - regression(rows, share)
    return residual @ random.standard_normal(residual.shape[1]) > 0


def _by_regressions(
    rows: StartRows, share: Float[np.ndarray, " n"], random: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Rows closer to one of two regressions through few rows of the expert."""
    n, p = rows.Phi.shape
    weight = share * rows.weight + 1e-12
    distance = np.empty((2, n))
    for j in range(2):
        chosen = random.choice(n, size=min(n, p + 1), replace=False, p=weight / weight.sum())
        coef = np.linalg.lstsq(rows.Phi[chosen], rows.view[chosen], rcond=None)[0]
        distance[j] = np.sum((rows.view - rows.Phi @ coef) ** 2, axis=1)
    return distance[0] < distance[1]


def _by_place(
    rows: StartRows, share: Float[np.ndarray, " n"], random: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Rows on the two sides of a cut along a direction of the inputs."""
    columns = inputs(rows)
    if columns.shape[1] == 0:
        return _by_residual(rows, share, random)
    along = columns @ random.standard_normal(columns.shape[1])
    return along < quantile(along, share * rows.weight, random.uniform(0.2, 0.8))


def _by_closeness(
    rows: StartRows, share: Float[np.ndarray, " n"], random: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Rows on the regression that comes closest to a part of the expert's rows, and the others.

    Least quantile of squares (Rousseeuw 1984), by regressions through as few rows as fix one: what
    finds a narrow group that lies across a wide one.
    """
    n, p = rows.Phi.shape
    weight = share * rows.weight + 1e-12
    part, chance = random.uniform(*PART), weight / weight.sum()
    size = min(n, p)
    chosen = np.stack([random.choice(n, size, replace=False, p=chance) for _ in range(TRIES)])
    best, closest, enough = np.inf, np.zeros(n, bool), part * weight.sum()
    for coef in np.linalg.pinv(rows.Phi[chosen]) @ rows.view[chosen]:
        residual = np.linalg.norm(rows.view - rows.Phi @ coef, axis=1)
        if weight[residual < best].sum() >= enough:  # else no closer, and there is nothing to sort
            cut = quantile(residual, weight, part)
            if cut < best:
                best, closest = cut, residual <= cut
    return closest


WAYS = (_by_regressions, _by_residual, _by_place, _by_closeness, _by_side)


def regression(rows: StartRows, share: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n v"]:
    """What a regression on the rows of one expert predicts."""
    root = np.sqrt(share * rows.weight)[:, None]
    coef = np.linalg.lstsq(rows.Phi * root, rows.view * root, rcond=None)[0]
    return rows.Phi @ coef


def quantile(
    values: Float[np.ndarray, " n"], weight: Float[np.ndarray, " n"], share: float
) -> float:
    """The value below which a share of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) / max(float(weight.sum()), 1e-300)
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])
