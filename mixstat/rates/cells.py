"""One cell of a study: fits of a few replicates of one size, and their losses."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mixstat import batch as batches
from mixstat import flat
from mixstat.estimators.data import table_width
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.rates.box import names
from mixstat.rates.law import Law
from mixstat.rates.losses import evaluate
from mixstat.rates.specification import Specification
from mixstat.rates.starts import Start, Task
from mixstat.rates.truths import Truth, replicate_seed
from mixstat.results import FitResult, Status
from mixstat.solvers import em
from mixstat.solvers import problem as problems
from mixstat.solvers.auto import SOLVERS, Finish
from mixstat.solvers.certify import certify
from mixstat.solvers.problem import Problem

# of the scripts of arXiv 2305.03288: relative gain at which EM stops, steps, Newton on the gate
STOP, GATE_TOL = (0.0, 1e-6, 2000), 1e-7
AGREEMENT = 1e-8  # starts within this relative log-likelihood of the best agree with it


class Plan(NamedTuple):
    """All that the rows of a study depend on, besides n and the replicate."""

    truth: Truth
    spec: Specification
    start: Start
    losses: tuple[str, ...]
    seed: int


@in_float64
def fit_cell(plan: Plan, n: int, replicates: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of some replicates of size ``n``.

    A row is a function of the plan, n and its replicate alone.
    """
    return [_row(plan, n, r, *_best(plan, n, r)) for r in replicates]


def _row(
    plan: Plan, n: int, replicate: int, result: FitResult, facts: dict[str, Any]
) -> dict[str, Any]:
    # losses of one fit at a time: sums over several could round differently
    law = Law(result.model, plan.spec.features(plan.truth))
    columns = evaluate(plan.losses, plan.truth, [law])
    row = {"n": int(n), "replicate": int(replicate), **facts}
    row |= {name: float(values[0]) for name, values in columns.items()}
    pairs = zip(names(result.model), flat.to_vector(result.model), strict=True)
    return row | {f"param {label}": float(value) for label, value in pairs}


def make_task(plan: Plan, n: int, replicate: int) -> Task:
    """The data of a replicate as a problem within the box."""
    truth, spec = plan.truth, plan.spec
    X, y = truth.sample(n, replicate_seed(plan.seed, n, replicate))
    table = y.reshape(n, -1)
    features, null = spec.features(truth), spec.null(truth)
    Phi, Z = features.tables(X)
    groups = [*null.gate.groups(), *null.experts.groups()]
    predictors = sum(int(np.prod(g.coef.shape[:-1])) for g in groups)
    width = table_width(predictors, Z.shape[1], Phi.shape[1])
    data = batches.build(Z, Phi, null.experts.encode(table), width=width)
    problem = problems.make(null, data, min_scale=spec.min_scale)
    lower, upper = spec.limits(truth).bounds(problem.lower, problem.upper)
    return Task(truth, problem._replace(lower=lower, upper=upper), null, features, X, table)


def _best(plan: Plan, n: int, replicate: int) -> tuple[FitResult, dict[str, Any]]:
    """The best certified fit over the starts, and what its row tells of it."""
    task = make_task(plan, n, replicate)
    random = np.random.default_rng(replicate_seed(plan.seed, n, replicate, stream=1))
    results = [
        solve(task.problem, _inside(task.problem, plan.start.first(task, random)), plan.spec)
        for _ in range(plan.start.n_starts)
    ]
    heights = np.array([r.log_likelihood for r in results])
    done = np.array([certified(r, plan.spec.tol) for r in results])
    ranked = np.where(np.isfinite(heights), heights, -np.inf)
    best = int(np.argmax(np.where(done, ranked, -np.inf) if done.any() else ranked))
    return results[best], _facts(plan, task.problem, results, best)


def _facts(plan: Plan, problem: Problem, results: list[FitResult], best: int) -> dict[str, Any]:
    found = results[best]
    proof = found.certificate
    top = found.log_likelihood
    near = [abs(r.log_likelihood - top) <= AGREEMENT * (1 + abs(top)) for r in results]
    vector = flat.to_vector(found.model)
    at = [flat.to_vector(side) for side in (problem.lower, problem.upper)]
    held = problem.varying & ((vector <= at[0]) | (vector >= at[1]))
    labels = names(found.model)
    return {
        "converged": certified(found, plan.spec.tol),
        "status": _told(found, plan.spec.tol),
        "gradient_norm": float(proof.gradient_norm),
        "newton_decrement": float(proof.newton_decrement),
        "min_eigenvalue": float(proof.min_eigenvalue),
        "log_likelihood": float(top),
        "n_iter": int(found.n_iter),
        "best_start": best,
        "starts_agreeing": int(sum(near)),
        "binding": ", ".join(label for label, h in zip(labels, held, strict=True) if h),
    }


def _published(problem: Problem, first: Mixture) -> Finish:
    """Plain EM with the stopping rule of the published scripts."""
    state = em.run(problem, first, STOP, accelerate=False, exact_gate=True, gate_tol=GATE_TOL)
    counts = int(state.n_iter), int(state.n_passes)
    return Finish(flat.as_numpy(state.model), Status(int(state.status)), *counts)


def certified(result: FitResult, tol: float) -> bool:
    """Whether a fit ended at a maximum within its bounds."""
    met = result.certificate.gradient_norm <= tol
    return bool(met and result.status not in (Status.SADDLE, Status.NONFINITE))


def _told(result: FitResult, tol: float) -> str:
    """Why the fit stopped. In a stated box a scale on its bound has not collapsed."""
    boxed = result.status == Status.COLLAPSED and certified(result, tol)
    return (Status.CONVERGED if boxed else Status(result.status)).name


def solve(problem: Problem, first: Mixture, spec: Specification) -> FitResult:
    """One fit from one start, with its certificate."""
    if spec.solver == "published":
        end = _published(problem, first)
    else:
        end = SOLVERS[spec.solver](problem, first, spec.tol, spec.max_iter)
    return certify(
        problem,
        end.model,
        end.status,
        n_iter=end.n_iter,
        n_passes=end.n_passes,
        tol=spec.tol,
        known=end.known,
    )


def _inside(problem: Problem, model: Mixture) -> Mixture:
    """A start moved into the box."""
    lower, upper = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
    return flat.from_vector(model, np.clip(flat.to_vector(model), lower, upper))
