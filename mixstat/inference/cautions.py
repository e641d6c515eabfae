"""What to mind when errors are read."""

import numpy as np

from mixstat.inference.covariances import Covariance, ParameterCovariance
from mixstat.inference.estimate import Estimate
from mixstat.solvers.admissible import own_parameters

ROUNDING = 1e-9
SURE_ROWS = 40.0  # for each parameter of an expert, below which normal intervals may be too short


def few_sure_rows(estimate: Estimate, kind: Covariance) -> tuple[str, ...]:
    """Whether an expert rests on so few rows that normal intervals may be too short.

    A row counts for an expert by the square of its responsibility, so that rows which two experts
    share count for neither.
    """
    if estimate.model.n_experts == 1 or kind.name == "bootstrap":
        return ()
    own = own_parameters(estimate.objective, estimate.model).sum(axis=1)
    each = estimate.sure_rows / np.maximum(own, 1)
    if each.min() >= SURE_ROWS:
        return ()
    return (
        f"Expert {int(each.argmin())} has {each.min():.0f} rows that are surely its own for each "
        "parameter: normal intervals may hold the truth less often than they say. See "
        "profile_int, or cov_type='bootstrap'.",
    )


def few_draws(covariance: ParameterCovariance, level: float) -> tuple[str, ...]:
    """Whether quantiles of a bootstrap lie beyond its draws."""
    if covariance.draws is None or covariance.interval == "normal":
        return ()
    count, tail = len(covariance.draws), 0.5 - 0.5 * level
    if (count + 1) * tail >= 1 - ROUNDING:
        return ()
    return (
        f"Intervals at level {level:g} need {int(np.ceil(1 / tail - ROUNDING)) - 1} draws or more, "
        f"and end at the least and the largest of {count}.",
    )


def meaning_of_weights(estimate: Estimate, kind: Covariance) -> tuple[str, ...]:
    """What weights are taken for, where there are any."""
    if not estimate.weighted or kind.name == "sampling":
        return ()
    if not estimate.counts_rows:
        return (
            "Weights are no whole numbers, so they count no equal rows, as these errors take them "
            f"to do ({estimate.total_weight:g} in all): scale them to the effective number of "
            "rows, or say cov_type='sampling' if they undo chances of being sampled.",
        )
    return (
        f"Weights count as numbers of rows, {estimate.total_weight:g} in all. If they undo chances "
        "of being sampled, say cov_type='sampling'.",
    )
