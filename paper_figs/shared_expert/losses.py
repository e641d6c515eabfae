"""Losses D1 to D4 of arXiv 2505.10860, in the paper's parameters and in what can be estimated."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from mixstat.model import Mixture
from mixstat.rates.law import Law
from mixstat.rates.losses.atoms import Measures
from mixstat.rates.losses.cells import Cells, rbar, voronoi_cells
from mixstat.rates.losses.voronoi import VoronoiLoss, differences, half, square
from mixstat.rates.truths import Truth

PAPER = "arXiv 2505.10860"
NEAREST = ("rise", "variance")  # what decides which true atom a fitted one belongs to
LINES = ((("slope",), square), (("intercept",), rbar), (("variance",), half))
LINE_CELLS = ("slope", "intercept", "variance")


class Atoms(NamedTuple):
    """Mixing measures of the shared and of the routed experts, of one model."""

    shared: Measures
    routed: Measures


def atoms(model: Mixture) -> Atoms:
    """Those of a model; weights of routed experts are exp(b), or sigmoid(b)."""
    whole: Any = model
    gate, parts = whole.gate, whole.experts.parts
    held = gate.n_experts - gate.n_routed
    logits = np.append(np.ravel(gate.omega), 0.0)
    omega = np.exp(logits - np.logaddexp.reduce(logits))
    coef = np.asarray(gate.coefficients())
    mass = np.exp(coef[:, 0]) if gate.routing == "softmax" else expit(coef[:, 0])
    own = _blocks(parts[held:]) | {"gate": coef[:, 1:], "bias": coef[:, :1]}
    return Atoms(_measure(omega, _blocks(parts[:held])), _measure(mass, own))


def _measure(weight: np.ndarray, blocks: dict[str, np.ndarray]) -> Measures:
    return Measures(weight[None], {name: block[None] for name, block in blocks.items()})


def _blocks(parts: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """Parameters of experts of one family; "rise" is the mean's slope on either side of zero."""
    variance = np.array([[np.exp(2 * np.ravel(p.log_scale)[0])] for p in parts])
    coef = np.array([np.asarray(p.coef)[0, 0] for p in parts])
    if not hasattr(parts[0], "outer"):
        return {"slope": coef[:, 1:], "intercept": coef[:, :1], "variance": variance}
    outer = np.array([np.ravel(p.outer) for p in parts])
    rise = np.hstack([outer * np.maximum(coef[:, 1:], 0.0), outer * np.minimum(coef[:, 1:], 0.0)])
    return {"rise": rise, "raw": np.hstack([outer, coef[:, 1:]]), "variance": variance}


def _part(blocks: tuple, cells: tuple[str, ...], *, softmax: bool, gate: tuple = ()) -> VoronoiLoss:
    """A loss of shared experts, or with a gate of routed ones."""
    terms = (*gate, *blocks)
    return VoronoiLoss(terms, terms, cells, "gate" if softmax else None, softmax, PAPER)


def _relu(block: str) -> tuple:
    return ((block,), square), (("variance",), square)


def shared_relu(block: str) -> VoronoiLoss:
    """Shared part of D1, D3 and D4."""
    return _part(_relu(block), NEAREST, softmax=False)


def first(block: str) -> Callable[[Truth, Law], float]:
    """D1: squares in cells of several atoms."""
    gate = ((("gate",), square),)
    routed = _part(_relu(block), NEAREST, softmax=True, gate=gate)
    return lambda truth, law: _sum(truth, law, shared_relu(block), routed)


def second(truth: Truth, law: Law) -> float:
    """D2: linear experts, whose exponents grow with the size of the cell."""
    routed = _part(LINES, LINE_CELLS, softmax=True, gate=((("gate",), rbar),))
    return _sum(truth, law, _part(LINES, LINE_CELLS, softmax=False), routed)


def third(block: str) -> Callable[[Truth, Law], float]:
    """D3: routed terms without weights; masses of sigmoids count in cells of several atoms."""

    def loss(truth: Truth, law: Law) -> float:
        true, own = atoms(truth.mixture), atoms(law.mixture)
        cells = voronoi_cells(own.routed, true.routed, NEAREST)
        gaps = differences(true.routed, own.routed, cells)
        power = np.where(cells.size > 1, 2.0, 1.0)
        names = ("gate", block, "variance")
        total = sum((_length(gaps[name]) ** power).sum() for name in names)
        alone = float(np.sum(_length(gaps["bias"]) * (cells.size == 1)))
        routed = total + alone + _masses(true.routed, own.routed, cells)
        return float(shared_relu(block).of(true.shared, own.shared)[0] + routed)

    return loss


def _length(gap: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(gap**2, axis=2))


def _masses(true: Measures, own: Measures, cells: Cells) -> float:
    mass = np.sum(own.weight[:, :, None] * cells.member, axis=1)
    several = cells.member.sum(axis=1) > 1
    return float(np.sum(np.abs(mass - true.weight) * several))


def shared_only(block: str) -> Callable[[Truth, Law], float]:
    """The shared part of D4."""
    return lambda truth, law: float(
        shared_relu(block).of(atoms(truth.mixture).shared, atoms(law.mixture).shared)[0]
    )


def shares(truth: Truth, law: Law) -> float:
    """Largest error of the share of a cell of routed experts, over the interval of x."""
    true, own = atoms(truth.mixture).routed, atoms(law.mixture).routed
    cells = voronoi_cells(own, true, NEAREST)
    X = truth.inputs.nodes(4).X
    known, found = truth.law.at(X).share, law.at(X).share
    held, count = len(found) - cells.label.shape[1], len(known) - true.weight.shape[1]
    mass = cells.member[0].T.astype(float) @ found[held:]
    return float(np.max(np.abs(mass - known[count:])))


def _sum(truth: Truth, law: Law, shared: VoronoiLoss, routed: VoronoiLoss) -> float:
    true, own = atoms(truth.mixture), atoms(law.mixture)
    return float(shared.of(true.shared, own.shared)[0] + routed.of(true.routed, own.routed)[0])
