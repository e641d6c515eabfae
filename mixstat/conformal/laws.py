"""The densities of one or several mixtures at the same rows, as level sets need them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mixstat.predictive import Predictive

QUANTILES = (0.02, 0.1, 0.3, 0.7, 0.9, 0.98)  # of each expert, where a search begins
INNER = (0.001, 0.999)  # quantiles between which a mode lies, unless it is an end of the support
SYMMETRIC = 1e-9  # of the quartiles' distance
TURNS = 90  # of a search for a mode, each of which leaves two thirds
FARTHEST = 1e300


@dataclass(frozen=True, eq=False)
class Laws:
    """Mixtures side by side, all for the same n rows and responses of one kind."""

    each: tuple[Predictive, ...]

    @property
    def discrete(self) -> bool:
        """Whether responses are counts."""
        return self.each[0].experts.discrete

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.each[0].eta.shape[2]

    @property
    def owner(self) -> Int[np.ndarray, " E"]:
        """Number of the mixture that each of all experts belongs to."""
        return np.repeat(np.arange(len(self.each)), [len(one.share) for one in self.each])

    def rows(self, chosen: slice) -> "Laws":
        """The same at some of the rows."""
        return Laws(
            tuple(
                Predictive(one.share[:, chosen], one.experts, one.eta[:, :, chosen])
                for one in self.each
            )
        )

    def log_terms(
        self, row: Int[np.ndarray, " N"], y: Float[np.ndarray, " N"]
    ) -> Float[np.ndarray, "E N"]:
        """Log of share times density of every expert at responses ``y`` of rows ``row``."""
        with np.errstate(all="ignore"):
            return np.concatenate([_log_terms(one, row, y) for one in self.each])

    def support(self) -> Float[np.ndarray, "2 n"]:
        """Smallest and largest response that any expert allows."""
        with np.errstate(all="ignore"):
            ends = [_ends(one.marginals) for one in self.each]
        low, high = (np.concatenate(side) for side in zip(*ends, strict=True))
        return np.stack([low.min(axis=0), high.max(axis=0)]).astype(float)

    def grid(self) -> Float[np.ndarray, "g n"]:
        """Sorted points between the smallest and the largest mode, every mode among them."""
        with np.errstate(all="ignore"):
            points = [_points(one.marginals, discrete=self.discrete) for one in self.each]
        modes, others = (np.concatenate(part) for part in zip(*points, strict=True))
        inner = np.clip(others, modes.min(axis=0), modes.max(axis=0))
        return np.sort(np.concatenate([modes, inner]), axis=0)

    def width(self) -> Float[np.ndarray, " n"]:
        """A first step beyond the outer modes."""
        with np.errstate(all="ignore"):
            deviations = [np.sqrt(one.marginals.var())[:, 0] for one in self.each]
        table = np.concatenate(deviations)
        largest = np.max(np.where(np.isfinite(table), table, 0.0), axis=0)
        return np.where(largest > 0, largest, 1.0)


def _log_terms(one: Predictive, row: np.ndarray, y: np.ndarray) -> np.ndarray:
    law = one.experts.marginals(one.eta[:, :, row])
    density = law.logpmf if one.experts.discrete else law.logpdf
    return np.log(one.share[:, row]) + density(y[None, None, :])[:, 0]


def _ends(law: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the support of each expert, (K, n)."""
    low, high = (np.broadcast_to(end, np.shape(law.mean())) for end in law.support())
    return low[:, 0], high[:, 0]


def _points(law: Any, *, discrete: bool) -> tuple[np.ndarray, np.ndarray]:
    """Modes (of counts, with their neighbours) and some quantiles of each expert, (., n)."""
    if not discrete:
        return _modes(law), np.concatenate([law.ppf(level)[:, 0] for level in QUANTILES])
    low, high = _ends(law)
    mean, deviation = np.asarray(law.mean())[:, 0], np.sqrt(np.asarray(law.var()))[:, 0]
    middle = np.floor(np.minimum(mean, FARTHEST))
    modes = np.concatenate([np.clip(middle + move, low, high) for move in (-1.0, 0.0, 1.0)])
    others = [np.clip(np.floor(middle + move * deviation), low, high) for move in (-2, -1, 1, 2)]
    return modes, np.concatenate(others)


def _modes(law: Any) -> Float[np.ndarray, "K n"]:
    """Where the density of each expert is largest: all families here have one mode."""
    low, middle, high = (law.ppf(level)[:, 0] for level in (0.25, 0.5, 0.75))
    skew = np.abs(low + high - 2 * middle) > SYMMETRIC * (high - low)
    return _searched(law) if skew.any() else middle


def _searched(law: Any) -> Float[np.ndarray, "K n"]:
    """By sections, between an end of the support and a far quantile."""
    first, _ = _ends(law)
    low, high = (law.ppf(level)[:, 0] for level in INNER)
    low = np.where(np.isfinite(first), first, low)
    for _ in range(TURNS):
        third = (high - low) / 3
        left, right = low + third, high - third
        rises = law.logpdf(left[:, None])[:, 0] < law.logpdf(right[:, None])[:, 0]
        low, high = np.where(rises, left, low), np.where(rises, high, right)
    # at an end of the support a density may be infinite
    return np.where(low == first, first, 0.5 * (low + high))
