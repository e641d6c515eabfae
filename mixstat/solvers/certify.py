"""The certificate of a fit: computed from the returned parameters, never from the last step."""

from typing import NamedTuple

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float, Int

from mixstat import flat
from mixstat.derivatives import derivatives_and_mass
from mixstat.likelihood import expert_mass, log_likelihood
from mixstat.model import Mixture, expanded_index
from mixstat.results import SINGULAR, STEEP_GATE, Certificate, FitResult, Status
from mixstat.solvers.problem import Problem

GRADIENT_TOL = 1e-8  # largest gradient component of a certified maximum, standardised units
FLAT = 1e-7  # information per row above which no eigenvectors are needed
STEEP = 5.0  # length in logits (of gates), or in predictors (of experts), that can be divergence
# What the quadratic model predicts that doubling the coefficients costs, in log-likelihood of a
# row, and what it does, in fits of 70 to 500 rows, 51 roundings of each:
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
LOSS = 1e-10  # relative to 1 + |log-likelihood|: doubling that loses less costs nothing
GAIN = 1e-5  # and if it gains more, the solver has not finished
NATURAL = 1e-4  # any floor under scales: which parameters have one is all that counts
SAME = 1e-4  # experts closer than this in every standardised parameter coincide


class Derivatives(NamedTuple):
    """What a pass over the data finds at a model."""

    value: float  # mean log-likelihood minus penalty
    gradient: Float[np.ndarray, " D"]
    hessian: Float[np.ndarray, "D D"]
    mass: Float[np.ndarray, " K"]  # share of the weight that each expert is responsible for


def free_parameters(
    problem: Problem, vector: Float[np.ndarray, " D"], gradient: Float[np.ndarray, " D"]
) -> Bool[np.ndarray, " D"]:
    """Parameters that no bound, and no kink of the penalty, holds back from moving uphill."""
    lower, upper = problem.orthant(vector, gradient)
    held = ((vector <= lower) & (gradient <= 0)) | ((vector >= upper) & (gradient >= 0))
    return ~held


def objective_derivatives(problem: Problem, model: Mixture) -> Derivatives:
    """Penalised objective with gradient and Hessian, as NumPy."""
    found = derivatives_and_mass(model, problem.batch)
    value, gradient, hessian, mass = (np.asarray(a) for a in found)
    vector = flat.to_vector(model)
    gradient = problem.penalised_gradient(vector, gradient)
    return Derivatives(
        float(value) - problem.penalty(vector), gradient, hessian - problem.penalty_hessian(), mass
    )


def certify(
    problem: Problem,
    model: Mixture,
    status: Status,
    *,
    n_iter: int,
    n_passes: int,
    tol: float = GRADIENT_TOL,
    known: Derivatives | None = None,
) -> FitResult:
    """Examine ``model`` and wrap it up.

    ``status`` is the solver's own reason to stop; it becomes CONVERGED exactly when the
    projected gradient is below ``tol``, and says SEPARATED or COLLAPSED where that is why the
    likelihood has no maximum. ``known`` spares a pass where the solver just made it.
    """
    model = flat.as_numpy(model)
    n_passes += known is None
    value, gradient, hessian, mass = known or objective_derivatives(problem, model)
    vector = flat.to_vector(model)
    free = free_parameters(problem, vector, gradient)
    norm = float(np.max(np.abs(gradient[free]), initial=0.0))
    words, invariant = invariant_directions(problem, model, free)
    rest = _complement(invariant[free])
    information = rest.T @ -hessian[np.ix_(free, free)] @ rest
    smallest, decrement = _spectrum(information, rest.T @ gradient[free])
    floors = _binding_floors(problem, model)
    flatness = Flatness(-hessian, free, invariant)
    diverging = _diverging_gate(problem, model, flatness)
    runaway = _diverging_experts(problem, model, flatness)
    if status != Status.NONFINITE:
        if norm <= tol:
            status = Status.CONVERGED if smallest > -tol else Status.SADDLE
        elif status == Status.CONVERGED or (
            status == Status.JUMP and not _smooth_part_done(model, gradient, free, tol)
        ):
            status = Status.STALLED
        status = Status.COLLAPSED if floors and model.n_experts > 1 else status
        status = Status.SEPARATED if diverging or runaway else status
    certificate = Certificate(
        status=status,
        gradient_norm=norm,
        newton_decrement=decrement,
        min_eigenvalue=smallest,
        binding_floors=floors,
        diverging_gate=diverging,
        advice=model.gate.diverging if diverging else "",
        diverging_experts=runaway,
        steep_gate=() if diverging else _steep_gate(model),
        coinciding_experts=_coinciding(model),
        thin_experts=_thin(problem, model, mass),
        invariances=words,
    )
    value += problem.penalty(vector)
    counts = (n_iter, n_passes)
    return FitResult(
        *(model, value, status, *counts, certificate),
        information=-hessian,
        free=free,
        mass=mass,
        invariant=invariant,
    )


