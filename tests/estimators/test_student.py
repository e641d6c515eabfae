"""The density of t for any degrees of freedom, few or beyond all that can be told from a normal."""

from math import comb, log, pi

import jax
import numpy as np
import pytest
from scipy import stats

from mixstat import MixtureOfExperts
from mixstat.experts import StudentTExperts
from mixstat.experts.student import MOST_DF
from mixstat.numerics.precision import float64
from tests.sweeps import first

Z = np.array([0.0, 1e-6, 1e-3, 0.3, 1.0, 3.0, 30.0])
HUGE_DF = [1e10, 1e15, 1e50, 1e154, 1e160, 1e300]


def _at(df):
    """Experts of ``df`` degrees of freedom, and predictors of a standard t at each of ``Z``."""
    eta = np.zeros((1, 3, len(Z)))
    eta[:, 2] = np.log(df)
    return StudentTExperts(df=float(df)).null(1, 1, 1), eta


@pytest.mark.fast
@pytest.mark.parametrize("half", [1, 3, 15, 16, 17, 50, 500, 5_000])
def test_the_density_is_that_of_whole_numbers(half):
    """For even df the constant is a binomial coefficient, whose log is exact."""
    df = 2 * half
    constant = log(comb(df, half)) + log(half) - half * log(4) - 0.5 * log(df)
    expected = constant - 0.5 * (df + 1) * np.log1p(Z**2 / df)
    experts, eta = _at(df)
    with float64():
        found = np.asarray(experts.link(eta, Z[None]))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.fast
@pytest.mark.parametrize("df", HUGE_DF)
def test_the_density_of_many_degrees_of_freedom_is_normal(df):
    experts, eta = _at(df)
    correction = (Z**4 - 2 * Z**2 - 1) / (4 * df)  # the next term of the expansion
    with float64():
        found = np.asarray(experts.link(eta, Z[None]))[0]
        first, second = experts.derivatives(eta, Z[None])
        information = np.asarray(experts.information(eta, Z[None]))
    expected = -0.5 * log(2 * pi) - 0.5 * Z**2 + correction
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(first[0, 0], Z, rtol=1e-6)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    assert np.linalg.eigvalsh(information[0, :, :, 0]).min() >= 0


@pytest.mark.fast
def test_the_information_on_the_degrees_of_freedom_keeps_its_digits():
    """The block of scale and df loses no rank to rounding: it is 3 / 2 over df squared."""
    for df in (1e4, 1e6, 1e8):
        experts, eta = _at(df)
        with float64():
            block = np.asarray(experts.information(eta, Z[None]))[0, 1:, 1:, 0]
        left = block[1, 1] - block[0, 1] ** 2 / block[0, 0]
        assert left == pytest.approx(1.5 / df**2, rel=1e-2)


@pytest.mark.fast
def test_second_derivatives_are_finite_by_differentiation():
    for df in (0.2, 31.0, 33.0, *HUGE_DF):
        experts, eta = _at(df)

        def total(eta, experts=experts):
            return experts.link(eta, Z[None]).sum()

        with float64():
            assert np.isfinite(np.asarray(jax.jacfwd(jax.grad(total))(eta))).all()


@pytest.mark.parametrize("df", first([1e10, 1e15, 1e300]))
def test_a_fit_with_many_degrees_of_freedom_is_a_normal_regression(df, rng):
    x = rng.standard_normal((200, 1))
    y = 1 + 2 * x[:, 0] + rng.standard_normal(200)
    normal = MixtureOfExperts(1).fit(x, y)
    t = MixtureOfExperts(1, expert=StudentTExperts(df=df)).fit(x, y)
    assert t.log_likelihood_ == pytest.approx(normal.log_likelihood_, abs=1e-10)
    assert t.converged_


def test_learned_degrees_of_freedom_stop_at_their_bound(rng):
    """Uniform noise has lighter tails than any t."""
    x = rng.standard_normal((300, 1))
    y = x[:, 0] + rng.uniform(-1, 1, 300)
    moe = MixtureOfExperts(1, expert="t").fit(x, y)
    assert moe.df_[0] == pytest.approx(MOST_DF, rel=1e-9)
    mean = moe.predict(x)
    expected = stats.norm.logpdf(y, mean, moe.scale_[0]).mean()
    assert moe.log_likelihood_ == pytest.approx(expected, abs=1e-5)
