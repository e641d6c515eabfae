"""Parameters that a ridge holds back count as far as the rows determine them."""

import numpy as np
import pytest

from mixstat import MixtureOfExperts
from mixstat.model import expanded_index
from mixstat.numerics.precision import in_float64
from mixstat.solvers.admissible import inadmissible, thin
from mixstat.solvers.effective import effective_parameters
from tests.sweeps import rest

ROWS, COLUMNS = 60, 80
FLOOR = 0.4  # under the scale, where more columns than rows would let it vanish

warned = pytest.mark.filterwarnings("ignore::UserWarning")


def _groups(random, n, columns):
    """Rows of two groups, and the logs of their means."""
    X = random.standard_normal((n, columns))
    second = random.random(n) < 0.5
    return X, np.where(second, 1.2 * X[:, 0] + 1.5, -1.2 * X[:, 0] - 0.5)


@in_float64
def _count(moe):
    maximum = moe.fit_.maximum
    each = expanded_index(maximum.result.model)[1]
    own = np.arange(each.shape[1]) < moe.expert_coef_.shape[1]
    own = np.broadcast_to(own, each.shape)  # without scales
    return effective_parameters(maximum.objective, maximum.result.model, own)


@warned
@pytest.mark.parametrize("ridge", [0.1, *map(rest, (1e-3, 3.0, 100.0))])
def test_one_expert_has_the_trace_of_the_hat_matrix(rng, ridge):
    X, y = _groups(rng, ROWS, COLUMNS)
    moe = MixtureOfExperts(1, ridge=ridge, gate_degree=0, min_scale=FLOOR).fit(X, y)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    alpha = ROWS * ridge * (moe.scale_[0] / y.std()) ** 2
    gram = standard.T @ standard
    hat = standard @ np.linalg.solve(gram + alpha * np.eye(COLUMNS), standard.T)
    count = _count(moe)
    np.testing.assert_allclose(count, [np.trace(hat) + 1], rtol=1e-6)  # and a constant
    assert 1 < count[0] < ROWS


def test_without_a_ridge_every_parameter_counts(rng):
    X, y = _groups(rng, 200, 2)
    noise = 0.3 * rng.standard_normal(200)
    moe = MixtureOfExperts(2, n_init=1, random_state=0).fit(X, y + noise)
    np.testing.assert_array_equal(_count(moe), [3, 3])


@pytest.mark.exhaustive
@warned
def test_more_columns_than_rows_are_no_thin_expert_under_a_ridge(rng):
    X, eta = _groups(rng, ROWS, COLUMNS)
    y = rng.poisson(np.exp(eta))
    settings = {"expert": "poisson", "gate_degree": 0, "n_init": 3, "random_state": 0}
    strong = MixtureOfExperts(2, ridge=10.0, **settings).fit(X, y)
    assert strong.certificate_.thin_experts == strong.certificate_.spurious_experts == ()
    maximum = strong.fit_.maximum
    at = maximum.objective, maximum.result.model, maximum.share
    assert not in_float64(inadmissible)(*at).any()
    assert not in_float64(thin)(*at).any()
    assert np.all(_count(strong) < maximum.share * ROWS)
    weak = MixtureOfExperts(2, ridge=1e-2, **settings).fit(X, y)
    assert weak.certificate_.thin_experts == (0, 1)
