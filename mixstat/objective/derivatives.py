"""Gradient and exact Hessian of the log-likelihood from small per-row blocks.

With a_k = log pi_k + log f_k, responsibilities r_k and s_k, h_k the first and second
derivatives of a_k in the linear predictors, the log-likelihood of a row has the gradient
``g = sum_k r_k s_k`` and the Hessian ``sum_k r_k (h_k + s_k s_k') - g g'`` (Louis 1982,
J. R. Statist. Soc. B 44, 226-233). The last two terms are a covariance, so what is common to
all s_k may be left out of them. Parameters follow by products with the features.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Batch, Rows
from mixstat.gates.blocks import GateBlocks, Sparse
from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import AnyArray
from mixstat.objective.likelihood import shares_of
from mixstat.objective.reduction import FEW, total
from mixstat.parts import predictors

DIRECTIONS = 8  # in which a gradient is differentiated together


class Posterior(NamedTuple):
    """A chunk of rows at a model: where derivatives of gate and experts meet."""

    gate_eta: Float[AnyArray, "E n"]  # linear predictors
    expert_eta: Float[AnyArray, "K L n"]
    weighted: Float[AnyArray, "K n"]  # responsibilities times row weights
    evidence: Float[AnyArray, " n"]  # weight times log p(y | x)
    of_gate: Float[AnyArray, "K n"]  # weighted, once for rows that share one expert


def posterior_of(model: Mixture, rows: Rows) -> Posterior:
    """Predictors, responsibilities and log-likelihood of each row.

    Weights enter once, through the responsibilities, before tables get wide.
    """
    gate_eta = predictors.predict(model.gate.groups(), rows)
    expert_eta = predictors.predict(model.experts.groups(), rows)
    density = model.experts.link(expert_eta, rows.y)
    resp, evidence = shares_of(model.gate.prior(rows), density, rows)
    weight, once = rows.weight, rows.once
    weighted = resp * weight[None, :]
    of_gate = weighted if rows.sharing is None else resp * once[None, :]
    return Posterior(gate_eta, expert_eta, weighted, once * evidence, of_gate)


class RowBlocks(NamedTuple):
    """What each row adds to log-likelihood, gradient and Hessian, in the predictors."""

    evidence: Float[AnyArray, " n"]  # weight times log p(y | x)
    score: Float[AnyArray, "e n"]  # its derivatives in the predictors, gate's first
    pairs: Callable[
        [np.ndarray, np.ndarray], predictors.InOrder
    ]  # second derivatives (b, n), b pairs
    mass: Float[AnyArray, " K"]  # total weight that each expert is responsible for


class _ExpertBlocks(NamedTuple):
    """Products of weighted derivatives of the experts in their own predictors."""

    score: Float[AnyArray, "KL n"]
    within: Float[AnyArray, "KLL n"]  # mean of products, plus mean second derivatives
    width: int  # predictors L of an expert


def row_blocks(model: Mixture, rows: Rows) -> RowBlocks:
    """Derivatives of the weighted log p(y | x) of each row in the linear predictors."""
    gate_eta, expert_eta, weighted, evidence, _ = posterior_of(model, rows)
    gate = model.gate.blocks(gate_eta, rows.Z, weighted)
    experts = _expert_blocks(model, expert_eta, rows, weighted)
    weighted_score = jnp.concatenate([gate.raw, experts.score])
    # zero divided by zero where a row has no weight: such rows are not there
    per_weight = jnp.where(rows.weight > 0, 1 / rows.weight, 0.0)
    score = weighted_score * per_weight[None, :]
    first = len(gate_eta)  # predictors before this number are the gate's

    def pairs(left: np.ndarray, right: np.ndarray) -> predictors.InOrder:
        low, high = np.sort([left, right], axis=0)
        kinds = [pair for pair in _mean_products(gate, experts, first, low, high) if len(pair[0])]
        used = np.concatenate([np.zeros(0, int), *(where for where, _ in kinds)])
        rest = np.setdiff1d(np.arange(len(low)), used)

        def less(where: np.ndarray) -> AnyArray:
            return -weighted_score[low[where]] * score[high[where]]

        tables = [products + less(where) for where, products in kinds]
        table = jnp.concatenate([*tables, less(rest)])
        return predictors.InOrder(table, np.argsort(np.concatenate([used, rest])))

    slopes = jnp.concatenate([gate.score, experts.score])
    return RowBlocks(evidence, slopes, pairs, jnp.sum(weighted, axis=1))


def _expert_blocks(model: Mixture, eta: AnyArray, rows: Rows, weighted: AnyArray) -> _ExpertBlocks:
    slope, bend = model.experts.derivatives(eta, rows.y)  # (K, L, n), (K, L, L, n)
    k, width, n = slope.shape
    score = (weighted[:, None, :] * slope).reshape(k * width, n)
    twice = bend + slope[:, :, None, :] * slope[:, None, :, :]
    within = (weighted[:, None, None, :] * twice).reshape(k * width * width, n)
    return _ExpertBlocks(score, within, width)


def _mean_products(
    gate: GateBlocks, experts: _ExpertBlocks, n_gate: int, low: np.ndarray, high: np.ndarray
) -> Iterator[tuple[np.ndarray, AnyArray]]:
    """Mean over the experts of what two predictors have in one expert, where it is not zero.

    Told kind by kind, with the pairs of each: gate and gate, gate and expert, one expert.
    """
    width = experts.width
    both = np.flatnonzero(high < n_gate)
    yield both, gate.own[low[both], high[both]]
    owner, part = np.divmod(high - n_gate, width)
    cross = np.flatnonzero((low < n_gate) & (high >= n_gate))
    pattern = gate.slopes.index if isinstance(gate.slopes, Sparse) else gate.slopes
    if isinstance(pattern, np.ndarray):
        cross = cross[pattern[owner[cross], low[cross]] != 0]
    slopes = gate.slopes[owner[cross], low[cross]]
    slopes = slopes[:, None] if slopes.ndim == 1 else slopes
    yield cross, slopes * experts.score[high[cross] - n_gate]
    other, left = np.divmod(low - n_gate, width)
    same = np.flatnonzero((low >= n_gate) & (owner == other))
    yield same, experts.within[(owner * width + left)[same] * width + part[same]]


def _score(model: Mixture, rows: Rows) -> tuple[AnyArray, AnyArray]:
    """Log-likelihood and gradient in the predictors' coefficients."""
    gate_eta, expert_eta, weighted, evidence, of_gate = posterior_of(model, rows)
    gate = model.gate.score(gate_eta, rows.Z, of_gate)
    experts = model.experts.score(expert_eta, rows.y, weighted)
    slopes = jnp.concatenate([gate, experts.reshape(-1, experts.shape[-1])])
    gradient = predictors.gradient(slopes, predictor_layout(model, rows), rows)
    return jnp.sum(evidence), gradient


