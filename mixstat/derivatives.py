"""Gradient and exact Hessian of the log-likelihood from small per-row blocks.

With a_k = log pi_k + log f_k, responsibilities r_k and s_k, h_k the first and second
derivatives of a_k in the linear predictors, the log-likelihood of a row has the gradient
``g = sum_k r_k s_k`` and the Hessian ``sum_k r_k (h_k + s_k s_k') - g g'`` (Louis 1982,
J. R. Statist. Soc. B 44, 226-233). The last two terms are a covariance, so what is common to
all s_k may be left out of them. Parameters follow by products with the features.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat import flat, linear
from mixstat.batch import Batch, Rows
from mixstat.gates.blocks import Sparse
from mixstat.kernels import kernel, traced
from mixstat.likelihood import is_large, shares_of, spread, total, total_over
from mixstat.model import Mixture, expanded_index
from mixstat.precision import AnyArray


class RowBlocks(NamedTuple):
    """What each row adds to log-likelihood, gradient and Hessian, in the predictors."""

    evidence: Float[AnyArray, " n"]  # weight times log p(y | x)
    score: Float[AnyArray, "e n"]  # its derivatives in the predictors, gate's first
    pairs: Callable[[np.ndarray, np.ndarray], AnyArray]  # second derivatives (b, n), b pairs
    mass: Float[AnyArray, " K"]  # total weight that each expert is responsible for


def row_blocks(model: Mixture, rows: Rows) -> RowBlocks:
    """Derivatives of the weighted log p(y | x) of each row in the linear predictors."""
    gate_eta = linear.predict(model.gate.groups(), rows)
    expert_eta = linear.predict(model.experts.groups(), rows)
    density = model.experts.link(expert_eta, rows.y)
    resp, evidence = shares_of(model.gate.prior(rows), density, rows)
    # weights enter once, through the responsibilities, before tables get wide
    weight, weighted = rows.weight, resp * rows.weight[None, :]
    gate = model.gate.blocks(gate_eta, rows.Z, weighted)
    slope, bend = model.experts.derivatives(expert_eta, rows.y)  # (K, L, n), (K, L, L, n)
    k, width, n = slope.shape
    expert_score = (weighted[:, None, :] * slope).reshape(k * width, n)
    first = len(gate_eta)  # predictors before this number are the gate's
    weighted_score = jnp.concatenate([gate.raw, expert_score])
    # zero divided by zero where a row has no weight: such rows are not there
    score = weighted_score * jnp.where(weight > 0, 1 / weight, 0.0)[None, :]

    twice = bend + slope[:, :, None, :] * slope[:, None, :, :]
    within = (weighted[:, None, None, :] * twice).reshape(k * width * width, n)

    def mean_products(low: np.ndarray, high: np.ndarray):
        """Mean over the experts of what two predictors have in one expert, where it is not zero.

        Told kind by kind, with the pairs of each: gate and gate, gate and expert, one expert.
        """
        both = np.flatnonzero(high < first)
        yield both, gate.own[low[both], high[both]]
        owner, part = np.divmod(high - first, width)
        cross = np.flatnonzero((low < first) & (high >= first))
        known = gate.slopes.index if isinstance(gate.slopes, Sparse) else gate.slopes
        if isinstance(known, np.ndarray):
            cross = cross[known[owner[cross], low[cross]] != 0]
        each = gate.slopes[owner[cross], low[cross]]
        each = each[:, None] if each.ndim == 1 else each
        yield cross, each * expert_score[high[cross] - first]
        other, left = np.divmod(low - first, width)
        same = np.flatnonzero((low >= first) & (owner == other))
        yield same, within[(owner * width + left)[same] * width + part[same]]

    def pairs(left: np.ndarray, right: np.ndarray) -> AnyArray:
        low, high = np.sort([left, right], axis=0)
        table = -weighted_score[low] * score[high]
        for where, rows_of in mean_products(low, high):
            table = table.at[where].add(rows_of) if len(where) else table
        return table

    slopes = jnp.concatenate([gate.score, expert_score])
    return RowBlocks(weight * evidence, slopes, pairs, jnp.sum(weighted, axis=1))


def _score(model: Mixture, rows: Rows):
    gate_eta = linear.predict(model.gate.groups(), rows)
    expert_eta = linear.predict(model.experts.groups(), rows)
    density = model.experts.link(expert_eta, rows.y)
    resp, evidence = shares_of(model.gate.prior(rows), density, rows)
    weighted = resp * rows.weight[None, :]
    gate = model.gate.score(gate_eta, rows.Z, weighted)
    experts = model.experts.score(expert_eta, rows.y, weighted)
    slopes = jnp.concatenate([gate, experts.reshape(-1, experts.shape[-1])])
    gradient = linear.gradient(slopes, predictor_layout(model, rows), rows)
    return jnp.sum(rows.weight * evidence), gradient


@kernel()
def _small_gradient(model: Mixture, batch: Batch):
    return _folded(model, *total(_score, model, batch))


@kernel()
def _score_sums(model: Mixture, rows: Rows, first: AnyArray, last: AnyArray):
    return total_over(_score, model, rows, last, first)


def _folded(model: Mixture, value: AnyArray, slopes: AnyArray) -> tuple[AnyArray, AnyArray]:
    index, size = np.concatenate([np.ravel(i) for i in expanded_index(model)]), flat.size(model)
    return value, flat.fold(slopes, index, size)


def value_and_gradient(
    model: Mixture, batch: Batch
) -> tuple[Float[AnyArray, ""], Float[AnyArray, " D"]]:
    """Mean log-likelihood and its gradient in the parameter vector, in one pass."""
    if traced(batch) or not is_large(batch):
        return _small_gradient(model, batch)
    value, slopes = spread(_score_sums, model, batch)
    # as flat.fold does it, but these are NumPy sums, for which nothing need be compiled
    index, size = np.concatenate([np.ravel(i) for i in expanded_index(model)]), flat.size(model)
    return value, np.bincount(index[index >= 0], slopes[index >= 0], minlength=size)


@kernel()
def _product_sums(
    at: tuple[Mixture, AnyArray], rows: Rows, first: AnyArray, last: AnyArray
) -> AnyArray:
    model, direction = at

    def slopes(vector: AnyArray) -> AnyArray:
        moved = flat.from_vector(model, vector)
        return _folded(model, *total_over(_score, moved, rows, last, first))[1]

    return jax.jvp(slopes, (flat.traced_vector(model),), (direction,))[1]


def hessian_product(
    model: Mixture, direction: Float[AnyArray, " D"], batch: Batch
) -> Float[AnyArray, " D"]:
    """Hessian of the mean log-likelihood times a direction, without the Hessian."""
    at = (model, np.asarray(direction))
    if is_large(batch):
        return spread(_product_sums, at, batch)
    return _product_sums(at, batch.rows, np.asarray(0), batch.n_chunks)


def predictor_layout(model: Mixture, rows: Rows) -> linear.Layout:
    """All predictors: the gate's, then expert after expert."""
    groups = model.experts.groups()
    each = [linear.Group(g.feature, g.coef[k]) for k in range(model.n_experts) for g in groups]
    return linear.layout((*model.gate.groups(), *each), rows)


