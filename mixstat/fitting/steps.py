"""From an end to other starts: one expert is dissolved, and another one ends at a step of an input.

A gate that is a step has no soft neighbours: EM does not find it from groups that are drawn softly,
nor does it move a step along. So cuts of the inputs are compared here, by the likelihood of normal
regressions on their two sides, as for a structural break (Bai, J. and Perron, P. (1998). Estimating
and testing linear models with multiple structural changes. Econometrica 66, 47-78).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.fitting.moves import without
from mixstat.fitting.starts import StartRows, varying

BINS = 48  # of an input, between which cuts are compared first
COLUMNS = 8  # inputs at most along which cuts are looked for
SPARE_ROWS = 2.0  # on each side of a cut, more than its regression has coefficients
SMALL = 1e-6  # variance beside that of the response, below which a fit gets no better
RIDGE = 1e-9  # of a regression on few rows
SAME = 1e-9  # heights this close are those of one cut


class Cut(NamedTuple):
    """One expert takes the rows of another one below a value of an input."""

    height: float
    gone: int
    split: int
    column: int
    bin: int


def steps(
    rows: StartRows,
    shares: Float[np.ndarray, "n K"],
    spare: Int[np.ndarray, " s"],
    random: np.random.Generator,
) -> Iterator[Float[np.ndarray, "n K"]]:
    """Starts with a step, the most promising first.

    Parameters
    ----------
    rows
        What starts look at.
    shares
        Responsibilities of the end.
    spare
        Experts that may be dissolved.
    random
        Draws inputs where there are many.
    """
    columns = varying(rows.Z)
    if columns.shape[1] > COLUMNS:
        columns = columns[:, random.choice(columns.shape[1], COLUMNS, replace=False)]
    axes = [Axis.of(column) for column in columns.T]
    joint = np.hstack([rows.Phi, rows.view])
    weight = rows.weight * (len(joint) / rows.weight.sum())
    seen = Seen(joint, rows.Phi.shape[1], weight, axes)
    for cut in _best_first(seen, shares, spare):
        fewer = without(shares, cut.gone)
        own = fewer[:, cut.split]
        part = seen.side(cut, own)
        fewer[:, cut.gone] = np.where(part, own, 0.0)
        fewer[:, cut.split] -= fewer[:, cut.gone]
        yield fewer


@dataclass(frozen=True, eq=False)
class Axis:
    """An input: the order of its rows, and where its bins begin."""

    values: Float[np.ndarray, " n"]
    order: Int[np.ndarray, " n"]
    starts: Int[np.ndarray, " b"]
    """Positions in that order. Rows of one value are in one bin."""

    @classmethod
    def of(cls, values: Float[np.ndarray, " n"]) -> "Axis":
        """Bins of about as many rows each."""
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        new = np.append(0, np.flatnonzero(np.diff(ordered) > 0) + 1)
        wanted = np.linspace(0, len(values), BINS, endpoint=False)
        starts = np.unique(new[np.searchsorted(new, wanted, side="right") - 1])
        return cls(values, order, starts)


@dataclass(frozen=True, eq=False)
class Seen:
    """Features and responses side by side, and the inputs along which they may be cut."""

    joint: Float[np.ndarray, "n q"]
    p: int
    """How many are features."""
    weight: Float[np.ndarray, " n"]
    axes: list[Axis]

    def whole(self, share: Float[np.ndarray, " n"]) -> float:
        """Height of one regression."""
        moments, mass = self._moments(share, np.arange(len(share)))
        return float(self._height(moments[None], np.array([mass]))[0])

    def along(self, axis: Axis, share: Float[np.ndarray, " n"]) -> Float[np.ndarray, " c"]:
        """Height of two regressions, for a cut before each bin but the first."""
        parts = np.split(axis.order, axis.starts[1:])
        moments, mass = zip(*(self._moments(share, part) for part in parts), strict=True)
        return self._both(np.cumsum(moments, axis=0), np.cumsum(mass))

    def side(self, cut: Cut, share: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Rows below the best value near a cut between bins."""
        axis = self.axes[cut.column]
        edges = np.append(axis.starts, len(axis.order))
        low, high = edges[cut.bin - 1], edges[cut.bin + 1]
        rest = np.append(0, np.flatnonzero(np.diff(axis.values[axis.order[low:high]]) > 0) + 1)
        parts = [axis.order[:low], *np.split(axis.order[low:high], rest[1:]), axis.order[high:]]
        moments, mass = zip(*(self._moments(share, part) for part in parts), strict=True)
        heights = self._both(np.cumsum(moments, axis=0), np.cumsum(mass))
        below = np.zeros(len(share), bool)
        below[np.concatenate(parts[: int(np.argmax(heights)) + 1])] = True
        return below

    def _moments(
        self, share: Float[np.ndarray, " n"], rows: Int[np.ndarray, " r"]
    ) -> tuple[Float[np.ndarray, "q q"], float]:
        weight, joint = (share * self.weight)[rows], self.joint[rows]
        return joint.T @ (joint * weight[:, None]), float(weight.sum())

    def _both(
        self, below: Float[np.ndarray, "c q q"], mass: Float[np.ndarray, " c"]
    ) -> Float[np.ndarray, " d"]:
        """Heights of the regressions below and above each cut but the last, which cuts nothing."""
        above, left = below[-1] - below[:-1], mass[-1] - mass[:-1]
        heights = self._height(below[:-1], mass[:-1]) + self._height(above, left)
        return np.where(np.minimum(mass[:-1], left) < self.p + SPARE_ROWS, -np.inf, heights)

    def _height(
        self, moments: Float[np.ndarray, "c q q"], mass: Float[np.ndarray, " c"]
    ) -> Float[np.ndarray, " c"]:
        """Log-likelihoods of normal regressions, but for constants."""
        p, mass = self.p, np.maximum(mass, RIDGE)
        features, both = moments[:, :p, :p], moments[:, :p, p:]
        level = RIDGE * (1.0 + np.trace(features, axis1=1, axis2=2))
        coef = np.linalg.solve(features + level[:, None, None] * np.eye(p), both)
        squares = np.einsum("cvv->cv", moments[:, p:, p:]) - np.sum(both * coef, axis=1)
        return -0.5 * mass * np.sum(np.log(np.maximum(squares / mass[:, None], SMALL)), axis=1)


def _best_first(
    seen: Seen, shares: Float[np.ndarray, "n K"], spare: Int[np.ndarray, " s"]
) -> Iterator[Cut]:
    """Cuts that are better than their neighbours, from the highest down."""
    cuts: list[Cut] = []
    for gone in map(int, spare):
        fewer = without(shares, gone)
        others = [k for k in range(shares.shape[1]) if k != gone]
        alone = {k: seen.whole(fewer[:, k]) for k in others}
        for split in others:
            rest = sum(alone.values()) - alone[split]
            for j, axis in enumerate(seen.axes):
                if len(axis.starts) > 1:
                    heights = rest + seen.along(axis, fewer[:, split])
                    cuts += [Cut(float(heights[b]), gone, split, j, b + 1) for b in _peaks(heights)]
    before = np.inf
    for cut in sorted(cuts, reverse=True):
        if before - cut.height > SAME * (1.0 + abs(cut.height)):
            yield cut
        before = cut.height


def _peaks(heights: Float[np.ndarray, " c"]) -> list[int]:
    padded = np.concatenate([[-np.inf], heights, [-np.inf]])
    peak = (heights >= padded[:-2]) & (heights > padded[2:]) & np.isfinite(heights)
    return np.flatnonzero(peak).tolist()
