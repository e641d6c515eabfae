"""From checked rows to a certified maximum: which starts, on which rows, by which solver."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float
from sklearn.utils import check_random_state

from mixstat.data import batch as batches
from mixstat.data.design import Design
from mixstat.fitting import starts
from mixstat.fitting.adaptive import AdaptiveSearch, capacity
from mixstat.fitting.context_starts import start_rows, within_contexts
from mixstat.fitting.findings import examined
from mixstat.fitting.first_models import Start, first_models
from mixstat.fitting.fit import Fit
from mixstat.fitting.given_starts import FIXED, endless_starts, given_start, made_starts
from mixstat.fitting.maximum import Maximum
from mixstat.fitting.multistart import Search, empty_table
from mixstat.fitting.options import Options
from mixstat.fitting.progress import Progress
from mixstat.fitting.schema import Request
from mixstat.fitting.sources import degree_mask, mapped
from mixstat.fitting.start_maker import StartMaker
from mixstat.fitting.tables import (
    Designs,
    Tables,
    TrainingRows,
    check_rows,
    choose_strengths,
    log_unit,
    make_tables,
)
from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.numerics.quiet import quiet
from mixstat.numerics.threads import one_blas_thread
from mixstat.objective import objective as objectives
from mixstat.objective.objective import Objective
from mixstat.objective.strengths import Strengths
from mixstat.solvers.m_step import each_alone


@dataclass(frozen=True, eq=False)
class Task:
    """Everything a search for the maximum needs but memory."""

    options: Options
    tables: Tables
    null: Mixture
    """A model of the right shape in which experts are alike."""
    given: Start | None
    """The user's start; None makes starts."""
    fixed: Bool[np.ndarray, " D"] | None
    """Parameters that are held at their value in ``null``."""
    seed: int
    progress: Progress

    def objective(
        self, tables: Tables, strengths: Strengths, *, longest: int, room: int
    ) -> Objective:
        """What to maximise on tables of rows, in chunks of at most ``longest`` of them."""
        objective = objectives.make(
            self.null,
            tables.lay_out(self.null, longest=longest, room=room),
            min_scale=self.options.min_scale,
            strengths=strengths,
            constants=(self.tables.gate_constant, self.tables.expert_constant),
            fixed=self.fixed,
        )
        given = np.asarray(self.given is not None)
        return objective.replace(min_share=self.options.min_share, keeps_order=given)


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
    designs = _make_designs(request)
    tables = make_tables(counting, designs, request.family)
    _check_rank(request.options, designs)
    task = _make_task(request, designs, tables, rows.counted)
    maximum, strengths = maximise(task)
    fit = Fit(
        request=request,
        model=maximum.result.model,
        designs=designs,
        units=tables.units,
        sum_of_weights=float(tables.weight.sum()),
        strengths=strengths,
        n_parameters=maximum.n_parameters,
        n_iter=max(maximum.result.n_iter, 1),
        weighted=bool(np.any(tables.weight != 1)),
        search=maximum,
    )
    task.progress.say(f"log-likelihood {fit.log_likelihood:.10g} a row; {maximum.certificate}")
    return examined(fit, counting.X, tables)


def _make_task(
    request: Request, designs: Designs, tables: Tables, counted: Bool[np.ndarray, " n"]
) -> Task:
    """The search for the maximum on tables of the rows that are ``counted``."""
    options, null = request.options, _null(request, tables)
    unit = log_unit(null, designs, tables.units)
    return Task(
        options=options,
        tables=tables,
        null=null,
        given=given_start(request, tables, designs, null, counted),
        fixed=_fixed(request, null, designs.experts),
        seed=int(check_random_state(options.random_state).randint(2**31)),
        progress=Progress(request.title, options.verbose, unit, penalised=options.penalises),
    )


def _make_designs(request: Request) -> Designs:
    """Designs that are still to be fitted; a penalty acts on features that stay as they are."""
    options = request.options
    experts, gate = request.schema.sources(options)
    rotate = options.gate.full_rank or not options.shrinks_gate
    return Designs(
        Design(experts, rotate=not options.shrinks_experts),
        Design(mapped(gate, options.gate), rotate=rotate),
    )


