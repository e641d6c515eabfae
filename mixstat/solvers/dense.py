"""First models of gates whose surrogate has several hills, or that jump, or that anneal.

Such gates state a continuous gate with one hill (:meth:`Gate.dense`). EM with it finds who is
responsible for which rows; the gate itself then begins from its parameters, or climbs towards
its responsibilities from several places.
"""

import numpy as np
from jaxtyping import Float

from mixstat import flat
from mixstat.gates.base import Gate
from mixstat.model import Mixture
from mixstat.precision import AnyArray
from mixstat.solvers import em, m_step
from mixstat.solvers.problem import Problem

DENSE_ITER = 100  # EM steps with the dense gate, at most
DENSE_GAIN = 1e-7  # or until it gains less than this
STAGE_ITER = 10  # EM steps at each stage of an annealed gate
SCALES = (1.0, 0.5, 0.25, 0.0)  # of the dense gate's coefficients, where the gate jumps
SCALE_ITER = 20  # EM steps from each
CLIMBS = 8  # places from which a gate climbs towards the dense gate's responsibilities


def is_plain(gate: Gate) -> bool:
    """Whether a start is an M-step from its responsibilities and nothing else."""
    return gate.starting().plain


def first_model(
    problem: Problem,
    null: Mixture,
    resp: Float[AnyArray, "c K r"],
    random: np.random.Generator,
) -> Mixture:
    """The model that a start begins with, from its responsibilities."""
    dense = null.gate.dense()
    if dense is None:
        scattered = Mixture(null.gate.scatter(random), null.experts)
        return annealed(problem, m_step.first_model(problem, scattered, resp))
    smooth = _with_bounds(problem, dense)
    first = m_step.first_model(smooth, Mixture(dense, null.experts), resp)
    state = em.run(smooth, first, (DENSE_GAIN, 0.0, DENSE_ITER))
    reached = flat.as_numpy(state.model)
    gate = null.gate.adopt(reached.gate)
    if gate is not None and not gate.continuous:
        return _best_scale(problem, Mixture(gate, reached.experts))
    if gate is None:
        shares = m_step.all_responsibilities(reached, problem.batch)
        places = [null.gate.scatter(random) for _ in range(CLIMBS)]
        ends = [m_step.climb_gate(problem, place, shares) for place in places]
        heights = np.nan_to_num([float(value) for _, value in ends], nan=-np.inf)
        gate = flat.as_numpy(ends[int(np.argmax(heights))][0])
    return annealed(problem, Mixture(gate, reached.experts))


def _best_scale(problem: Problem, model: Mixture) -> Mixture:
    """The best end of short EM runs from the gate with slopes and constants scaled down.

    A dense gate may be so sure that leaving out the others costs many rows their expert; equal
    shares leave out nobody.
    """
    vector = flat.to_vector(model.gate)
    ends = [
        em.run(problem, _with_gate(model, scale * vector), (DENSE_GAIN, 0.0, SCALE_ITER))
        for scale in SCALES
    ]
    values = np.nan_to_num([float(end.value) for end in ends], nan=-np.inf)
    return flat.as_numpy(ends[int(np.argmax(values))].model)


def _with_bounds(problem: Problem, gate: Gate) -> Problem:
    """The problem with another gate; a penalty, made for this one, is left out."""
    lower, upper = gate.bounds(1e-4)
    return problem._replace(
        lower=Mixture(lower, problem.lower.experts),
        upper=Mixture(upper, problem.upper.experts),
        shrink=None,
    )


def annealed(problem: Problem, model: Mixture) -> Mixture:
    """A few EM steps at each stage of the gate's schedule, if it has one."""
    for stage in model.gate.anneal():
        low, high = (flat.to_vector(side.gate) for side in (problem.lower, problem.upper))
        held, value = low >= high, flat.to_vector(stage)
        gate = np.where(held, value, flat.to_vector(model.gate))
        at_stage = problem._replace(
            lower=_with_gate(problem.lower, np.where(held, value, low)),
            upper=_with_gate(problem.upper, np.where(held, value, high)),
        )
        state = em.run(at_stage, _with_gate(model, gate), (DENSE_GAIN, 0.0, STAGE_ITER))
        model = flat.as_numpy(state.model)
    return model


def _with_gate(model: Mixture, vector: np.ndarray) -> Mixture:
    return Mixture(flat.from_vector(model.gate, vector), model.experts)
