"""Raw errors: each block of parameters, and the experts' functions, apart in cells by size."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from mixstat.model import Mixture
from mixstat.predictive import Predictive
from mixstat.rates.inputs import ORDERS
from mixstat.rates.law import Law
from mixstat.rates.losses.atoms import Measures, measures
from mixstat.rates.losses.cells import Cells, moved
from mixstat.rates.losses.voronoi import VoronoiLoss, differences
from mixstat.rates.truths import Truth

KINDS = ("single", "shared")


def block_errors(
    loss: VoronoiLoss, truth: Mixture, fitted: Sequence[Mixture]
) -> dict[str, Float[np.ndarray, " R"]]:
    """Largest error of each block over fitted atoms, after the translation of ``loss``.

    A column "error_<block>_<kind>" for each block, where the kind is "single" for atoms that
    are alone in their cell and "shared" for others. NaN where there is no such cell.

    Slopes of a gate are known up to a shift that all share, and are taken after the shift at which
    ``loss`` is least. That shift may absorb the error of an atom: one that is alone beside a
    cell of several seems to converge as fast as its weight in the loss makes the shift follow it.
    What no shift changes are :func:`contrasts`, which stand beside.
    """
    true, own = measures([truth]), measures(list(fitted))
    shift = loss.translation(true, own)
    cells = loss.find_cells(true, own, shift)
    gaps = differences(true, moved(own, shift, loss.moves or "gate"), cells)
    lengths = {name: np.sqrt(np.sum(gap**2, axis=2)) for name, gap in gaps.items()}
    found = {
        f"error_{name}_{kind}": _largest(length, cells, kind == "single")
        for name, length in lengths.items()
        for kind in KINDS
    }
    return found | (contrasts(loss.moves, gaps[loss.moves], own, cells) if loss.moves else {})


def error_columns(truth: Mixture) -> list[str]:
    """Columns of :func:`block_errors` and :func:`contrasts` for the blocks of a truth."""
    kinds = (*KINDS, "contrast_single", "contrast_shared", "contrast_cells")
    return [f"error_{block}_{kind}" for block in measures([truth]).blocks for kind in kinds]


def contrasts(
    block: str, gap: Float[np.ndarray, "R K q"], fitted: Measures, cells: Cells
) -> dict[str, Float[np.ndarray, " R"]]:
    """Largest errors of differences between the gate's slopes of two atoms.

    Columns "error_<block>_contrast_<kind>": "single" over pairs of atoms that are both alone in
    their cells, "shared" over pairs in different cells of which one at least shares its own,
    and "cells" over pairs of cells, each by the mean of its atoms with their weights.
    """
    pair = np.sqrt(np.sum((gap[:, :, None] - gap[:, None, :]) ** 2, axis=3))
    alone = cells.size == 1
    single = alone[:, :, None] & alone[:, None, :]
    apart = cells.label[:, :, None] != cells.label[:, None, :]
    member = cells.member * fitted.weight[:, :, None]
    mass = member.sum(axis=1)
    mean = np.einsum("rks,rkq->rsq", member, gap) / np.where(mass > 0, mass, 1.0)[:, :, None]
    between = np.sqrt(np.sum((mean[:, :, None] - mean[:, None, :]) ** 2, axis=3))
    there = mass > 0
    other = ~np.eye(there.shape[1], dtype=bool)[None]
    both = there[:, :, None] & there[:, None, :] & other
    return {
        f"error_{block}_contrast_single": _largest_of(pair, apart & single),
        f"error_{block}_contrast_shared": _largest_of(pair, apart & ~single),
        f"error_{block}_contrast_cells": _largest_of(between, both),
    }


def _largest_of(
    values: Float[np.ndarray, "R a b"], chosen: Bool[np.ndarray, "R a b"]
) -> Float[np.ndarray, " R"]:
    """The largest of some values; NaN where there are none."""
    largest = np.max(np.where(chosen, values, -np.inf), axis=(1, 2))
    return np.where(chosen.any(axis=(1, 2)), largest, np.nan)


def _largest(length: Float[np.ndarray, "R K"], cells: Cells, alone: bool) -> np.ndarray:
    there = (cells.size == 1) == alone
    largest = np.max(np.where(there, length, -np.inf), axis=1)
    return np.where(there.any(axis=1), largest, np.nan)


def function_errors(
    loss: VoronoiLoss, truth: Truth, fitted: Sequence[Law]
) -> dict[str, Float[np.ndarray, " R"]]:
    """How far the experts' functions are from the true ones in their cells.

    ``truth`` is a truth and ``fitted`` are laws of the same features. An expert's function is
    its conditional mean, or its class probabilities; distances are root mean squares over the
    law of the inputs.

    - "expert_function": of each fitted expert, averaged with its mean share as the weight.
    - "cell_function": of the share-weighted average over the experts of each cell, which is
      known even where the experts of a cell are not; cells weighted by their mean share.
    """
    true = measures([truth.mixture])
    own = measures([law.mixture for law in fitted])
    cells = loss.find_cells(true, own, loss.translation(true, own))
    X, weight = truth.inputs.nodes(ORDERS[1])
    target = expert_functions(truth.law.at(X))
    single, whole = [], []
    for r, law in enumerate(fitted):
        at = law.at(X)
        pair = expert_functions(at), at.share
        single.append(_expert_distance(*pair, target, cells.label[r], weight))
        whole.append(_cell_distance(*pair, target, cells.label[r], weight))
    return {"expert_function": np.array(single), "cell_function": np.array(whole)}


def expert_functions(at: Predictive) -> Float[np.ndarray, "K c n"]:
    """Class probabilities of each expert, or its mean."""
    return at.experts.functions(at.eta)


def _expert_distance(
    own: np.ndarray, share: np.ndarray, target: np.ndarray, label: np.ndarray, weight: np.ndarray
) -> float:
    square = np.sum((own - target[label]) ** 2, axis=1) @ weight
    return float(share @ weight @ np.sqrt(square))


def _cell_distance(
    own: np.ndarray, share: np.ndarray, target: np.ndarray, label: np.ndarray, weight: np.ndarray
) -> float:
    total = 0.0
    for j in range(len(target)):
        chosen = label == j
        mass = share[chosen].sum(axis=0)
        if not chosen.any():
            continue
        sums = np.einsum("kn,kcn->cn", share[chosen], own[chosen])
        mean = sums / np.maximum(mass, np.finfo(float).tiny)
        # where a cell has no share its average means nothing
        square = np.sum((mean - target[j]) ** 2, axis=0) @ (weight * mass)
        total += np.sqrt(square / max(float(mass @ weight), 1e-300)) * float(mass @ weight)
    return total
