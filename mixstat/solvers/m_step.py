"""One EM step: the sums over rows, the experts' closed form and the gate's Newton step."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat import flat
from mixstat.batch import Batch, Rows
from mixstat.gates.base import Gate, Prior
from mixstat.kernels import kernel
from mixstat.likelihood import (
    each_row,
    responsibilities,
    shares_of,
    total,
    total_and_rows,
    total_over,
)
from mixstat.model import Mixture
from mixstat.precision import AnyArray
from mixstat.solvers.problem import Penalty, Problem

GATE_STEPS = 50  # inner Newton steps of an exact gate step
CLIMB_CHUNKS = 4  # of start rows that a gate climbs on: enough to tell hills apart
FIRST_TOL = 1e-4  # relative change of the surrogate at which a start's gate is good enough


def _statistics(model: Mixture, rows: Rows):
    """Sums for the log-likelihood and the M-step, and what was made of each row on the way."""
    prior = model.gate.prior(rows)
    resp, evidence = shares_of(prior, model.experts.log_prob(rows), rows)
    weighted = resp * rows.weight[None, :]
    sums = (
        jnp.sum(rows.weight * evidence),
        model.gate.statistics(rows, weighted, prior),
        model.experts.statistics(rows, weighted),
    )
    return sums, (prior, weighted)


def _sums(model: Mixture, rows: Rows):
    return _statistics(model, rows)[0]


def _sums_and_surrogate(model: Mixture, rows: Rows):
    """The sums, with the gate's surrogate at the current gate; and the responsibilities."""
    sums, (prior, weighted) = _statistics(model, rows)
    return (*sums, _surrogate(prior, weighted)), weighted


def _surrogate(prior: Prior, weighted: Float[AnyArray, "K n"]) -> AnyArray:
    """Sum of weighted log probabilities."""
    value = jnp.sum(weighted * prior.logit)
    if prior.total is None:
        return value
    return value - jnp.sum(jnp.sum(weighted, axis=0) * jnp.log(prior.total))


def _penalty(model: Mixture, shrink: Penalty) -> AnyArray:
    vector = flat.traced_vector(model)
    value = 0.5 * vector @ (shrink.square @ vector)
    return value if shrink.l1 is None else value + shrink.l1 @ jnp.abs(vector)


def evaluate(
    problem: Problem, model: Mixture, *, exact_gate: bool = False, gate_tol: AnyArray | float = 0.0
):
    """Objective of ``model`` and its M-step, in one pass (more for an exact gate step)."""
    batch, shrink = problem.batch, problem.shrink
    if exact_gate:
        sums, kept = total_and_rows(_sums_and_surrogate, model, batch)
        value, gate_sums, expert_sums, surrogate = sums
    else:
        value, gate_sums, expert_sums = total(_sums, model, batch)
    gates, families = limits(problem)
    gate = model.gate.m_step(gate_sums, gates, None if shrink is None else shrink.gate)
    experts = model.experts.m_step(
        expert_sums, families, None if shrink is None else shrink.experts
    )
    if exact_gate:
        gate = _exact_gate(problem, model.gate, gate, (kept, surrogate), jnp.asarray(gate_tol))
    if shrink is not None:
        value = value - _penalty(model, shrink)
    return value, Mixture(gate, experts)


def limits(problem: Problem):
    """Bounds of the gate and of the experts."""
    lower, upper = problem.lower, problem.upper
    return (lower.gate, upper.gate), (lower.experts, upper.experts)


def _exact_gate(
    problem: Problem, start: Gate, first: Gate, known: tuple[AnyArray, AnyArray], tol: AnyArray
) -> Any:
    """Newton to the maximum of the gate's surrogate, from ``start`` by way of ``first``.

    ``known`` are the weighted responsibilities (c, K, r) and the surrogate at the start. Ends
    after a step that changed the surrogate by less than ``tol``, relative.
    """
    shrink = None if problem.shrink is None else problem.shrink.gate
    bounds, (kept, value) = limits(problem)[0], known

    def penalised(value: AnyArray, gate: Gate) -> AnyArray:
        return value if shrink is None else value - shrink.value(flat.traced_vector(gate))

    def sums(gate, data: tuple[Rows, AnyArray]):
        rows, weighted = data
        prior = gate.prior(rows)
        return _surrogate(prior, weighted), gate.statistics(rows, weighted, prior)

    def look(gate):
        chunks = (problem.batch.rows, kept)
        value, statistics = total_over(sums, gate, chunks, problem.batch.n_chunks)
        return penalised(value, gate), gate.m_step(statistics, bounds, shrink)

    return _climb(look, (start, penalised(value, start)), first, tol)[0]


