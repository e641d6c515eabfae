"""From checked rows to a certified maximum: which starts, on which rows, by which solver."""

from functools import partial

import jax
import numpy as np
from jaxtyping import Float

from mixstat.data import batch as batches
from mixstat.fitting import starts
from mixstat.fitting.adaptive import AdaptiveSearch, capacity
from mixstat.fitting.context_starts import start_rows, within_contexts
from mixstat.fitting.findings import examined
from mixstat.fitting.first_models import Start, first_models
from mixstat.fitting.fit import Fit
from mixstat.fitting.given_starts import FIXED, endless_starts, made_starts
from mixstat.fitting.maximum import Maximum
from mixstat.fitting.multistart import Search, Shared, empty_table
from mixstat.fitting.numbered_starts import numbered_models
from mixstat.fitting.options import Options
from mixstat.fitting.schema import Request
from mixstat.fitting.start_maker import StartMaker
from mixstat.fitting.tables import (
    TrainingRows,
    check_possible,
    check_rows,
    choose_strengths,
    make_tables,
)
from mixstat.fitting.task import Task, check_rank, make_designs, make_task, with_columns
from mixstat.fitting.wide_starts import screened
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.numerics.programs import telling
from mixstat.numerics.quiet import quiet
from mixstat.numerics.threads import one_blas_thread
from mixstat.objective.narrow import WideObjective
from mixstat.objective.objective import Objective
from mixstat.objective.strengths import Strengths
from mixstat.solvers.m_step import each_alone


@quiet
def fit_rows(request: Request, rows: TrainingRows) -> Fit:
    """The fit that was asked for.

    Parameters
    ----------
    request
        The model, and how to search for it.
    rows
        Checked rows; those of weight zero do not count.
    """
    counting = rows.without_zero_weights()
    request.family.check(counting.responses)
    if counting.unit is not None:
        _check_units(request.options)
    designs = make_designs(request)
    tables = make_tables(counting, designs, request.family)
    check_rank(request.options, designs)
    request = with_columns(request, designs)
    task = make_task(request, designs, tables, rows.counted)
    check_possible(task.null, tables, rows.counted)
    maximum, strengths = maximise(task)
    fit = Fit(
        request=request,
        model=maximum.result.model,
        designs=designs,
        units=tables.units,
        sum_of_weights=float(maximum.batch.total_weight),
        strengths=strengths,
        n_parameters=maximum.n_parameters,
        n_iter=max(maximum.result.n_iter, 1),
        weighted=bool(np.any(tables.weight != 1)),
        search=maximum,
        rows_per_unit=tables.rows_per_unit,
    )
    task.progress.say(f"log-likelihood {fit.log_likelihood:.10g} a row; {maximum.certificate}")
    return examined(fit, counting.X, tables)


def _check_units(options: Options) -> None:
    """Refuse what is not made for rows that share experts."""
    if options.gate.joint:
        raise ValueError(
            f"groups must be left out for {type(options.gate).__name__}, which is fitted to the "
            "inputs of rows; a softmax gate takes them."
        )
    if options.precision != "float64":
        raise ValueError(f"groups need precision='float64', got {options.precision!r}.")


@in_float64
def maximise(task: Task) -> tuple[Maximum, Strengths]:
    """Run the starts, in shorter chunks of rows where memory runs out; the winner."""
    longest = batches.MAX_ROWS
    while True:
        try:
            with one_blas_thread(parameter_vector.size(task.null)), telling(task.progress.say):
                return _search(task, longest)
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not _out_of_memory(error):
                raise
            longest //= 2
            if longest < batches.MIN_ROWS:
                raise MemoryError(_too_large(task)) from error
        task.progress.say(f"out of memory: going on with at most {longest} rows at a time")


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def _too_large(task: Task) -> str:
    tables, size = task.tables, parameter_vector.size(task.null)
    n = len(tables.y)
    columns = tables.y.shape[1] + tables.Phi.shape[1] + 1
    columns += 0 if tables.Z is tables.Phi else tables.Z.shape[1]
    return (
        f"Out of memory for X with {n} rows: the rows take {8 * n * columns / 2**20:.0f} MiB "
        f"({columns} columns), a Hessian of {size} parameters {8 * size**2 / 2**20:.0f} MiB, and "
        f"shorter chunks of rows, down to {batches.MIN_ROWS}, did not help. Fit a sample of the "
        "rows, a lower degree or fewer experts."
    )


