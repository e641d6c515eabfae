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
from mixstat.likelihood import total
from mixstat.model import Mixture, expanded_index
from mixstat.precision import AnyArray


def row_blocks(
    model: Mixture, rows: Rows
) -> tuple[Float[AnyArray, " n"], Float[AnyArray, "e n"], Float[AnyArray, "e e n"]]:
    """log p(y | x) per row with its derivatives in the predictors, gate's first."""
    gate_eta = linear.predict(model.gate.groups(), rows)
    expert_eta = linear.predict(model.experts.groups(), rows)
    joint = model.gate.link(gate_eta) + model.experts.link(expert_eta, rows.y)
    if rows.log_possibility is not None:
        joint = joint + rows.log_possibility
    evidence = jax.nn.logsumexp(joint, axis=0)
    resp = jnp.exp(joint - evidence[None, :])

    jac = model.gate.jacobian(gate_eta)  # (K, E, n)
    slope, bend = model.experts.derivatives(expert_eta, rows.y)  # (K, L, n), (K, L, L, n)
    k, width, n = slope.shape
    gate_score = jnp.sum(resp[:, None, :] * jac, axis=0)
    expert_score = resp[:, None, :] * slope

    own = jnp.sum(resp[:, None, None, :] * jac[:, :, None, :] * jac[:, None, :, :], axis=0)
    gate_gate = model.gate.surrogate_hessian(gate_eta, resp) + own
    gate_gate = gate_gate - gate_score[:, None, :] * gate_score[None, :, :]
    mixed = (jac - gate_score[None, :, :])[:, :, None, :] * expert_score[:, None, :, :]
    gate_expert = jnp.moveaxis(mixed, 0, 1).reshape(len(gate_eta), k * width, n)
    within = resp[:, None, None, :] * (bend + slope[:, :, None, :] * slope[:, None, :, :])
    within = within[:, :, None, :, :] * jnp.eye(k)[:, None, :, None, None]
    flat = expert_score.reshape(k * width, n)
    expert_expert = within.reshape(k * width, k * width, n) - flat[:, None, :] * flat[None, :, :]

    top = jnp.concatenate([gate_gate, gate_expert], axis=1)
    bottom = jnp.concatenate([jnp.swapaxes(gate_expert, 0, 1), expert_expert], axis=1)
    return evidence, jnp.concatenate([gate_score, flat]), jnp.concatenate([top, bottom])


def predictor_keys(model: Mixture) -> tuple[str, ...]:
    """Feature names of all predictors: the gate's, then expert after expert."""
    return model.gate.keys() + model.experts.keys() * model.n_experts


def _chunk(model: Mixture, rows: Rows):
    evidence, score, blocks = row_blocks(model, rows)
    keys = predictor_keys(model)
    index, size = np.concatenate(expanded_index(model)), flat.size(model)
    gradient = linear.gradient(rows.weight[None, :] * score, keys, rows)
    hessian = linear.curvature(rows.weight[None, None, :] * blocks, keys, rows)
    hessian = flat.fold(flat.fold(hessian, index, size).T, index, size)
    return jnp.sum(rows.weight * evidence), flat.fold(gradient, index, size), hessian


@jax.jit
def derivatives(
    model: Mixture, batch: Batch
) -> tuple[Float[AnyArray, ""], Float[AnyArray, " D"], Float[AnyArray, "D D"]]:
    """Mean log-likelihood, gradient and Hessian in the parameter vector, in one pass."""
    return total(_chunk, model, batch)