def _climb(look: Callable, start: tuple[Gate, AnyArray], first: Gate, tol: AnyArray | float) -> Any:
    """Newton steps, halved until they gain, from ``start`` with ``first`` as the first trial.

    ``start`` is a gate and its surrogate.
    """

    def step(carry):
        gate, value, trial, _, n = carry
        new_value, target = look(trial)
        better = new_value >= value - slack(value)
        middle = jax.tree.map(lambda a, b: 0.5 * (a + b), gate, trial)
        change = jnp.where(better, jnp.abs(new_value - value), jnp.inf)
        kept = choose(better, (trial, new_value), (gate, value))
        return (*kept, choose(better, target, middle), change, n + 1)

    def moving(carry):
        return (carry[3] > tol * jnp.abs(carry[1])) & (carry[4] < GATE_STEPS)

    return jax.lax.while_loop(moving, step, (*start, first, jnp.inf, 0))[:2]


def slack(value: AnyArray, dtype: Any = np.float64) -> AnyArray:
    """Rounding of a mean log-likelihood of rows of ``dtype``: a smaller loss is none."""
    return 450 * float(np.finfo(dtype).eps) * (1 + jnp.abs(value))


def choose(condition: AnyArray, yes: Any, no: Any) -> Any:
    """One tree or the other, whole."""
    return jax.tree.map(partial(jnp.where, condition), yes, no)


@kernel()
def first_model(problem: Problem, null: Mixture, resp: Float[AnyArray, "c K r"]) -> Mixture:
    """The M-step from given responsibilities, out of a model in which experts are alike."""

    def sums(model: Mixture, data: tuple[Rows, AnyArray]):
        rows, share = data
        weighted = share * rows.weight[None, :]
        gate = model.gate.statistics(rows, weighted)
        return gate, model.experts.start_statistics(rows, weighted)

    chunks = (problem.batch.rows, resp)
    gate_sums, expert_sums = total_over(sums, null, chunks, problem.batch.n_chunks)
    shrink = None if problem.shrink is None else problem.shrink.gate
    gates, families = limits(problem)
    gate = null.gate.m_step(gate_sums, gates, shrink)
    return Mixture(gate, null.experts.start(expert_sums, families))


@kernel()
def first_models(problem: Problem, null: Mixture, resp: Float[AnyArray, "s c K r"]) -> Mixture:
    """:func:`first_model` of several starts, stacked."""
    return jax.lax.map(lambda one: first_model(problem, null, one), resp)


@kernel()
def climb_gate(
    problem: Problem, start: Gate, resp: Float[AnyArray, "c K r"]
) -> tuple[Gate, Float[AnyArray, ""]]:
    """The gate's M-step for given responsibilities to its end, and the surrogate there."""
    bounds = limits(problem)[0]

    def surrogate(gate, data: tuple[Rows, AnyArray]):
        rows, share = data
        weighted = share * rows.weight[None, :]
        value = jnp.sum(weighted * gate.log_weight(rows))
        return value, gate.statistics(rows, weighted)

    def look(gate):
        value, sums = total_over(surrogate, gate, (problem.batch.rows, resp), n_chunks)
        return value, gate.m_step(sums, bounds, None)

    n_chunks = jnp.minimum(problem.batch.n_chunks, CLIMB_CHUNKS)
    value, first = look(start)
    return _climb(look, (start, value), first, FIRST_TOL)


@kernel()
def all_responsibilities(model: Mixture, batch: Batch) -> Float[AnyArray, "c K r"]:
    """Responsibilities of all rows."""
    return each_row(lambda m, rows: responsibilities(m, rows)[0], model, batch.rows)
