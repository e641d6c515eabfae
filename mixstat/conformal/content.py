"""How much probability a fit gives to all that is more probable than a response."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from mixstat.arguments import Table
from mixstat.conformal.asked import laws_of, log_proba
from mixstat.conformal.laws import Laws
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classification import ClassificationMixture
from mixstat.numerics.quiet import quiet

POINTS = 200  # quantiles of each expert that stand for its distribution
CHUNK = 1024  # rows at a time
ROUNDING = 1e-12  # of sums of masses
EQUAL = 1e-9  # difference of log densities that are the same


@quiet
def contents(
    fit: BaseMixture, X: Table, log_density: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """The probability of what is more probable than responses of such log densities."""
    found = np.empty(len(log_density))
    for rows, logs, mass in _atoms(fit, X):
        found[rows] = np.sum(np.where(logs > log_density[None, rows] + EQUAL, mass, 0.0), axis=0)
    return found


@quiet
def least_log_density(
    fit: BaseMixture, X: Table, most: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """The log density of the responses whose content is just ``most``; they have no larger one."""
    least = np.empty(len(most))
    for rows, logs, mass in _atoms(fit, X):
        order = np.argsort(-logs, axis=0)
        logs, mass = (np.take_along_axis(table, order, axis=0) for table in (logs, mass))
        above = np.sum(np.cumsum(mass, axis=0) <= most[None, rows] + ROUNDING, axis=0)
        ended = np.concatenate([logs, np.full((1, logs.shape[1]), -np.inf)])
        least[rows] = np.take_along_axis(ended, above[None], axis=0)[0] - EQUAL
    # an adaptive level below zero asks for nothing at all
    return np.where(most < 0, np.inf, least)


def _atoms(fit: BaseMixture, X: Table) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Slices of rows with log densities and masses (P, .) of points that stand for the fit."""
    if isinstance(fit, ClassificationMixture):
        logs = log_proba(fit, X).T
        yield slice(0, logs.shape[1]), logs, np.exp(logs)
        return
    laws = laws_of((fit,), X)
    for begin in range(0, laws.n_rows, CHUNK):
        rows = slice(begin, min(begin + CHUNK, laws.n_rows))
        yield rows, *_quantiles(laws.rows(rows))


def _quantiles(laws: Laws) -> tuple[Float[np.ndarray, "P n"], Float[np.ndarray, "P n"]]:
    """Middle quantiles of equal parts of each expert: log densities of the mixture, and masses."""
    (one,) = laws.each
    levels = (np.arange(POINTS) + 0.5) / POINTS
    points = np.concatenate([one.marginals.ppf(level)[:, 0] for level in levels])
    mass = np.tile(one.share / POINTS, (POINTS, 1))
    row = np.broadcast_to(np.arange(laws.n_rows), points.shape)
    terms = laws.log_terms(row.ravel(), points.ravel())
    return logsumexp(terms, axis=0).reshape(points.shape), mass
