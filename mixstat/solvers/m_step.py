"""One EM step: the sums over rows, the experts' closed form and the gate's Newton step."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, PyTree

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.gates.base import Gate
from mixstat.gates.blocks import Prior
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.penalty import NoPenalty
from mixstat.numerics.precision import AnyArray
from mixstat.objective.likelihood import shares_of
from mixstat.objective.objective import Objective
from mixstat.objective.reduction import Chunks, chunks_of, scan, scan_and_keep
from mixstat.solvers.plane_step import StepSums, step_in_plane

GATE_STEPS = 50  # inner Newton steps of an exact gate step
CLIMB_CHUNKS = 4  # of start rows that a gate climbs on: enough to tell hills apart
ALONE_STEPS = 50  # Newton steps of experts that each fit all rows
FIRST_TOL = 1e-4  # relative change of the surrogate at which a start's gate is good enough

Tree = TypeVar("Tree")


def _statistics(model: Mixture, rows: Rows) -> tuple[StepSums, tuple[Prior, AnyArray]]:
    """The sums, and what was made of each row on the way for the gate."""
    prior = model.gate.prior(rows)
    resp, evidence = shares_of(prior, model.experts.log_prob(rows), rows)
    weighted, of_gate = _weighted(resp, rows)
    sums = StepSums(
        jnp.sum(rows.once * evidence),
        model.gate.statistics(rows, of_gate, prior),
        model.experts.statistics(rows, weighted),
    )
    return sums, (prior, of_gate)


def _weighted(resp: Float[AnyArray, "K n"], rows: Rows) -> tuple[AnyArray, AnyArray]:
    """Responsibilities times weights, for the experts, and for the gate: there units count once."""
    weighted = resp * rows.weight[None, :]
    return weighted, weighted if rows.sharing is None else resp * rows.once[None, :]


def step_statistics(model: Mixture, rows: Rows) -> StepSums:
    """Sums of a chunk for its log-likelihood and the M-step."""
    return _statistics(model, rows)[0]


def statistics_for(objective: Objective) -> Callable[[Mixture, Rows], StepSums]:
    """The sums of a chunk that the M-step of an objective is made of."""
    return step_statistics if objective.plane is None else _statistics_in_plane


def _statistics_in_plane(model: Mixture, rows: Rows) -> StepSums:
    """:func:`step_statistics` for a step of all parameters together, where equations tie them."""
    prior = model.gate.prior(rows)
    resp, evidence = shares_of(prior, model.experts.log_prob(rows), rows)
    weighted, of_gate = _weighted(resp, rows)
    return StepSums(
        jnp.sum(rows.once * evidence),
        model.gate.statistics(rows, of_gate, prior),
        Experts.statistics(model.experts, rows, weighted),
    )


def _sums_and_surrogate(
    model: Mixture, rows: Rows
) -> tuple[tuple[StepSums, AnyArray], Float[AnyArray, "K n"]]:
    """The sums, with the gate's surrogate at the current gate; and the responsibilities."""
    sums, (prior, of_gate) = _statistics(model, rows)
    return (sums, _surrogate(prior, of_gate)), of_gate


def _surrogate(prior: Prior, weighted: Float[AnyArray, "K n"]) -> AnyArray:
    """Sum of weighted log probabilities."""
    value = jnp.sum(weighted * prior.logit)
    if prior.total is None:
        return value
    return value - jnp.sum(jnp.sum(weighted, axis=0) * jnp.log(prior.total))


def m_step_of(objective: Objective, model: Mixture, sums: StepSums) -> tuple[AnyArray, Mixture]:
    """Objective of ``model`` and its M-step, from the sums over rows at ``model``."""
    if objective.plane is not None:
        return step_in_plane(objective, model, sums)
    penalties = objective.penalties
    gate = model.gate.m_step(sums.gate, objective.gate_bounds(), penalties.gate)
    experts = model.experts.m_step(sums.experts, objective.expert_bounds(), penalties.experts)
    value = sums.value - objective.penalty.value(parameter_vector.traced_vector(model))
    return value, Mixture(gate, experts)


def with_exact_gate(
    objective: Objective, model: Mixture, gate_tol: AnyArray | float
) -> tuple[AnyArray, Mixture]:
    """:func:`m_step_of` with the gate at the maximum of its surrogate: several passes."""
    (sums, surrogate), kept = scan_and_keep(_sums_and_surrogate, model, chunks_of(objective.batch))
    value, target = m_step_of(objective, model, sums)
    bounds, penalty = objective.gate_bounds(), objective.penalties.gate

    def penalised(value: AnyArray, gate: Gate) -> AnyArray:
        return value - penalty.value(parameter_vector.traced_vector(gate))

    def look(gate: Gate) -> tuple[AnyArray, Gate]:
        height, statistics = scan(_gate_sums, gate, chunks_of(objective.batch, kept))
        return penalised(height, gate), gate.m_step(statistics, bounds, penalty)

    start = model.gate, penalised(surrogate, model.gate)
    gate = _climb(look, start, target.gate, jnp.asarray(gate_tol))[0]
    return value, Mixture(gate, target.experts)


