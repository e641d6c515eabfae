"""The continuous ranked probability score of mixtures of scalar distributions.

For a distribution function F and an observed y it is the integral over t of
``(F(t) - 1(y <= t))**2``, or the sum over counts t.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

Marginals: TypeAlias = Callable[[np.ndarray], Any]  # of predictors: a frozen scipy distribution

ROOM = 2_000_000  # numbers in one table
WIDE = 4096  # counts beyond which a row is summed in pieces
MOST = 20_000  # terms of such a piece
DEVIATIONS, COUNTS = 10.0, 40.0  # beyond both together a count has no probability that shows
CLOSE = 1e-11  # relative error of an integral
PANELS = (0.01, 0.5, 0.99)  # probabilities of each expert at whose quantiles panels end


# mixtures of normals


def of_normals(
    mean: Float[np.ndarray, "K m n"],
    variance: Float[np.ndarray, "K m r"],
    share: Float[np.ndarray, "K n"],
    y: Float[np.ndarray, "m n"],
) -> Float[np.ndarray, "m n"]:
    """Mean distance from y less half the mean distance of two draws.

    Variances are those of each row, or one (r = 1) for all rows.
    """
    score = np.empty(y.shape)
    length = max(1, ROOM // max(len(mean) * mean[:, :, 0].size, 1))
    for begin in range(0, y.shape[1], length):
        rows = slice(begin, begin + length)
        mu, weight = mean[:, :, rows], share[:, None, rows]
        own = variance if variance.shape[2] == 1 else variance[:, :, rows]
        deviation, pairs = np.sqrt(own), np.sqrt(own[:, None] + own[None])
        apart = np.sum(weight * _distance(y[:, rows] - mu, deviation), axis=0)
        between = _distance(mu[:, None] - mu[None], pairs)
        within = np.sum(weight[:, None] * weight[None] * between, axis=(0, 1))
        score[:, rows] = apart - 0.5 * within
    return np.maximum(score, 0.0)


def _distance(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Mean absolute value of a normal variable."""
    z = mean / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return mean * (2 * ndtr(z) - 1) + 2 * deviation * density


# other continuous families


def by_quadrature(
    marginals: Marginals,
    eta: Float[np.ndarray, "K L n"],
    share: Float[np.ndarray, "K n"],
    y: Float[np.ndarray, "m n"],
) -> Float[np.ndarray, "m n"]:
    """The integral in panels that end at some quantiles of each expert and at y.

    The rule crowds its nodes at the ends of a panel, so that experts may be of any scales. Its own
    error is not to be trusted before a few halvings of the step: a narrow expert in a long panel
    looks like none.
    """
    from scipy.integrate import tanhsinh

    every = marginals(eta)
    places = [every.ppf(probability) for probability in PANELS]
    low = np.min(np.broadcast_to(every.support()[0], places[0].shape), axis=0)
    inner = np.sort(np.concatenate([*places, y[None]]), axis=0)
    breaks = np.concatenate([low[None], inner, np.full((1, *y.shape), np.inf)])
    above = (breaks[:-1] >= y).astype(float)
    output, row = (np.broadcast_to(one, above.shape) for one in np.indices(y.shape))
    widths = every.ppf(0.75) - every.ppf(0.25)
    width = np.min(widths, where=widths > 0, initial=np.inf)

    def integrand(t, above, output, row):
        flat = (np.ravel(one) for one in np.broadcast_arrays(t, above, output, row))
        return _square(marginals, eta, share, *flat).reshape(np.shape(t))

    args = above, output.astype(float), row.astype(float)
    empty = breaks[1:] <= breaks[:-1]
    # an empty panel stands for one of which nothing is taken
    ends = np.where(empty, breaks[:-1] + 1.0, breaks[1:])
    starts = np.where(empty & np.isinf(breaks[:-1]), 0.0, breaks[:-1])
    close = {"rtol": CLOSE, "atol": CLOSE * 1e-2 * width}
    found = tanhsinh(integrand, starts, ends, args=args, minlevel=4, **close)
    panels = np.where(empty, 0.0, np.where(found.success, found.integral, np.nan))
    return panels.sum(axis=0)


