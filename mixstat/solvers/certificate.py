"""The one judge: what may be said of a point, from the point alone and never from the way there."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float

import mixstat.solvers.admissible as admissible
import mixstat.solvers.degeneracy as degeneracy
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Derivatives, Objective
from mixstat.results import SINGULAR, Certificate, FitResult, Status
from mixstat.solvers.outcome import Outcome

GRADIENT_TOL = 1e-8  # largest gradient component of a certified maximum, standardised units
SHARP = 1e-7  # information per row above which no eigenvectors are needed


class Curvature(NamedTuple):
    """The information of free parameters, apart from directions that never change the model."""

    smallest: float  # eigenvalue; nan where the information is not finite
    decrement: float  # gain that a full Newton step predicts


def judge(
    objective: Objective,
    outcome: Outcome,
    *,
    tol: float = GRADIENT_TOL,
    across: Float[np.ndarray, " D"] | None = None,
) -> FitResult:
    """Examine where a solver ended.

    The verdict is CONVERGED exactly where the projected gradient is below ``tol`` at a maximum,
    whatever the solver said of itself, and SEPARATED or COLLAPSED where that is why the
    likelihood has no maximum, EXACT where experts fit many rows exactly. Estimators, batches,
    studies and updates have it from here.

    Parameters
    ----------
    objective
        What was maximised.
    outcome
        The model, the solver's reason to stop, and the derivatives at the model if it knows
        them; else a pass is made.
    tol
        Largest component of the projected gradient of a maximum.
    across
        For a maximum over the points with one value of ``across . vector``, as those of a profile
        are: no move along it counts.
    """
    model = parameter_vector.as_numpy(outcome.model)
    vector = parameter_vector.to_vector(model)
    known = outcome.known or objective.derivatives(vector)
    free = np.asarray(objective.free(vector, known.gradient))
    words, invariant = invariant_directions(objective, model, free)
    excluded = invariant if across is None else _with_direction(invariant, across, free)
    norm = gradient_norm(objective, vector, known.gradient, across)
    curvature = curvature_of(known, free, excluded[free])
    point = degeneracy.Point(objective, vector, model, -known.hessian, free, excluded)
    certificate = _certificate(outcome, point, known, (norm, curvature), words, tol)
    return FitResult(
        model=model,
        log_likelihood=float(known.value) + float(objective.penalty.value(vector)),
        status=certificate.status,
        n_iter=outcome.n_iter,
        n_passes=outcome.n_passes + (outcome.known is None),
        certificate=certificate,
        information=-known.hessian,
        free=free,
        note=outcome.note,
        mass=np.asarray(known.mass),
        invariant=invariant,
        across=None if objective.plane is None else np.asarray(objective.plane.normal),
    )


def _certificate(
    outcome: Outcome,
    point: degeneracy.Point,
    known: Derivatives,
    sharpness: tuple[float, Curvature],
    words: tuple[str, ...],
    tol: float,
) -> Certificate:
    """What is wrong with a point, by its gradient, its curvature and what neither shows.

    ``sharpness`` is the norm of the projected gradient and the curvature; ``words`` say which
    directions never change the model.
    """
    model, (norm, curvature) = point.model, sharpness
    diverging, runaway = degeneracy.diverging_gate(point), degeneracy.diverging_experts(point)
    floors = degeneracy.binding_floors(point.objective, model)
    mass = np.asarray(known.mass)
    thin = _numbers(admissible.thin(point.objective, model, mass))
    chance = _numbers(admissible.by_chance(point.objective, model, mass))
    narrow = _numbers(admissible.narrow(point.objective, model))
    exact = tuple(k for k in floors if k not in {*thin, *chance, *narrow})
    status = _status(outcome.status, norm, curvature.smallest, tol)
    if status == Status.STALLED and _rests_at_a_jump(outcome, point, known, tol):
        status = Status.JUMP
    if status != Status.NONFINITE:
        status = Status.SEPARATED if diverging or runaway else status
        status = Status.EXACT if exact and model.n_experts > 1 else status
        status = Status.COLLAPSED if len(floors) > len(exact) else status
    return Certificate(
        status=status,
        penalised=_is_shrunk(point.objective, bool(diverging), bool(runaway)),
        n_experts=model.n_experts,
        gradient_norm=norm,
        newton_decrement=curvature.decrement,
        min_eigenvalue=curvature.smallest,
        binding_floors=floors,
        diverging_gate=diverging,
        advice=model.gate.diverging if diverging else "",
        diverging_experts=runaway,
        steep_gate=() if diverging else degeneracy.steep_gate(model),
        coinciding_experts=admissible.coinciding(model),
        thin_experts=thin,
        spurious_experts=tuple(k for k in chance if k not in thin),
        narrow_experts=tuple(k for k in narrow if k not in {*thin, *chance}),
        invariances=words,
    )


def _is_shrunk(objective: Objective, diverging: bool, runaway: bool) -> bool:
    """Whether a penalty acts on the parts that diverge, or on any where none does."""
    gate, experts = (not p.absent for p in (objective.penalties.gate, objective.penalties.experts))
    return (gate or experts) and (gate or not diverging) and (experts or not runaway)


def _numbers(marked: Bool[np.ndarray, " K"]) -> tuple[int, ...]:
    """Numbers of the experts that are marked."""
    return tuple(int(k) for k in np.flatnonzero(marked))


def gradient_norm(
    objective: Objective,
    vector: Float[np.ndarray, " D"],
    gradient: Float[np.ndarray, " D"],
    across: Float[np.ndarray, " D"] | None = None,
) -> float:
    """Largest component of the projected gradient, less its part along ``across``."""
    slopes = np.asarray(objective.projected(vector, gradient))
    if across is not None:
        direction = np.where(objective.free(vector, gradient), across, 0.0)
        slopes = slopes - direction * (direction @ slopes) / max(direction @ direction, 1e-300)
    return float(np.max(np.abs(slopes), initial=0.0))


def _with_direction(
    basis: Float[np.ndarray, "D F"],
    direction: Float[np.ndarray, " D"],
    free: Bool[np.ndarray, " D"],
) -> Float[np.ndarray, "D G"]:
    """Orthonormal basis of some directions and one more, as far as it is free."""
    both = np.column_stack([basis, np.where(free, direction, 0.0)])
    return scipy.linalg.orth(both)


def _status(told: Status, norm: float, smallest: float, tol: float) -> Status:
    """What the gradient and the curvature say, where the solver's point is one at all."""
    if told == Status.NONFINITE:
        return told
    if norm <= tol:
        return Status.CONVERGED if smallest > -tol else Status.SADDLE
    # an earlier verdict, which may have been handed back in, is none here
    return told if told == Status.MAX_ITER else Status.STALLED


