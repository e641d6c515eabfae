"""The continuous ranked probability score against direct integration, for every family."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad_vec
from sklearn.metrics import mean_absolute_error

from mixstat import MixtureOfExperts
from mixstat.experts import (
    BinomialExperts,
    GammaExperts,
    GaussianExperts,
    MixedExperts,
    PoissonExperts,
    StudentTExperts,
)
from mixstat.numerics import crps
from mixstat.predictive import Predictive

SHARE = np.array([[0.3, 0.9, 0.5], [0.7, 0.1, 0.5]])  # two experts, three rows
COEF = np.array([[[-1.0]], [[2.0]]])


def _row(value: float) -> np.ndarray:
    return np.full((2, 1, 3), float(value))


FIRST = np.broadcast_to(COEF[:, :, 0][:, :, None], (2, 1, 3))
REAL = np.array([[0.4, -3.0, 30.0]])
GAUSS = GaussianExperts(COEF, np.array([[0.0], [-2.0]]))
T = StudentTExperts(COEF, _row(0)[:, :, :1], _row(0)[:, :, :1])
CONTINUOUS = {
    "gaussian": (GAUSS, np.concatenate([FIRST, np.log(_row(1.0))], axis=1), REAL),
    "t": (T, np.concatenate([FIRST, _row(-1.0), np.log(_row(3.0))], axis=1), REAL),
    "t of few": (T, np.concatenate([FIRST, _row(-1.0), np.log(_row(0.8))], axis=1), REAL),
    "gamma": (
        GammaExperts(COEF, _row(0)[:, :, :1]),
        np.concatenate([FIRST, np.log(_row(0.4))], axis=1),
        np.array([[0.4, 1e-3, 30.0]]),
    ),
    "mixed": (
        MixedExperts(
            (
                GaussianExperts(COEF[:1], np.zeros((1, 1)), np.zeros((1, 0))),
                StudentTExperts(COEF[1:], np.zeros((1, 1, 1)), np.zeros((1, 1, 1))),
            )
        ),
        np.concatenate([FIRST, _row(0.0), np.log(_row(4.0))], axis=1),
        REAL,
    ),
}


@pytest.mark.fast
@pytest.mark.parametrize("scale", [1.0, 0.05, 1e-3])
def test_narrow_experts_far_apart_are_integrated(rng, scale):
    """Normal experts by the rule of other families, against their closed form."""
    shape = (3, 1, 100)
    mean, log_scale = 2 * rng.normal(size=shape), np.log(scale) + 0.5 * rng.normal(size=shape)
    share, y = rng.dirichlet(np.ones(3), 100).T, 2 * rng.normal(size=(1, 100))

    def normals(eta):
        return stats.norm(eta[:, :1], np.exp(eta[:, 1:]))

    found = crps.by_quadrature(normals, np.concatenate([mean, log_scale], axis=1), share, y)
    known = crps.of_normals(mean, np.exp(2 * log_scale), share, y)
    np.testing.assert_allclose(found, known, rtol=1e-10)


@pytest.mark.fast
@pytest.mark.parametrize("name", CONTINUOUS)
def test_equals_the_integral(name):
    experts, eta, y = CONTINUOUS[name]
    law = experts.marginals(eta)

    def mixture(probability, t: float) -> np.ndarray:
        at = np.full((1, 1, 3), t)
        return np.sum(SHARE * probability(at)[:, 0], axis=0)

    for i in range(3):
        wanted = _integral(lambda t, i=i: mixture(law.cdf, t)[i] ** 2, -np.inf, y[0, i])
        wanted += _integral(lambda t, i=i: mixture(law.sf, t)[i] ** 2, y[0, i], np.inf)
        found = Predictive(SHARE, experts, eta).crps(y)[0, i]
        assert found == pytest.approx(wanted, rel=1e-8, abs=1e-8), i


def _integral(square, low: float, high: float) -> float:
    """By parts that are cut where the functions bend."""
    if low == -np.inf:
        return _integral(lambda t: square(-t), -high, np.inf)
    cuts = [low, *[one for one in (-2.0, -1.0, 0.0, 1.0, 2.0) if one > low], np.inf]
    inner = [quad_vec(square, a, b, epsabs=1e-12, limit=9000)[0] for a, b in pairwise(cuts)]
    return float(sum(inner))


COUNTS = {
    "poisson": (PoissonExperts(COEF), lambda eta: stats.poisson(np.exp(eta))),
    "binomial": (
        BinomialExperts(COEF, trials=30),
        lambda eta: stats.binom(30, 1 / (1 + np.exp(-eta))),
    ),
}


@pytest.mark.fast
@pytest.mark.parametrize("name", COUNTS)
def test_equals_the_sum_over_counts(name):
    experts, law = COUNTS[name]
    y = np.array([[0.0, 7.0, 25.0]])
    t = np.arange(400.0)
    F = np.sum(SHARE[:, :, None] * law(FIRST[:, 0, :, None]).cdf(t), axis=0)
    wanted = np.sum((F - (y[0][:, None] <= t)) ** 2, axis=1)
    np.testing.assert_allclose(Predictive(SHARE, experts, FIRST).crps(y)[0], wanted, rtol=1e-10)


@pytest.mark.fast
def test_very_large_counts_are_nearly_normal():
    """Blocks of counts, and a gap between experts that is far wider than either."""
    means = np.array([10.0, 1e9])
    eta = np.broadcast_to(np.log(means)[:, None, None], (2, 1, 3))
    y = np.array([[12.0, 1e9 + 3e4, 5e8]])
    found = Predictive(SHARE, PoissonExperts(COEF), eta).crps(y)
    normal = GaussianExperts(COEF, np.log(np.sqrt(means))[:, None])
    both = np.concatenate(
        [np.broadcast_to(means[:, None, None], (2, 1, 3)), np.zeros((2, 1, 3))], axis=1
    )
    np.testing.assert_allclose(found, Predictive(SHARE, normal, both).crps(y), rtol=1e-4)


@pytest.mark.fast
def test_successes_and_failures_are_scored_as_successes_among_their_trials():
    y = np.array([[3.0, 0.0, 9.0], [17.0, 20.0, 11.0]])
    fixed = Predictive(SHARE, BinomialExperts(COEF, trials=20), FIRST).crps(y[:1])
    own = Predictive(SHARE, BinomialExperts(COEF), FIRST).crps(y)
    np.testing.assert_allclose(own, fixed, rtol=1e-12)


def test_of_an_estimator_it_is_in_units_of_y_and_near_the_error_of_a_sure_prediction(rng):
    X = rng.uniform(-1, 1, (80, 1))
    y = 3 * X[:, 0] + rng.standard_normal(80)
    moe = MixtureOfExperts(1).fit(X, y)
    scores = moe.crps(X, y)
    assert scores.shape == (80,)
    assert np.all(scores > 0)
    assert scores.mean() < mean_absolute_error(y, moe.predict(X))
    scaled = MixtureOfExperts(1).fit(X, 100 * y + 7)
    np.testing.assert_allclose(scaled.crps(X, 100 * y + 7), 100 * scores, rtol=1e-6)
    both = MixtureOfExperts(1).fit(X, np.column_stack([y, -y + 0.1 * X[:, 0] ** 2]))
    assert both.crps(X, np.column_stack([y, -y])).shape == (80, 2)
