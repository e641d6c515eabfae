"""From the strengths of an elastic net to penalties on the gate, the experts and all of them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.numerics.penalty import ElasticNet, NoPenalty, Penalty, Ridge, make_penalty
from mixstat.numerics.scale_penalty import ScalePenalty
from mixstat.numerics.sparse_ridge import DiagonalRidge, SparseRidge, entries_of
from mixstat.parts import columns

DENSE = 300  # parameters up to which a penalty is a matrix


class Strengths(NamedTuple):
    """Weights of a penalty on the slopes, in standardised units: an elastic net for each part.

    Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic net.
    J. R. Statist. Soc. B 67, 301-320. Intercepts are free.
    """

    gate_square: float = 0.0  # of half the squared slopes
    gate_l1: float = 0.0  # of the absolute slopes
    expert_square: float = 0.0
    expert_l1: float = 0.0


class Penalties(NamedTuple):
    """What is taken from the mean log-likelihood, for each M-step and as a whole."""

    whole: Penalty  # of the parameter vector
    gate: Penalty  # of the gate's parameters
    experts: Penalty  # of each expert's predictor coefficients, stacked


def on_scales(
    penalties: Penalties,
    template: Mixture,
    rates: Float[np.ndarray, " D"],
    targets: Float[np.ndarray, " D"],
    weight: float,
) -> Penalties:
    """The same with a penalty on scales that vanish.

    ``rates`` is by how much the log of a variance grows with each parameter, zero for what is no
    scale. A scale that all experts share cannot vanish in one of them, and is left alone.
    """
    index = expanded_index(template)[1]
    experts = sum(np.isin(np.arange(len(rates)), row).astype(int) for row in index)
    held = (rates != 0) & ((experts == 1) | (template.n_experts == 1))
    # one scale of several outputs counts for each of them
    outputs = np.bincount(index[index >= 0], minlength=len(rates)) / np.maximum(experts, 1)
    tables = np.where(held, rates, 0.0), np.where(held, targets, 0.0)
    each = [np.where(index >= 0, table[index], 0.0) for table in (weight * held, *tables)]
    return Penalties(
        ScalePenalty(penalties.whole, weight * held * outputs, *tables),
        penalties.gate,
        ScalePenalty(penalties.experts, *each),
    )


def is_wide(template: Mixture) -> bool:
    """Whether features are so many that no matrix of all coefficients is made."""
    parts = (template.gate, template.experts)
    widest = max(columns.width(part) for part in parts)
    return widest > columns.WIDE and all(columns.keeps_columns(part) for part in parts)


def make_penalties(
    template: Mixture, strengths: Strengths, constants: tuple[bool, bool]
) -> Penalties:
    """Penalties on the slopes of models like ``template``.

    ``constants`` tells whether the first feature of the gate and of the experts is constant;
    its coefficients are free.
    """
    if not any(strengths):
        return Penalties(NoPenalty(), NoPenalty(), NoPenalty())
    if is_wide(template) and (strengths.gate_l1 or strengths.expert_l1):
        return _sparse_penalties(template, strengths, constants)
    n_gate, size = parameter_vector.size(template.gate), parameter_vector.size(template)
    square, l1 = np.zeros((size, size)), np.zeros(size)
    form = template.gate.penalty(constants[0])
    square[:n_gate, :n_gate] = strengths.gate_square * form
    l1[:n_gate] = strengths.gate_l1 * template.gate.slopes()
    slopes = parameter_vector.to_vector(template.experts.slopes(constants[1]))
    square[range(n_gate, size), range(n_gate, size)] = strengths.expert_square * slopes
    l1[n_gate:] = strengths.expert_l1 * slopes
    index = expanded_index(template)[1]  # (K, E)
    diagonal = np.where(index >= 0, np.diag(square)[index], 0.0)
    return Penalties(
        _of_all(square, l1),
        make_penalty(square[:n_gate, :n_gate], l1[:n_gate]),
        make_penalty(
            diagonal[:, :, None] * np.eye(index.shape[1]), np.where(index >= 0, l1[index], 0.0)
        ),
    )


def _of_all(square: Float[np.ndarray, "D D"], l1: Float[np.ndarray, " D"]) -> Penalty:
    """Of many parameters no matrix, whose products with zeros would take longer than a pass."""
    if len(square) <= DENSE or l1.any():
        return make_penalty(square, l1)
    return entries_of(Ridge(square), 1.0)


def _sparse_penalties(
    template: Mixture, strengths: Strengths, constants: tuple[bool, bool]
) -> Penalties:
    """The same without matrices."""
    experts, n_gate = template.experts, parameter_vector.size(template.gate)
    form = entries_of(template.gate.form(constants[0]), strengths.gate_square)
    slopes = parameter_vector.to_vector(experts.slopes(constants[1]))
    of_gate = strengths.gate_l1 * template.gate.slopes()
    of_experts = strengths.expert_l1 * slopes
    square = strengths.expert_square * slopes
    shrunk = np.flatnonzero(square)
    both = SparseRidge(
        np.append(form.row, n_gate + shrunk),
        np.append(form.column, n_gate + shrunk),
        np.append(form.entry, square[shrunk]),
    )
    index = template.experts.coefficient_index()  # (K, E)
    square, l1 = (np.where(index >= 0, table[index], 0.0) for table in (square, of_experts))
    return Penalties(
        ElasticNet(both, np.append(of_gate, of_experts)),
        ElasticNet(form, of_gate),
        ElasticNet(DiagonalRidge(square), l1),
    )
