"""Distributions of experts of different families, side by side."""

from typing import Any

import numpy as np


class EachMarginal:
    """Distributions of different families, stacked on the axis of experts."""

    def __init__(self, each: list[Any]) -> None:
        self.each = each

    def _stack(self, name: str, *arguments: float | np.ndarray) -> np.ndarray:
        return np.concatenate([getattr(one, name)(*arguments) for one in self.each])

    def mean(self) -> np.ndarray:
        """Means."""
        return self._stack("mean")

    def var(self) -> np.ndarray:
        """Variances."""
        return self._stack("var")

    def ppf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles."""
        return self._stack("ppf", q)

    def isf(self, q: float) -> np.ndarray:
        """Quantiles by what lies above."""
        return self._stack("isf", q)

    def pdf(self, y: np.ndarray) -> np.ndarray:
        """Densities at ``y``, the same for all experts."""
        return self._stack("pdf", y)

    def logpdf(self, y: np.ndarray) -> np.ndarray:
        """Log densities at ``y``, the same for all experts."""
        return self._stack("logpdf", y)

    def logpmf(self, y: np.ndarray) -> np.ndarray:
        """Log probabilities of ``y``, the same for all experts."""
        return self._stack("logpmf", y)

    def cdf(self, y: np.ndarray) -> np.ndarray:
        """Distribution functions at ``y``, the same for all experts."""
        return self._stack("cdf", y)

    def sf(self, y: np.ndarray) -> np.ndarray:
        """Probabilities of exceeding ``y``, the same for all experts."""
        return self._stack("sf", y)

    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest values."""
        ends = [np.broadcast_arrays(*one.support(), one.mean())[:2] for one in self.each]
        low, high = (np.concatenate(one) for one in zip(*ends))
        return low, high
