"""One start to its maximum: EM into the basin, then Newton, or L-BFGS where D is large."""

from collections.abc import Callable
from typing import NamedTuple

from mixstat import flat
from mixstat.model import Mixture
from mixstat.results import Status
from mixstat.solvers import em, lbfgs, newton
from mixstat.solvers.problem import Problem

BASIN_TOL = 1e-5  # EM hands over when its gain in mean log-likelihood falls below this
BASIN_ITER = 100  # or after this many steps: Newton crosses long plateaus faster
NEWTON_SIZE = 150  # parameters above which a Hessian costs more than the steps it saves
POLISH_SIZE = 3000  # parameters above which no Hessian is formed at all


class Finish(NamedTuple):
    """Where a solver ended, before it is certified."""

    model: Mixture
    status: Status
    n_iter: int
    n_passes: int


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
    stages: list[Callable[..., Finish]] = [_to_basin]
    size = flat.size(start)
    if size > NEWTON_SIZE:
        stages.append(_lbfgs)
    if size <= POLISH_SIZE:
        stages.append(_newton)
    now = Finish(start, Status.RUNNING, 0, 0)
    for stage in stages:
        left = max_iter - now.n_iter
        if left <= 0 or now.status == Status.NONFINITE:
            break
        if stage is _newton and _lbfgs in stages and now.status == Status.CONVERGED:
            break
        done = stage(problem, now.model, tol, left)
        now = Finish(
            done.model, done.status, now.n_iter + done.n_iter, now.n_passes + done.n_passes
        )
    if now.status == Status.RUNNING:
        return now._replace(status=Status.MAX_ITER)
    return now


def _to_basin(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return _em_until(problem, start, BASIN_TOL, min(max_iter, BASIN_ITER))


SOLVERS: dict[str, Callable[[Problem, Mixture, float, int], Finish]] = {
    "auto": _auto,
    "em": _em,
    "lbfgs": _lbfgs,
    "newton": _newton,
}
