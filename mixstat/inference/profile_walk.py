"""Maxima at given values of a parameter: Newton in the directions that leave it as it is."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import null_space

from mixstat.numerics import parameter_vector
from mixstat.numerics.threads import one_blas_thread
from mixstat.objective.objective import Derivatives, Objective
from mixstat.results import FitResult, Status
from mixstat.solvers.certificate import GRADIENT_TOL, invariant_directions, judge
from mixstat.solvers.outcome import Outcome
from mixstat.solvers.trust_region import SURPLUS, Point, trust_region_step, walk

MAX_ITER = 100


class ProfileWalk:
    """Moves from one value of the parameter to the next, others at their best."""

    def __init__(
        self, objective: Objective, result: FitResult, row: Float[np.ndarray, " D"], estimate: float
    ) -> None:
        self.objective, self.row, self.estimate = objective, row, estimate
        self.top = parameter_vector.to_vector(result.model)
        self.information, self.free = result.information, result.free
        self.home()

    def home(self) -> None:
        """Back to the fit; from there the first direction is that of the quadratic model."""
        self.vector, self.value = self.top, self.estimate
        self.direction = self._first_direction()

    def _first_direction(self) -> Float[np.ndarray, " D"]:
        varying = self.objective.varying if self.free is None else self.free | (self.row != 0)
        varying = varying & self.objective.varying
        part = self.row[varying]
        direction = np.zeros(len(self.row))
        if self.information is None:
            direction[varying] = part / (part @ part)
            return direction
        inside = self.information[np.ix_(varying, varying)]
        # a small guard makes the direction follow what the data leave open
        guard = 1e-9 * max(float(np.trace(inside)) / len(inside), 1e-9)
        bent = np.linalg.lstsq(inside + guard * np.eye(len(inside)), part, rcond=None)[0]
        if not part @ bent > 0:
            bent = part
        direction[varying] = bent / (part @ bent)
        return direction

    def to(self, value: float) -> tuple[float, Status]:
        """Maximum at a value of the parameter, and the verdict on it."""
        clip = self.objective.clip
        vector = np.asarray(clip(self.vector + (value - self.value) * self.direction))
        missing = value - self.estimate - self.row @ (vector - self.top)
        part = np.where((self.row != 0) & self.objective.varying, self.row, 0.0)
        vector = np.asarray(clip(vector + missing * part / (part @ part)))
        with one_blas_thread(len(vector)):
            vector, height, status = ascend(self.objective, vector, self.row)
        if value != self.value:
            self.direction = (vector - self.vector) / (value - self.value)
        self.vector, self.value = vector, value
        return height, status


def ascend(
    objective: Objective,
    vector: Float[np.ndarray, " D"],
    row: Float[np.ndarray, " D"],
    *,
    tol: float = GRADIENT_TOL,
    max_iter: int = MAX_ITER,
) -> tuple[Float[np.ndarray, " D"], float, Status]:
    """Maximise over points with the same ``row . vector``, within bounds, by Newton."""
    task = _Task(objective, row)
    end = walk(task, Point(vector, task.look(vector)), tol=tol, max_iter=max_iter)
    known = end.point.known
    model = objective.model(end.point.vector)
    outcome = Outcome(model, end.status, end.n_iter, end.n_passes, known)
    verdict = judge(objective, outcome, tol=tol, across=row).status
    return end.point.vector, float(known.value), verdict


class _Task(NamedTuple):
    """The steps of a walk that leaves ``row . vector`` as it is."""

    objective: Objective
    row: Float[np.ndarray, " D"]

    def look(self, vector: Float[np.ndarray, " D"]) -> Derivatives:
        return self.objective.derivatives(vector)

    def norm(self, point: Point) -> float:
        return float(np.max(np.abs(self._directions(point).T @ point.known.gradient), initial=0.0))

    def arrived(self, point: Point, norm: float, tol: float) -> bool:
        return norm <= SURPLUS * tol

    def propose(self, point: Point, radius: float) -> tuple[Float[np.ndarray, " D"], float]:
        basis = self._directions(point)
        slope = basis.T @ point.known.gradient
        information = -basis.T @ point.known.hessian @ basis
        step, _ = trust_region_step(slope, information, radius)
        share = self._room(point.vector, basis @ step)
        gain = float(share * slope @ step - 0.5 * share**2 * step @ information @ step)
        return np.asarray(self.objective.clip(point.vector + share * (basis @ step))), gain

    def _directions(self, point: Point) -> Float[np.ndarray, "D f"]:
        """Orthonormal directions of free parameters that leave ``row . vector`` as it is.

        Without those in which the model never changes: a step has nothing to gain there.
        """
        free = np.asarray(self.objective.free(point.vector, point.known.gradient))
        model = self.objective.model(point.vector)
        idle = invariant_directions(self.objective, model, free)[1]
        across = self.row @ idle
        if np.abs(across).max(initial=0.0) > 1e-12 * np.linalg.norm(self.row):
            idle = idle @ null_space(across[None])
        taken = np.column_stack([self.row, idle])[free]
        taken = taken[:, np.linalg.norm(taken, axis=0) > 0]
        basis = np.eye(len(self.row))[:, free]
        return basis @ null_space(taken.T) if taken.shape[1] else basis

    def _room(self, vector: Float[np.ndarray, " D"], move: Float[np.ndarray, " D"]) -> float:
        """Largest share of a move, at most one, that stays within bounds."""
        lower, upper = self.objective.lower, self.objective.upper
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(move > 0, (upper - vector) / move, (lower - vector) / move)
        room = np.where(move == 0, np.inf, room)
        return float(min(1.0, room.min(initial=np.inf)))