def _check_rank(options: Options, designs: Designs) -> None:
    if options.gate.full_rank and designs.gate.dependent:
        raise ValueError(
            f"gate_features must be independent for {type(options.gate).__name__}: "
            f"{', '.join(designs.gate.dependent)} is constant or a combination of the others."
        )


def _null(request: Request, tables: Tables) -> Mixture:
    k = request.options.n_experts
    return Mixture(
        request.options.gate.null(k, tables.Z.shape[1]),
        request.family.null(k, tables.Phi.shape[1], len(tables.units.location)),
    )


def _fixed(request: Request, null: Mixture, design: Design) -> Bool[np.ndarray, " D"] | None:
    """Parameters held at zero: of features that experts do without."""
    columns = design.whitening.kept
    mask = degree_mask(design.source, columns, request.options.degrees)
    if request.zeros is not None:
        zeros = request.zeros[:, columns]
        mask = zeros if mask is None else mask | zeros
    if mask is None:
        return None
    fixed = np.zeros(parameter_vector.size(null), bool)
    positions = expanded_index(null)[1]
    n_rows, p = null.experts.groups()[0].coef.shape[1:]
    for k in range(len(mask)):
        fixed[positions[k, : n_rows * p][np.tile(mask[k], n_rows)]] = True
    return fixed


@in_float64
def maximise(task: Task) -> tuple[Maximum, Strengths]:
    """Run the starts, in shorter chunks of rows where memory runs out; the winner."""
    longest = batches.MAX_ROWS
    while True:
        try:
            with one_blas_thread(parameter_vector.size(task.null)):
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
    check_rows(options.n_experts, distinct)
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
    settings = {
        "objective": objective,
        "short": short,
        "solver": options.solver,
        "tol": options.tol,
        "max_iter": options.max_iter,
        "progress": task.progress,
    }
    if sample is not None and knowledge is None and _adapts(task, objective):
        return _adaptive(task, sample, settings), strengths
    return _fixed_number(task, _starts(task, sample, knowledge), settings), strengths


def _adapts(task: Task, objective: Objective) -> bool:
    """Whether the number of starts is left to the search, and all of them can be afforded."""
    null, free = task.null, task.options.n_init == "auto" and task.given is None
    if not free or null.n_experts == 1 or not null.gate.continuous:
        return False
    return Search.affordable(objective, null) >= FIXED


def _adaptive(task: Task, sample: starts.StartRows, settings: dict[str, Any]) -> Maximum:
    """The best end of a search that goes on until it was met often enough."""
    options, null = task.options, task.null
    maker = StartMaker(
        settings["short"],
        null,
        sample,
        endless_starts(options, sample, null.n_experts, task.seed),
        np.random.default_rng(task.seed + 1),
    )
    table = empty_table(capacity(null.n_experts))
    search = AdaptiveSearch(table=table, maker=maker, **settings)
    task.progress.say(f"{_what(task)}, as many starts as it takes")
    result = search.search()
    return Maximum(settings["objective"], result, table[: len(search.ends)])


def _fixed_number(task: Task, chosen: list[Start], settings: dict[str, Any]) -> Maximum:
    """The best end of so many starts."""
    task.progress.say(f"{_what(task)}, {len(chosen)} starts")
    random = np.random.default_rng(task.seed + 1)
    models = first_models(settings["short"], task.null, chosen, random)
    table = empty_table(len(models))
    table["start"] = [kind for kind, _ in models]
    result = Search(table=table, **settings).run([model for _, model in models])
    return Maximum(settings["objective"], result, table)


def _what(task: Task) -> str:
    """The size of the problem in words."""
    size = parameter_vector.size(task.null)
    return f"{len(task.tables.y)} rows, {task.null.n_experts} experts, {size} parameters"


def _starts(
    task: Task, sample: starts.StartRows | None, knowledge: Float[np.ndarray, "s K"] | None
) -> list[Start]:
    """The start that was given, or those made from a sample of the rows."""
    if task.given is not None:
        return [task.given]
    if sample is None:
        return []
    made = made_starts(task.options, sample, task.null.n_experts, task.seed)
    if knowledge is None:
        return made
    return within_contexts(made, knowledge, sample.weight, lead=task.options.init == "auto")
