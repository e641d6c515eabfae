"""Skew normal experts against maxima that scipy finds, and at normal noise, where they are flat."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning
from statsmodels.tools.numdiff import approx_hess

from mixstat import MixtureOfExperts, Status
from mixstat.experts.skew_normal import MOST_SLANT
from mixstat.numerics import parameter_vector
from tests.contracts.verdict_problems import At
from tests.sweeps import first

N = 400
RANDOM = np.random.default_rng(35)
X = RANDOM.uniform(-1, 1, (N, 2))
DESIGN = np.column_stack([np.ones(N), X])
LINE = 0.8 + X @ [0.8, -0.5]


def noise(slant):
    return 0.7 * stats.skewnorm(slant).rvs(N, random_state=np.random.default_rng(36))


def law(v):
    return stats.skewnorm(v[4], loc=DESIGN @ v[:3], scale=np.exp(v[3]))


@pytest.mark.parametrize("slant", first([-2.5, 4.0]))
def test_one_skew_normal_expert_is_scipys_maximum(slant):
    y = LINE + noise(slant)
    moe = MixtureOfExperts(1, expert="skew_normal").fit(X, y)
    assert moe.status_ == Status.CONVERGED

    def loss(v):
        return -law(v).logpdf(y).sum()

    mine = np.concatenate([moe.expert_coef_[0], np.log(moe.scale_), moe.slant_])
    begin = np.append(np.linalg.lstsq(DESIGN, y)[0], [0.0, np.sign(slant)])
    best = optimize.minimize(loss, begin, method="BFGS", options={"gtol": 1e-7})
    assert N * moe.log_likelihood_ == pytest.approx(-best.fun, rel=1e-10)
    np.testing.assert_allclose(mine, best.x, atol=1e-6)
    known = np.sqrt(np.diag(np.linalg.inv(approx_hess(mine, loss))))
    np.testing.assert_allclose(np.sqrt(np.diag(moe.cov_params())), known, rtol=1e-3)
    np.testing.assert_allclose(moe.predict(X), law(mine).mean(), rtol=1e-10)
    np.testing.assert_allclose(moe.cdf(X, y), law(mine).cdf(y), rtol=1e-10)


def test_at_normal_noise_the_certificate_names_what_is_flat():
    """The maximum of normal noise is stationary whatever the data, and no place to begin at."""
    y = LINE + noise(-2.5)
    moe = MixtureOfExperts(1, expert="skew_normal").fit(X, y)
    plain = MixtureOfExperts(1).fit(X, y)
    at = At((*parameter_vector.to_vector(plain.model_).tolist(), 0.0))
    with pytest.warns(ConvergenceWarning, match="do not determine expert0:1, slant0"):
        there = MixtureOfExperts(1, expert="skew_normal", solver=at).fit(X, y)
    assert there.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-12)
    assert moe.log_likelihood_ > plain.log_likelihood_ + 0.01
    assert there.certificate_.gradient_norm < 1e-12
    np.testing.assert_array_equal(np.isnan(there.cov_params().diagonal()), [1, 0, 0, 0, 1])


@pytest.mark.exhaustive
def test_half_of_normal_noise_stops_at_the_bound():
    y = LINE - np.abs(noise(0.0))
    moe = MixtureOfExperts(1, expert="skew_normal").fit(X, y)
    assert moe.status_ == Status.CONVERGED
    np.testing.assert_allclose(moe.slant_, -MOST_SLANT, rtol=1e-12)
    assert np.isnan(moe.cov_params()[4, 4])
    again = MixtureOfExperts(1, expert="skew_normal").fit(X, -30 * y + 7)
    np.testing.assert_allclose(again.slant_, MOST_SLANT, rtol=1e-12)
    jump = np.log(30.0)
    assert again.log_likelihood_ + jump == pytest.approx(moe.log_likelihood_, rel=1e-9)


@pytest.mark.exhaustive
def test_two_skew_lines():
    first_line = RANDOM.random(N) < 1 / (1 + np.exp(-3 * X[:, 0]))
    y = np.where(first_line, 3 + X[:, 1] + noise(5.0), -3 - X[:, 1] - noise(5.0))
    moe = MixtureOfExperts(2, expert="skew_normal", n_init=3, random_state=0).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    error = np.sqrt(np.diag(moe.cov_params()))
    names = moe.parameter_names
    at = [names.index(f"expert{k}:{f}") for k in range(2) for f in ("1", "x0", "x1")]
    assert np.all(np.abs(moe.params[at] - [-3, 0, -1, 3, 0, 1]) < 4 * error[at])
    assert np.all(moe.slant_ * [-1, 1] > 2)
