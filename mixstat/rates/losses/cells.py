"""Voronoi cells: which fitted atoms are nearest to each true atom."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.rates.losses.atoms import Measures


def rbar(size: Int[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Exponent of a cell of so many atoms: the smallest r whose system has trivial roots only.

    4 and 6 for two and three atoms; for more only the bound 7 is known. Ho, N. and Nguyen, X.
    (2016), Ann. Statist. 44, 2726-2755. One atom has exponent 1.
    """
    table = np.array([1.0, 1.0, 4.0, 6.0, 7.0])
    return table[np.minimum(size, 4)]


class Cells(NamedTuple):
    """The true atom that each fitted one belongs to, and how many share it."""

    label: Int[np.ndarray, "R K"]
    size: Int[np.ndarray, "R K"]  # of the cell that the fitted atom is in
    member: Bool[np.ndarray, "R K S"]  # S true atoms


def voronoi_cells(
    fitted: Measures, truth: Measures, blocks: Sequence[str], shift: np.ndarray | None = None
) -> Cells:
    """Cells by the Euclidean distance over some blocks of parameters.

    ``shift`` (R, q) is taken from the gate's slopes of the fitted measures first. Of true atoms
    that are equally near the first is taken.
    """
    points = moved(fitted, shift).stacked(blocks)
    gaps = points[:, :, None, :] - truth.stacked(blocks)[:1, None, :, :]
    label = np.argmin(np.sum(gaps**2, axis=3), axis=2)
    member = label[:, :, None] == np.arange(truth.weight.shape[1])[None, None, :]
    counts = member.sum(axis=1)
    return Cells(label, np.take_along_axis(counts, label, axis=1), member)


def moved(fitted: Measures, shift: np.ndarray | None, block: str = "gate") -> Measures:
    """The same measures with a translation taken from one block."""
    if shift is None:
        return fitted
    return fitted._replace(blocks=fitted.blocks | {block: fitted.blocks[block] - shift[:, None, :]})
