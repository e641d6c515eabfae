"""Distributions of responses of which only some can be seen."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mixstat.numerics import functions


class Between:
    """Frozen distribution between ends, with the methods that are used here.

    Probabilities are told from the tail in which they keep their digits.
    """

    def __init__(
        self,
        law: Any,
        ends: tuple[float, float],
        moments: tuple[Float[np.ndarray, "K 1 n"], Float[np.ndarray, "K 1 n"]],
    ) -> None:
        self.law, self.ends, self.moments = law, ends, moments
        self._starts, self._stops = law.cdf(ends[0]), law.cdf(ends[1])
        self._from, self._to = law.sf(ends[0]), law.sf(ends[1])
        self._upper = self._starts > 0.5
        self._all = np.where(self._upper, self._from - self._to, self._stops - self._starts)

    def mean(self) -> np.ndarray:
        """Means."""
        return self.moments[0]

    def var(self) -> np.ndarray:
        """Variances."""
        return self.moments[1]

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Probability of not exceeding ``y``."""
        y = np.clip(y, *self.ends)
        below = np.where(self._upper, self._from - self.law.sf(y), self.law.cdf(y) - self._starts)
        return np.clip(below / self._all, 0.0, 1.0)

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probability of exceeding ``y``."""
        y = np.clip(y, *self.ends)
        above = np.where(self._upper, self.law.sf(y) - self._to, self._stops - self.law.cdf(y))
        return np.clip(above / self._all, 0.0, 1.0)

    def ppf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles."""
        part = q * self._all
        return self._quantile(self._starts + part, self._from - part)

    def isf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles by what lies above."""
        part = q * self._all
        return self._quantile(self._stops - part, self._to + part)

    def _quantile(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        y = np.where(self._upper, self.law.isf(above), self.law.ppf(below))
        return np.clip(y, *self.ends)

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        """Log density at ``y``."""
        seen = (y >= self.ends[0]) & (y <= self.ends[1])
        return np.where(seen, self.law.logpdf(y) - np.log(self._all), -np.inf)

    def rvs(self, random_state: np.random.Generator) -> np.ndarray:
        """One draw at each place."""
        return self.ppf(random_state.random(self._all.shape))

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest responses."""
        low, high = (np.broadcast_to(end, self._all.shape) for end in self.law.support())
        return np.maximum(low, self.ends[0]), np.minimum(high, self.ends[1])


class Seen:
    """Frozen distribution of counts from ``lower`` on, with the methods that are used here."""

    def __init__(self, law: Any, lower: int) -> None:
        self.law, self.lower = law, lower
        self.seen = law.sf(lower - 1)

    def _moment(self, power: int, whole: np.ndarray) -> np.ndarray:
        hidden = sum(count**power * self.law.pmf(count) for count in range(1, self.lower))
        return (whole - hidden) / self.seen

    def mean(self) -> np.ndarray:
        """Means."""
        return self._moment(1, self.law.mean())

    def var(self) -> np.ndarray:
        """Variances."""
        square = self._moment(2, self.law.var() + self.law.mean() ** 2)
        return np.maximum(square - self.mean() ** 2, 0.0)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Probability of not exceeding ``y``."""
        return np.where(y < self.lower, 0.0, 1 - self.sf(y))

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probability of exceeding ``y``."""
        return np.minimum(self.law.sf(np.maximum(y, self.lower - 1)) / self.seen, 1.0)

    def ppf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles."""
        return np.maximum(self.law.isf((1 - q) * self.seen), self.lower)

    def isf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles by what lies above."""
        return np.maximum(self.law.isf(q * self.seen), self.lower)

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Log probability of ``y``."""
        return np.where(y < self.lower, -np.inf, self.law.logpmf(y) - np.log(self.seen))

    def rvs(self, random_state: np.random.Generator) -> np.ndarray:
        """One draw at each place."""
        return self.isf(random_state.random(self.seen.shape))

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest counts."""
        return np.full(self.seen.shape, float(self.lower)), np.full(self.seen.shape, np.inf)


class Listed:
    """Frozen distribution of a few counts, with the methods that are used here."""

    def __init__(self, counts: Float[np.ndarray, " J"], logs: Float[np.ndarray, "K 1 J n"]) -> None:
        self.counts = counts
        self.logs = logs - functions.logsumexp(logs, axis=2)[:, :, None]
        self.shares = np.exp(self.logs)
        self.below = np.cumsum(self.shares, axis=2)  # probabilities of not exceeding each
        self.above = np.cumsum(self.shares[:, :, ::-1], axis=2)[:, :, ::-1]  # of reaching each

    def mean(self) -> np.ndarray:
        """Means."""
        return np.sum(self.counts[:, None] * self.shares, axis=2)

    def var(self) -> np.ndarray:
        """Variances."""
        away = self.counts[:, None] - self.mean()[:, :, None]
        return np.sum(away**2 * self.shares, axis=2)

    def _at(self, table: np.ndarray, y: np.ndarray, outside: float) -> np.ndarray:
        """Entries of a table at counts, or what holds outside of it."""
        y = np.broadcast_arrays(y, table[:, :, 0])[0]
        table = np.broadcast_to(table, (*table.shape[:3], y.shape[-1]))
        place = np.searchsorted(self.counts, y)
        inside = np.clip(place, 0, len(self.counts) - 1)
        found = np.take_along_axis(table, inside[:, :, None], axis=2)[:, :, 0]
        known = (y >= self.counts[0]) & (y <= self.counts[-1]) & (self.counts[inside] == y)
        return np.where(known, found, outside)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Probability of not exceeding ``y``."""
        y = np.floor(y)
        return np.where(y >= self.counts[-1], 1.0, np.minimum(self._at(self.below, y, 0.0), 1.0))

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probability of exceeding ``y``."""
        after = np.floor(y) + 1
        above = np.minimum(self._at(self.above, after, 0.0), 1.0)
        return np.where(after <= self.counts[0], 1.0, above)

    def ppf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles."""
        return self._passed(self.below[:, :, :-1] < self._each(q))

    def isf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles by what lies above."""
        return self._passed(self.above[:, :, 1:] > self._each(q))

    def _each(self, q: float | np.ndarray) -> np.ndarray:
        return np.expand_dims(q, -2) if np.ndim(q) else np.asarray(q)

    def _passed(self, passed: Bool[np.ndarray, "K 1 J n"]) -> np.ndarray:
        """The count after those that are passed."""
        return self.counts[passed.sum(axis=2)]

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Log probability of ``y``."""
        return self._at(self.logs, y, -np.inf)

    def pmf(self, y: np.ndarray) -> np.ndarray:
        """Probability of ``y``."""
        return np.exp(self.logpmf(y))

    def rvs(self, random_state: np.random.Generator) -> np.ndarray:
        """One draw at each place."""
        return self.ppf(random_state.random(self.below[:, :, 0].shape))

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest counts."""
        low, high = (np.full(self.below[:, :, 0].shape, c) for c in self.counts[[0, -1]])
        return low, high
