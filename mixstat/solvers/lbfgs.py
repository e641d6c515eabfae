"""Direct maximum likelihood by L-BFGS within bounds, on exact gradients.

Byrd, Lu, Nocedal and Zhu (1995), SIAM J. Sci. Comput. 16, 1190-1208, in scipy's
implementation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mixstat import flat
from mixstat.derivatives import value_and_gradient
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.results import FitResult, Status
from mixstat.solvers.certify import GRADIENT_TOL, certify
from mixstat.solvers.problem import Problem

HISTORY = 20  # curvature pairs kept; mixtures repay a longer memory than scipy's ten
ROUNDING_STEPS = 5  # steps after the value can no longer tell better from worse


def maximise(
    problem: Problem, start: Mixture, *, tol: float, max_iter: int
) -> tuple[Mixture, Status, int, int]:
    """L-BFGS without the certificate: model, status, iterations and passes."""
    from scipy.optimize import Bounds, minimize

    def negative(vector: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = value_and_gradient(flat.from_vector(start, vector), problem.batch)
        value = float(value) - problem.penalty(vector)
        return -value, -problem.penalised_gradient(vector, np.asarray(gradient))

    if problem.shrink is not None and problem.shrink.l1 is not None:
        raise ValueError("L-BFGS needs a smooth objective; an L1 penalty needs EM or Newton.")
    lower, upper = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
    vector = np.clip(flat.to_vector(start), lower, upper)
    if not np.isfinite(negative(vector)[0]):
        return start, Status.NONFINITE, 0, 1
    if max_iter < 1:  # scipy would take one step all the same
        return start, Status.MAX_ITER, 0, 1
    found = minimize(
        negative,
        vector,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(lower, upper),
        options={
            "maxcor": HISTORY,
            "ftol": 0.0,
            "gtol": tol,
            "maxiter": max_iter,
            "maxfun": 3 * max_iter,
        },
    )
    n_passes = int(found.nfev) + 1
    if found.status != 1:  # also where the value no longer changes at all
        n_passes += _past_rounding(negative, found, (lower, upper), tol)
    model = flat.from_vector(start, found.x)
    # scipy: 0 converged, 1 out of iterations, 2 the line search found nothing better
    status = {0: Status.CONVERGED, 1: Status.MAX_ITER}.get(found.status, Status.STALLED)
    return model, status, int(found.nit), n_passes


def _past_rounding(
    negative: Callable, found: Any, bounds: tuple[np.ndarray, np.ndarray], tol: float
) -> int:
    """Quasi-Newton steps judged by the gradient, where values differ by rounding alone."""

    def norm(vector: np.ndarray, gradient: np.ndarray) -> float:
        inside = np.clip(vector - gradient, *bounds) - vector
        return float(np.max(np.abs(inside), initial=0.0))

    vector, gradient = found.x, found.jac
    for step in range(ROUNDING_STEPS):
        if norm(vector, gradient) <= tol:
            found.status = 0
            return step
        trial = np.clip(vector - found.hess_inv.dot(gradient), *bounds)
        slope = negative(trial)[1]
        if not norm(trial, slope) < norm(vector, gradient):
            return step + 1
        vector, gradient = trial, slope
        found.x, found.jac = vector, gradient
    return ROUNDING_STEPS


@in_float64
def lbfgs(
    problem: Problem, start: Mixture, *, tol: float = GRADIENT_TOL, max_iter: int = 1000
) -> FitResult:
    """Maximise by L-BFGS from ``start``.

    Parameters
    ----------
    problem, start
        What to maximise, and where to begin.
    tol
        Largest component of the projected gradient that counts as converged.
    max_iter
        Largest number of iterations.
    """
    model, status, n_iter, n_passes = maximise(problem, start, tol=tol, max_iter=max_iter)
    return certify(problem, model, status, n_iter=n_iter, n_passes=n_passes, tol=tol)
