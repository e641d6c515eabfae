"""One cell of a study: fits of a few replicates of one size, and their losses."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat import batch as batches
from mixstat import flat
from mixstat.estimators.data import table_width
from mixstat.model import Mixture
from mixstat.precision import in_float64
from mixstat.rates.box import names
from mixstat.rates.engine import Ended, certified, solve_all
from mixstat.rates.law import Law
from mixstat.rates.losses import evaluate
from mixstat.rates.specification import Specification
from mixstat.rates.starts import Start, Task
from mixstat.rates.truths import Truth, replicate_seed
from mixstat.solvers import problem as problems

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
    tasks = [make_task(plan, n, r) for r in replicates]
    count = plan.start.n_starts
    firsts = [f for task, r in zip(tasks, replicates, strict=True) for f in _firsts(plan, task, r)]
    each = [task.problem for task in tasks for _ in range(count)]
    ends = solve_all(each, firsts, plan.spec)
    return [
        _row(plan, task, r, ends[i * count : (i + 1) * count])
        for i, (task, r) in enumerate(zip(tasks, replicates, strict=True))
    ]


def _firsts(plan: Plan, task: Task, replicate: int) -> list[Mixture]:
    """First models of a replicate, moved into the box."""
    n, problem = len(task.y), task.problem
    random = np.random.default_rng(replicate_seed(plan.seed, n, replicate, stream=1))
    limits = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
    made = [flat.as_numpy(plan.start.first(task, random)) for _ in range(plan.start.n_starts)]
    return [flat.from_vector(m, np.clip(flat.to_vector(m), *limits)) for m in made]


def _row(plan: Plan, task: Task, replicate: int, ends: list[Ended]) -> dict[str, Any]:
    """The best certified fit of a replicate and its losses."""
    heights = np.array([e.log_likelihood for e in ends])
    ranked = np.where(np.isfinite(heights), heights, -np.inf)
    done = np.array([certified(e, plan.spec.tol) for e in ends])
    best = int(np.argmax(np.where(done, ranked, -np.inf) if done.any() else ranked))
    near = np.abs(heights - heights[best]) <= AGREEMENT * (1 + abs(heights[best]))
    model = ends[best].model
    vector, labels = flat.to_vector(model), names(model)
    row: dict[str, Any] = {"n": len(task.y), "replicate": int(replicate)}
    facts = ends[best]._asdict()
    row |= {"converged": bool(done[best])} | {k: v for k, v in facts.items() if k != "model"}
    row |= {
        "best_start": best,
        "starts_agreeing": int(near.sum()),
        "binding": ", ".join(n for n, held in zip(labels, _held(task, vector)) if held),
    }
    # losses of one fit at a time: sums over several could round differently
    columns = evaluate(plan.losses, plan.truth, [Law(model, task.features)])
    row |= {name: float(values[0]) for name, values in columns.items()}
    return row | {f"param {n}": float(v) for n, v in zip(labels, vector, strict=True)}


def _held(task: Task, vector: Float[np.ndarray, " D"]) -> Bool[np.ndarray, " D"]:
    """Parameters that sit on a bound."""
    lower, upper = (flat.to_vector(side) for side in (task.problem.lower, task.problem.upper))
    return task.problem.varying & ((vector <= lower) | (vector >= upper))


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
