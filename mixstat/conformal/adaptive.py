"""Rows in the order of time: the level follows what was missed."""

from bisect import insort
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.conformal.ranks import ROUNDING, Calibration
from mixstat.conformal.sets import IntervalSets, LabelSets


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveSets:
    """Sets of rows in the order of time, each made before its response was seen."""

    sets: IntervalSets | LabelSets
    """One for each row."""
    asked: Float[np.ndarray, " n"]
    """Level at which each was made; at 1 or above it holds everything, at 0 or below nothing."""
    held: Bool[np.ndarray, " n"]
    """Whether each held the response of its row; False where that is not known."""
    known: Bool[np.ndarray, " n"]
    """Whether the response of each row is known."""
    step: float
    """How fast the level moved."""

    @property
    def coverage(self) -> float:
        """Share of the rows of known response that were held; nan without any."""
        return float(np.mean(self.held[self.known])) if self.known.any() else np.nan

    @property
    def most_off(self) -> float:
        """What the coverage is away from the level at most, whatever the rows are.

        Infinite without a step.
        """
        n, level = int(self.known.sum()), self.sets.level
        n_regions = len(np.unique(self.sets.region[self.known]))  # each has a level of its own
        return (
            n_regions * (max(level, 1 - level) + self.step) / (self.step * n)
            if self.step and n
            else np.inf
        )

    def __repr__(self) -> str:
        seldom = "" if self.known.all() else f"{self.known.sum()} of known response, "
        return (
            f"{len(self.held)} sets in the order of time, {seldom}{self.coverage:.2%} of them held "
            f"their response, {self.sets.level:.2%} were to; of mean size "
            f"{np.mean(self.sets.length):.4g}."
        )


def follow(
    found: Calibration,
    region: Int[np.ndarray, " n"],
    scores: Float[np.ndarray, " n"],
    level: float,
    step: float,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Levels, and the largest score inside of each set; regions go by themselves.

    A row whose score is nan, which is not known, changes nothing for those after it.
    """
    levels, most = np.empty(len(scores)), np.empty(len(scores))
    for one in np.unique(region):
        past = np.sort(found.score[found.region == one]).tolist()
        now = level
        for row in np.flatnonzero(region == one).tolist():
            levels[row], most[row] = now, _largest(past, now)
            if np.isnan(scores[row]):
                continue
            miss = float(scores[row] > most[row])
            now += step * (miss - (1 - level))
            insort(past, float(scores[row]))
    return levels, most


def _largest(past: list[float], level: float) -> float:
    """The score up to which lies such a share of the past and of what comes."""
    place = int(np.ceil(level * (len(past) + 1) * (1 - ROUNDING)))
    if place < 1:
        return -np.inf
    return past[place - 1] if place <= len(past) else np.inf
