"""One start to its maximum: EM into the basin, then Newton, or L-BFGS where D is large."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mixstat import flat
from mixstat.model import Mixture
from mixstat.results import Status
from mixstat.solvers import em, jump, lbfgs, newton
from mixstat.solvers.certify import Derivatives
from mixstat.solvers.problem import Problem

BASIN_TOL = 1e-5  # EM hands over when its gain in mean log-likelihood falls below this
BASIN_ITER = 100  # or after this many steps: Newton crosses long plateaus faster
NEWTON_SIZE = 150  # parameters above which a Hessian costs more than the EM steps it saves
CLOSE_TOL = 1e-9  # there EM goes on until one or two Newton steps are left
POLISH_SIZE = 3000  # parameters above which no Hessian is formed at all


class Finish(NamedTuple):
    """Where a solver ended, before it is certified."""

    model: Mixture
    status: Status
    n_iter: int
    n_passes: int
    known: Derivatives | None = None  # objective, gradient and Hessian at ``model``


def _em(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return _em_until(problem, start, 1e-14, max_iter)


def _em_until(problem: Problem, start: Mixture, gain: float, max_iter: int) -> Finish:
    state = em.run(problem, start, (gain, 1e-14, max_iter))
    model = flat.as_numpy(state.model)
    return Finish(model, Status(int(state.status)), int(state.n_iter), int(state.n_passes))


def _lbfgs(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return Finish(*lbfgs.maximise(problem, start, tol=tol, max_iter=max_iter))


def _newton(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return Finish(*newton.maximise(problem, start, tol=tol, max_iter=max_iter))


def _auto(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    if not start.gate.continuous:
        return Finish(*jump.maximise(problem, start, tol=tol, max_iter=max_iter))
    kinked = problem.shrink is not None and problem.shrink.l1 is not None
    large = flat.size(start) > NEWTON_SIZE
    gain = CLOSE_TOL if large else BASIN_TOL
    end = _em_until(problem, start, gain, min(max_iter, BASIN_ITER))
    if large and not kinked and end.status != Status.CONVERGED:
        end = _go_on(_lbfgs, problem, end, tol, max_iter)
    if flat.size(start) <= POLISH_SIZE:
        # in the order of the final model, whose derivatives need not be made again then
        end = end._replace(model=flat.as_numpy(in_order(problem, end.model)))
        end = _go_on(_newton, problem, end, tol, max_iter)
    return end


def in_order(problem: Problem, model: Mixture) -> Mixture:
    """The same model with experts in the order in which a result is told."""
    order = problem.order(model)
    same = np.array_equal(order, np.arange(len(order)))
    return model if same else model.permute(order)


def _go_on(
    solver: Callable[..., Finish], problem: Problem, end: Finish, tol: float, max_iter: int
) -> Finish:
    """Continue with another solver within what is left of the iterations."""
    left = max_iter - end.n_iter
    if left <= 0 or end.status == Status.NONFINITE:
        return end
    more = solver(problem, end.model, tol, left)
    n_iter, n_passes = end.n_iter + more.n_iter, end.n_passes + more.n_passes
    return more._replace(n_iter=n_iter, n_passes=n_passes)


SOLVERS: dict[str, Callable[[Problem, Mixture, float, int], Finish]] = {
    "auto": _auto,
    "em": _em,
    "lbfgs": _lbfgs,
    "newton": _newton,
}
