"""Where an increasing function of experts' densities is large enough: unions of intervals.

Each expert's density rises to its mode and falls after it. Between neighbours of a grid that has
every mode it therefore lies between its values at both of them. A cell of the grid is inside for
sure where even the smaller values of all experts suffice, and outside where not even the larger
ones do. All others are halved, so that no interval is missed however narrow an expert is.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.conformal.laws import FARTHEST, Laws

CAREFUL = 20  # halvings after which a cell whose ends agree is taken for what they are
CROWD = 60  # cells a row, on average, beyond which that is done at once
MOST = 120  # halvings
CLOSE = 1e-13  # relative width at which an end is found
DOUBLINGS = 1100  # of a step, after which no number is larger

# from log terms (E, N) of rows (N,) whether they are inside; more is never outside
Inside: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Intervals(NamedTuple):
    """Closed intervals, sorted by row and then by their ends."""

    row: Int[np.ndarray, " s"]
    lower: Float[np.ndarray, " s"]
    upper: Float[np.ndarray, " s"]


class Cells(NamedTuple):
    """Pieces of the line of some rows, with the log terms of all experts at both ends."""

    row: Int[np.ndarray, " c"]
    low: Float[np.ndarray, " c"]
    high: Float[np.ndarray, " c"]
    at_low: Float[np.ndarray, "E c"]
    at_high: Float[np.ndarray, "E c"]

    def take(self, chosen: Bool[np.ndarray, " c"]) -> "Cells":
        """Some of them."""
        ends = self.at_low[:, chosen], self.at_high[:, chosen]
        return Cells(self.row[chosen], self.low[chosen], self.high[chosen], *ends)


def level_sets(laws: Laws, inside: Inside) -> Intervals:
    """All responses whose log terms are inside, for each row; ``inside`` must be increasing."""
    n, experts = laws.n_rows, len(laws.owner)
    whole = inside(np.full((experts, n), -np.inf), np.arange(n))
    low, high = laws.support()
    everything = Intervals(np.flatnonzero(whole), low[whole], high[whole])
    if whole.all():
        return everything
    cells = _first_cells(laws, inside, np.flatnonzero(~whole))
    return _joined([everything, *_searched(laws, inside, cells, n)], step=float(laws.discrete))


def _first_cells(laws: Laws, inside: Inside, rows: np.ndarray) -> Cells:
    """Those of the grid, and one beyond it on each side that ends outside."""
    grid, width, support = laws.grid()[:, rows], laws.width()[rows], laws.support()[:, rows]
    step = np.ceil(width) if laws.discrete else width
    below = _outwards(laws, inside, rows, grid[0], -step, support[0])
    above = _outwards(laws, inside, rows, grid[-1], step, support[1])
    points = np.concatenate([below[None], grid, above[None]])
    place = np.broadcast_to(rows, points.shape)
    terms = laws.log_terms(place.ravel(), points.ravel()).reshape(len(laws.owner), *points.shape)
    ends = [part.reshape(len(terms), -1) for part in (terms[:, :-1], terms[:, 1:])]
    cells = Cells(place[1:].ravel(), points[:-1].ravel(), points[1:].ravel(), *ends)
    return cells.take(cells.high > cells.low)


def _outwards(
    laws: Laws,
    inside: Inside,
    rows: np.ndarray,
    start: np.ndarray,
    step: np.ndarray,
    end: np.ndarray,
) -> Float[np.ndarray, " r"]:
    """A response beyond which nothing is inside: there all densities fall."""
    far, step = start.copy(), step.copy()
    open_rows = np.arange(len(rows))
    for _ in range(DOUBLINGS):
        if len(open_rows) == 0:
            break
        moved = np.clip(start[open_rows] + step[open_rows], -FARTHEST, FARTHEST)
        last = end[open_rows]
        moved = np.where(step[open_rows] > 0, np.minimum(moved, last), np.maximum(moved, last))
        far[open_rows] = moved
        terms = laws.log_terms(rows[open_rows], moved)
        goes_on = inside(terms, rows[open_rows]) & (moved != last) & (np.abs(moved) < FARTHEST)
        open_rows = open_rows[goes_on]
        step[open_rows] *= 2
    return far


def _searched(laws: Laws, inside: Inside, cells: Cells, n: int) -> list[Intervals]:
    """What is inside of cells, in pieces that may touch."""
    found: list[Intervals] = []
    for turn in range(MOST):
        certain = inside(np.minimum(cells.at_low, cells.at_high), cells.row)
        found.append(Intervals(cells.row[certain], cells.low[certain], cells.high[certain]))
        possible = inside(np.maximum(cells.at_low, cells.at_high), cells.row)
        cells = cells.take(possible & ~certain)
        if turn >= CAREFUL or len(cells.row) > CROWD * (n + 100):
            starts, stops = inside(cells.at_low, cells.row), inside(cells.at_high, cells.row)
            both = starts & stops
            found.append(Intervals(cells.row[both], cells.low[both], cells.high[both]))
            cells = cells.take(starts != stops)
        done = _narrow(cells, discrete=laws.discrete) | (turn == MOST - 1)
        found += _ends_of(inside, cells.take(done))
        cells = _halves(laws, cells.take(~done))
        if len(cells.row) == 0:
            break
    return found


def _narrow(cells: Cells, *, discrete: bool) -> Bool[np.ndarray, " c"]:
    """Cells that cannot be halved, or need not."""
    if discrete:
        return cells.high - cells.low <= 1
    middle = 0.5 * cells.low + 0.5 * cells.high
    stuck = (middle <= cells.low) | (middle >= cells.high)
    size = np.maximum(np.abs(cells.low), np.abs(cells.high))
    return stuck | (cells.high - cells.low <= CLOSE * size)


def _ends_of(inside: Inside, cells: Cells) -> list[Intervals]:
    """The ends that are inside, as intervals of one point."""
    found = []
    for end, terms in ((cells.low, cells.at_low), (cells.high, cells.at_high)):
        held = inside(terms, cells.row)
        found.append(Intervals(cells.row[held], end[held], end[held]))
    return found


def _halves(laws: Laws, cells: Cells) -> Cells:
    middle = 0.5 * cells.low + 0.5 * cells.high
    middle = np.floor(middle) if laws.discrete else middle
    between = laws.log_terms(cells.row, middle)
    return Cells(
        np.concatenate([cells.row, cells.row]),
        np.concatenate([cells.low, middle]),
        np.concatenate([middle, cells.high]),
        np.concatenate([cells.at_low, between], axis=1),
        np.concatenate([between, cells.at_high], axis=1),
    )


def _joined(pieces: list[Intervals], step: float) -> Intervals:
    """Intervals of which none touch, or follow each other by ``step``."""
    row, lower, upper = (np.concatenate(part) for part in zip(*pieces, strict=True))
    order = np.lexsort((upper, lower, row))
    row, lower, upper = row[order], lower[order], upper[order]
    # pieces overlap at most in an end, so that the largest upper end so far is the last one's
    new = np.ones(len(row), bool)
    new[1:] = (row[1:] != row[:-1]) | (lower[1:] > upper[:-1] + step)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(row)) - 1 if len(first) else first
    return Intervals(row[first], lower[first], upper[last])
