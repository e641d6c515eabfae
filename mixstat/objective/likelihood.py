"""Where gate and experts meet: the joint log density of an expert and a response."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from mixstat.data.batch import SMALL, Batch, ReadBatch, Rows
from mixstat.gates.base import Gate
from mixstat.gates.blocks import Prior
from mixstat.model import Mixture
from mixstat.numerics.compiled import kernel, traced
from mixstat.numerics.precision import AnyArray
from mixstat.objective.reduction import each_row, total

MOST_GAIN = 50.0  # log-likelihood that a row which no other expert may take can gain
FEW = 8  # experts whose exponentials are a loop of their own


def log_joint(prior: Prior, density: Float[AnyArray, "K n"], rows: Rows) -> Float[AnyArray, "K n"]:
    """log pi_k(x) + log f_k(y | x) (+ log possibility of context k) of each row.

    The density is that of all rows of a unit, where rows share one expert. Up to the log of
    ``prior.total``, which is the same for all experts. Every likelihood,
    responsibility and derivative takes what the gate and the experts say from here.
    """
    joint = prior.logit + rows.pooled(density)
    return joint if rows.log_possibility is None else joint + rows.log_possibility


def shares_of(
    prior: Prior, density: Float[AnyArray, "K n"], rows: Rows
) -> tuple[Float[AnyArray, "K n"], Float[AnyArray, " n"]]:
    """Posterior probabilities of the experts given x and y, and log p(y | x).

    From the gate's and the experts' part, by K exponentials and one logarithm a row.
    """
    fall, top = _from_top(log_joint(prior, density, rows))
    # a loop for each expert: exponentials over their own input are not made side by side
    power = jnp.stack([jnp.exp(one) for one in fall]) if len(fall) <= FEW else jnp.exp(fall)
    sums = jnp.sum(power, axis=0)
    return power * (1 / sums)[None, :], _evidence(prior, top, sums)


def _from_top(joint: Float[AnyArray, "K n"]) -> tuple[AnyArray, AnyArray]:
    """Log joint densities less the largest of each row, and that one."""
    top = jnp.max(joint, axis=0)
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    return joint - top[None, :], top


def _evidence(prior: Prior, top: AnyArray, sums: AnyArray) -> Float[AnyArray, " n"]:
    ratio = sums if prior.total is None else sums / prior.total
    return top + jnp.log(ratio)


def responsibilities(
    model: Mixture, rows: Rows
) -> tuple[Float[AnyArray, "K n"], Float[AnyArray, " n"]]:
    """:func:`shares_of` a model."""
    return shares_of(model.gate.prior(rows), model.experts.log_prob(rows), rows)


def log_conditional(model: Mixture, rows: Rows) -> Float[AnyArray, "K n"]:
    """log pi_k(x) + log f_k(y | x) of each row by the gate alone, whatever was maximised."""
    known = replace(rows, log_possibility=None)
    return log_joint(Prior(model.gate.log_prob(rows)), model.experts.log_prob(rows), known)


def _weighted_log_likelihood(model: Mixture, rows: Rows) -> Float[AnyArray, ""]:
    prior = model.gate.prior(rows)
    fall, top = _from_top(log_joint(prior, model.experts.log_prob(rows), rows))
    return jnp.sum(rows.once * _evidence(prior, top, jnp.sum(jnp.exp(fall), axis=0)))


def log_likelihood(model: Mixture, batch: Batch) -> Float[AnyArray, ""]:
    """Weighted mean of log p(y | x)."""
    return total(_weighted_log_likelihood, model, batch)


def _weighted_conditional(model: Mixture, rows: Rows) -> Float[AnyArray, ""]:
    return jnp.sum(rows.once * jax.nn.logsumexp(log_conditional(model, rows), axis=0))


def conditional_log_likelihood(model: Mixture, batch: Batch) -> Float[AnyArray, ""]:
    """Weighted mean of log p(y | x), also where the joint density of x and y was maximised."""
    return total(_weighted_conditional, model, batch)


@kernel()
def log_joint_rows(model: Mixture, batch: Batch) -> Float[AnyArray, "c K n"]:
    """:func:`log_conditional` of every chunk."""
    return each_row(log_conditional, model, batch.rows)


@kernel()
def gate_rows(gate: Gate, rows: Rows) -> Float[AnyArray, "c K n"]:
    """Log gate probabilities of every chunk."""
    return each_row(lambda g, chunk: g.log_prob(chunk), gate, rows)


@kernel()
def input_rows(gate: Gate, rows: Rows) -> Float[AnyArray, "c 1 n"]:
    """Log density of the inputs of every chunk, for a gate that is fitted to them."""

    def log_density(gate: Gate, chunk: Rows) -> Float[AnyArray, "1 n"]:
        return jax.nn.logsumexp(gate.log_weight(chunk), axis=0)[None, :]

    return each_row(log_density, gate, rows)


def _weighted_mass(model: Mixture, rows: Rows) -> Float[AnyArray, " K"]:
    return jnp.sum(responsibilities(model, rows)[0] * rows.once[None, :], axis=1)


def expert_mass(model: Mixture, batch: Batch) -> Float[AnyArray, " K"]:
    """Share of the total weight that each expert is responsible for."""
    return likelihood_and_mass(model, batch)[1] if _few(model, batch) else _mass(model, batch)


def likelihood_and_mass(
    model: Mixture, batch: Batch
) -> tuple[Float[AnyArray, ""], Float[AnyArray, " K"]]:
    """:func:`log_likelihood` and :func:`expert_mass`."""
    if not _few(model, batch):
        return log_likelihood(model, batch), _mass(model, batch)
    table, evidence = _in_numpy(model, batch)
    weight = np.asarray(batch.rows.weight)[: len(table)]
    seen = np.where(weight > 0, evidence, 0.0)
    return np.asarray(np.sum(weight * seen)), np.sum(table * weight[:, None, :], axis=(0, 2))


def all_responsibilities(model: Mixture, batch: Batch) -> Float[AnyArray, "c K r"]:
    """Responsibilities of all rows."""
    if not _few(model, batch):
        return _all_responsibilities(model, batch)
    table, _ = _in_numpy(model, batch)
    unused = len(batch.rows.weight) - len(table)
    return np.pad(table, ((0, unused), (0, 0), (0, 0)), constant_values=1 / model.n_experts)


def _mass(model: Mixture, batch: Batch) -> Float[AnyArray, " K"]:
    return total(_weighted_mass, model, batch)


@kernel()
def _all_responsibilities(model: Mixture, batch: Batch) -> Float[AnyArray, "c K r"]:
    return each_row(lambda m, rows: responsibilities(m, rows)[0], model, batch.rows)


def _few(model: Mixture, batch: Batch) -> bool:
    """Whether NumPy answers before a program would have been loaded."""
    rows = batch.rows
    return (
        rows.weight.size <= SMALL
        and rows.weight.dtype == np.float64
        and rows.sharing is None
        and model.gate.plain
        and not model.gate.joint
        and model.experts.plain
        and not isinstance(batch, ReadBatch)
        and not traced((model, batch))
    )


def _in_numpy(
    model: Mixture, batch: Batch
) -> tuple[Float[np.ndarray, "u K r"], Float[np.ndarray, "u r"]]:
    """Responsibilities and log p(y | x) of the rows of all chunks that are used."""
    model, rows = jax.tree.map(np.asarray, (model, batch.rows))
    tables, evidence = [], []
    with np.errstate(all="ignore"):
        for i in range(int(batch.n_chunks)):
            chunk = jax.tree.map(lambda table, i=i: table[i], rows)
            prior = Prior(model.gate.log_prob(chunk))
            joint = np.asarray(log_joint(prior, model.experts.log_prob(chunk), chunk))
            top = joint.max(axis=0)
            top = np.where(np.isfinite(top), top, 0.0)
            power = np.exp(joint - top)
            sums = power.sum(axis=0)
            tables.append(power / sums)
            evidence.append(top + np.log(sums))
    return np.stack(tables), np.stack(evidence)


def _weighted_gains(model: Mixture, rows: Rows) -> Float[AnyArray, " K"]:
    joint, gate = log_conditional(model, rows), model.gate.log_prob(rows)
    whole, each = jax.nn.logsumexp(joint, axis=0), jnp.arange(len(joint))

    def gain(k: Int[AnyArray, ""]) -> Float[AnyArray, ""]:
        out = (each == k)[:, None]
        joint_left, gate_left = (
            jax.nn.logsumexp(jnp.where(out, -jnp.inf, table), axis=0) for table in (joint, gate)
        )
        gained = jnp.nan_to_num(whole - (joint_left - gate_left), nan=MOST_GAIN)
        gained = jnp.where(rows.weight > 0, jnp.minimum(gained, MOST_GAIN), 0.0)
        return jnp.sum(rows.once * gained)

    return jax.lax.map(gain, each)


def expert_gains(model: Mixture, batch: Batch) -> Float[AnyArray, " K"]:
    """What the mean log-likelihood would lose without each expert.

    The gate's shares go to the others in proportion; these stay as they are.
    """
    return total(_weighted_gains, model, batch)
