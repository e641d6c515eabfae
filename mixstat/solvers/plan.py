"""One start to its maximum: EM into the basin, then Newton, or L-BFGS where D is large."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import mixstat.solvers.newton_batched as newton_batched
import mixstat.solvers.subsample as subsample
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.narrow import WideObjective
from mixstat.objective.objective import Objective
from mixstat.results import Status
from mixstat.solvers.base import Solver
from mixstat.solvers.derivative_free import DerivativeFree
from mixstat.solvers.em import EM, StopRule
from mixstat.solvers.lbfgs import LBFGS
from mixstat.solvers.newton import Newton
from mixstat.solvers.newton_cg import NewtonCG
from mixstat.solvers.outcome import Outcome
from mixstat.solvers.working_set import WorkingSet

BASIN_TOL = 1e-5  # EM hands over when its gain in mean log-likelihood falls below this
BASIN_ITER = 100  # or after this many steps: Newton crosses long plateaus faster
DRAFT_TOL = 1e-5  # gains that single precision can still see
NEWTON_SIZE = 150  # parameters above which a Hessian costs more than the EM steps it saves
FEW_ITER = 3  # steps of EM where each of them costs much
CLOSE_TOL = 1e-9  # there EM goes on until one or two Newton steps are left
BATCHED_CHUNKS = 64  # of rows, above which passes of Newton are spread over processors
POLISH_SIZE = 3000  # parameters above which no Hessian is formed at all


def into_the_basin(objective: Objective, start: Mixture, gain: float, max_iter: int) -> Outcome:
    """EM until a step gains less than ``gain``."""
    stage = EM(stop=StopRule(absolute=gain))
    return stage.run(objective, start, max_iter=min(max_iter, BASIN_ITER))


def go_on(solver: Solver, objective: Objective, end: Outcome, tol: float, max_iter: int) -> Outcome:
    """Continue with another solver within what is left of the iterations."""
    left = max_iter - end.n_iter
    if left <= 0 or end.status == Status.NONFINITE:
        return end
    more = solver.run(objective.replace(draft=None), end.model, tol=tol, max_iter=left)
    return more.after(end)._replace(note=end.note)


@dataclass(frozen=True)
class _Climb(Solver):
    """Damped Newton in one program; what it cannot finish is left to the trust region."""

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        return newton_batched.climb(objective, start, tol=tol)


@dataclass(frozen=True)
class BasinThenNewtonCG(Solver):
    """EM into the basin of a maximum, then Newton-CG."""

    smooth = NewtonCG.smooth
    continuous = NewtonCG.continuous

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        end = into_the_basin(objective, start, BASIN_TOL, max_iter)
        return go_on(NewtonCG(), objective, end, tol, max_iter)


@dataclass(frozen=True)
class Plan(Solver):
    """The stages that suit an objective, one after the other.

    EM leads into the basin of a maximum: on a sample of the rows where they are many, in single
    precision where that was asked for. Newton finishes, or L-BFGS where parameters are many.
    Gates that jump have a search of their own.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.solvers import Plan
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, solver=Plan(), n_init=2, random_state=0).fit(X, y)
    >>> moe.status_.name, round(moe.log_likelihood_, 2)
    ('CONVERGED', 0.95)
    """

    drafts: ClassVar[bool] = True

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        if not start.gate.continuous:
            return DerivativeFree().run(objective, start, tol=tol, max_iter=max_iter)
        if isinstance(objective, WideObjective):
            return WorkingSet().run(objective, start, tol=tol, max_iter=max_iter)
        return self._from_sample(objective, start, tol, max_iter) or self._on_all_rows(
            objective, start, tol, max_iter
        )

    def _from_sample(
        self, objective: Objective, start: Mixture, tol: float, max_iter: int
    ) -> Outcome | None:
        """By way of the maximum on a sample of the rows, where that pays and leads there."""
        if objective.penalty.kinked or parameter_vector.size(start) > POLISH_SIZE:
            return None
        stride = subsample.sampling_stride(objective, start)
        if stride == 1:
            return None
        solve = partial(self.run, tol=tol, max_iter=max_iter)
        end = subsample.from_sample(objective, start, solve, stride)
        return end and go_on(Newton(), objective, end, tol, max_iter)

    def _on_all_rows(
        self, objective: Objective, start: Mixture, tol: float, max_iter: int
    ) -> Outcome:
        size, kinked = parameter_vector.size(start), objective.penalty.kinked
        large = size > NEWTON_SIZE
        costly = not kinked and _costly_steps(start)
        steps = min(max_iter, FEW_ITER) if costly else max_iter
        end = _basin(objective, start, CLOSE_TOL if large else BASIN_TOL, steps)
        objective = objective.replace(draft=None)
        later = [LBFGS()] if large and not kinked else []
        later += [NewtonCG()] if size > POLISH_SIZE and not kinked else []
        for solver in later:
            if end.status != Status.CONVERGED:
                end = go_on(solver, objective, end, tol, max_iter)
        # in the order of the final model, whose derivatives need not be made again then
        end = end._replace(model=parameter_vector.as_numpy(objective.in_order(end.model)))
        if not (large or kinked or int(objective.batch.n_chunks) > BATCHED_CHUNKS):
            end = go_on(_Climb(), objective, end, tol, max_iter)
        if size <= POLISH_SIZE and (end.known is None or end.status != Status.CONVERGED):
            end = go_on(Newton(), objective, end, tol, max_iter)
        return end


def _costly_steps(model: Mixture) -> bool:
    """Whether a step of EM costs as much as many gradients: each expert takes one of Newton's."""
    experts = model.experts
    return not experts.exact_step and parameter_vector.size(experts) > NEWTON_SIZE * model.n_experts


def _basin(objective: Objective, start: Mixture, gain: float, max_iter: int) -> Outcome:
    """EM into the basin, on rows in single precision first where there are such."""
    if objective.draft is None:
        return into_the_basin(objective, start, gain, max_iter)
    draft, exact = objective.replace(batch=objective.draft), objective.replace(draft=None)
    end = _drafted(draft, start, max(gain, DRAFT_TOL), max_iter)
    if gain < DRAFT_TOL and end.status == Status.CONVERGED:
        more = into_the_basin(exact, end.model, gain, max_iter)
        return more.after(end)._replace(note=end.note)
    return end


def _drafted(draft: Objective, start: Mixture, gain: float, max_iter: int) -> Outcome:
    """EM on rows in single precision, which says so if rounding stopped it."""
    end = into_the_basin(draft, start, gain, max_iter)
    if end.status == Status.CONVERGED:
        return end
    note = (
        f"In single precision EM ended as {end.status.name.lower()} after {end.n_iter} steps, "
        f"before its gain fell below {gain:g}; the rest was done in double precision."
    )
    if end.status == Status.NONFINITE:  # double precision may do better from the start
        end = end._replace(model=start, status=Status.STALLED)
    return end._replace(note=note)