def _gate_sums(gate: Gate, chunk: tuple[Rows, AnyArray]) -> tuple[AnyArray, PyTree]:
    """The gate's surrogate for weighted responsibilities, and its statistics."""
    rows, weighted = chunk
    prior = gate.prior(rows)
    return _surrogate(prior, weighted), gate.statistics(rows, weighted, prior)


def _climb(
    look: Callable[[Gate], tuple[AnyArray, Gate]],
    start: tuple[Gate, AnyArray],
    first: Gate,
    tol: AnyArray | float,
) -> tuple[Gate, AnyArray]:
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


def slack(value: AnyArray, dtype: np.dtype | type = np.float64) -> AnyArray:
    """Rounding of a mean log-likelihood of rows of ``dtype``: a smaller loss is none."""
    return 450 * float(np.finfo(dtype).eps) * (1 + jnp.abs(value))


def choose(condition: AnyArray, yes: Tree, no: Tree) -> Tree:
    """One tree or the other, whole."""
    return jax.tree.map(partial(jnp.where, condition), yes, no)


@kernel("shrunk")
def first_model(
    objective: Objective, null: Mixture, resp: Float[AnyArray, "c K r"], *, shrunk: bool = False
) -> Mixture:
    """The M-step from given responsibilities, out of a model in which experts are alike.

    The experts' penalty is left out, unless they are ``shrunk``: they then begin without the
    features that it acts on. With as many coefficients as rows they would else pass through all
    of them, where no scale is left that could ever let them go.
    """
    chunks, bounds = chunks_of(objective.batch, resp), objective.expert_bounds()
    penalty, width = objective.penalties.experts, null.experts.groups()[0].coef.shape[-1]
    features = penalty.free(width) if shrunk else None
    gate_sums, expert_sums = scan(partial(_first_sums, features=features), null, chunks)
    gate = null.gate.m_step(gate_sums, objective.gate_bounds(), objective.penalties.gate)
    first = Mixture(gate, null.experts.start(expert_sums, bounds))
    if features is None:
        return first
    statistics = scan(_given_sums, first, chunks)
    return Mixture(gate, first.experts.m_step(statistics, bounds, penalty))


def _first_sums(
    model: Mixture, chunk: tuple[Rows, AnyArray], features: Bool[AnyArray, " p"] | None
) -> tuple[PyTree, PyTree]:
    """Sums for a first gate, and for first experts that see some features, or all."""
    rows, resp = chunk
    weighted, of_gate = _weighted(resp, rows)
    gate = model.gate.statistics(rows, of_gate)
    if features is not None:
        few = jnp.where(features[:, None], rows.feature("Phi"), 0.0)
        rows = replace(rows, Phi=few)
    return gate, model.experts.start_statistics(rows, weighted)


@kernel()
def each_alone(objective: Objective, null: Mixture) -> Mixture:
    """Experts that each fit all rows, as if there were no others."""
    k, bounds, none = null.n_experts, objective.expert_bounds(), NoPenalty()

    def every(rows: Rows) -> Float[AnyArray, "K n"]:
        return jnp.broadcast_to(rows.weight[None, :], (k, rows.weight.shape[0]))

    def step(_: AnyArray | int, experts: Experts) -> Experts:
        sums = scan(lambda e, rows: e.statistics(rows, every(rows)), experts, chunks)
        return experts.m_step(sums, bounds, none)

    chunks = chunks_of(objective.batch)
    sums = scan(lambda e, rows: e.start_statistics(rows, every(rows)), null.experts, chunks)
    first = null.experts.start(sums, bounds)
    steps = 1 if null.experts.exact_step else ALONE_STEPS
    return Mixture(null.gate, jax.lax.fori_loop(0, steps, step, first))


def _given_sums(model: Mixture, chunk: tuple[Rows, AnyArray]) -> PyTree:
    """Statistics of the experts for given responsibilities."""
    rows, resp = chunk
    return model.experts.statistics(rows, resp * rows.weight[None, :])


@kernel("shrunk")
def first_models(
    objective: Objective, null: Mixture, resp: Float[AnyArray, "s c K r"], *, shrunk: bool = False
) -> Mixture:
    """:func:`first_model` of several starts, stacked."""
    return jax.lax.map(lambda one: first_model(objective, null, one, shrunk=shrunk), resp)


@kernel()
def climb_gate(
    objective: Objective, start: Gate, resp: Float[AnyArray, "c K r"]
) -> tuple[Gate, Float[AnyArray, ""]]:
    """The gate's M-step for given responsibilities to its end, and the surrogate there."""
    bounds = objective.gate_bounds()
    few = jnp.minimum(objective.batch.n_chunks, CLIMB_CHUNKS)
    chunks = Chunks((objective.batch.rows, resp), few)

    def look(gate: Gate) -> tuple[AnyArray, Gate]:
        value, sums = scan(_raw_gate_sums, gate, chunks)
        return value, gate.m_step(sums, bounds, NoPenalty())

    value, first = look(start)
    return _climb(look, (start, value), first, FIRST_TOL)


def _raw_gate_sums(gate: Gate, chunk: tuple[Rows, AnyArray]) -> tuple[AnyArray, PyTree]:
    rows, resp = chunk
    weighted = resp * rows.once[None, :]
    return jnp.sum(weighted * gate.log_weight(rows)), gate.statistics(rows, weighted)