def _chunk(model: Mixture, rows: Rows):
    blocks = row_blocks(model, rows)
    where = predictor_layout(model, rows)
    return (
        jnp.sum(blocks.evidence),
        linear.gradient(blocks.score, where, rows),
        linear.pair_sums(blocks.pairs, where, rows),
        blocks.mass,
    )


@kernel()
def _small_derivatives(model: Mixture, batch: Batch):
    return _assembled(model, total(_chunk, model, batch), batch.rows)


@kernel()
def _derivative_sums(model: Mixture, rows: Rows, first: AnyArray, last: AnyArray):
    return total_over(_chunk, model, rows, last, first)


def _assembled(model: Mixture, sums: Any, rows: Rows):
    value, slopes, curves, mass = sums
    index, size = np.concatenate([np.ravel(i) for i in expanded_index(model)]), flat.size(model)
    hessian = linear.curvature(curves, predictor_layout(model, rows))
    hessian = flat.fold(flat.fold(hessian, index, size).T, index, size)
    return value, flat.fold(slopes, index, size), hessian, mass


@kernel()
def _large_derivatives(model: Mixture, sums: Any, rows: Rows):
    return _assembled(model, sums, rows)


def derivatives_and_mass(
    model: Mixture, batch: Batch
) -> tuple[
    Float[AnyArray, ""], Float[AnyArray, " D"], Float[AnyArray, "D D"], Float[AnyArray, " K"]
]:
    """Mean log-likelihood, gradient, Hessian, and the weight of each expert, in one pass."""
    if traced(batch) or not is_large(batch):
        return _small_derivatives(model, batch)
    # which features there are is all that counts of the rows here
    one = jax.tree.map(lambda leaf: np.zeros((*leaf.shape[1:-1], 1)), batch.rows)
    return _large_derivatives(model, spread(_derivative_sums, model, batch), one)


def derivatives(
    model: Mixture, batch: Batch
) -> tuple[Float[AnyArray, ""], Float[AnyArray, " D"], Float[AnyArray, "D D"]]:
    """Mean log-likelihood, gradient and Hessian in the parameter vector, in one pass."""
    return derivatives_and_mass(model, batch)[:3]
