"""One start to its maximum: EM into the basin, then Newton, or L-BFGS where D is large."""

from collections.abc import Callable
from functools import partial

import numpy as np

from mixstat import flat
from mixstat.model import Mixture
from mixstat.results import Status
from mixstat.solvers import climb, em, jump, ladder, lbfgs, newton, newton_cg
from mixstat.solvers.certify import Derivatives
from mixstat.solvers.finish import Finish
from mixstat.solvers.problem import Problem

BASIN_TOL = 1e-5  # EM hands over when its gain in mean log-likelihood falls below this
BASIN_ITER = 100  # or after this many steps: Newton crosses long plateaus faster
DRAFT_TOL = 1e-5  # gains that single precision can still see
NEWTON_SIZE = 150  # parameters above which a Hessian costs more than the EM steps it saves
CLOSE_TOL = 1e-9  # there EM goes on until one or two Newton steps are left
CLIMB_CHUNKS = 64  # of rows, above which passes of Newton are spread over processors
POLISH_SIZE = 3000  # parameters above which no Hessian is formed at all


def _em(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return _em_until(problem, start, 1e-14, max_iter)


def _em_to(gain: float, problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return _em_until(problem, start, gain, max_iter)


def _em_until(problem: Problem, start: Mixture, gain: float, max_iter: int) -> Finish:
    state = em.run(problem, start, (gain, 1e-14, max_iter))
    model = flat.as_numpy(state.model)
    return Finish(model, Status(int(state.status)), int(state.n_iter), int(state.n_passes))


def _lbfgs(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return Finish(*lbfgs.maximise(problem, start, tol=tol, max_iter=max_iter))


def _newton_cg(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    end = _em_until(problem, start, BASIN_TOL, min(max_iter, BASIN_ITER))
    return _go_on(_products, problem, end, tol, max_iter)


def _products(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return Finish(*newton_cg.maximise(problem, start, tol=tol, max_iter=max_iter))


def _newton(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    return Finish(*newton.maximise(problem, start, tol=tol, max_iter=max_iter))


def _auto(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    if not start.gate.continuous:
        return Finish(*jump.maximise(problem, start, tol=tol, max_iter=max_iter))
    kinked = problem.shrink is not None and problem.shrink.l1 is not None
    draft = problem.draft
    size = flat.size(start)
    step = 1 if kinked or size > POLISH_SIZE else ladder.stride(problem, start)
    if step > 1:
        end = ladder.maximise(problem, start, partial(_auto, tol=tol, max_iter=max_iter), step)
        if end is not None:
            return _go_on(_newton, problem, end, tol, max_iter)
    large = size > NEWTON_SIZE
    gain = CLOSE_TOL if large else BASIN_TOL
    steps, problem, note = min(max_iter, BASIN_ITER), problem._replace(draft=None), ""
    if draft is None:
        end = _em_until(problem, start, gain, steps)
    else:
        end, note = _drafted(problem._replace(batch=draft), start, max(gain, DRAFT_TOL), steps)
        if large and end.status == Status.CONVERGED:
            more = _em_until(problem, end.model, gain, steps)
            end = more._replace(
                n_iter=more.n_iter + end.n_iter, n_passes=more.n_passes + end.n_passes
            )
    if large and not kinked and end.status != Status.CONVERGED:
        end = _go_on(_lbfgs, problem, end, tol, max_iter)
    if size > POLISH_SIZE and not kinked and end.status != Status.CONVERGED:
        end = _go_on(_products, problem, end, tol, max_iter)
    # in the order of the final model, whose derivatives need not be made again then
    end = end._replace(model=flat.as_numpy(in_order(problem, end.model)))
    if not (large or kinked or int(problem.batch.n_chunks) > CLIMB_CHUNKS):
        end = _go_on(_climb, problem, end, tol, max_iter)
    if size <= POLISH_SIZE and (end.known is None or end.status != Status.CONVERGED):
        end = _go_on(_newton, problem, end, tol, max_iter)
    return end._replace(note=note)


def _drafted(problem: Problem, start: Mixture, gain: float, max_iter: int) -> tuple[Finish, str]:
    """EM on rows in single precision, and what to say if rounding stopped it."""
    end = _em_until(problem, start, gain, max_iter)
    if end.status == Status.CONVERGED:
        return end, ""
    note = (
        f"In single precision EM ended as {end.status.name.lower()} after {end.n_iter} steps, "
        f"before its gain fell below {gain:g}; the rest was done in double precision."
    )
    return (end._replace(model=start) if end.status == Status.NONFINITE else end), note


def _climb(problem: Problem, start: Mixture, tol: float, max_iter: int) -> Finish:
    """Damped Newton in one program; what it cannot finish is left to the trust region."""
    state = climb.run(problem, start, tol, boxed=climb.is_boxed(problem))
    state = flat.as_numpy(state)
    status = Status(int(state.status))
    if status == Status.NONFINITE:
        return Finish(start, Status.STALLED, 0, int(state.n_passes))
    known = Derivatives(
        float(state.value), *(np.asarray(a) for a in (state.gradient, state.hessian, state.mass))
    )
    model = flat.from_vector(start, state.vector)
    return Finish(model, status, int(state.n_iter), int(state.n_passes), known)


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
    problem = problem._replace(draft=None)
    more = solver(problem, end.model, tol, left)
    n_iter, n_passes = end.n_iter + more.n_iter, end.n_passes + more.n_passes
    return more._replace(n_iter=n_iter, n_passes=n_passes)


SOLVERS: dict[str, Callable[[Problem, Mixture, float, int], Finish]] = {
    "auto": _auto,
    "em": _em,
    "lbfgs": _lbfgs,
    "newton": _newton,
    "newton_cg": _newton_cg,
}
