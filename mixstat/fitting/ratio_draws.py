"""Likelihood ratios of K against K + 1 experts, for the rows of two fits and other responses.

The smaller model begins where it was fitted. The larger one begins at ends of the smaller one with
one expert split in two, in as many ways for every response, and all starts go on to a certified
maximum. The smaller model with an expert doubled is a larger model too, so no ratio is negative.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.data.batch import Batch
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.fitting.fit import Fit
from mixstat.fitting.fit_table import FitTable
from mixstat.fitting.refits import clearly_apart, has_rows_of_its_own, with_response
from mixstat.fitting.splits import Splits
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.numerics.threads import in_threads
from mixstat.objective.objective import Objective
from mixstat.results import FitResult, Status
from mixstat.solvers import admissible
from mixstat.solvers.certificate import judge
from mixstat.solvers.plan import Plan

HIGH = tuple(status.name for status in Status if status.is_high)
MAX_ITER = 200  # steps of a start, as in a batch

Seed = Sequence[int]


class Ends(NamedTuple):
    """The best end of a model for each response."""

    log_likelihood: Float[np.ndarray, " B"]
    """Mean, in standardised units."""
    status: np.ndarray
    """Names, (B,)."""
    counts: Bool[np.ndarray, " B"]
    """Whether it is admissible, and a maximum or on its way above every regular one."""


class Ratios(NamedTuple):
    """Both models for each response."""

    small: Ends
    large: Ends

    @property
    def gain(self) -> Float[np.ndarray, " B"]:
        """What the larger model adds to the mean log-likelihood; nothing where no end counts."""
        gain = self.large.log_likelihood - self.small.log_likelihood
        return np.where(self.large.counts, np.maximum(gain, 0.0), 0.0)


@in_float64
def likelihood_ratios(
    small: Fit,
    large: Fit,
    responses: Sequence[Float[np.ndarray, "n c"]],
    seeds: Sequence[Seed],
) -> Ratios:
    """Two fits of the same rows made again for other responses, as two batches.

    Parameters
    ----------
    small, large
        Fits with K and K + 1 experts, of rows that count once. The larger model also begins where
        it was fitted.
    responses
        In the units of y.
    seeds
        For each response, on which its starts depend.
    """
    null = _fits(small, [small.model], [with_response(small, one) for one in responses])
    data = [with_response(large, one) for one in responses]
    splits = Splits(large)

    def starts(i: int) -> list[Mixture]:
        return [large.model, *splits.models(null.model(i), data[i], seeds[i])]

    models = in_threads(starts, range(len(data)))
    each = len(models[0])
    repeated = [one for one in data for _ in range(each)]
    ends = _fits(large, [model for several in models for model in several], repeated)
    return Ratios(_best(null, 1), _best(ends, each))


@in_float64
def best_split(small: Fit, large: Fit, seed: Seed) -> FitResult | None:
    """The best end that counts of the larger model for the rows of the fits; None without one.

    Starts are made as for every other response, from the seed.
    """
    batch, tol = large.maximum.batch, large.request.options.tol
    objective = large.maximum.objective.replace(draft=None)
    found = []
    for model in Splits(large).models(small.model, batch, seed):
        outcome = Plan().run(objective, model, tol=tol, max_iter=MAX_ITER)
        result = judge(objective, outcome, tol=tol)
        if result.status.is_high and not _is_doubtful(objective, result):
            found.append(result)
    return max(found, key=lambda result: result.log_likelihood, default=None)


def _is_doubtful(objective: Objective, result: FitResult) -> bool:
    """Whether an expert coincides with another one, or rests on too few rows."""
    model = parameter_vector.as_numpy(result.model)
    assert result.mass is not None  # the judge always tells it
    doubted = admissible.inadmissible(objective, model, result.mass).any()
    return bool(doubted) or bool(admissible.coinciding(model))


def _fits(fit: Fit, starts: Sequence[Mixture], data: Sequence[Batch]) -> FitTable:
    """Certified fits to other responses."""
    objective, tol = fit.maximum.objective.replace(draft=None), fit.request.options.tol
    return fit_many(objective, starts, data=data, tol=tol, max_iter=MAX_ITER)


def _best(ends: FitTable, each: int) -> Ends:
    """Of every so many members the best that counts; of all, where none does."""
    clear = clearly_apart(ends)
    high = np.isin(ends.table["status"], HIGH)
    height = np.nan_to_num(ends.table["log_likelihood"], nan=-np.inf).reshape(-1, each)
    order = np.argsort(-height, axis=1, kind="stable") + each * np.arange(len(height))[:, None]
    best, counts = order[:, 0].copy(), np.zeros(len(order), bool)
    for i, members in enumerate(order):
        for member in members:
            if high[member] and (clear[member] or has_rows_of_its_own(ends, int(member))):
                best[i], counts[i] = member, True
                break
    row = ends.table[best]
    return Ends(row["log_likelihood"], row["status"], counts)
