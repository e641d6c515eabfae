"""Ordered levels against statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from mixstat import MixtureOfExperts, Status
from mixstat.experts import OrderedExperts
from tests.sweeps import rest

N = 400
RANDOM = np.random.default_rng(34)
X = RANDOM.uniform(-1, 1, (N, 2))
LATENT = 1.0 + X @ [1.5, -1.0] + RANDOM.logistic(size=N)
LEVEL = np.searchsorted([0.0, 1.0, 2.5], LATENT).astype(float)


@pytest.mark.parametrize(("noise", "law"), [("logistic", "logit"), rest("normal", "probit")])
def test_one_ordered_expert_is_statsmodels(noise, law):
    family = OrderedExperts(n_levels=4, noise=noise)
    moe = MixtureOfExperts(1, expert=family).fit(X, LEVEL)
    assert moe.status_ == Status.CONVERGED
    known = OrderedModel(LEVEL, X, distr=law)
    # their first cut is less our constant, then come logs of gaps
    mine = np.append(moe.expert_coef_[0, 1:], [-moe.expert_coef_[0, 0], *moe.params[3:]])
    assert N * moe.log_likelihood_ == pytest.approx(known.loglike(mine), rel=1e-10)
    assert np.max(np.abs(known.score(mine))) < 1e-4  # by differences
    errors = np.sqrt(np.diag(np.linalg.inv(-known.hessian(mine))))
    own = np.sqrt(np.diag(moe.cov_params()))[[1, 2, 0, 3, 4]]
    np.testing.assert_allclose(own, errors, rtol=1e-4)
    share = known.predict(mine, X)
    below = [moe.cdf(X, np.full(N, level)) for level in range(4)]
    np.testing.assert_allclose(np.diff(below, axis=0, prepend=0.0).T, share, rtol=1e-8)
    np.testing.assert_allclose(moe.predict(X), share @ np.arange(4), rtol=1e-8)
    assert moe.cuts_.shape == (1, 3)
    quantile = moe.predict_quantile(X, 0.5)
    assert set(quantile) <= {0.0, 1.0, 2.0, 3.0}
    residuals = moe.inference(X, LEVEL).quantile_residuals(random_state=0)
    assert stats.kstest(residuals, "norm").pvalue > 1e-3
    assert moe.crps(X, LEVEL).shape == (N,)


@pytest.mark.exhaustive
def test_two_kinds_of_grading():
    first = RANDOM.random(N) < 1 / (1 + np.exp(-3 * X[:, 0]))
    slope = np.where(first, 6.0, -6.0)
    latent = 1.5 + slope * X[:, 1] + RANDOM.logistic(size=N)
    y = np.searchsorted([0.0, 1.5, 3.0], latent).astype(float)
    moe = MixtureOfExperts(2, expert=OrderedExperts(n_levels=4), n_init=4, random_state=0)
    moe.fit(X, y)
    assert moe.status_ == Status.CONVERGED
    one = MixtureOfExperts(1, expert=OrderedExperts(n_levels=4)).fit(X, y)
    assert moe.bic(X, y) < one.bic(X, y) - 20
    assert "Log of gap between cuts" in str(moe.summary())
    draws = moe.sample_y(X[:4], 50, random_state=0)
    np.testing.assert_array_equal(draws, np.round(draws))
