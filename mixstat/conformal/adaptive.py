"""Rows in the order of time: the level follows what was missed."""

from bisect import insort
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.arguments import Setting
from mixstat.conformal.ranks import ROUNDING, Calibration, Ranks
from mixstat.conformal.sets import IntervalSets, LabelSets


@dataclass
class Place:
    """Where rows of a region have come to."""

    level: float
    """Asked of the next row."""
    past: list[float]
    """Scores that came before it, sorted."""


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveSets:
    """Sets of rows in the order of time, each made before its response was seen.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.conformal import ConformalPredictor
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0)
    >>> predictor = ConformalPredictor(moe, random_state=0).fit(X[:200], y[:200])
    >>> sets = predictor.follow(X[200:], y[200:], level=0.9)
    >>> sets.coverage, sets.held.shape
    (0.89, (100,))
    """

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
    places: dict[int, Place] = field(default_factory=dict)
    """Where each region came to, from where later rows go on."""

    @property
    def coverage(self) -> float:
        """Share of the rows of known response that were held; nan without any."""
        return float(np.mean(self.held[self.known])) if self.known.any() else np.nan

    @property
    def most_off(self) -> float:
        """What the coverage is away from the level at most, whatever the rows are.

        Infinite without a step.
        """
        n, regions = int(self.known.sum()), self.sets.region
        first = [int(np.argmax(regions == one)) for one in np.unique(regions[self.known])]
        begin = self.asked[first]  # each region has a level of its own
        room = np.sum(np.maximum(begin, 1 - begin) + self.step)
        return float(room / (self.step * n)) if self.step and n else np.inf

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
    places: dict[int, Place] | None = None,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], dict[int, Place]]:
    """Levels, the largest score inside of each set, and where the rows came to.

    Regions go by themselves, each from its place if there is one. A row whose score is nan, which
    is not known, changes nothing for those after it.
    """
    levels, most, places = np.empty(len(scores)), np.empty(len(scores)), dict(places or {})
    for one in np.unique(region).tolist():
        begin = places.get(one) or Place(level, np.sort(found.score[found.region == one]).tolist())
        past, now = begin.past.copy(), begin.level
        for row in np.flatnonzero(region == one).tolist():
            levels[row], most[row] = now, _largest(past, now)
            if np.isnan(scores[row]):
                continue
            miss = float(scores[row] > most[row])
            now += step * (miss - (1 - level))
            insort(past, float(scores[row]))
        places[one] = Place(now, past)
    return levels, most, places


def check_follows(found: Calibration | Ranks, method: Setting, *, weighted: bool) -> Calibration:
    """What rows in time begin with; refused where it is not one list of scores."""
    if isinstance(found, Ranks) or weighted:
        raise ValueError(
            "method must be 'split' or 'prefit', without sample_weight, to follow rows in "
            f"time; got method={method!r}."
        )
    return found


def places_of(after: Setting, level: float) -> dict[int, Place]:
    """Where earlier rows came to; nowhere without any."""
    if after is None:
        return {}
    if not isinstance(after, AdaptiveSets):
        raise ValueError(f"after must be what follow returned of earlier rows, got {after!r}.")
    if after.sets.level != level:
        raise ValueError(
            f"level must be that of the earlier rows, {after.sets.level:g}; got {level:g}."
        )
    return after.places


def _largest(past: list[float], level: float) -> float:
    """The score up to which lies such a share of the past and of what comes."""
    place = int(np.ceil(level * (len(past) + 1) * (1 - ROUNDING)))
    if place < 1:
        return -np.inf
    return past[place - 1] if place <= len(past) else np.inf
