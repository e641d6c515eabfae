"""Newton with products of the Hessian and a direction, for parameters too many for a Hessian.

Conjugate gradients in a trust region (Steihaug 1983, SIAM J. Numer. Anal. 20, 626-637), in
scipy's implementation. A product is a derivative of the gradient along a direction: about two
passes for a gradient, whatever the number of parameters.
"""

import numpy as np
from jaxtyping import Float

from mixstat import flat
from mixstat.derivatives import hessian_product, value_and_gradient
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.results import FitResult, Status
from mixstat.solvers.certify import GRADIENT_TOL, certify, free_parameters
from mixstat.solvers.problem import Problem

ROUNDS = 10  # times that the set of parameters on their bounds may change
PRODUCT_COST = 2  # passes that a product counts for


def maximise(
    problem: Problem, start: Mixture, *, tol: float, max_iter: int
) -> tuple[Mixture, Status, int, int]:
    """Newton-CG without the certificate: model, status, iterations and passes."""
    if problem.shrink is not None and problem.shrink.l1 is not None:
        raise ValueError("Newton-CG needs a smooth objective; an L1 penalty needs EM or Newton.")
    task = _Task(problem, start)
    vector = np.clip(flat.to_vector(start), task.lower, task.upper)
    if not np.isfinite(task.negative(vector)[0]):
        return start, Status.NONFINITE, 0, task.n_passes
    n_iter, free = 0, task.free(vector)
    for _ in range(ROUNDS):
        vector, steps, free = task.within_face(vector, free, tol, max_iter - n_iter)
        n_iter += steps
        held = ~free
        free = task.free(vector)
        # a bound that was met holds its parameter for now; one that should leave may
        if np.array_equal(free, ~held) or n_iter >= max_iter:
            break
    norm = float(np.max(np.abs(task.negative(vector)[1][free]), initial=0.0))
    status = Status.CONVERGED if norm <= tol else Status.STALLED
    if status == Status.STALLED and n_iter >= max_iter:
        status = Status.MAX_ITER
    return flat.from_vector(start, vector), status, n_iter, task.n_passes


class _Task:
    """The negative objective for scipy, on the parameters that may move."""

    def __init__(self, problem: Problem, template: Mixture) -> None:
        self.problem, self.template, self.n_passes = problem, template, 0
        self.lower = flat.to_vector(problem.lower)
        self.upper = flat.to_vector(problem.upper)

    def negative(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        self.n_passes += 1
        model = flat.from_vector(self.template, vector)
        value, gradient = value_and_gradient(model, self.problem.batch)
        value = float(value) - self.problem.penalty(vector)
        slope = self.problem.penalised_gradient(vector, np.asarray(gradient))
        return (-value if np.isfinite(value) else np.inf), -slope

    def product(self, vector: np.ndarray, direction: np.ndarray) -> np.ndarray:
        self.n_passes += PRODUCT_COST
        model = flat.from_vector(self.template, vector)
        found = np.asarray(hessian_product(model, direction, self.problem.batch))
        return -found + self.problem.penalty_hessian() @ direction

    def free(self, vector: np.ndarray) -> np.ndarray:
        return free_parameters(self.problem, vector, -self.negative(vector)[1])

    def within_face(
        self, vector: Float[np.ndarray, " D"], free: np.ndarray, tol: float, max_iter: int
    ) -> tuple[np.ndarray, int, np.ndarray]:
        """The maximum over the free parameters; those that cross a bound are left on it."""
        from scipy.optimize import minimize

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
        found = minimize(
            negative,
            vector[free],
            jac=True,
            hessp=product,
            method="trust-ncg",
            options={"gtol": 1e-2 * tol, "maxiter": max_iter},
        )
        goal = whole(found.x, vector)
        inside = np.clip(goal, self.lower, self.upper)
        return inside, int(found.nit), free & (inside == goal)


@in_float64
def newton_cg(
    problem: Problem, start: Mixture, *, tol: float = GRADIENT_TOL, max_iter: int = 200
) -> FitResult:
    """Maximise by Newton-CG from ``start``.

    Parameters
    ----------
    problem, start
        What to maximise, and where to begin: better close to a maximum than far.
    tol
        Largest component of the projected gradient that counts as converged.
    max_iter
        Largest number of iterations.

    Raises
    ------
    ValueError
        If there is an L1 penalty.
    """
    model, status, n_iter, n_passes = maximise(problem, start, tol=tol, max_iter=max_iter)
    return certify(problem, model, status, n_iter=n_iter, n_passes=n_passes, tol=tol)
