"""The extended information criterion: a bias that a bootstrap of rows tells."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from mixstat.data.batch import take_rows
from mixstat.fitting.fit import Fit
from mixstat.fitting.refits import refit
from mixstat.inference.covariances.resampling import of_rows
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import input_rows, log_joint_rows

LEAST = 2  # draws for a bias
MANY_LOST = 0.01  # share of draws that do not count, above which that is told


class Extended(NamedTuple):
    """What a bootstrap tells of a fit's log-likelihood."""

    bias: float
    """How much larger it is, on average, than that of new rows from the same source; about the
    number of parameters for a regular model that is true. NaN where draws are too few."""
    n_counted: int
    """Draws that end at an admissible maximum."""


@in_float64
def extended(
    fit: Fit, weight: Float[np.ndarray, " n"], n_draws: int, random: np.random.Generator
) -> Extended:
    """Bias of the log-likelihood by the bootstrap of rows, all refits in one batch.

    Of the differences that Ishiguro, Sakamoto and Kitagawa (1997) average, the part whose mean is
    zero is left out, which takes most of the noise (Konishi and Kitagawa 1996): it is that of
    the same parameters on drawn and on own rows.

    Parameters
    ----------
    fit
        With its rows.
    weight
        Numbers of the rows that count.
    n_draws
        Number of refits.
    random
        What draws come from.
    """
    drawn = of_rows(weight, n_draws, random)
    found = refit(fit, weights=drawn)
    assert found.counted is not None  # a refit always tells them
    if len(found.vectors) < LEAST:
        return Extended(np.nan, len(found.vectors))
    own, template = _log_densities(fit, fit.model), parameter_vector.as_numpy(fit.model)
    biases = []
    for vector, i in zip(found.vectors, found.counted, strict=True):
        there = _log_densities(fit, parameter_vector.from_vector(template, vector))
        biases.append((drawn[i] - weight) @ (there - own))
    return Extended(float(np.mean(biases)), len(biases))


def _log_densities(fit: Fit, model: Mixture) -> Float[np.ndarray, " n"]:
    """Log density of each row: of what the number of parameters belongs to."""
    batch = fit.maximum.batch
    n = int(np.count_nonzero(np.asarray(batch.rows.weight)))
    logs = logsumexp(take_rows(log_joint_rows(model, batch), n), axis=1)
    if model.gate.joint and not fit.maximum.knows_contexts:
        logs = logs + take_rows(input_rows(model.gate, batch.rows), n)[:, 0]
    return logs
