"""Likelihood ratios of K against K + 1 experts, for the rows of two fits and other responses.

The smaller model begins where it was fitted. The larger one begins at ends of the smaller one with
one expert split in two, in as many ways for every response, and all starts go on to a certified
maximum. Where none of these counts, others are made, a few times. The smaller model with an
expert doubled is a larger model too, so no ratio is negative.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.data.batch import Batch
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.fitting.fit import Fit
from mixstat.fitting.fit_table import FitTable
from mixstat.fitting.refits import with_response, with_rows_of_their_own
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
TURNS = 5  # times that starts are made, at most
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
        return [large.model, *splits.models(null.model(i), data[i], [*seeds[i], 0])]

    models = in_threads(starts, range(len(data)))
    each = len(models[0])
    repeated = [one for one in data for _ in range(each)]
    ends = _best(_fits(large, [model for several in models for model in several], repeated), each)
    for i in np.flatnonzero(~ends.counts):
        again = best_split(splits, null.model(int(i)), data[i], seeds[i], first=1)
        if again is not None:
            ends.log_likelihood[i], ends.counts[i] = again.log_likelihood, True
            ends.status[i] = again.status.name
    return Ratios(_best(null, 1), ends)


@in_float64
def best_split(
    splits: Splits, end: Mixture, batch: Batch, seed: Seed, first: int = 0
) -> FitResult | None:
    """The best end that counts of the larger model, for one response; None if there is none.

    Parameters
    ----------
    splits
        Makes the starts.
    end
        Of the smaller model.
    batch
        Rows with the response, as the larger model sees them.
    seed
        What is drawn depends on it.
    first
        How often starts were made already.
    """
    fit = splits.large
    objective, tol = fit.maximum.objective.replace(batch=batch), fit.request.options.tol
    objective = objective.replace(draft=None)
    for turn in range(first, TURNS):
        found = []
        for model in splits.models(end, batch, [*seed, turn]):
            outcome = Plan().run(objective, model, tol=tol, max_iter=MAX_ITER)
            result = judge(objective, outcome, tol=tol)
            if result.status.is_high and not _is_doubtful(objective, result):
                found.append(result)
        if found:
            return max(found, key=lambda result: result.log_likelihood)
    return None


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
    counts = with_rows_of_their_own(ends) & np.isin(ends.table["status"], HIGH)
    height = np.nan_to_num(ends.table["log_likelihood"], nan=-np.inf)
    shape = (-1, each)
    order = np.lexsort((-height.reshape(shape), ~counts.reshape(shape)), axis=1)[:, 0]
    best = order + each * np.arange(len(order))
    row = ends.table[best]
    return Ends(row["log_likelihood"], row["status"], counts[best])
