"""Where gate and experts meet, and the one reduction over rows that every algorithm uses."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat import precision
from mixstat.batch import Batch, Rows
from mixstat.gates.base import Gate, Prior
from mixstat.kernels import kernel
from mixstat.model import Mixture
from mixstat.precision import AnyArray
from mixstat.threads import in_threads

RANGE = 8  # chunks that a processor should be given at a time, at least
RANGES = 8


def log_joint(model: Mixture, rows: Rows) -> Float[AnyArray, "K n"]:
    """log pi_k(x) + log f_k(y | x) (+ log possibility of context k) for each row."""
    joint = model.gate.log_weight(rows) + model.experts.log_prob(rows)
    return joint if rows.log_possibility is None else joint + rows.log_possibility


def log_conditional(model: Mixture, rows: Rows) -> Float[AnyArray, "K n"]:
    """log pi_k(x) + log f_k(y | x) for each row: of y given x, whatever was maximised."""
    return model.gate.log_prob(rows) + model.experts.log_prob(rows)


def total(statistic: Callable[[Any, Rows], Any], model: Any, batch: Batch) -> Any:
    """Sum of ``statistic(model, rows)`` over the chunks of ``batch``, inside jit.

    Memory does not grow with the number of rows: only sums are kept.
    """
    return total_over(statistic, model, batch.rows, batch.n_chunks)


def total_over(
    statistic: Callable[[Any, Any], Any],
    model: Any,
    chunks: Any,
    n_chunks: AnyArray,
    first: AnyArray | int = 0,
) -> Any:
    """:func:`total` over any tables whose first axis numbers the chunks, from ``first`` on.

    Sums are kept in double precision, whatever that of the rows.
    """

    def chunk(i):
        return jax.tree.map(lambda a: a[i], chunks)

    model = precision.like(model, jax.tree.leaves(chunks)[0])
    shapes = jax.eval_shape(lambda m, c: statistic(m, c), model, chunk(0))
    wide = jax.tree.map(lambda s: precision.wide(s.dtype), shapes)
    if jax.tree.leaves(chunks)[0].shape[0] == 1:
        return jax.tree.map(lambda sum_, kind: sum_.astype(kind), statistic(model, chunk(0)), wide)
    zero = jax.tree.map(lambda s, kind: jnp.zeros(s.shape, kind), shapes, wide)

    def add(i, sums):
        return jax.tree.map(jnp.add, sums, statistic(model, chunk(i)))

    return jax.lax.fori_loop(first, n_chunks, add, zero)


def total_and_rows(
    statistic: Callable[[Any, Rows], tuple[Any, Any]], model: Any, batch: Batch
) -> tuple[Any, Any]:
    """:func:`total` of the first part; the second, a table per chunk, is kept."""
    model = precision.like(model, batch.rows.weight)

    def chunk(i):
        return jax.tree.map(lambda a: a[i], batch.rows)

    sums, table = jax.eval_shape(lambda m, c: statistic(m, c), model, chunk(0))
    zero = jax.tree.map(lambda s: jnp.zeros(s.shape, precision.wide(s.dtype)), sums)
    blank = jnp.zeros((batch.rows.weight.shape[0], *table.shape), table.dtype)

    def add(i, carry):
        new, rows = statistic(model, chunk(i))
        return jax.tree.map(jnp.add, carry[0], new), carry[1].at[i].set(rows)

    return jax.lax.fori_loop(0, batch.n_chunks, add, (zero, blank))


def spread(sums: Callable[..., Any], model: Any, batch: Batch) -> Any:
    """Add up ``sums(model, rows, first, last)`` of ranges of chunks, on all processors.

    The ranges depend on the data alone, so the sum does not depend on the machine.
    """
    n_chunks = int(batch.n_chunks)
    cuts = np.linspace(0, n_chunks, min(n_chunks // RANGE, RANGES) + 1).astype(int)
    parts = in_threads(
        lambda ends: jax.tree.map(np.asarray, sums(model, batch.rows, *ends)),
        list(pairwise(cuts)),
    )
    return jax.tree.map(lambda *leaves: np.asarray(sum(leaves[1:], start=leaves[0])), *parts)


def is_large(batch: Batch) -> bool:
    """Whether several processors are worth their while."""
    return int(batch.n_chunks) >= 2 * RANGE


def each_row(function: Callable[[Any, Rows], Any], model: Any, rows: Rows) -> Any:
    """``function(model, rows)`` for every chunk, kept: leaves gain a leading chunk axis."""
    return jax.lax.map(lambda chunk: function(model, chunk), rows)


def responsibilities(
    model: Mixture, rows: Rows
) -> tuple[Float[AnyArray, "K n"], Float[AnyArray, " n"]]:
    """Posterior probabilities of the experts given x and y, and log p(y | x)."""
    return shares_of(model.gate.prior(rows), model.experts.log_prob(rows), rows)


def shares_of(
    prior: Prior, density: Float[AnyArray, "K n"], rows: Rows
) -> tuple[Float[AnyArray, "K n"], Float[AnyArray, " n"]]:
    """:func:`responsibilities` from the gate's and the experts' part: K exponentials, one log."""
    joint = prior.logit + density
    if rows.log_possibility is not None:
        joint = joint + rows.log_possibility
    top = jnp.max(joint, axis=0)
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    power = jnp.exp(joint - top[None, :])
    total = jnp.sum(power, axis=0)
    ratio = total if prior.total is None else total / prior.total
    return power * (1 / total)[None, :], top + jnp.log(ratio)


def _weighted_log_likelihood(model: Mixture, rows: Rows) -> Float[AnyArray, ""]:
    return jnp.sum(rows.weight * responsibilities(model, rows)[1])


@kernel()
def log_likelihood(model: Mixture, batch: Batch) -> Float[AnyArray, ""]:
    """Weighted mean of log p(y | x)."""
    return total(_weighted_log_likelihood, model, batch)


@kernel()
def conditional_log_likelihood(model: Mixture, batch: Batch) -> Float[AnyArray, ""]:
    """Weighted mean of log p(y | x), also where the joint density of x and y was maximised."""

    def weighted(model: Mixture, rows: Rows):
        return jnp.sum(rows.weight * jax.nn.logsumexp(log_conditional(model, rows), axis=0))

    return total(weighted, model, batch)


@kernel()
def log_joint_rows(model: Mixture, batch: Batch) -> Float[AnyArray, "c K n"]:
    """:func:`log_conditional` of every chunk."""
    return each_row(log_conditional, model, batch.rows)


@kernel()
def gate_rows(gate: Gate, rows: Rows) -> Float[AnyArray, "c K n"]:
    """Log gate probabilities of every chunk."""
    return each_row(lambda g, chunk: g.log_prob(chunk), gate, rows)


@kernel()
def expert_mass(model: Mixture, batch: Batch) -> Float[AnyArray, " K"]:
    """Share of the total weight that each expert is responsible for."""

    def mass(model: Mixture, rows: Rows):
        return jnp.sum(responsibilities(model, rows)[0] * rows.weight[None, :], axis=1)

    return total(mass, model, batch)