def _rests_at_a_jump(
    outcome: Outcome, point: degeneracy.Point, known: Derivatives, tol: float
) -> bool:
    """Whether a search over a gate that jumps is done: the experts are at a maximum."""
    if outcome.status != Status.JUMP:
        return False
    n_gate = parameter_vector.size(point.model.gate)
    slopes = point.objective.projected(point.vector, known.gradient)[n_gate:]
    return bool(np.max(np.abs(slopes), initial=0.0) <= tol)


def clearly_regular(
    objective: Objective,
    vector: Float[np.ndarray, " D"],
    norm: float,
    smallest: float,
    *,
    tol: float,
) -> bool:
    """Whether :func:`judge` would say CONVERGED, by numbers that a solver has anyway.

    An end that this doubts may be a maximum all the same; it is for the judge. ``norm`` is that
    of the projected gradient, ``smallest`` the least eigenvalue of the information.
    """
    if not norm <= tol or degeneracy.on_floor(objective, vector).any():
        return False
    return degeneracy.cannot_diverge(objective.model(vector), smallest)


def invariant_directions(
    objective: Objective, model: Mixture, free: Bool[np.ndarray, " D"]
) -> tuple[tuple[str, ...], Float[np.ndarray, "D F"]]:
    """Directions in which the gate never changes and no penalty or bound decides, in words.

    Returns the words and an orthonormal basis of the directions in the parameter vector. The
    Hessian vanishes along them at every stationary point, whatever its rounding says.
    """
    size, vector = parameter_vector.size(model), parameter_vector.to_vector(model)
    words, tangents = [], []
    for invariance in model.gate.identification().invariances():
        tangent = np.zeros(size)
        length = max(float(np.linalg.norm(invariance.tangent)), 1e-300)
        tangent[: len(invariance.tangent)] = invariance.tangent / length
        decided = float(tangent @ np.asarray(objective.penalty.curve(tangent, vector)))
        tied = objective.plane is not None and not np.allclose(
            objective.plane.along(tangent), tangent, rtol=0, atol=SINGULAR
        )
        if not tied and not tangent[~free].any() and decided <= SINGULAR:
            words.append(invariance.words)
            tangents.append(tangent)
    if not tangents:
        return (), np.zeros((size, 0))
    return tuple(dict.fromkeys(words)), scipy.linalg.orth(np.column_stack(tangents))


def curvature_of(
    known: Derivatives, free: Bool[np.ndarray, " D"], invariant: Float[np.ndarray, "f F"]
) -> Curvature:
    """Smallest eigenvalue of the free parameters' information, and the Newton decrement.

    ``invariant`` is an orthonormal basis of directions of theirs to be left out.
    """
    rest = degeneracy.complement(invariant)
    information = rest.T @ -known.hessian[np.ix_(free, free)] @ rest
    gradient = rest.T @ known.gradient[free]
    if not np.all(np.isfinite(information)):
        return Curvature(np.nan, np.nan)
    if len(gradient) == 0:
        return Curvature(np.inf, 0.0)
    values = np.linalg.eigvalsh(information)
    if values[0] > SHARP:  # eigenvectors cost several times the eigenvalues
        step = np.linalg.solve(information, gradient)
        return Curvature(float(values[0]), 0.5 * float(gradient @ step))
    values, vectors = np.linalg.eigh(information)
    along, curved = vectors.T @ gradient, values > 1e-14
    return Curvature(float(values[0]), float(0.5 * np.sum(along[curved] ** 2 / values[curved])))
