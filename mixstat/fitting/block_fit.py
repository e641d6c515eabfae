"""From the maximum on a sample to that on rows that are read block by block."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from typing import NamedTuple, TypeAlias

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree

from mixstat.data.batch import Batch, ReadBatch
from mixstat.fitting.checkpoint import Checkpoint, watched
from mixstat.fitting.fit import Fit
from mixstat.fitting.maximum import Maximum
from mixstat.fitting.online_em import Memory, Sums, collect, rules
from mixstat.fitting.own_rows import RunningChecksums, check_same_rows, without_rows
from mixstat.fitting.tables import TrainingRows
from mixstat.inference.read_estimate import Moments, moments
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.numerics.quiet import quiet
from mixstat.numerics.threads import made_ahead
from mixstat.objective.likelihood import conditional_log_likelihood
from mixstat.objective.objective import Objective
from mixstat.results import FitResult
from mixstat.solvers.certificate import judge
from mixstat.solvers.newton import Newton
from mixstat.solvers.outcome import Outcome

Read: TypeAlias = Callable[[], Iterator[TrainingRows]]


class BlockRows(NamedTuple):
    """Rows that are read in blocks, as a fit sees them."""

    fit: Fit
    """Its features and units are taken."""
    read: Read
    """Reads the rows from the beginning; those that count."""
    total_weight: float
    count: int
    """Of the rows that count."""

    def batches(self) -> Iterator[Batch]:
        """Rows of each block; weights of all blocks together sum to one."""
        for rows in self.read():
            batch = self.fit.lay_out(rows.X, rows.responses, rows.weight)
            whole = np.asarray(self.total_weight)
            weight = np.asarray(batch.rows.weight) * (float(batch.total_weight) / whole)
            yield eqx.tree_at(
                lambda one: (one.rows.weight, one.total_weight), batch, (weight, whole)
            )

    def as_one(self, seen: Callable[[Batch], None] | None = None) -> ReadBatch:
        """The rows as one batch; ``seen`` is told each block that is read."""

        def ahead() -> Iterator[Batch]:
            return made_ahead(self.batches() if seen is None else _telling(self.batches(), seen))

        first = next(self.batches())
        weight = np.asarray(self.total_weight)
        return ReadBatch(first.rows, first.n_chunks, weight, ahead)


def _telling(batches: Iterator[Batch], seen: Callable[[Batch], None]) -> Iterator[Batch]:
    for batch in batches:
        seen(batch)
        yield batch


@quiet
@in_float64
def on_all_rows(
    near: Fit, read: Read, total_weight: float, count: int, checkpoint: Checkpoint | None = None
) -> Fit:
    """The fit to all rows, in the features and units of a fit to some of them.

    Parameters
    ----------
    near
        The fit to a sample.
    read
        Reads the rows from the beginning; those that count.
    total_weight, count
        Their sum of weights, and their number.
    checkpoint
        Where the parameters after each pass are kept, and where the fit goes on from.
    """
    rows = BlockRows(near, read, total_weight, count)
    objective = near.maximum.objective.replace(batch=rows.as_one(), draft=None)
    options = near.request.options
    outcome = _climbed(objective, near, checkpoint, rows)
    model = parameter_vector.as_numpy(objective.in_order(outcome.model))
    if np.any(parameter_vector.to_vector(model) != parameter_vector.to_vector(outcome.model)):
        outcome = outcome._replace(model=model, known=None)
    result = _with_search(judge(objective, outcome, tol=options.tol), near)
    maximum = replace(near.maximum, objective=objective, result=result)
    fit = replace(
        near,
        model=result.model,
        sum_of_weights=total_weight,
        n_parameters=maximum.n_parameters,
        n_iter=near.n_iter + result.n_iter,
        search=maximum,
    )
    kept = _without_rows(fit, maximum, rows)
    if checkpoint is not None and checkpoint.progress is not None:
        checkpoint.write(replace(checkpoint.progress, status=result.status.name))
    return kept


def _climbed(
    objective: Objective, near: Fit, checkpoint: Checkpoint | None, rows: BlockRows
) -> Outcome:
    """Newton's method from the model of the sample, or from where a checkpoint says."""
    options, model, before = near.request.options, near.model, 0
    if checkpoint is not None:
        start = checkpoint.start(near, rows.count, rows.total_weight)
        model, before = objective.model(np.asarray(start.vector)), start.n_passes
        objective = watched(objective, checkpoint, start)
    outcome = Newton().run(objective, model, tol=options.tol, max_iter=options.max_iter)
    return outcome._replace(n_passes=outcome.n_passes + before)


@in_float64
def on_own_blocks(fit: Fit, read: Read) -> tuple[Fit, Moments]:
    """A fit with its own rows, which are given again in blocks, and sums over them.

    Others are refused, once they were read.
    """
    weight = fit.sum_of_weights
    count = sum(len(rows.y) for rows in read()) if fit.weighted else round(weight)
    running = RunningChecksums(count)
    rows = BlockRows(fit, read, weight, count)
    sums = moments(fit.model, rows.as_one(running.add), weight)
    check_same_rows(running.result(), fit.checksums, knowledge=True)
    objective = fit.maximum.objective.replace(batch=rows.as_one())
    return replace(fit, search=replace(fit.maximum, objective=objective)), sums


def _with_search(result: FitResult, near: Fit) -> FitResult:
    """The verdict with what the search on the sample tells."""
    found = near.maximum.certificate
    told = {"search": found.search, "single_trials": found.single_trials}
    return replace(result, certificate=replace(result.certificate, **told))


def _without_rows(fit: Fit, maximum: Maximum, rows: BlockRows) -> Fit:
    """The fit as it is saved: sums and checksums in the place of rows, made in one pass."""
    objective = maximum.objective
    running = RunningChecksums(rows.count)
    each = (collect(fit.model, batch).parts for batch in rows.as_one(running.add).read())
    sums = Sums(reduce(_added, map(parameter_vector.as_numpy, each)), objective.batch.total_weight)
    known = running.result()
    conditional = _conditional(fit, maximum)
    memory = Memory(sums, rules(objective))
    kept = replace(fit, memory=memory, search=replace(maximum, objective=without_rows(objective)))
    # which a fit with rows finds when it is asked
    vars(kept).update(checksums=known, conditional_log_likelihood=conditional)
    return kept


def _added(one: PyTree, other: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: np.asarray(a + b), one, other)


def _conditional(fit: Fit, maximum: Maximum) -> float:
    """Weighted mean of log p(y | x), in the units of y."""
    model: Mixture = fit.model
    value = maximum.result.log_likelihood
    if model.gate.joint:
        value = float(conditional_log_likelihood(model, maximum.objective.batch))
    return value - fit.units.log_scale
