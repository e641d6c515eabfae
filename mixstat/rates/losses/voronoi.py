"""Voronoi losses between mixing measures, each as its paper states it.

A loss adds, over true atoms j with the cell A_j of fitted ones, how far the weight of the cell
is from that of the atom, and the weighted distances of the cell's atoms to it. It is minimised
over the gate's translation.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.model import Mixture
from mixstat.rates.losses.atoms import Measures, measures
from mixstat.rates.losses.cells import Cells, moved, rbar, voronoi_cells
from mixstat.rates.losses.translation import Terms, best_factor, best_shift

Power = Callable[[np.ndarray], np.ndarray]  # of the size of the cell
Group = tuple[tuple[str, ...], Power]  # the Euclidean length over blocks, to a power
ROUNDS = 20  # of cells and translations in turn, where cells move with the translation


def one(size: np.ndarray) -> np.ndarray:
    """First power."""
    return np.ones(size.shape)


def square(size: np.ndarray) -> np.ndarray:
    """Second power where atoms share a cell, the first where one is alone."""
    return np.where(size > 1, 2.0, 1.0)


def half(size: np.ndarray) -> np.ndarray:
    """rbar / 2 where atoms share a cell, the first where one is alone."""
    return np.where(size > 1, 0.5 * rbar(size), 1.0)


def always(power: float) -> Power:
    """The same power in every cell."""
    return lambda size: np.full(size.shape, float(power))


class VoronoiLoss(NamedTuple):
    """What tells one Voronoi loss from another."""

    single: tuple[Group, ...]
    """Groups of blocks in cells of one atom."""
    shared: tuple[Group, ...]
    """Groups of blocks in cells of several."""
    cells: tuple[str, ...]
    """Blocks that decide which true atom is nearest."""
    moves: str | None
    """Block that a translation of the gate shifts, or None."""
    free_factor: bool
    """Whether weights are only known up to a factor."""
    source: str
    same_total: bool = True
    """Whether such weights are first brought to the total of the true ones.

    Else the loss depends on which fitted expert is the reference.
    """

    def __call__(
        self, truth: Mixture, fitted: Mixture | Sequence[Mixture]
    ) -> Float[np.ndarray, " R"]:
        """Losses of fitted models, in the user's units."""
        return self.of(*_pair(truth, fitted))

    def of(self, truth: Measures, fitted: Measures) -> Float[np.ndarray, " R"]:
        """Losses of R mixing measures against one."""
        if self.free_factor and self.same_total:
            factor = truth.weight[0].sum() / fitted.weight.sum(axis=1)
            fitted = fitted._replace(weight=fitted.weight * factor[:, None])
        shift = self.translation(truth, fitted)
        cells = self.find_cells(truth, fitted, shift)
        return self._mass(truth, fitted, cells) + self._distance(truth, fitted, cells, shift)

    def plain(self, truth: Mixture, fitted: Mixture | Sequence[Mixture]) -> np.ndarray:
        """The same sum without a translation: what a script computes that forgets it."""
        kept = self._replace(moves=None, free_factor=False)
        return kept(truth, fitted)

    def translation(self, truth: Measures, fitted: Measures) -> np.ndarray | None:
        """The shift (R, q) of the gate's slopes at the minimum; None where there is none."""
        if self.moves is None:
            return None
        if self.moves not in self.cells:  # cells stay, and the minimum is exact
            cells = self.find_cells(truth, fitted, None)
            return best_shift(self._terms(truth, fitted, cells))
        return self._alternate(truth, fitted)

    def find_cells(self, truth: Measures, fitted: Measures, shift: np.ndarray | None) -> Cells:
        """Cells after a translation."""
        block = self.moves or "gate"
        return voronoi_cells(moved(fitted, shift, block), truth, self.cells)

    def _alternate(self, truth: Measures, fitted: Measures) -> np.ndarray:
        """Cells and translation in turn, from every shift that lays one atom on another."""
        block = str(self.moves)
        points, places = fitted.blocks[block], truth.blocks[block][0]
        count, q = points.shape[1] * len(places), places.shape[1]
        first = (points[:, :, None, :] - places[None, None, :, :]).reshape(-1, q)
        many = Measures(
            np.repeat(fitted.weight, count, axis=0),
            {name: np.repeat(table, count, axis=0) for name, table in fitted.blocks.items()},
        )
        shift = self._settle(truth, many, first)
        cells = self.find_cells(truth, many, shift)
        value = self._mass(truth, many, cells) + self._distance(truth, many, cells, shift)
        best = np.argmin(value.reshape(-1, count), axis=1)
        return shift.reshape(-1, count, q)[np.arange(len(best)), best]

    def _settle(self, truth: Measures, fitted: Measures, shift: np.ndarray) -> np.ndarray:
        """Translations of cells that they lead to; those that have settled are left alone."""
        shift, moving = shift.copy(), np.arange(len(shift))
        for _ in range(ROUNDS):
            some = Measures(fitted.weight[moving], {k: v[moving] for k, v in fitted.blocks.items()})
            before = self.find_cells(truth, some, shift[moving])
            shift[moving] = best_shift(self._terms(truth, some, before))
            after = self.find_cells(truth, some, shift[moving])
            moving = moving[np.any(before.label != after.label, axis=1)]
            if len(moving) == 0:
                break
        return shift

    def _mass(self, truth: Measures, fitted: Measures, cells: Cells) -> np.ndarray:
        mass = np.sum(fitted.weight[:, :, None] * cells.member, axis=1)
        target = truth.weight[:1] * np.ones((len(mass), 1))
        if self.free_factor:
            target = target * best_factor(mass, truth.weight[0])[:, None]
        return np.sum(np.abs(mass - target), axis=1)

    def _distance(
        self, truth: Measures, fitted: Measures, cells: Cells, shift: np.ndarray | None
    ) -> np.ndarray:
        gaps = differences(truth, moved(fitted, shift, self.moves or "gate"), cells)
        total = np.zeros(cells.label.shape)
        for alone, groups in ((True, self.single), (False, self.shared)):
            for names, power in groups:
                length = np.sqrt(sum(np.sum(gaps[name] ** 2, axis=2) for name in names))
                term = length ** power(cells.size)
                total += np.where((cells.size == 1) == alone, term, 0.0)
        return np.sum(fitted.weight * total, axis=1)

    def _terms(self, truth: Measures, fitted: Measures, cells: Cells) -> Terms:
        """The group of each fitted atom that the translation moves."""
        block = str(self.moves)
        gaps = differences(truth, fitted, cells)
        rest, powers = np.zeros(cells.label.shape), np.ones(cells.label.shape)
        for alone, groups in ((True, self.single), (False, self.shared)):
            names, power = next(group for group in groups if block in group[0])
            still = [np.sum(gaps[name] ** 2, axis=2) for name in names if name != block]
            where = (cells.size == 1) == alone
            rest = np.where(where, sum(still, np.zeros(rest.shape)), rest)
            powers = np.where(where, power(cells.size), powers)
        return Terms(fitted.weight, gaps[block], rest, powers)


def differences(truth: Measures, fitted: Measures, cells: Cells) -> dict[str, np.ndarray]:
    """Fitted minus true, for each fitted atom and the true one it belongs to, block by block."""
    return {
        name: block - truth.blocks[name][0][cells.label]
        for name, block in fitted.blocks.items()
        if name in truth.blocks
    }


def _pair(truth: Mixture, fitted: Mixture | Sequence[Mixture]) -> tuple[Measures, Measures]:
    many = [fitted] if isinstance(fitted, Mixture) else list(fitted)
    return measures([truth]), measures(many)
