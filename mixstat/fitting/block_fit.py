"""From the maximum on a sample to that on rows that are read block by block."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import equinox as eqx
import jax
import numpy as np

from mixstat.data.batch import Batch, ReadBatch
from mixstat.fitting.fit import Fit
from mixstat.fitting.maximum import Maximum
from mixstat.fitting.online_em import Memory, Sums, collect, rules
from mixstat.fitting.own_rows import checksums_of, without_rows
from mixstat.fitting.tables import TrainingRows
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.numerics.quiet import quiet
from mixstat.objective.likelihood import conditional_log_likelihood
from mixstat.results import FitResult
from mixstat.solvers.certificate import judge
from mixstat.solvers.newton import Newton

Read: TypeAlias = Callable[[], Iterator[TrainingRows]]


@quiet
@in_float64
def on_all_rows(near: Fit, read: Read, total_weight: float, count: int) -> Fit:
    """The fit to all rows, in the features and units of a fit to some of them.

    Parameters
    ----------
    near
        The fit to a sample.
    read
        Reads the rows from the beginning; those that count.
    total_weight, count
        Their sum of weights, and their number.
    """

    def batches() -> Iterator[Batch]:
        for rows in read():
            yield near.lay_out(rows.X, rows.responses, rows.weight)

    def scaled() -> Iterator[Batch]:
        return (_scaled(batch, total_weight) for batch in batches())

    first = next(scaled())
    data = ReadBatch(first.rows, first.n_chunks, np.asarray(total_weight), scaled)
    objective = near.maximum.objective.replace(batch=data, draft=None)
    options = near.request.options
    outcome = Newton().run(objective, near.model, tol=options.tol, max_iter=options.max_iter)
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
    return _without_rows(fit, maximum, batches, count)


def _scaled(batch: Batch, total_weight: float) -> Batch:
    """A batch whose weights are shares of all rows."""
    share = float(batch.total_weight) / total_weight
    weight = np.asarray(batch.rows.weight) * share
    return eqx.tree_at(lambda one: one.rows.weight, batch, weight)


def _with_search(result: FitResult, near: Fit) -> FitResult:
    """The verdict with what the search on the sample tells."""
    found = near.maximum.certificate
    told = {"search": found.search, "single_trials": found.single_trials}
    return replace(result, certificate=replace(result.certificate, **told))


def _without_rows(
    fit: Fit, maximum: Maximum, batches: Callable[[], Iterator[Batch]], count: int
) -> Fit:
    """The fit as it is saved: sums and checksums in the place of rows, made in one pass."""
    objective = maximum.objective
    sums: list[Sums] = []

    def seen() -> Iterator[Batch]:
        for batch in batches():
            part = parameter_vector.as_numpy(collect(fit.model, batch))
            sums[:] = [_added(sums[0], part) if sums else part]
            yield _scaled(batch, fit.sum_of_weights)

    known = checksums_of(seen(), count)
    conditional = _conditional(fit, maximum)
    memory = Memory(sums[0], rules(objective))
    kept = replace(fit, memory=memory, search=replace(maximum, objective=without_rows(objective)))
    # which a fit with rows finds when it is asked
    vars(kept).update(checksums=known, conditional_log_likelihood=conditional)
    return kept


def _added(one: Sums, other: Sums) -> Sums:
    return jax.tree.map(lambda a, b: np.asarray(a + b), one, other)


def _conditional(fit: Fit, maximum: Maximum) -> float:
    """Weighted mean of log p(y | x), in the units of y."""
    model: Mixture = fit.model
    value = maximum.result.log_likelihood
    if model.gate.joint:
        value = float(conditional_log_likelihood(model, maximum.objective.batch))
    return value - fit.units.log_scale
