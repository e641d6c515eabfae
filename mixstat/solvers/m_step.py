"""One EM step: the sums over rows, the experts' closed form and the gate's Newton step."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from mixstat import flat
from mixstat.batch import Rows
from mixstat.gates.base import Gate
from mixstat.kernels import kernel
from mixstat.likelihood import responsibilities, total, total_over
from mixstat.model import Mixture
from mixstat.precision import AnyArray
from mixstat.solvers.problem import Problem, Ridge

GATE_STEPS = 50  # inner Newton steps of an exact gate step


def _statistics(model: Mixture, rows: Rows):
    resp, evidence = responsibilities(model, rows)
    weighted = resp * rows.weight[None, :]
    return (
        jnp.sum(rows.weight * evidence),
        model.gate.statistics(rows, weighted),
        model.experts.statistics(rows, weighted),
    )


def _gate_penalty(gate: Gate, ridge: Ridge) -> AnyArray:
    vector = flat.traced_vector(gate)
    return 0.5 * vector @ (ridge.gate @ vector)


def _penalty(model: Mixture, ridge: Ridge) -> AnyArray:
    squares = flat.traced_vector(ridge.experts) * flat.traced_vector(model.experts) ** 2
    return _gate_penalty(model.gate, ridge) + 0.5 * jnp.sum(squares)


def evaluate(
    problem: Problem, model: Mixture, *, exact_gate: bool = False, gate_tol: AnyArray | float = 0.0
):
    """Objective of ``model`` and its M-step, in one pass (more for an exact gate step)."""
    value, gate_sums, expert_sums = total(_statistics, model, problem.batch)
    ridge = problem.ridge
    if ridge is not None:
        value = value - _penalty(model, ridge)
    gate_ridge, expert_ridge = (None, None) if ridge is None else (ridge.gate, ridge.experts)
    gate = model.gate.m_step(gate_sums, gate_ridge)
    experts = model.experts.m_step(expert_sums, problem.lower.experts, expert_ridge)
    if exact_gate:
        gate = _exact_gate(problem, model, gate, jnp.asarray(gate_tol))
    return value, Mixture(gate, experts)


def _exact_gate(problem: Problem, model: Mixture, first: Gate, tol: AnyArray) -> Any:
    """Newton to the maximum of the gate's surrogate, at the responsibilities of ``model``.

    Ends after a step that changed the surrogate by less than ``tol``, relative.
    """
    ridge = problem.ridge

    def surrogate(gate, rows: Rows):
        weighted = responsibilities(model, rows)[0] * rows.weight[None, :]
        share = jnp.sum(weighted * gate.log_prob(rows))
        return share, gate.statistics(rows, weighted)

    def look(gate):
        value, sums = total(surrogate, gate, problem.batch)
        if ridge is not None:
            value = value - _gate_penalty(gate, ridge)
        return value, gate.m_step(sums, None if ridge is None else ridge.gate)

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

    value, _ = look(model.gate)
    return jax.lax.while_loop(moving, step, (model.gate, value, first, jnp.inf, 0))[0]


def slack(value: AnyArray) -> AnyArray:
    """Rounding of a mean log-likelihood: a smaller loss is none."""
    return 1e-13 * (1 + jnp.abs(value))


def choose(condition: AnyArray, yes: Any, no: Any) -> Any:
    """One tree or the other, whole."""
    return jax.tree.map(partial(jnp.where, condition), yes, no)


@kernel()
def first_model(problem: Problem, null: Mixture, resp: Float[AnyArray, "c K r"]) -> Mixture:
    """The M-step from given responsibilities, out of a model in which experts are alike."""

    def sums(model: Mixture, data: tuple[Rows, AnyArray]):
        rows, share = data
        weighted = share * rows.weight[None, :]
        return model.gate.statistics(rows, weighted), model.experts.statistics(rows, weighted)

    chunks = (problem.batch.rows, resp)
    gate_sums, expert_sums = total_over(sums, null, chunks, problem.batch.n_chunks)
    ridge = problem.ridge
    gate_ridge, expert_ridge = (None, None) if ridge is None else (ridge.gate, ridge.experts)
    gate = null.gate.m_step(gate_sums, gate_ridge)
    return Mixture(gate, null.experts.m_step(expert_sums, problem.lower.experts, expert_ridge))
