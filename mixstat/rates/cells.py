"""One cell of a study: fits of a few replicates of one size, and their losses."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.data import batch as batches
from mixstat.fitting.tables import table_width
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective import objective as objectives
from mixstat.rates.box import names
from mixstat.rates.engine import Ended, short_runs, solve_all
from mixstat.rates.held import hold, read_frozen
from mixstat.rates.law import Law
from mixstat.rates.losses import evaluate
from mixstat.rates.own_loss import OwnColumns, remember
from mixstat.rates.specification import Specification
from mixstat.rates.starts import Start, Task
from mixstat.rates.truths import Truth, replicate_seed

AGREEMENT = 1e-8  # starts within this relative log-likelihood of the best agree with it


class Plan(NamedTuple):
    """All that the rows of a study depend on, besides n and the replicate."""

    truth: Truth
    spec: Specification
    start: Start
    losses: tuple[str, ...]
    seed: int
    own: tuple[OwnColumns, ...] = ()
    """Losses that people have registered, for processes that do not know them."""


@in_float64
def fit_cell(plan: Plan, n: int, replicates: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of some replicates of size ``n``.

    A row is a function of the plan, n and its replicate alone.
    """
    remember(plan.own)
    tasks = [make_task(plan, n, r) for r in replicates]
    count = plan.start.n_starts
    firsts = [f for task, r in zip(tasks, replicates, strict=True) for f in _firsts(plan, task, r)]
    objectives = [task.objective for task in tasks for _ in range(count)]
    chosen = np.tile(np.arange(count), (len(tasks), 1))
    finish = plan.spec.finish
    if finish is not None and finish < count:
        firsts, chosen = short_runs(objectives, firsts, count, finish)
        objectives = [task.objective for task in tasks for _ in range(finish)]
    ends = solve_all(objectives, firsts, plan.spec)
    parts = [ends[i : i + chosen.shape[1]] for i in range(0, len(ends), chosen.shape[1])]
    return [
        _row(plan, task, r, part, started)
        for task, r, part, started in zip(tasks, replicates, parts, chosen, strict=True)
    ]


def _firsts(plan: Plan, task: Task, replicate: int) -> list[Mixture]:
    """First models of a replicate, moved into the box."""
    n, objective = task.n, task.objective
    random = np.random.default_rng(replicate_seed(plan.seed, n, replicate, stream=1))
    made = [
        parameter_vector.as_numpy(plan.start.first(task, random))
        for _ in range(plan.start.n_starts)
    ]
    return [
        parameter_vector.from_vector(m, objective.clip(parameter_vector.to_vector(m))) for m in made
    ]


def _row(
    plan: Plan, task: Task, replicate: int, ends: list[Ended], started: Int[np.ndarray, " s"]
) -> dict[str, Any]:
    """The best certified fit of a replicate and its losses; ``started`` numbers the starts."""
    heights = np.array([e.log_likelihood for e in ends])
    best = _best(ends)
    near = np.abs(heights - heights[best]) <= AGREEMENT * (1 + abs(heights[best]))
    model = ends[best].model
    vector, labels = parameter_vector.to_vector(model), names(model)
    row: dict[str, Any] = {"n": task.n, "replicate": int(replicate)}
    facts = ends[best]._asdict()
    row |= {"converged": ends[best].certified}
    row |= {k: v for k, v in facts.items() if k != "model"}
    row |= {
        "best_start": int(started[best]),
        "starts_agreeing": int(near.sum()),
        "binding": ", ".join(n for n, held in zip(labels, _held(task, vector)) if held),
    }
    # losses of one fit at a time: sums over several could round differently
    columns = evaluate(plan.losses, task.truth, [Law(model, task.features)])
    row |= {name: float(values[0]) for name, values in columns.items()}
    return row | {f"param {n}": float(v) for n, v in zip(labels, vector, strict=True)}


def _best(ends: list[Ended]) -> int:
    """The highest fit whose walk arrived, or the highest if there is none.

    A gate that is separated has no maximum, yet is where the likelihood leads: a lower maximum
    is not preferred to it, and the row says that it is not certified.
    """
    heights = np.array([e.log_likelihood for e in ends])
    ranked = np.where(np.isfinite(heights), heights, -np.inf)
    arrived = np.array([e.arrived for e in ends])
    return int(np.argmax(np.where(arrived, ranked, -np.inf) if arrived.any() else ranked))


def _held(task: Task, vector: Float[np.ndarray, " D"]) -> Bool[np.ndarray, " D"]:
    """Parameters that sit on a bound."""
    objective = task.objective
    on_bound = (vector <= objective.lower) | (vector >= objective.upper)
    return objective.varying & on_bound


def make_task(plan: Plan, n: int, replicate: int) -> Task:
    """The data of a replicate as an objective within the box."""
    truth, spec = plan.truth.at_size(n), plan.spec
    random = replicate_seed(plan.seed, n, replicate)
    if truth.counted:
        X, y, weight = truth.counts(n, random)
    else:
        X, y = truth.sample(n, random)
        weight = np.ones(n)
    table = y.reshape(len(weight), -1)
    features, null = spec.features(truth), spec.null(truth)
    Phi, Z = features.tables(X)
    groups = [*null.gate.groups(), *null.experts.groups()]
    predictors = sum(int(np.prod(g.coef.shape[:-1])) for g in groups)
    width = table_width(predictors, Z.shape[1], Phi.shape[1])
    data = batches.build(Z, Phi, null.experts.encode(table), weight, width=width)
    objective = objectives.make(null, data, min_scale=spec.min_scale)
    frozen = read_frozen(spec.frozen, spec.n_experts)
    objective = hold(spec.limits(truth).within(objective), frozen)
    return Task(truth, objective, null, features, X, table, weight, ordered=bool(frozen))
