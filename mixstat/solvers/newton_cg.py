"""Newton with products of the Hessian and a direction, for parameters too many for a Hessian.

Conjugate gradients in a trust region (Steihaug 1983, SIAM J. Numer. Anal. 20, 626-637), in
scipy's implementation. A product is a derivative of the gradient along a direction: about two
passes for a gradient, whatever the number of parameters.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize

from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.results import Status
from mixstat.solvers.base import Solver
from mixstat.solvers.outcome import Outcome

ROUNDS = 10  # times that the set of parameters on their bounds may change
PRODUCT_COST = 2  # passes that a product counts for


@dataclass(frozen=True)
class NewtonCG(Solver):
    """Newton-CG from a start: better close to a maximum than far.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.solvers import NewtonCG
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, solver=NewtonCG(), n_init=2, random_state=0).fit(X, y)
    >>> moe.status_.name, round(moe.log_likelihood_, 2)
    ('CONVERGED', 0.95)
    """

    smooth: ClassVar[bool] = True
    continuous: ClassVar[bool] = True

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        task = _Task(objective)
        vector = np.asarray(objective.clip(parameter_vector.to_vector(start)))
        if not np.isfinite(task.negative(vector)[0]):
            return Outcome(parameter_vector.as_numpy(start), Status.NONFINITE, 0, task.n_passes)
        n_iter, free = 0, task.free(vector)
        for _ in range(ROUNDS):
            vector, steps, free = task.within_face(vector, free, tol, max_iter - n_iter)
            n_iter += steps
            held = ~free
            free = task.free(vector)
            # a bound that was met holds its parameter for now; one that should leave may
            if np.array_equal(free, ~held) or n_iter >= max_iter:
                break
        norm = float(objective.norm(vector, -task.negative(vector)[1]))
        status = Status.CONVERGED if norm <= tol else Status.STALLED
        if status == Status.STALLED and n_iter >= max_iter:
            status = Status.MAX_ITER
        model = parameter_vector.as_numpy(objective.model(vector))
        return Outcome(model, status, n_iter, task.n_passes)


class _Task:
    """The negative objective for scipy, on the parameters that may move."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.n_passes = objective, 0

    def negative(self, vector: Float[np.ndarray, " D"]) -> tuple[float, np.ndarray]:
        self.n_passes += 1
        value, gradient = self.objective.value_and_gradient(vector)
        return (-value if np.isfinite(value) else np.inf), -gradient

    def product(self, vector: np.ndarray, direction: np.ndarray) -> np.ndarray:
        self.n_passes += PRODUCT_COST
        return -self.objective.hessian_product(vector, direction)

    def free(self, vector: Float[np.ndarray, " D"]) -> Bool[np.ndarray, " D"]:
        return np.asarray(self.objective.free(vector, -self.negative(vector)[1]))

    def within_face(
        self, vector: Float[np.ndarray, " D"], free: np.ndarray, tol: float, max_iter: int
    ) -> tuple[np.ndarray, int, np.ndarray]:
        """The maximum over the free parameters; those that cross a bound are left on it."""

        def whole(part: np.ndarray, rest: np.ndarray | float) -> np.ndarray:
            full = np.array(np.broadcast_to(rest, vector.shape), float)
            full[free] = part
            return full

        def negative(part: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = self.negative(whole(part, vector))
            return value, slope[free]

        def product(part: np.ndarray, direction: np.ndarray) -> np.ndarray:
            return self.product(whole(part, vector), whole(direction, 0.0))[free]

        if max_iter < 1 or not free.any():
            return vector, 0, free
        end = minimize(
            negative,
            vector[free],
            jac=True,
            hessp=product,
            method="trust-ncg",
            options={"gtol": 1e-2 * tol, "maxiter": max_iter},
        )
        goal = whole(end.x, vector)
        inside = np.asarray(self.objective.clip(goal))
        return inside, int(end.nit), free & (inside == goal)
