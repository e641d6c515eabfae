"""Scores of rows that a fit has not seen, and the thresholds that follow from them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

ROUNDING = 1e-12  # relative, of a sum of weights


def threshold(
    scores: Float[np.ndarray, " s"],
    weight: Float[np.ndarray, " s"],
    new_weight: Float[np.ndarray, " n"],
    level: float | Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """The least score up to which lies ``level`` of all weight, the new row's own included.

    Infinite where the scores do not weigh that much: then no finite sample gives such a level.
    """
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(weight[order])
    total = below[-1] if len(below) else 0.0
    needed = level * (total + new_weight)
    place = np.searchsorted(below, needed - ROUNDING * (total + new_weight))
    return np.append(scores[order], np.inf)[place]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Rows apart from those of the fit: score, weight and region of each."""

    score: Float[np.ndarray, " s"]
    weight: Float[np.ndarray, " s"]
    region: Int[np.ndarray, " s"]
    """Zeros where all rows count together."""

    def thresholds(
        self,
        region: Int[np.ndarray, " n"],
        new_weight: Float[np.ndarray, " n"],
        level: float,
    ) -> Float[np.ndarray, " n"]:
        """The largest score inside the set of each new row."""
        found = np.full(len(region), np.inf)
        for one in np.unique(region):
            own, new = self.region == one, region == one
            found[new] = threshold(self.score[own], self.weight[own], new_weight[new], level)
        return found

    def count(self, region: int) -> int:
        """Number of rows in a region."""
        return int(np.sum(self.region == region))


def above(
    terms: Float[np.ndarray, "E N"], least: Float[np.ndarray, " N"]
) -> Bool[np.ndarray, " N"]:
    """Whether the log density of one mixture is at least so much."""
    with np.errstate(all="ignore"):
        return logsumexp(terms, axis=0) >= least


@dataclass(frozen=True, eq=False)
class Ranks:
    """Scores of the rows of each fold under the fit that has not seen them."""

    scores: tuple[Float[np.ndarray, "..."], ...]
    """Sorted, fold by fold."""
    owner: Int[np.ndarray, " E"]
    """Fold of each of the experts of all fits."""

    @property
    def n_rows(self) -> int:
        """Number of all rows."""
        return sum(len(one) for one in self.scores)

    def worse_than(self, log_density: Float[np.ndarray, "F N"]) -> Int[np.ndarray, " N"]:
        """How many rows do better, each under its own fit, than responses with such densities."""
        pairs = zip(self.scores, log_density, strict=True)
        return np.sum([np.searchsorted(own, -logs, "left") for own, logs in pairs], axis=0)

    def few(self, worse: Int[np.ndarray, "*rows"], level: float) -> Bool[np.ndarray, "*rows"]:
        """Whether a response is inside that so many rows are better than."""
        n = self.n_rows + 1
        return worse < level * n * (1 - ROUNDING)

    def inside(self, terms: Float[np.ndarray, "E N"], level: float) -> Bool[np.ndarray, " N"]:
        """The same for responses with such log terms."""
        folds = range(len(self.scores))
        with np.errstate(all="ignore"):
            logs = np.stack([logsumexp(terms[self.owner == fold], axis=0) for fold in folds])
        return self.few(self.worse_than(logs), level)
