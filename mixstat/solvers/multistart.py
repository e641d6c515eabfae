"""Many starts: short runs for all, long runs for the promising, one certificate."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from mixstat import batch as batches
from mixstat import flat
from mixstat.likelihood import log_likelihood
from mixstat.model import Mixture
from mixstat.results import FitResult, Status
from mixstat.solvers import dense, em, m_step
from mixstat.solvers.auto import BASIN_ITER, SOLVERS
from mixstat.solvers.certify import certify, degenerate
from mixstat.solvers.finish import Finish
from mixstat.solvers.many import FitTable, fit_many, suits
from mixstat.solvers.problem import Problem

SHORT_ITER = 15  # accelerated EM steps that tell good starts from bad ones
SETTLED = 1e-7  # gain at which a start has settled on the sample
LEAST_FINISHED = 3  # starts run to the end, however large the problem
FINISH_WORK = 3e8  # multiplications worth spending on running more starts to the end
FINE = (Status.CONVERGED.name, Status.JUMP.name)
TOGETHER = 50  # starts from which on they run as one batch, which takes seconds to compile
NEAR_BOUND = 1.0  # distance from a bound within which an end may have collapsed
BLOCK = 64  # responsibilities turned into models at a time
LEG = 130  # iterations after which a start goes on only if it leads
AGREEMENT = 1e-8  # starts within this relative log-likelihood of each other agree

TABLE = np.dtype(
    [
        ("start", "U12"),
        ("log_likelihood_short", float),
        ("finished", bool),
        ("log_likelihood", float),
        ("status", "U10"),
        ("degenerate", bool),
        ("n_iter", int),
        ("n_passes", int),
    ]
)


class Start(NamedTuple):
    """A start: its kind and its responsibilities on the start rows, or a model."""

    kind: str
    responsibilities: np.ndarray | None = None  # (n, K)
    model: Mixture | None = None


def first_models(
    problem: Problem, null: Mixture, starts: Iterable[Start], random: np.random.Generator
) -> list[tuple[str, Mixture]]:
    """The model each start begins with: its own, or the M-step from its responsibilities.

    ``random`` scatters gates that do not begin at their null.
    """
    starts = list(starts)
    if len(starts) >= TOGETHER and dense.is_plain(null.gate):
        return _first_models_together(problem, null, starts)
    models = []
    for start in starts:
        model = start.model
        if start.responsibilities is not None:
            resp = batches.lay_out_like(problem.batch, start.responsibilities)
            model = dense.first_model(problem, null, resp, random)
        models.append((start.kind, model))
    return models


def _first_models_together(
    problem: Problem, null: Mixture, starts: list[Start]
) -> list[tuple[str, Mixture]]:
    """M-steps from many responsibilities, some in one program at a time."""
    found = []
    for first in range(0, len(starts), BLOCK):
        some = starts[first : first + BLOCK]
        tables = [batches.lay_out_like(problem.batch, np.asarray(s.responsibilities)) for s in some]
        tables += [tables[-1]] * (BLOCK - len(tables))
        models = flat.as_numpy(m_step.first_models(problem, null, np.stack(tables)))
        found += [
            (s.kind, jax.tree.map(lambda leaf, i=i: leaf[i], models)) for i, s in enumerate(some)
        ]
    return found


def multistart(
    problem: Problem,
    short_problem: Problem,
    models: list[tuple[str, Mixture]],
    *,
    solver: str,
    tol: float,
    max_iter: int,
    log: Callable[[str], None],
    units: float = 0.0,
) -> tuple[FitResult, np.ndarray]:
    """Fit from every start and return the best maximum with a table of all starts.

    Starts whose scale sits on its floor, or whose expert rests on too few rows, win only if
    there is no other: there the likelihood has no maximum, however large it is.

    Parameters
    ----------
    problem
        What to maximise.
    short_problem
        The same on the rows that starts look at; short runs are made on it.
    models
        Kind and first model of each start.
    solver, tol, max_iter
        Solver of the long runs, gradient tolerance, and its iteration limit.
    log
        Told of progress, a line at a time.
    units
        Taken from every log-likelihood told or tabled: the log of the unit of y.
    """
    table = np.zeros(len(models), TABLE)
    table["start"] = [kind for kind, _ in models]
    table["log_likelihood"] = np.nan
    first = [model for _, model in models]
    together = solver == "auto" and len(models) >= TOGETHER and suits(short_problem, first[0])
    whole = float(short_problem.batch.n_chunks) >= float(problem.batch.n_chunks)
    if together and whole:
        both = (problem, short_problem)
        first, order = _all_together(both, first, table, tol, max_iter, log, units)
    elif len(models) > 1:
        steps = min(SHORT_ITER, max_iter)
        short = _short_runs_together if together else _short_runs
        first, order = short(short_problem, first, table, steps, log, units)
    else:
        table["log_likelihood_short"] = np.nan  # the only start has no short run
        order = np.array([0])
    ends: dict[int, Finish] = {}
    objective: dict[int, float] = {}
    leg = LEG if solver == "auto" else max_iter

    def finish(i: int, near: Mixture) -> None:
        row = table[i]
        end = SOLVERS[solver](problem, near, tol, min(leg, max_iter - int(row["n_iter"])))
        row["finished"] = True
        row["n_iter"] += end.n_iter
        row["n_passes"] += end.n_passes
        ends[i] = end._replace(n_iter=int(row["n_iter"]))
        penalty, mass = problem.penalty(flat.to_vector(end.model)), None
        if end.known is None:
            objective[i] = float(log_likelihood(end.model, problem.batch)) - penalty
        else:
            objective[i], mass = end.known.value, end.known.mass
        row["log_likelihood"] = objective[i] + penalty - units
        row["status"], row["degenerate"] = end.status.name, degenerate(problem, end.model, mass)
        log(
            f"start {i} ({row['start']}): log-likelihood {row['log_likelihood']:.10g}, "
            f"{row['n_iter']} iterations, {str(row['status']).lower()}"
            + (", degenerate" if row["degenerate"] else "")
            + (f". {end.note}" if end.note else "")
        )

    n_finished = LEAST_FINISHED if together and whole else _how_many(problem, first)
    for i in order[:n_finished]:
        row = table[i]
        near = first[i]
        if float(short_problem.batch.n_chunks) < float(problem.batch.n_chunks):
            near = _settle_on_sample(short_problem, near, row, max_iter)
        finish(int(i), near)
    while True:  # a leader that is still climbing goes on; one that crawls far below does not
        leader = _leader(table, objective)
        row = table[leader]
        if row["status"] != Status.MAX_ITER.name or row["n_iter"] >= max_iter:
            break
        before = int(row["n_iter"])
        finish(leader, ends[leader].model)
        if row["n_iter"] == before:
            break
    return _best(problem, table, ends, objective, tol), table


def _short_runs(problem: Problem, models: list[Mixture], table: np.ndarray, steps: int, log, units):
    """A few EM steps from every start; the order in which they deserve to be finished."""
    ends, value = [], []
    for i, model in enumerate(models):
        state = em.run(problem, model, (1e-9, 0.0, steps))
        ends.append(flat.as_numpy(state.model))
        value.append(float(state.value))
        penalty = problem.penalty(flat.to_vector(ends[i]))
        table["log_likelihood_short"][i] = value[i] + penalty - units
        table["n_iter"][i], table["n_passes"][i] = int(state.n_iter), int(state.n_passes)
        table["status"][i] = Status(int(state.status)).name
        table["degenerate"][i] = degenerate(problem, state.model)
    # ranked by what is maximised, which is the likelihood less the ridge
    rank = np.nan_to_num(value, nan=-np.inf)
    order = np.lexsort((np.arange(len(rank)), -rank, table["degenerate"]))
    best = table["log_likelihood_short"][order[0]]
    log(f"{len(models)} short runs: best log-likelihood {best:.10g}")
    return ends, order


def _short_runs_together(
    problem: Problem, models: list[Mixture], table: np.ndarray, steps: int, log, units: float
):
    """:func:`_short_runs` as one batch."""
    found = fit_many(problem, models, solver="em", stop=(1e-9, 0.0), max_iter=steps)
    ends = [found.model(i) for i in range(len(models))]
    sunk = np.array([degenerate(problem, end) for end in ends])
    return ends, _tell(found, sunk, table, log, units)


def _all_together(
    problems: tuple[Problem, Problem],
    models: list[Mixture],
    table: np.ndarray,
    tol: float,
    max_iter: int,
    log: Callable[[str], None],
    units: float,
):
    """Every start to its maximum as one batch; the best are then run on the data themselves.

    ``problems`` are that of the data and that of the same rows in the order of the starts.
    """
    problem, short_problem = problems
    found = fit_many(short_problem, models, tol=tol, max_iter=min(LEG, max_iter))
    ends = [found.model(i) for i in range(len(models))]
    sunk = _sunk(problem, ends, found)
    order = _tell(found, sunk, table, log, units)
    table["finished"], table["log_likelihood"] = True, table["log_likelihood_short"]
    return ends, order


def _sunk(problem: Problem, ends: list[Mixture], found: FitTable) -> np.ndarray:
    """Which ends are degenerate; a closer look only at those that may be."""
    lower, upper = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
    near = (found.vectors < lower + NEAR_BOUND) | (found.vectors > upper - NEAR_BOUND)
    enough = found.mass * float(problem.batch.total_weight) > found.vectors.shape[1]
    doubtful = near.any(axis=1) | ~enough.all(axis=1)
    return np.array(
        [
            doubt and degenerate(problem, end, mass)
            for doubt, end, mass in zip(doubtful, ends, found.mass, strict=True)
        ]
    )


def _tell(
    found: FitTable, sunk: np.ndarray, table: np.ndarray, log: Callable[[str], None], units: float
) -> np.ndarray:
    """Fill the table of starts; the order in which they deserve to be finished."""
    table["log_likelihood_short"] = found.table["log_likelihood"] - units
    for name in ("n_iter", "n_passes", "status"):
        table[name] = found.table[name]
    table["degenerate"] = sunk
    rank = np.nan_to_num(found.table["objective"], nan=-np.inf)
    order = np.lexsort((np.arange(len(rank)), -rank, sunk))
    best = table["log_likelihood_short"][order[0]]
    log(f"{len(table)} starts together: best log-likelihood {best:.10g}")
    return order


def _settle_on_sample(problem: Problem, model: Mixture, row: Any, max_iter: int) -> Mixture:
    """Go on where a step is cheap: the maximum on a sample is near that on all rows."""
    limits = (SETTLED, 0.0, min(BASIN_ITER, max_iter - int(row["n_iter"])))
    state = em.run(problem, model, limits)
    row["n_iter"] += int(state.n_iter)
    row["n_passes"] += int(state.n_passes)
    return flat.as_numpy(state.model)


def _how_many(problem: Problem, models: list[Mixture]) -> int:
    rows = float(problem.batch.n_chunks) * problem.batch.rows.weight.shape[1]
    if not models[0].gate.continuous:  # a search without derivatives is many passes
        return min(LEAST_FINISHED, len(models))
    work = rows * flat.size(models[0]) ** 2
    return int(np.clip(FINISH_WORK // work, LEAST_FINISHED, len(models)))


def _leader(table: np.ndarray, objective: dict[int, float]) -> int:
    """The finished start with the largest objective, sound ones first."""
    done = np.array(list(objective))
    value = np.nan_to_num([objective[i] for i in done], nan=-np.inf)
    return int(done[np.lexsort((-value, table["degenerate"][done]))[0]])


def _best(
    problem: Problem,
    table: np.ndarray,
    ends: dict[int, Finish],
    objective: dict[int, float],
    tol: float,
) -> FitResult:
    done = np.array(list(ends))
    value = np.array([objective[i] for i in done])
    value = np.where(np.isfinite(value), value, -1e300)  # finite, so that differences are
    sound = ~table["degenerate"][done]
    eligible = sound if sound.any() else np.ones(len(done), bool)
    top = value[eligible].max()
    agree = eligible & (np.abs(value - top) <= AGREEMENT * (1 + abs(top)))
    # among starts that agree, prefer a certified one, then the first
    status = table["status"][done]
    winner = done[agree][np.argmin(~np.isin(status[agree], FINE))]
    end = ends[int(winner)]
    order = problem.order(end.model)
    in_order = np.array_equal(order, np.arange(len(order)))
    result = certify(
        problem,
        end.model if in_order else end.model.permute(order),
        end.status,
        n_iter=end.n_iter,
        n_passes=end.n_passes,
        tol=tol,
        known=end.known if in_order else None,
    )
    certificate = replace(
        result.certificate, starts_finished=len(done), starts_agreeing=int(agree.sum())
    )
    n_passes = int(table["n_passes"].sum())
    return replace(result, certificate=certificate, n_passes=n_passes, note=end.note)
