"""What can be wrong with a point that no gradient shows: floors, divergence, doubles."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float, Int

from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.objective.likelihood import expert_mass
from mixstat.objective.objective import Objective
from mixstat.results import STEEP_GATE
from mixstat.solvers.admissible import inadmissible

STEEP = 5.0  # length in logits (of gates), or in predictors (of experts), that can be divergence
# What the quadratic model predicts that doubling the coefficients costs, in log-likelihood of a
# row, and what it does, in fits of 70 to 500 rows, 51 of each (other roundings, orders, starts):
#                                    predicted cost    change seen       length
#   a step in x, softmax gate        1e-11 ... 4e-5   1e-14 ...  5e-7   44 ... 9e2
#   the same with a temperature          0 ... 1e-5       0 ...  4e-14  46 ... 4e5
#   one of two boundaries a step         0 ... 3e-5  -2e-13 ...  3e-7  472 ... 2e5
#   classes predicted perfectly               1e-8              3e-11      903
#   finite, few rows beyond a step            6e-3             -2e-3        82
#   finite, slope -41 to the reference         0.1             -4e-2        16
# So a cost is nine powers of ten from one that is none. A row on the wrong side costs about half
# a unit over the number of rows, which keeps finite maxima apart up to 1e8 rows or more.
CURVED = 1e-2  # predicted cost above which coefficients so long need not be tried
LOSS = 1e-10  # relative to 1 + |objective|: doubling that loses less costs nothing
GAIN = 1e-5  # and if it gains more, the solver has not finished
NEAR = 1e-9  # distance at which a parameter sits on its bound


class Point(NamedTuple):
    """A point that is examined, and what tells in which directions it is flat."""

    objective: Objective
    vector: Float[np.ndarray, " D"]
    model: Mixture
    information: Float[np.ndarray, "D D"]
    free: Bool[np.ndarray, " D"]
    invariant: Float[np.ndarray, "D F"]  # directions that never change the model


class _Watched(NamedTuple):
    """Parameters of a part that may diverge."""

    where: Int[np.ndarray, " P"]  # in the parameter vector
    long: Bool[np.ndarray, " P"]  # those that must be long for it
    unit: Float[np.ndarray, " P"]  # what a unit of each adds to a logit or a predictor


def is_degenerate(
    objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"] | None = None
) -> bool:
    """Whether a maximum there does not count, for the sake of one of its experts."""
    model = parameter_vector.as_numpy(model)
    if model.n_experts == 1:
        return False
    if mass is None:
        mass = np.asarray(expert_mass(model, objective.batch))
    return bool(inadmissible(objective, model, mass).any())


def on_floor(objective: Objective, vector: Float[np.ndarray, " D"]) -> Bool[np.ndarray, " D"]:
    """Parameters on a bound that is there only to keep a scale from vanishing."""
    below = (vector <= objective.lower + NEAR) & objective.floor
    return below | ((vector >= objective.upper - NEAR) & objective.ceiling)


def binding_floors(objective: Objective, model: Mixture) -> tuple[int, ...]:
    """Experts whose scale sits on its floor."""
    # a tied parameter belongs to every expert; one that is fixed is not on a floor
    at = objective.varying & on_floor(objective, parameter_vector.to_vector(model))
    each = expanded_index(model)[1]
    return tuple(int(k) for k in np.flatnonzero((at[each] & (each >= 0)).any(axis=1)))


def diverging_gate(point: Point) -> tuple[int, ...]:
    """Experts (or nodes) whose gate coefficients can double along flat directions at no cost."""
    gate = point.model.gate
    # slopes alone: a constant that diverges is an expert without rows, not a step in x
    watched = _Watched(
        np.arange(parameter_vector.size(gate)), gate.slopes() > 0, gate.logits_per_unit()
    )
    return _gate_rows(point.model, _doubled_for_nothing(point, watched) > 0.1)


def diverging_experts(point: Point) -> tuple[int, ...]:
    """Experts whose coefficients can double along flat directions at no cost."""
    model = point.model
    if not model.experts.discrete:
        return ()
    n_gate, size = parameter_vector.size(model.gate), parameter_vector.size(model)
    one = np.ones(size - n_gate)
    share = _doubled_for_nothing(point, _Watched(np.arange(n_gate, size), one > 0, one))
    each = expanded_index(model)[1]
    moved = np.where(each >= 0, share[np.maximum(each - n_gate, 0)], 0.0)
    return tuple(int(k) for k in np.flatnonzero(moved.max(axis=1) > 0.1))


def cannot_diverge(model: Mixture, smallest: float) -> bool:
    """Whether the information, by its smallest eigenvalue, is too sharp for any divergence."""
    unit = float(np.max(model.gate.logits_per_unit(), initial=1.0))
    return smallest > CURVED / STEEP**2 * unit**2


def _doubled_for_nothing(point: Point, watched: _Watched) -> Float[np.ndarray, " P"]:
    """Shares of a part's parameters in what can double for nothing; zeros if nothing can.

    Each space of the flattest directions is tried, the largest first: how flat a direction looks
    where a solver stops on its way to infinity is an accident, whether doubling costs is not.
    """
    share = np.zeros(len(watched.where))
    moving = point.free[watched.where] & (watched.unit > 0)
    at, long, unit = watched.where[moving], watched.long[moving], watched.unit[moving]
    here = point.vector[at] * unit
    information = point.information[np.ix_(at, at)] / np.outer(unit, unit)
    if not np.linalg.norm(here[long]) > STEEP or not np.isfinite(information).all():
        return share
    rest = complement(_invariant_within(point.invariant, at))
    values, vectors = _flattest(rest.T @ information @ rest)
    basis = rest @ vectors
    along = basis.T @ here
    # from the most directions along which coefficients so long are flat
    for count in range(int(np.sum(np.cumsum(values * along**2) < CURVED)), 0, -1):
        double = basis[:, :count] @ along[:count]
        if not np.linalg.norm(double[long]) > STEEP:
            break
        further = point.vector.copy()
        further[at] += double / unit
        if _costs_nothing(point, further):
            share[moving] = np.abs(double) / np.linalg.norm(double)
            break
    return share


def _flattest(
    information: Float[np.ndarray, "d d"],
) -> tuple[Float[np.ndarray, " f"], Float[np.ndarray, "d f"]]:
    """Eigenvalues and eigenvectors of what is flat for the shortest steep coefficient."""
    if len(information) == 0:
        return np.zeros(0), np.zeros((0, 0))
    # all of them: LAPACK may fail on a part of the spectrum where eigenvalues are equal
    values, vectors = np.linalg.eigh(information)
    flat = values <= CURVED / STEEP**2
    return values[flat], vectors[:, flat]


def _invariant_within(
    invariant: Float[np.ndarray, "D F"], at: Int[np.ndarray, " P"]
) -> Float[np.ndarray, "P G"]:
    """The invariant directions that move no parameter but those ``at``."""
    others = np.delete(invariant, at, axis=0)
    if invariant.shape[1] == 0 or not others.any():
        return invariant[at]
    return scipy.linalg.orth(invariant[at] @ scipy.linalg.null_space(others))


def _costs_nothing(point: Point, further: Float[np.ndarray, " D"]) -> bool:
    """Whether the objective stays where it is on moving to ``further``, within the bounds."""
    objective = point.objective
    if not np.array_equal(objective.clip(further), further):  # within its bounds it cannot double
        return False
    before, after = objective.value(point.vector), objective.value(further)
    return -LOSS * (1 + abs(before)) <= after - before <= GAIN


def complement(directions: Float[np.ndarray, "d F"]) -> Float[np.ndarray, "d r"]:
    """Orthonormal basis of everything else."""
    if directions.shape[1] == 0:
        return np.eye(len(directions))
    return scipy.linalg.null_space(directions.T)


def steep_gate(model: Mixture) -> tuple[int, ...]:
    """Experts whose finite gate coefficients are those of a near step."""
    gate = model.gate
    steep = np.abs(parameter_vector.to_vector(gate) * gate.logits_per_unit()) > STEEP_GATE
    return _gate_rows(model, steep & (gate.slopes() > 0))


def _gate_rows(model: Mixture, marked: Bool[np.ndarray, " G"]) -> tuple[int, ...]:
    """Experts (or nodes) among whose gate coefficients one is marked."""
    rows: set[int] = set()
    for group in parameter_vector.numbered(model.gate).groups():
        if group.feature == "Z":
            rows |= {int(k) for k in np.flatnonzero(marked[group.coef - 1].any(axis=-1))}
    return tuple(sorted(rows))
