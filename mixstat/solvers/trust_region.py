"""Walks of Newton's method: a quadratic model is believed within a radius that its success sets."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.linalg import LinAlgError
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import brentq

from mixstat.objective.objective import Derivatives
from mixstat.results import Status

SURPLUS = 1e-4  # share of the tolerance at which another step cannot matter to anybody
ROUNDING = 1e-14  # a predicted gain below this, relative to 1 + |value|, cannot be seen in values
SHORTEST = 1e-12  # radius at which the search ends
LONGEST = 1e8  # and above which it does not grow, where the likelihood has no maximum
PASSES = 3  # looks for each step, at most and on average


class Point(NamedTuple):
    """A place and what is known there."""

    vector: Float[np.ndarray, " D"]
    known: Derivatives


@runtime_checkable
class Task(Protocol):
    """What a walk asks of the problem that is solved."""

    def look(self, vector: Float[np.ndarray, " D"]) -> Derivatives:
        """Derivatives at a place; its value is -inf where nobody can go on from there."""
        ...

    def norm(self, point: Point) -> float:
        """How far a point is from being stationary."""
        ...

    def arrived(self, point: Point, norm: float, tol: float) -> bool:
        """Whether the walk is over."""
        ...

    def propose(self, point: Point, radius: float) -> tuple[Float[np.ndarray, " D"], float]:
        """Where to look next, within the radius, and the gain that is predicted there."""
        ...


class Walk(NamedTuple):
    """Where a walk ended, and why."""

    point: Point
    status: Status
    n_iter: int  # accepted steps
    n_passes: int


def walk(task: Task, start: Point, *, tol: float, max_iter: int) -> Walk:
    """Steps from ``start`` until the task says so, rounding hides the gain, or they are spent."""
    now, norm, radius = start, task.norm(start), 1.0
    n_iter = n_passes = 0
    while n_iter < max_iter and n_passes < PASSES * max_iter:
        if task.arrived(now, norm, tol):
            break
        ahead, predicted = task.propose(now, radius)
        trial = Point(ahead, task.look(ahead))
        n_passes += 1
        if predicted <= ROUNDING * (1 + abs(now.known.value)):  # too small to be seen in values
            after = task.norm(trial)
            if not (np.isfinite(trial.known.value) and after < norm):
                break
            now, norm, n_iter = trial, after, n_iter + 1
            continue
        gain = trial.known.value - now.known.value
        ratio = gain / predicted if np.isfinite(trial.known.value) else -1.0
        length = float(np.linalg.norm(trial.vector - now.vector))
        if ratio > 1e-4:
            now, norm, n_iter = trial, task.norm(trial), n_iter + 1
        radius = next_radius(radius, ratio, length)
        if radius < SHORTEST:
            break
    if norm <= tol:
        return Walk(now, Status.CONVERGED, n_iter, n_passes)
    spent = n_iter >= max_iter or n_passes >= PASSES * max_iter
    return Walk(now, Status.MAX_ITER if spent else Status.STALLED, n_iter, n_passes)


def next_radius(radius: float, ratio: float, length: float) -> float:
    """Twice a step that gained what was predicted, a quarter of one that gained too little."""
    if ratio > 0.75:
        return min(max(radius, 2.0 * length), LONGEST)
    return radius if ratio > 0.25 else 0.25 * length


def is_definite(information: Float[np.ndarray, "d d"]) -> bool:
    """Whether a stationary point is a maximum and not a saddle."""
    try:
        np.linalg.cholesky(information)
    except LinAlgError:
        return False
    return True


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