def invariant_directions(
    problem: Problem, model: Mixture, free: Bool[np.ndarray, " D"]
) -> tuple[tuple[str, ...], Float[np.ndarray, "D F"]]:
    """Directions in which the gate never changes and no penalty or bound decides, in words.

    Returns the words and an orthonormal basis of the directions in the parameter vector. The
    Hessian vanishes along them at every stationary point, whatever its rounding says.
    """
    size = flat.size(model)
    words, tangents = [], []
    form = problem.penalty_hessian()
    for one in model.gate.invariances():
        tangent = np.zeros(size)
        tangent[: len(one.tangent)] = one.tangent / max(np.linalg.norm(one.tangent), 1e-300)
        if not tangent[~free].any() and tangent @ form @ tangent <= SINGULAR:
            words.append(one.words)
            tangents.append(tangent)
    if not tangents:
        return (), np.zeros((size, 0))
    return tuple(dict.fromkeys(words)), scipy.linalg.orth(np.column_stack(tangents))


def _complement(directions: Float[np.ndarray, "d F"]) -> Float[np.ndarray, "d r"]:
    """Orthonormal basis of everything else."""
    if directions.shape[1] == 0:
        return np.eye(len(directions))
    return scipy.linalg.null_space(directions.T)


def _smooth_part_done(model: Mixture, gradient: np.ndarray, free: np.ndarray, tol: float) -> bool:
    """Whether the experts, in which nothing jumps, are at a maximum."""
    n_gate = flat.size(model.gate)
    return bool(np.max(np.abs(gradient[n_gate:][free[n_gate:]]), initial=0.0) <= tol)


def degenerate(
    problem: Problem, model: Mixture, mass: Float[np.ndarray, " K"] | None = None
) -> bool:
    """Whether an expert sits on its floor or on too few rows; cheaper than a certificate."""
    model = flat.as_numpy(model)
    if model.n_experts == 1:
        return False
    if mass is None:
        mass = np.asarray(expert_mass(model, problem.batch))
    return bool(_binding_floors(problem, model) or _thin(problem, model, mass))


def _spectrum(information: np.ndarray, gradient: np.ndarray) -> tuple[float, float]:
    """Smallest eigenvalue and Newton decrement."""
    if not np.all(np.isfinite(information)):
        return np.nan, np.nan
    if len(gradient) == 0:
        return np.inf, 0.0
    values = np.linalg.eigvalsh(information)
    if values[0] > FLAT:  # eigenvectors cost several times the eigenvalues
        step = np.linalg.solve(information, gradient)
        return float(values[0]), 0.5 * float(gradient @ step)
    values, vectors = np.linalg.eigh(information)
    along, curved = vectors.T @ gradient, values > 1e-14
    return float(values[0]), float(0.5 * np.sum(along[curved] ** 2 / values[curved]))


def _binding_floors(problem: Problem, model: Mixture) -> tuple[int, ...]:
    # a tied parameter belongs to every expert; one that is fixed is not on a floor
    marks = model.experts.collapsed((problem.lower.experts, problem.upper.experts))
    marked = [np.ravel(leaf) for leaf in jax.tree.leaves(marks)]
    at = np.concatenate([np.zeros(flat.size(model.gate), bool), *marked])
    at &= problem.varying & _natural_floors(model)
    each = expanded_index(model)[1]
    return tuple(int(k) for k in np.flatnonzero((at[each] & (each >= 0)).any(axis=1)))


def _natural_floors(model: Mixture) -> Bool[np.ndarray, " D"]:
    """Parameters whose floor is the family's own, and not the edge of a box that somebody set."""
    lower, upper = model.experts.bounds(NATURAL)
    has = np.isfinite(flat.to_vector(lower)) | np.isfinite(flat.to_vector(upper))
    return np.concatenate([np.zeros(flat.size(model.gate), bool), has])


class Flatness(NamedTuple):
    """What tells in which directions a maximum is flat."""

    information: Float[np.ndarray, "D D"]
    free: Bool[np.ndarray, " D"]
    invariant: Float[np.ndarray, "D F"]  # directions that never change the model


def _diverging_gate(problem: Problem, model: Mixture, flatness: Flatness) -> tuple[int, ...]:
    """Experts (or nodes) whose gate coefficients can double along flat directions at no cost."""
    # slopes alone: a constant that diverges is an expert without rows, not a step in x
    slopes = model.gate.slopes() > 0
    where = np.arange(flat.size(model.gate))
    move = _diverging(problem, model, flatness, (where, slopes, model.gate.logits_per_unit()))
    return _gate_rows(model, move > 0.1)


def _gate_rows(model: Mixture, marked: np.ndarray) -> tuple[int, ...]:
    """Experts (or nodes) among whose gate coefficients one is marked."""
    found = set()
    for group in flat.numbered(model.gate).groups():
        if group.feature == "Z":
            found |= set(np.flatnonzero(marked[group.coef - 1].any(axis=-1)))
    return tuple(sorted(int(k) for k in found))


