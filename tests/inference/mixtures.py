"""Fits of two lines that several files look at, made once."""

from functools import cache

import numpy as np

from mixstat import MixtureOfExperts

N = 200


@cache
def two_lines() -> tuple[MixtureOfExperts, np.ndarray, np.ndarray]:
    """Two crossing lines under a gate."""
    random = np.random.default_rng(12)
    X = random.uniform(-2, 2, size=(N, 1))
    up = random.random(N) < 1 / (1 + np.exp(-X[:, 0]))
    y = np.where(up, 1 + X[:, 0], -1 - X[:, 0]) + 0.4 * random.standard_normal(N)
    return MixtureOfExperts(2, init=up.astype(int), random_state=0).fit(X, y), X, y
