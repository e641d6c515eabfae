"""First models of gates whose surrogate has several hills, or that jump, or that anneal.

Such gates state a continuous gate with one hill (:class:`mixstat.gates.starting.Starting`). EM
with it finds who is responsible for which rows; the gate itself then begins from its
parameters, or climbs towards its responsibilities from several places.
"""

import numpy as np
from jaxtyping import Float

from mixstat.gates.base import Gate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.penalty import NoPenalty, make_penalty
from mixstat.numerics.precision import AnyArray
from mixstat.objective.likelihood import all_responsibilities
from mixstat.objective.objective import Objective
from mixstat.objective.strengths import Penalties
from mixstat.solvers import em, m_step
from mixstat.solvers.em import EM, StopRule

DENSE_ITER = 100  # EM steps with the dense gate, at most
GAIN = 1e-7  # or until a step gains less than this
STAGE_ITER = 10  # EM steps at each stage of an annealed gate
SCALES = (1.0, 0.5, 0.25, 0.0)  # of the dense gate's coefficients, where the gate jumps
SCALE_ITER = 20  # EM steps from each
CLIMBS = 8  # places from which a gate climbs towards the dense gate's responsibilities


def first_model(
    objective: Objective,
    null: Mixture,
    resp: Float[AnyArray, "c K r"],
    random: np.random.Generator,
    *,
    shrunk: bool = False,
) -> Mixture:
    """The model that a start begins with, from its responsibilities.

    ``shrunk`` tells whether the penalty of the experts acts from the first step on.
    """
    starting = null.gate.starting()
    if starting.dense is None:
        scattered = Mixture(_scattered(null.gate, random), null.experts)
        return annealed(objective, m_step.first_model(objective, scattered, resp, shrunk=shrunk))
    dense = Mixture(starting.dense, null.experts)
    smooth = _with_gate_of(objective, dense, shrunk=shrunk)
    near = m_step.first_model(smooth, dense, resp, shrunk=shrunk)
    near = EM(stop=StopRule(GAIN, 0.0)).run(smooth, near, max_iter=DENSE_ITER).model
    if starting.adopt is None:
        gate = _highest_climb(objective, null.gate, near, random)
        return annealed(objective, Mixture(gate, near.experts))
    model = Mixture(starting.adopt(near.gate), near.experts)
    return annealed(objective, model) if model.gate.continuous else _best_scale(objective, model)


def _scattered(gate: Gate, random: np.random.Generator) -> Gate:
    scatter = gate.starting().scatter
    return gate if scatter is None else scatter(random)


def _highest_climb(
    objective: Objective, gate: Gate, near: Mixture, random: np.random.Generator
) -> Gate:
    """Where the best of several climbs towards the responsibilities of ``near`` ends."""
    shares = all_responsibilities(near, objective.batch)
    places = [_scattered(gate, random) for _ in range(CLIMBS)]
    ends = [m_step.climb_gate(objective, place, shares) for place in places]
    heights = np.nan_to_num([float(value) for _, value in ends], nan=-np.inf)
    return parameter_vector.as_numpy(ends[int(np.argmax(heights))][0])


def _best_scale(objective: Objective, model: Mixture) -> Mixture:
    """The best end of short EM runs from the gate with slopes and constants scaled down.

    A dense gate may be so sure that leaving out the others costs many rows their expert; equal
    shares leave out nobody.
    """
    vector, rule = parameter_vector.to_vector(model.gate), StopRule(GAIN, 0.0, SCALE_ITER)
    ends = [em.run(objective, _with_gate(model, scale * vector), rule) for scale in SCALES]
    values = np.nan_to_num([float(end.value) for end in ends], nan=-np.inf)
    return parameter_vector.as_numpy(ends[int(np.argmax(values))].model)


def _with_gate_of(objective: Objective, model: Mixture, *, shrunk: bool) -> Objective:
    """The objective with another gate, whose bounds are its own and which nothing shrinks.

    Neither are the experts, unless ``shrunk``.
    """
    n_gate = parameter_vector.size(objective.template.gate)
    lower, upper = (parameter_vector.to_vector(bound) for bound in model.gate.bounds(1e-4))
    none = NoPenalty()
    penalties = Penalties(none, none, none)
    if shrunk:
        penalties = _of_experts(objective, n_gate, len(lower))
    return objective.replace(
        template=model,
        lower=np.append(lower, objective.lower[n_gate:]),
        upper=np.append(upper, objective.upper[n_gate:]),
        floor=np.append(np.zeros(len(lower), bool), objective.floor[n_gate:]),
        ceiling=np.append(np.zeros(len(lower), bool), objective.ceiling[n_gate:]),
        penalties=penalties,
    )


def _of_experts(objective: Objective, n_gate: int, n_other: int) -> Penalties:
    """The penalties on the experts, beside a gate of ``n_other`` parameters that has none."""
    size = len(objective.lower)
    both = objective.penalty.squares(size), objective.penalty.kinks(size)
    square, l1 = (np.append(np.zeros(n_other), each[n_gate:]) for each in both)
    return Penalties(make_penalty(np.diag(square), l1), NoPenalty(), objective.penalties.experts)


def annealed(objective: Objective, model: Mixture) -> Mixture:
    """A few EM steps at each stage of the gate's schedule, if it has one."""
    n_gate = parameter_vector.size(model.gate)
    held = ~objective.varying & (np.arange(parameter_vector.size(model)) < n_gate)
    for stage in model.gate.starting().stages:
        vector = parameter_vector.to_vector(model)
        vector[held] = np.append(parameter_vector.to_vector(stage), vector[n_gate:])[held]
        at_stage = objective.holding(held, vector)
        end = EM(stop=StopRule(GAIN, 0.0)).run(
            at_stage, objective.model(vector), max_iter=STAGE_ITER
        )
        model = end.model
    return model


def _with_gate(model: Mixture, vector: np.ndarray) -> Mixture:
    return Mixture(parameter_vector.from_vector(model.gate, vector), model.experts)