def _steep_gate(model: Mixture) -> tuple[int, ...]:
    """Experts whose finite gate coefficients are those of a near step."""
    gate = model.gate
    steep = np.abs(flat.to_vector(gate) * gate.logits_per_unit()) > STEEP_GATE
    return _gate_rows(model, steep & (gate.slopes() > 0))


def _diverging_experts(problem: Problem, model: Mixture, flatness: Flatness) -> tuple[int, ...]:
    """Experts whose coefficients can double along flat directions at no cost."""
    if not model.experts.discrete:
        return ()
    n_gate, size = flat.size(model.gate), flat.size(model)
    where, one = np.arange(n_gate, size), np.ones(size - n_gate)
    move = _diverging(problem, model, flatness, (where, one > 0, one))
    each = expanded_index(model)[1]
    moved = np.where(each >= 0, move[np.maximum(each - n_gate, 0)], 0.0)
    return tuple(int(k) for k in np.flatnonzero(moved.max(axis=1) > 0.1))


def _diverging(
    problem: Problem,
    model: Mixture,
    flatness: Flatness,
    part: tuple[Int[np.ndarray, " P"], Bool[np.ndarray, " P"], Float[np.ndarray, " P"]],
) -> Float[np.ndarray, " P"]:
    """Shares of a part's parameters in what can double for nothing; zeros if nothing can.

    ``part`` are the parameters, those of them that must be long, and the size of each unit.
    Each space of the flattest directions is tried, the largest first: how flat a direction looks
    where a solver stops on its way to infinity is an accident, whether doubling costs is not.
    """
    where, watched, unit = part
    vector = flat.to_vector(model)
    share = np.zeros(len(where))
    moving = flatness.free[where] & (unit > 0)
    at, unit = where[moving], unit[moving]
    point = vector[at] * unit
    information = flatness.information[np.ix_(at, at)] / np.outer(unit, unit)
    if not np.linalg.norm(point[watched[moving]]) > STEEP or not np.isfinite(information).all():
        return share
    rest = _complement(_invariant_within(flatness.invariant, at))
    values, vectors = _flattest(rest.T @ information @ rest)
    basis = rest @ vectors
    along = basis.T @ point
    # from the most directions along which coefficients so long are flat
    for count in range(int(np.sum(np.cumsum(values * along**2) < CURVED)), 0, -1):
        double = basis[:, :count] @ along[:count]
        if not np.linalg.norm(double[watched[moving]]) > STEEP:
            break
        move = np.zeros(len(vector))
        move[at] = double / unit
        if _costs_nothing(problem, model, vector + move):
            share[moving] = np.abs(double) / np.linalg.norm(double)
            break
    return share


def _flattest(
    information: Float[np.ndarray, "d d"],
) -> tuple[Float[np.ndarray, " f"], Float[np.ndarray, "d f"]]:
    """Eigenvalues and eigenvectors of what is flat for the shortest steep coefficient."""
    if len(information) == 0:
        return np.zeros(0), np.zeros((0, 0))
    return scipy.linalg.eigh(information, subset_by_value=(-np.inf, CURVED / STEEP**2))


def _invariant_within(
    invariant: Float[np.ndarray, "D F"], at: Int[np.ndarray, " P"]
) -> Float[np.ndarray, "P G"]:
    """The invariant directions that move no parameter but those ``at``."""
    others = np.delete(invariant, at, axis=0)
    if invariant.shape[1] == 0 or not others.any():
        return invariant[at]
    return scipy.linalg.orth(invariant[at] @ scipy.linalg.null_space(others))


def _costs_nothing(problem: Problem, model: Mixture, vector: Float[np.ndarray, " D"]) -> bool:
    """Whether the objective stays where it is on moving to ``vector``, within the bounds."""
    lower, upper = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
    if np.any(vector < lower) or np.any(vector > upper):  # what is bounded cannot diverge
        return False
    further = flat.from_vector(model, vector)
    before, after = (float(log_likelihood(m, problem.batch)) for m in (model, further))
    change = after - before - problem.penalty(vector) + problem.penalty(flat.to_vector(model))
    return -LOSS * (1 + abs(before)) <= change <= GAIN


def _coinciding(model: Mixture) -> tuple[tuple[int, int], ...]:
    k = model.n_experts
    if not model.experts.exchangeable:
        return ()
    each = expanded_index(model)[1]
    table = flat.to_vector(model)[each]
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    return tuple((i, j) for i, j in pairs if np.max(np.abs(table[i] - table[j])) < SAME)


def _thin(problem: Problem, model: Mixture, mass: Float[np.ndarray, " K"]) -> tuple[int, ...]:
    """Experts with fewer effective rows than parameters of their own plus one."""
    if model.n_experts == 1:
        return ()
    rows = mass * float(problem.batch.total_weight)
    each = expanded_index(model)[1]
    needed = np.sum((each >= 0) & problem.varying[each], axis=1) + 1
    return tuple(int(k) for k in np.flatnonzero(rows < needed))