def _square(
    marginals: Marginals,
    eta: np.ndarray,
    share: np.ndarray,
    t: np.ndarray,
    above: np.ndarray,
    output: np.ndarray,
    row: np.ndarray,
) -> np.ndarray:
    """Squared probability beyond t: not exceeding it below y, exceeding it above."""
    row, output = row.astype(int), output.astype(int)
    law = marginals(eta[:, :, row])
    place = output, np.arange(len(row))
    below = np.sum(share[:, row] * law.cdf(t[None, None, :])[:, *place], axis=0)
    beyond = np.sum(share[:, row] * law.sf(t[None, None, :])[:, *place], axis=0)
    return np.where(above > 0, beyond, below) ** 2


# counts


def by_sums(
    marginals: Marginals,
    eta: Float[np.ndarray, "K L n"],
    share: Float[np.ndarray, "K n"],
    y: Float[np.ndarray, "1 n"],
) -> Float[np.ndarray, "1 n"]:
    """The sum over counts; of very many counts in blocks over which it hardly changes."""
    every = marginals(eta)
    mean, deviation = (np.asarray(one)[:, 0] for one in (every.mean(), np.sqrt(every.var())))
    reach = np.ceil(DEVIATIONS * deviation + COUNTS)
    low, high = np.maximum(np.floor(mean - reach), 0.0), np.ceil(mean + reach)
    last = np.maximum(high.max(axis=0), y[0] + 1)
    wide = last > WIDE
    score = np.zeros(y.shape[1])
    near = np.flatnonzero(~wide)
    size = int(last[near].max(initial=1))
    length = max(1, ROOM // (size * len(share)))
    counts = np.arange(size, dtype=float)
    for begin in range(0, len(near), length):
        rows = near[begin : begin + length]
        terms = _steps(marginals, eta, share, y[0], rows[:, None], counts[None, :])
        score[rows] = terms.sum(axis=1)
    for i in np.flatnonzero(wide).tolist():
        edges = _merged(low[:, i], high[:, i], float(y[0, i]))
        score[i] = sum(_piece(marginals, eta, share, y[0], i, *ends) for ends in edges)
    return score[None]


def _steps(
    marginals: Marginals,
    eta: np.ndarray,
    share: np.ndarray,
    y: np.ndarray,
    row: np.ndarray,
    count: np.ndarray,
) -> np.ndarray:
    """Squared probability beyond each count, for rows against counts."""
    row, count = np.broadcast_arrays(row, count)
    shape, row, count = row.shape, row.ravel(), count.ravel()
    law = marginals(eta[:, :, row])
    below = np.sum(share[:, row] * law.cdf(count[None, None, :])[:, 0], axis=0)
    beyond = np.sum(share[:, row] * law.sf(count[None, None, :])[:, 0], axis=0)
    return (np.where(count >= y[row], beyond, below) ** 2).reshape(shape)


def _merged(low: np.ndarray, high: np.ndarray, y: float) -> list[tuple[float, float]]:
    """Ranges of counts, one after the other, that end where an expert begins or ends, and at y."""
    edges = np.unique(np.concatenate([[0.0, y], low, high]))
    return list(pairwise(edges.tolist()))


def _piece(
    marginals: Marginals,
    eta: np.ndarray,
    share: np.ndarray,
    y: np.ndarray,
    row: int,
    begin: float,
    end: float,
) -> float:
    """The sum over one range of counts, by the middles of equal blocks if there are too many."""
    n = int(min(end - begin, MOST))
    edges = np.floor(np.linspace(begin, end, n + 1))
    middle = np.floor(0.5 * (edges[:-1] + edges[1:] - 1) + 0.5)
    terms = _steps(marginals, eta, share, y, np.full(n, row), middle)
    return float(np.diff(edges) @ terms)