def _in_parameters(model: Mixture, sums: tuple[AnyArray, AnyArray]) -> tuple[AnyArray, AnyArray]:
    value, slopes = sums
    return value, parameter_vector.fold(slopes, _index(model), parameter_vector.size(model))


def _index(model: Mixture) -> np.ndarray:
    """Where each coefficient of each predictor stands in the parameter vector."""
    return np.concatenate([np.ravel(i) for i in expanded_index(model)])


def value_and_gradient(
    model: Mixture, batch: Batch
) -> tuple[Float[AnyArray, ""], Float[AnyArray, " D"]]:
    """Mean log-likelihood and its gradient in the parameter vector, in one pass."""
    return total(_score, model, batch, _in_parameters, spread_from=FEW)


class _Direction(NamedTuple):
    """A model and a direction in its parameter vector."""

    model: Mixture
    direction: Float[AnyArray, " D"]


def _product(at: _Direction, rows: Rows) -> AnyArray:
    """Derivative of a chunk's gradient along the direction."""

    def gradient(vector: AnyArray) -> AnyArray:
        moved = parameter_vector.from_vector(at.model, vector)
        return _in_parameters(moved, _score(moved, rows))[1]

    return jax.jvp(gradient, (parameter_vector.traced_vector(at.model),), (at.direction,))[1]


def hessian_product(
    model: Mixture, direction: Float[AnyArray, " D"], batch: Batch
) -> Float[AnyArray, " D"]:
    """Hessian of the mean log-likelihood times a direction, without the Hessian."""
    at = _Direction(model, np.asarray(direction))
    return total(_product, at, batch, spread_from=FEW)


