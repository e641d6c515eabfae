"""The certificate of a fit: computed from the returned parameters, never from the last step."""

from typing import NamedTuple

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float

from mixstat import flat
from mixstat.derivatives import derivatives_and_mass
from mixstat.likelihood import expert_mass, log_likelihood
from mixstat.model import Mixture, expanded_index
from mixstat.results import SINGULAR, STEEP_GATE, Certificate, FitResult, Status
from mixstat.solvers.problem import Problem

GRADIENT_TOL = 1e-8  # largest gradient component of a certified maximum, standardised units
FLAT = 1e-7  # information per row below which a direction is examined for divergence
STEEP = 5.0  # and how long its gate coefficients must be there
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
    smallest, decrement, flat_directions = _spectrum(information, rest.T @ gradient[free])
    # doubling along an invariance counts too: a straight step leaves its curved ray
    flat_directions = np.hstack([invariant[free], rest @ flat_directions])
    floors = _binding_floors(problem, model)
    diverging = _diverging_gate(problem, model, free, flat_directions)
    runaway = _diverging_experts(problem, model, free, flat_directions)
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


def _spectrum(information: np.ndarray, gradient: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Smallest eigenvalue, Newton decrement, and the eigenvectors of flat directions."""
    size = len(gradient)
    if not np.all(np.isfinite(information)):
        return np.nan, np.nan, np.zeros((size, 0))
    if size == 0:
        return np.inf, 0.0, np.zeros((0, 0))
    values = np.linalg.eigvalsh(information)
    if values[0] > FLAT:  # eigenvectors cost several times the eigenvalues
        step = np.linalg.solve(information, gradient)
        return float(values[0]), 0.5 * float(gradient @ step), np.zeros((size, 0))
    values, vectors = np.linalg.eigh(information)
    along, curved = vectors.T @ gradient, values > 1e-14
    decrement = float(0.5 * np.sum(along[curved] ** 2 / values[curved]))
    return float(values[0]), decrement, vectors[:, values < FLAT]


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


def _diverging_gate(
    problem: Problem, model: Mixture, free: np.ndarray, directions: np.ndarray
) -> tuple[int, ...]:
    """Experts (or nodes) whose gate coefficients can double along flat directions at no cost."""
    # slopes alone: a constant that diverges is an expert without rows, not a step in x
    slopes = model.gate.slopes() > 0
    where = np.arange(flat.size(model.gate))
    move = _diverging(problem, model, free, directions, where, slopes)
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
    steep = np.abs(flat.to_vector(model)[: flat.size(model.gate)]) > STEEP_GATE
    return _gate_rows(model, steep & (model.gate.slopes() > 0))


def _diverging_experts(
    problem: Problem, model: Mixture, free: np.ndarray, directions: np.ndarray
) -> tuple[int, ...]:
    """Experts whose coefficients can double along flat directions at no cost."""
    if not model.experts.discrete:
        return ()
    n_gate, size = flat.size(model.gate), flat.size(model)
    where = np.arange(n_gate, size)
    move = _diverging(problem, model, free, directions, where, np.ones(len(where), bool))
    each = expanded_index(model)[1]
    moved = np.where(each >= 0, move[np.maximum(each - n_gate, 0)], 0.0)
    return tuple(int(k) for k in np.flatnonzero(moved.max(axis=1) > 0.1))


def _diverging(
    problem: Problem,
    model: Mixture,
    free: np.ndarray,
    directions: np.ndarray,
    where: np.ndarray,
    watched: np.ndarray,
) -> np.ndarray:
    """Shares of a part's parameters in what can double for nothing; zeros if nothing can.

    ``where`` are the part's parameters, ``watched`` those of them that must be long there.
    """
    vector = flat.to_vector(model)
    none = np.zeros(len(where))
    full = np.zeros((len(vector), directions.shape[1]))
    full[free] = directions
    if full.size == 0 or len(where) == 0:
        return none
    # orthonormal directions of the part's parameters that are flat, whatever their mixture
    left, size, _ = np.linalg.svd(full[where], full_matrices=False)
    basis = left[:, size > np.sqrt(0.5)]
    own = basis @ (basis.T @ vector[where])
    if not np.linalg.norm(own[watched]) > STEEP:
        return none
    move = np.zeros(len(vector))
    move[where] = own
    further = flat.from_vector(model, vector + move)
    before, after = (float(log_likelihood(m, problem.batch)) for m in (model, further))
    if not before - after <= 1e-8:
        return none
    return np.abs(own) / np.linalg.norm(own)


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
