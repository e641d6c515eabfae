"""Moments, quantiles, probabilities and draws of the fitted conditional density."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from mixstat import MixtureOfExperts
from tests.sweeps import first


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(1)
    X = rng.uniform(-2, 2, (500, 1))
    first = rng.random(500) < 1 / (1 + np.exp(-2 * X[:, 0]))
    y = np.where(first, 3 + X[:, 0], -3 + X[:, 0]) + rng.standard_normal(500)
    return MixtureOfExperts(2, random_state=0).fit(X, y), X, y


def test_moments_equal_quadrature(fitted):
    moe, X, _ = fitted
    grid = np.linspace(-15, 15, 6001)
    mean, std = moe.predict(X[:5], return_std=True)
    for i in range(5):
        density = np.exp(moe.score_samples(np.repeat(X[i : i + 1], grid.size, axis=0), grid))
        first, second = (integrate.simpson(grid**p * density, x=grid) for p in (1, 2))
        assert integrate.simpson(density, x=grid) == pytest.approx(1, abs=1e-10)
        assert mean[i] == pytest.approx(first, abs=1e-8)
        assert std[i] == pytest.approx(np.sqrt(second - first**2), abs=1e-8)


@pytest.mark.parametrize("level", [1e-6, 0.05, 0.5, 0.95, 1 - 1e-6])
def test_quantiles_invert_the_cdf(fitted, level):
    moe, X, _ = fitted
    quantile = moe.predict_quantile(X[:50], level)
    np.testing.assert_allclose(moe.cdf(X[:50], quantile), level, rtol=1e-9)
    row = X[:1]
    known = optimize.brentq(lambda v: moe.cdf(row, [v])[0] - level, -30, 30, xtol=1e-12)
    assert quantile[0] == pytest.approx(known, abs=1e-8)


def test_interval_covers(fitted):
    moe, X, y = fitted
    interval = moe.predict_interval(X, coverage=0.8)
    assert interval.shape == (500, 2)
    inside = np.mean((interval[:, 0] <= y) & (y <= interval[:, 1]))
    assert abs(inside - 0.8) < 4 * np.sqrt(0.8 * 0.2 / 500)
    levels = moe.predict_quantile(X, [0.1, 0.9])
    np.testing.assert_allclose(levels, interval, rtol=1e-10)


def test_cdf_of_the_data_is_uniform(fitted):
    moe, X, y = fitted
    assert stats.kstest(moe.cdf(X, y), "uniform").pvalue > 0.01


def test_samples_follow_the_model(fitted):
    moe, X, _ = fitted
    draws = moe.sample_y(X[:3], 20_000, random_state=3)
    assert draws.shape == (3, 20_000)
    for i in range(3):
        uniform = moe.cdf(np.repeat(X[i : i + 1], 20_000, axis=0), draws[i])
        assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    np.testing.assert_array_equal(draws, moe.sample_y(X[:3], 20_000, random_state=3))
    assert not np.array_equal(draws, moe.sample_y(X[:3], 20_000, random_state=4))


def test_gate_and_responsibilities(fitted):
    moe, X, y = fitted
    gate = moe.gate_proba(X)
    np.testing.assert_allclose(gate.sum(axis=1), 1, rtol=1e-13)
    np.testing.assert_array_equal(moe.predict_expert(X), gate.argmax(axis=1))
    resp = moe.responsibilities(X, y)
    np.testing.assert_allclose(resp.mean(axis=0), moe.expert_share_, rtol=1e-10)
    np.testing.assert_allclose(resp.mean(axis=0), gate.mean(axis=0), rtol=1e-7)  # score is zero


@pytest.mark.parametrize("covariance", first(["full", "diagonal", "spherical", "tied"]))
def test_several_outputs(rng, covariance):
    X = rng.standard_normal((300, 2))
    first = rng.random(300) < 0.5
    Y = np.where(first[:, None], X @ [[1.0, 0], [0, 1]] + 2, -X - 2)
    Y = Y + rng.multivariate_normal([0, 0], [[0.5, 0.3], [0.3, 0.4]], 300)
    moe = MixtureOfExperts(2, covariance=covariance, random_state=0).fit(X, Y)
    mean, std = moe.predict(X[:9], return_std=True)
    assert mean.shape == std.shape == (9, 2)
    assert moe.predict_interval(X[:9]).shape == (9, 2, 2)
    assert moe.predict_quantile(X[:9], 0.5).shape == (9, 2)
    assert moe.cdf(X, Y).shape == (300, 2)
    assert moe.expert_coef_.shape == (2, 2, 3)
    draws = moe.sample_y(X[:1], 50_000)
    assert draws.shape == (1, 2, 50_000)
    np.testing.assert_allclose(draws.mean(axis=2), mean[:1], atol=4 * std[0].max() / 223)
    np.testing.assert_allclose(draws.std(axis=2), std[:1], rtol=0.05)
    # score_samples integrates the joint density of both outputs: compare with scipy
    gate = moe.gate_proba(X[:4])
    for i in range(4):
        density = sum(
            gate[i, k]
            * stats.multivariate_normal(moe.expert_means(X[:4])[i, k], moe.covariance_[k]).pdf(Y[i])
            for k in range(2)
        )
        assert moe.score_samples(X[:4], Y[:4])[i] == pytest.approx(np.log(density), rel=1e-10)
