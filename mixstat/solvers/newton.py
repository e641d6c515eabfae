"""Trust-region Newton on the observed log-likelihood, with its exact Hessian.

The step maximises the quadratic model in a ball, found from the eigenvalues of the
information, so that saddles are left along negative curvature (More and Sorensen 1983, SIAM
J. Sci. Stat. Comput. 4, 553-572). Parameters held by a bound are left out of the step.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Derivatives, Objective
from mixstat.results import Status
from mixstat.solvers.base import Solver
from mixstat.solvers.outcome import Outcome
from mixstat.solvers.trust_region import (
    ROUNDING,
    SHORTEST,
    SURPLUS,
    Point,
    is_definite,
    trust_region_step,
    walk,
)


class _Task(NamedTuple):
    """The steps of Newton's method for an objective, as a walk asks for them."""

    objective: Objective

    def look(self, vector: Float[np.ndarray, " D"]) -> Derivatives:
        """Derivatives; a value may stand where they overflow, but nobody can go on from there."""
        known = self.objective.derivatives(vector)
        return known if known.finite else known._replace(value=-np.inf)

    def norm(self, point: Point) -> float:
        return float(self.objective.norm(point.vector, point.known.gradient))

    def arrived(self, point: Point, norm: float, tol: float) -> bool:
        """Whether another step cannot matter to anybody, and the point is no saddle."""
        free = self.objective.free(point.vector, point.known.gradient)
        information = -point.known.hessian[np.ix_(free, free)]
        return norm <= SURPLUS * tol and is_definite(information)

    def propose(self, point: Point, radius: float) -> tuple[Float[np.ndarray, " D"], float]:
        """Where to look next, and the gain that the quadratic model predicts."""
        vector, gradient = point.vector, point.known.gradient
        free = np.asarray(self.objective.free(vector, gradient))
        lower, upper = (np.asarray(b) for b in self.objective.orthant(vector, gradient))
        step, gain = _step_within(point, free, (lower, upper), radius)
        return np.clip(vector + step, lower, upper), gain


def _step_within(
    point: Point,
    free: Bool[np.ndarray, " D"],
    bounds: tuple[Float[np.ndarray, " D"], Float[np.ndarray, " D"]],
    radius: float,
) -> tuple[Float[np.ndarray, " D"], float]:
    """A trust-region step that stops at bounds and kinks, and the gain of the quadratic model.

    Parameters that would cross go to the edge, and the others step again knowing that;
    a clipped step alone would promise what it cannot keep.
    """
    vector, (_, gradient, hessian, _) = point.vector, point.known
    while True:
        step, inside = np.zeros(len(vector)), free.copy()
        while inside.any():
            slope = gradient + hessian[:, ~inside] @ step[~inside]
            information = -hessian[np.ix_(inside, inside)]
            step[inside] = trust_region_step(slope[inside], information, radius)[0]
            goal = vector + step
            crossing = inside & ((goal < bounds[0]) | (goal > bounds[1]))
            if not crossing.any():
                break
            step[crossing] = (np.clip(goal, *bounds) - vector)[crossing]
            inside &= ~crossing
        gain = float(gradient @ step + 0.5 * step @ hessian @ step)
        if gain > -ROUNDING or radius < SHORTEST:
            return step, gain
        radius *= 0.25


@dataclass(frozen=True)
class Newton(Solver):
    """Trust-region Newton from the start until rounding stops it.

    Steps go on to a ten-thousandth of the tolerance where they can: the last one squares the
    error.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.solvers import Newton
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, solver=Newton(), n_init=2, random_state=0).fit(X, y)
    >>> moe.status_.name, round(moe.log_likelihood_, 2)
    ('CONVERGED', 0.95)
    """

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        task = _Task(objective)
        first = np.asarray(objective.clip(parameter_vector.to_vector(start)))
        now = Point(first, task.look(first))
        if not np.isfinite(now.known.value):
            return Outcome(parameter_vector.as_numpy(start), Status.NONFINITE, 0, 1, now.known)
        end = walk(task, now, tol=tol, max_iter=max_iter)
        model = parameter_vector.as_numpy(objective.model(end.point.vector))
        return Outcome(model, end.status, end.n_iter, 1 + end.n_passes, end.point.known)
