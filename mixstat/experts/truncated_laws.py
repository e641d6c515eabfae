"""Distributions of responses of which only some can be seen."""

from typing import Any

import numpy as np
from jaxtyping import Float


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
