"""What can be wrong with a point that no gradient shows: floors, divergence, doubles, few rows."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat import flat
from mixstat.model import Mixture, expanded_index
from mixstat.objective.likelihood import expert_mass, log_likelihood
from mixstat.objective.objective import Objective
from mixstat.results import STEEP_GATE

FLAT = 1e-7  # information per row below which a direction is examined for divergence
STEEP = 5.0  # and how long its gate coefficients must be there
LONG = 5.0  # no coefficient beyond: nothing can be diverging
NEAR = 1e-9  # distance at which a parameter sits on its bound
SAME = 1e-4  # experts closer than this in every standardised parameter coincide


class Point(NamedTuple):
    """A point that is examined."""

    objective: Objective
    model: Mixture
    vector: Float[np.ndarray, " D"]
    free: Bool[np.ndarray, " D"]


def is_degenerate(
    objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"] | None = None
) -> bool:
    """Whether an expert sits on its floor or on too few rows; cheaper than a verdict."""
    model = flat.as_numpy(model)
    if model.n_experts == 1:
        return False
    if binding_floors(objective, model):
        return True
    if mass is None:
        mass = np.asarray(expert_mass(model, objective.batch))
    return bool(thin(objective, model, mass))


def binding_floors(objective: Objective, model: Mixture) -> tuple[int, ...]:
    """Experts whose scale sits on its floor."""
    # a tied parameter belongs to every expert; one that is fixed is not on a floor
    vector = flat.to_vector(model)
    at = objective.varying & objective.floor & (vector <= objective.lower + NEAR)
    each = expanded_index(model)[1]
    return tuple(int(k) for k in np.flatnonzero((at[each] & (each >= 0)).any(axis=1)))


def diverging_gate(point: Point, directions: Float[np.ndarray, "f F"]) -> tuple[int, ...]:
    """Experts (or nodes) whose gate coefficients can double along flat directions at no cost."""
    gate = point.model.gate
    # slopes alone: a constant that diverges is an expert without rows, not a step in x
    move = _doubled_for_nothing(point, directions, np.arange(flat.size(gate)), gate.slopes() > 0)
    return _gate_rows(point.model, move > 0.1)


def diverging_experts(point: Point, directions: Float[np.ndarray, "f F"]) -> tuple[int, ...]:
    """Experts whose coefficients can double along flat directions at no cost."""
    model = point.model
    if not model.experts.discrete:
        return ()
    n_gate, size = flat.size(model.gate), flat.size(model)
    where = np.arange(n_gate, size)
    move = _doubled_for_nothing(point, directions, where, np.ones(len(where), bool))
    each = expanded_index(model)[1]
    moved = np.where(each >= 0, move[np.maximum(each - n_gate, 0)], 0.0)
    return tuple(int(k) for k in np.flatnonzero(moved.max(axis=1) > 0.1))


def _doubled_for_nothing(
    point: Point,
    directions: Float[np.ndarray, "f F"],
    where: np.ndarray,
    watched: Bool[np.ndarray, " w"],
) -> np.ndarray:
    """Shares of a part's parameters in what can double for nothing; zeros if nothing can.

    ``where`` are the part's parameters, ``watched`` those of them that must be long there.
    """
    nothing = np.zeros(len(where))
    full = np.zeros((len(point.vector), directions.shape[1]))
    full[point.free] = directions
    if full.size == 0 or len(where) == 0:
        return nothing
    # orthonormal directions of the part's parameters that are flat, whatever their mixture
    left, size, _ = np.linalg.svd(full[where], full_matrices=False)
    basis = left[:, size > np.sqrt(0.5)]
    along = basis @ (basis.T @ point.vector[where])
    if not np.linalg.norm(along[watched]) > STEEP:
        return nothing
    further = point.vector.copy()
    further[where] += along
    objective = point.objective
    if not np.array_equal(objective.clip(further), further):  # a compact set lets nothing diverge
        return nothing
    before, after = (
        float(log_likelihood(model, objective.batch))
        for model in (point.model, objective.model(further))
    )
    return np.abs(along) / np.linalg.norm(along) if before - after <= 1e-8 else nothing


def steep_gate(model: Mixture) -> tuple[int, ...]:
    """Experts whose finite gate coefficients are those of a near step."""
    steep = np.abs(flat.to_vector(model)[: flat.size(model.gate)]) > STEEP_GATE
    return _gate_rows(model, steep & (model.gate.slopes() > 0))


def _gate_rows(model: Mixture, marked: Bool[np.ndarray, " G"]) -> tuple[int, ...]:
    """Experts (or nodes) among whose gate coefficients one is marked."""
    rows: set[int] = set()
    for group in flat.numbered(model.gate).groups():
        if group.feature == "Z":
            rows |= {int(k) for k in np.flatnonzero(marked[group.coef - 1].any(axis=-1))}
    return tuple(sorted(rows))


def coinciding(model: Mixture) -> tuple[tuple[int, int], ...]:
    """Pairs of experts with the same conditional density."""
    k = model.n_experts
    if not model.experts.exchangeable:
        return ()
    each = expanded_index(model)[1]
    table = flat.to_vector(model)[each]
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    return tuple((i, j) for i, j in pairs if np.max(np.abs(table[i] - table[j])) < SAME)


def thin(
    objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"]
) -> tuple[int, ...]:
    """Experts with fewer effective rows than parameters of their own plus one."""
    if model.n_experts == 1:
        return ()
    rows = mass * float(objective.batch.total_weight)
    each = expanded_index(model)[1]
    needed = np.sum((each >= 0) & objective.varying[each], axis=1) + 1
    return tuple(int(k) for k in np.flatnonzero(rows < needed))