def predictor_layout(model: Mixture, rows: Rows) -> predictors.Layout:
    """All predictors: the gate's, then expert after expert."""
    groups = model.experts.groups()
    each = [predictors.Group(g.feature, g.coef[k]) for k in range(model.n_experts) for g in groups]
    return predictors.layout((*model.gate.groups(), *each), rows)


class _CurvatureSums(NamedTuple):
    value: AnyArray
    slopes: AnyArray
    curves: dict[str, AnyArray]
    mass: AnyArray


def _curvature(model: Mixture, rows: Rows) -> _CurvatureSums:
    blocks = row_blocks(model, rows)
    where = predictor_layout(model, rows)
    return _CurvatureSums(
        jnp.sum(blocks.evidence),
        predictors.gradient(blocks.score, where, rows),
        predictors.pair_sums(blocks.pairs, where, rows),
        blocks.mass,
    )


def derivatives_and_mass(
    model: Mixture, batch: Batch
) -> tuple[
    Float[AnyArray, ""], Float[AnyArray, " D"], Float[AnyArray, "D D"], Float[AnyArray, " K"]
]:
    """Mean log-likelihood, gradient, Hessian, and the weight of each expert, in one pass."""
    if batch.rows.sharing is not None:
        return total(_curvature_of_units, model, batch)
    finish = _assembled_shared if batch.rows.Phi is None else _assembled
    return total(_curvature, model, batch, finish, spread_from=FEW)


def _curvature_of_units(
    model: Mixture, rows: Rows
) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray]:
    """The same where rows share experts: no row has a Hessian of its own.

    By derivatives of the gradient, a direction after the other.
    """
    vector = jnp.asarray(parameter_vector.traced_vector(model))

    def gradient(v: AnyArray) -> AnyArray:
        moved = parameter_vector.from_vector(model, v)
        return _in_parameters(moved, _score(moved, rows))[1]

    def along(direction: AnyArray) -> AnyArray:
        return jax.jvp(gradient, (vector,), (direction,))[1]

    hessian = jax.lax.map(along, jnp.eye(len(vector)), batch_size=DIRECTIONS)
    value, slopes = _in_parameters(model, _score(model, rows))
    mass = jnp.sum(posterior_of(model, rows).of_gate, axis=1)
    return value, slopes, 0.5 * (hessian + hessian.T), mass


def _assembled(model: Mixture, sums: _CurvatureSums):
    return _assemble(model, sums, shared=False)


def _assembled_shared(model: Mixture, sums: _CurvatureSums):
    """:func:`_assembled` where gate and experts have the same features."""
    return _assemble(model, sums, shared=True)


def _assemble(model: Mixture, sums: _CurvatureSums, *, shared: bool):
    # which features there are is all that the layout asks of the rows
    one = np.zeros((1, 1))
    rows = Rows(one, None if shared else one, one, one)
    index, size = _index(model), parameter_vector.size(model)
    hessian = predictors.curvature(sums.curves, predictor_layout(model, rows))
    hessian = parameter_vector.fold(parameter_vector.fold(hessian, index, size).T, index, size)
    return sums.value, parameter_vector.fold(sums.slopes, index, size), hessian, sums.mass


def derivatives(
    model: Mixture, batch: Batch
) -> tuple[Float[AnyArray, ""], Float[AnyArray, " D"], Float[AnyArray, "D D"]]:
    """Mean log-likelihood, gradient and Hessian in the parameter vector, in one pass."""
    return derivatives_and_mass(model, batch)[:3]


def _expert_curves(model: Mixture, rows: Rows) -> dict[str, AnyArray]:
    """Sums of a chunk for :func:`expert_information`."""
    at = posterior_of(model, rows)
    bend = model.experts.derivatives(at.expert_eta, rows.y)[1]
    where = model.experts.layout()
    return jax.vmap(lambda one: predictors.curvature_sums(one, where, rows))(
        -at.weighted[:, None, None, :] * bend
    )


def expert_information(model: Mixture, batch: Batch) -> Float[np.ndarray, "K E E"]:
    """Information of each expert's predictors, as if responsibilities were known."""
    sums = total(_expert_curves, model, batch)
    where = model.experts.layout()
    each = [
        {name: np.asarray(sum_)[k] for name, sum_ in sums.items()} for k in range(model.n_experts)
    ]
    return np.stack([np.asarray(predictors.curvature(one, where)) for one in each])
