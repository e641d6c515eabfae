"""Direct maximum likelihood by L-BFGS within bounds, on exact gradients.

Byrd, Lu, Nocedal and Zhu (1995), SIAM J. Sci. Comput. 16, 1190-1208, in scipy's
implementation.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from scipy.optimize import Bounds, OptimizeResult, minimize

from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.results import Status
from mixstat.solvers.base import Solver
from mixstat.solvers.outcome import Outcome
from mixstat.validation import check_integer

ROUNDING_STEPS = 8  # steps after the value can no longer tell better from worse


@dataclass(frozen=True)
class LBFGS(Solver):
    """L-BFGS within bounds.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.solvers import LBFGS
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, solver=LBFGS(history=50), n_init=2, random_state=0).fit(X, y)
    >>> moe.status_.name, round(moe.log_likelihood_, 2)
    ('CONVERGED', 0.95)
    """

    smooth: ClassVar[bool] = True
    continuous: ClassVar[bool] = True

    history: int = 20
    """Curvature pairs kept; mixtures repay a longer memory than scipy's ten."""

    def __post_init__(self) -> None:
        check_integer("history", self.history, 1)

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        first = np.asarray(objective.clip(parameter_vector.to_vector(start)))
        if not np.isfinite(_negative(first, objective)[0]):
            return Outcome(parameter_vector.as_numpy(start), Status.NONFINITE, 0, 1)
        if max_iter < 1:  # scipy would take one step all the same
            return Outcome(parameter_vector.as_numpy(start), Status.MAX_ITER, 0, 1)
        end = minimize(
            _negative,
            first,
            args=(objective,),
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(objective.lower, objective.upper),  # pyright: ignore[reportArgumentType]
            options={
                "maxcor": self.history,
                "ftol": 0.0,
                "gtol": tol,
                "maxiter": max_iter,
                "maxfun": 3 * max_iter,
            },
        )
        n_passes = int(end.nfev) + 1
        if end.status != 1:  # also where the value no longer changes at all
            n_passes += _past_rounding(objective, end, tol)
        # scipy: 0 converged, 1 out of iterations, 2 the line search found nothing better
        status = {0: Status.CONVERGED, 1: Status.MAX_ITER}.get(end.status, Status.STALLED)
        return Outcome(
            parameter_vector.as_numpy(objective.model(end.x)), status, int(end.nit), n_passes
        )


def _negative(
    vector: Float[np.ndarray, " D"], objective: Objective
) -> tuple[float, Float[np.ndarray, " D"]]:
    value, gradient = objective.value_and_gradient(vector)
    return -value, -gradient


def _past_rounding(objective: Objective, end: OptimizeResult, tol: float) -> int:
    """Quasi-Newton steps judged by the gradient, where values differ by rounding alone."""

    def norm(vector: np.ndarray, slope: np.ndarray) -> float:
        return float(objective.norm(vector, -slope))

    vector, slope, share = end.x, end.jac, 1.0
    for step in range(ROUNDING_STEPS):
        if norm(vector, slope) <= tol:
            end.status = 0
            return step
        trial = np.asarray(objective.clip(vector - share * _step(objective, end, vector, slope)))
        after = _negative(trial, objective)[1]
        if norm(trial, after) < norm(vector, slope):
            vector, slope = trial, after
            end.x, end.jac = vector, slope
        else:
            share *= 0.5
    end.status = 0 if norm(vector, slope) <= tol else end.status
    return ROUNDING_STEPS


def _step(
    objective: Objective,
    end: OptimizeResult,
    vector: Float[np.ndarray, " D"],
    slope: Float[np.ndarray, " D"],
) -> Float[np.ndarray, " D"]:
    """A quasi-Newton step of the parameters that no bound holds, as if the others were constants.

    By the inverse Hessian of all of them, of which that of some is a Schur complement.
    """
    free = np.asarray(objective.free(vector, -slope))
    step = end.hess_inv.dot(np.where(free, slope, 0.0))
    held = np.flatnonzero(~free & objective.varying)
    if held.size:
        columns = np.stack(
            [end.hess_inv.dot(np.eye(1, len(step), int(j))[0]) for j in held], axis=1
        )
        step = step - columns @ np.linalg.solve(columns[held], step[held])
    return np.where(free, step, 0.0)
