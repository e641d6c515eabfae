"""Gradient and exact Hessian of the log-likelihood from small per-row blocks.

With a_k = log pi_k + log f_k, responsibilities r_k and s_k, h_k the first and second
derivatives of a_k in the linear predictors, the log-likelihood of a row has the gradient
``g = sum_k r_k s_k`` and the Hessian ``sum_k r_k (h_k + s_k s_k') - g g'`` (Louis 1982,
J. R. Statist. Soc. B 44, 226-233). Parameters follow by products with the features.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat import flat, linear
from mixstat.batch import Batch, Rows
from mixstat.kernels import kernel
from mixstat.likelihood import total
from mixstat.model import Mixture, expanded_index
from mixstat.precision import AnyArray


def row_blocks(
    model: Mixture, rows: Rows
) -> tuple[Float[AnyArray, " n"], Float[AnyArray, "e n"], Float[AnyArray, "e e n"]]:
    """Weighted log p(y | x) per row with its derivatives in the predictors, gate's first."""
    gate_eta = linear.predict(model.gate.groups(), rows)
    expert_eta = linear.predict(model.experts.groups(), rows)
    joint = model.gate.link(gate_eta, rows.Z) + model.experts.link(expert_eta, rows.y)
    if rows.log_possibility is not None:
        joint = joint + rows.log_possibility
    evidence = jax.nn.logsumexp(joint, axis=0)
    resp = jnp.exp(joint - evidence[None, :])
    # weights enter once, through the responsibilities, before tables get wide
    weight, weighted = rows.weight, resp * rows.weight[None, :]

    jac = model.gate.jacobian(gate_eta, rows.Z)  # (K, E, n)
    slope, bend = model.experts.derivatives(expert_eta, rows.y)  # (K, L, n), (K, L, L, n)
    k, width, n = slope.shape
    gate_score = jnp.sum(resp[:, None, :] * jac, axis=0)
    expert_score = (resp[:, None, :] * slope).reshape(k * width, n)
    expert_weighted = weight[None, :] * expert_score

    own = jnp.sum(weighted[:, None, None, :] * jac[:, :, None, :] * jac[:, None, :, :], axis=0)
    outer = (weight[None, :] * gate_score)[:, None, :] * gate_score[None, :, :]
    gate_gate = model.gate.surrogate_hessian(gate_eta, rows.Z, weighted) + own - outer
    centred = jnp.swapaxes(jac - gate_score[None, :, :], 0, 1)  # (E, K, n)
    mixed = centred[:, :, None, :] * expert_weighted.reshape(1, k, width, n)
    gate_expert = mixed.reshape(len(gate_eta), k * width, n)
    within = weighted[:, None, None, :] * (bend + slope[:, :, None, :] * slope[:, None, :, :])
    within = within[:, :, None, :, :] * jnp.eye(k)[:, None, :, None, None]
    between = expert_weighted[:, None, :] * expert_score[None, :, :]
    expert_expert = within.reshape(k * width, k * width, n) - between

    top = jnp.concatenate([gate_gate, gate_expert], axis=1)
    bottom = jnp.concatenate([jnp.swapaxes(gate_expert, 0, 1), expert_expert], axis=1)
    score = jnp.concatenate([weight[None, :] * gate_score, expert_weighted])
    return weight * evidence, score, jnp.concatenate([top, bottom])


def predictor_layout(model: Mixture, rows: Rows) -> linear.Layout:
    """All predictors: the gate's, then expert after expert."""
    groups = model.experts.groups()
    each = [linear.Group(g.feature, g.coef[k]) for k in range(model.n_experts) for g in groups]
    return linear.layout((*model.gate.groups(), *each), rows)


def _chunk(model: Mixture, rows: Rows):
    evidence, score, blocks = row_blocks(model, rows)
    where = predictor_layout(model, rows)
    return (
        jnp.sum(evidence),
        linear.gradient(score, where, rows),
        linear.curvature_sums(blocks, where, rows),
    )


@kernel()
def derivatives(
    model: Mixture, batch: Batch
) -> tuple[Float[AnyArray, ""], Float[AnyArray, " D"], Float[AnyArray, "D D"]]:
    """Mean log-likelihood, gradient and Hessian in the parameter vector, in one pass."""
    value, slopes, sums = total(_chunk, model, batch)
    index, size = np.concatenate([np.ravel(i) for i in expanded_index(model)]), flat.size(model)
    hessian = linear.curvature(sums, predictor_layout(model, batch.rows))
    hessian = flat.fold(flat.fold(hessian, index, size).T, index, size)
    return value, flat.fold(slopes, index, size), hessian