def _search(task: Task, longest: int) -> tuple[Maximum, Strengths]:
    """One try, with chunks of at most ``longest`` rows."""
    options, tables, null = task.options, task.tables, task.null
    n_rows, size = len(tables.y), parameter_vector.size(null)
    sample = knowledge = None
    if task.given is None or n_rows <= starts.SAMPLE:
        sample, knowledge = start_rows(tables)
    distinct = n_rows if sample is None else min(n_rows, len(sample.y))
    check_rows(options.n_experts, min(distinct, tables.n_units))
    strengths = choose_strengths(options, distinct, size)
    objective = task.objective(tables, strengths, longest=longest, room=0)
    if options.scale_penalty:
        alone = parameter_vector.as_numpy(each_alone(objective, null))
        objective = objective.penalising_scales(options.scale_penalty, alone)
    options.solver.check(objective)
    if options.precision == "float32" and options.solver.drafts:
        objective = objective.replace(draft=batches.single(objective.batch))
    short = objective
    if task.given is None and sample is not None:
        alike = tables._replace(**sample._asdict(), log_possibility=knowledge)
        room = n_rows if n_rows <= starts.SAMPLE else 0
        short = task.objective(alike, strengths, longest=longest, room=room)
        short = short.replace(penalties=objective.penalties)
    shared = Shared(
        objective=objective,
        short=short,
        solver=options.solver,
        tol=options.tol,
        max_iter=options.max_iter,
        progress=task.progress,
    )
    if sample is not None and knowledge is None and _adapts(task, objective):
        return _adaptive(task, sample, shared, longest), strengths
    wide = isinstance(objective, WideObjective)
    return _fixed_number(task, _starts(task, sample, knowledge, wide), shared), strengths


def _adapts(task: Task, objective: Objective) -> bool:
    """Whether the number of starts is left to the search, and all of them can be afforded."""
    null, free = task.null, task.options.n_init == "auto" and task.given is None
    free = free and not task.options.restrictions.any  # moves make other models
    if isinstance(objective, WideObjective):
        return False
    if not free or null.n_experts == 1 or not null.gate.continuous:
        return False
    return Search.affordable(objective, null) >= FIXED


def _adaptive(task: Task, sample: starts.StartRows, shared: Shared, longest: int) -> Maximum:
    """The best end of a search that goes on until it was met often enough."""
    options, null = task.options, task.null
    maker = StartMaker(
        shared["short"],
        null,
        sample,
        endless_starts(options, sample, null.n_experts, task.seed),
        np.random.default_rng(task.seed + 1),
    )
    table = empty_table(capacity(null.n_experts))
    fewer = partial(_doubled, task, longest)
    search = AdaptiveSearch(table=table, maker=maker, fewer=fewer, **shared)
    task.progress.say(f"{_what(task)}, as many starts as it takes")
    result = search.search()
    return Maximum(shared["objective"], result, table[: len(search.ends)])


def _doubled(task: Task, longest: int) -> Mixture | None:
    """What a user would get of the same fit with one expert fewer, its largest one doubled."""
    smaller, constant = task.fewer(), task.tables.gate_constant
    # some gates cannot halve a share, and then there is nothing to search for
    if smaller is None or smaller.null.doubled(0, constant) is None:
        return None
    found = _search(smaller, longest)[0].result
    assert found.mass is not None
    largest = int(np.argmax(found.mass))
    model = parameter_vector.as_numpy(found.model)
    return model.doubled(largest, constant)


def _fixed_number(task: Task, chosen: list[Start], shared: Shared) -> Maximum:
    """The best end of so many starts."""
    task.progress.say(f"{_what(task)}, {len(chosen)} starts")
    random = np.random.default_rng(task.seed + 1)
    # groups that contexts or known experts number are matched with them already
    numbered = task.keeps_order and task.tables.log_possibility is None and task.given is None
    make = numbered_models if numbered else first_models
    models = make(shared["short"], task.null, chosen, random)
    table = empty_table(len(models))
    table["start"] = [kind for kind, _ in models]
    result = Search(table=table, **shared).run([model for _, model in models])
    return Maximum(shared["objective"], result, table)


def _what(task: Task) -> str:
    """The size of the problem in words."""
    size = parameter_vector.size(task.null)
    return f"{len(task.tables.y)} rows, {task.null.n_experts} experts, {size} parameters"


def _starts(
    task: Task,
    sample: starts.StartRows | None,
    knowledge: Float[np.ndarray, "s K"] | None,
    wide: bool,
) -> list[Start]:
    """The start that was given, or those made from a sample of the rows."""
    if task.given is not None:
        return [task.given]
    if sample is None:
        return []
    seen = screened(sample) if wide else sample
    made = made_starts(task.options, seen, task.null.n_experts, task.seed)
    if knowledge is None:
        return made
    return within_contexts(made, knowledge, sample.weight, lead=task.options.init == "auto")
