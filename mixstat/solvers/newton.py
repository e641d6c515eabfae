"""Trust-region Newton on the observed log-likelihood, with its exact Hessian.

The step maximises the quadratic model in a ball, found from the eigenvalues of the
information, so that saddles are left along negative curvature (More and Sorensen 1983, SIAM
J. Sci. Stat. Comput. 4, 553-572). Parameters held by a bound are left out of the step.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.linalg import LinAlgError
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import brentq

from mixstat import flat
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.results import FitResult, Status
from mixstat.solvers.certify import (
    GRADIENT_TOL,
    Derivatives,
    certify,
    free_parameters,
    objective_derivatives,
)
from mixstat.solvers.problem import Problem

SURPLUS = 1e-4  # share of the tolerance at which another step cannot matter to anybody
ROUNDING = 1e-14  # a predicted gain below this, relative to 1 + |value|, cannot be seen in values
SHORTEST = 1e-12  # radius at which the search ends
LONGEST = 1e8  # and above which it does not grow, where the likelihood has no maximum


class _Point(NamedTuple):
    vector: Float[np.ndarray, " D"]
    value: float
    gradient: Float[np.ndarray, " D"]
    hessian: Float[np.ndarray, "D D"]
    mass: Float[np.ndarray, " K"]

    @property
    def known(self) -> Derivatives:
        """All but where it is."""
        return Derivatives(*self[1:])


def trust_region_step(
    gradient: Float[np.ndarray, " d"], information: Float[np.ndarray, "d d"], radius: float
) -> tuple[Float[np.ndarray, " d"], float]:
    """Maximise ``g's - s'Is/2`` over ``|s| <= radius``; returns the step and that gain."""
    try:  # a definite information and a short step need no eigenvalues
        step = cho_solve(cho_factor(information, lower=True), gradient)
        if np.linalg.norm(step) <= radius:
            return step, 0.5 * float(gradient @ step)
    except LinAlgError:
        pass
    return _step_to_the_edge(gradient, information, radius)


def _step_to_the_edge(
    gradient: np.ndarray, information: np.ndarray, radius: float
) -> tuple[np.ndarray, float]:
    values, vectors = np.linalg.eigh(information)
    along = vectors.T @ gradient

    def step(shift: float) -> np.ndarray:
        return along / (values + shift)

    tiny = 1e-14 * max(1.0, float(np.abs(values).max()))
    if values[0] > tiny and np.linalg.norm(step(0.0)) <= radius:
        inside = step(0.0)
    else:
        least = max(0.0, -values[0]) + tiny
        shift = least
        if np.linalg.norm(step(least)) > radius:
            most = least + np.linalg.norm(gradient) / radius
            shift = brentq(lambda s: np.linalg.norm(step(s)) - radius, least, most, rtol=1e-10)
        inside = step(float(shift))
        # to the edge along the lowest curvature: all of the step where the gradient has no part
        # in it (the hard case), else what the root left over
        rest = float(inside[1:] @ inside[1:])
        inside[0] = np.copysign(np.sqrt(max(radius**2 - rest, 0.0)), along[0])
    gain = float(along @ inside - 0.5 * values @ inside**2)
    return vectors @ inside, gain


def maximise(
    problem: Problem, start: Mixture, *, tol: float, max_iter: int
) -> tuple[Mixture, Status, int, int, Derivatives]:
    """Newton without the certificate: model, status, accepted steps, passes, derivatives."""
    lower, upper = flat.to_vector(problem.lower), flat.to_vector(problem.upper)

    def look(vector: np.ndarray) -> _Point:
        point = _Point(vector, *objective_derivatives(problem, flat.from_vector(start, vector)))
        # a value may stand where derivatives overflow; nobody can go on from there
        return point if np.isfinite(point.hessian).all() else point._replace(value=-np.inf)

    now = look(np.clip(flat.to_vector(start), lower, upper))
    if not np.isfinite(now.value):
        return start, Status.NONFINITE, 0, 1, now.known
    radius, n_iter, n_passes = 1.0, 0, 1
    while n_iter < max_iter and n_passes < 3 * max_iter:
        free = free_parameters(problem, now.vector, now.gradient)
        flat_enough = _norm(problem, now) <= SURPLUS * tol
        if flat_enough and _definite(-now.hessian[np.ix_(free, free)]):
            break
        step, predicted = _step_within(problem, now, free, radius)
        trial = look(np.clip(now.vector + step, *problem.orthant(now.vector, now.gradient)))
        n_passes += 1
        visible = predicted > ROUNDING * (1 + abs(now.value))
        if not visible:
            if _norm(problem, trial) < _norm(problem, now):
                now, n_iter = trial, n_iter + 1
                continue
            break
        ratio = (trial.value - now.value) / predicted if np.isfinite(trial.value) else -1.0
        length = float(np.linalg.norm(trial.vector - now.vector))
        if ratio > 1e-4:
            now, n_iter = trial, n_iter + 1
            radius = min(max(radius, 2.0 * length), LONGEST) if ratio > 0.75 else radius
        radius = radius if ratio > 0.25 else 0.25 * length
        if radius < SHORTEST:
            break
    model = flat.from_vector(start, now.vector)
    if _norm(problem, now) <= tol:
        return model, Status.CONVERGED, n_iter, n_passes, now.known
    spent = n_iter >= max_iter or n_passes >= 3 * max_iter
    return model, Status.MAX_ITER if spent else Status.STALLED, n_iter, n_passes, now.known


def _step_within(
    problem: Problem, now: _Point, free: np.ndarray, radius: float
) -> tuple[np.ndarray, float]:
    """A trust-region step that stops at bounds and kinks, and the gain of the quadratic model.

    Parameters that would cross go to the edge, and the others step again knowing that;
    a clipped step alone would promise what it cannot keep.
    """
    lower, upper = problem.orthant(now.vector, now.gradient)
    while True:
        step, inside = np.zeros(len(now.vector)), free.copy()
        while inside.any():
            slope = now.gradient + now.hessian[:, ~inside] @ step[~inside]
            information = -now.hessian[np.ix_(inside, inside)]
            step[inside] = trust_region_step(slope[inside], information, radius)[0]
            goal = now.vector + step
            crossing = inside & ((goal < lower) | (goal > upper))
            if not crossing.any():
                break
            step[crossing] = (np.clip(goal, lower, upper) - now.vector)[crossing]
            inside &= ~crossing
        gain = float(now.gradient @ step + 0.5 * step @ now.hessian @ step)
        if gain > -ROUNDING or radius < SHORTEST:
            return step, gain
        radius *= 0.25


def _definite(information: np.ndarray) -> bool:
    """Whether a stationary point is a maximum and not a saddle."""
    try:
        np.linalg.cholesky(information)
    except LinAlgError:
        return False
    return True


def _norm(problem: Problem, point: _Point) -> float:
    free = free_parameters(problem, point.vector, point.gradient)
    return float(np.max(np.abs(point.gradient[free]), initial=0.0))


@in_float64
def newton(
    problem: Problem, start: Mixture, *, tol: float = GRADIENT_TOL, max_iter: int = 100
) -> FitResult:
    """Maximise by trust-region Newton from ``start`` until rounding stops it.

    Parameters
    ----------
    problem, start
        What to maximise, and where to begin.
    tol
        Largest component of the projected gradient that counts as converged. Steps go on to a
        ten-thousandth of it where they can: the last one squares the error.
    max_iter
        Largest number of accepted steps.
    """
    model, status, n_iter, n_passes, known = maximise(problem, start, tol=tol, max_iter=max_iter)
    return certify(problem, model, status, n_iter=n_iter, n_passes=n_passes, tol=tol, known=known)
