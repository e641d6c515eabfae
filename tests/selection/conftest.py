"""Two regressions, and a fit that has one expert too many."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts


@pytest.fixture(scope="package")
def rows():
    random = np.random.default_rng(4)
    X = random.uniform(-1, 1, (200, 1))
    first = random.random(200) < 1 / (1 + np.exp(-2 * X[:, 0]))
    return X, np.where(first, 5 * X[:, 0], -4.0) + 0.5 * random.standard_normal(200)


@pytest.fixture(scope="package")
def fitted(rows):
    return MixtureOfExperts(2, n_init=4, random_state=0).fit(*rows)


@pytest.fixture(scope="package")
def doubled(rows, fitted):
    """A third expert that shares the rows of the second by chance."""
    share = fitted.responsibilities(*rows)
    half = np.random.default_rng(0).uniform(0.3, 0.7, 200)
    start = np.column_stack([share[:, 0], share[:, 1] * half, share[:, 1] * (1 - half)])
    moe = MixtureOfExperts(3, init=start, n_init=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return moe.fit(*rows)
