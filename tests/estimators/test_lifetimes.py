"""Lifetimes and shares, whole or censored, against statsmodels and maxima that scipy finds."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, special, stats
from statsmodels.othermod.betareg import BetaModel

from mixstat import MixtureOfExperts, Status
from mixstat.experts import PointMass

N = 400
RANDOM = np.random.default_rng(32)
X = RANDOM.uniform(-1, 1, (N, 2))
DESIGN = sm.add_constant(X)
LINE = 0.8 + X @ [0.8, -0.5]
POSITIVE = np.exp(LINE + 0.4 * RANDOM.standard_normal(N))
SKEWED = np.exp(LINE) * RANDOM.weibull(1.7, N)
SHARE = special.expit(0.5 * LINE)
BETWEEN = RANDOM.beta(8 * SHARE, 8 * (1 - SHARE))


def errors(moe):
    return np.sqrt(np.diag(moe.cov_params()))


def fit(expert, y, k=1, **settings):
    moe = MixtureOfExperts(k, expert=expert, random_state=0, **settings).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    return moe


def test_one_lognormal_expert_is_a_regression_of_the_log():
    moe = fit("lognormal", POSITIVE)
    known = sm.OLS(np.log(POSITIVE), DESIGN).fit()
    np.testing.assert_allclose(moe.expert_coef_[0], known.params, rtol=1e-8)
    assert moe.scale_[0] ** 2 == pytest.approx(known.ssr / N, rel=1e-8)
    total = known.llf - np.log(POSITIVE).sum()
    assert N * moe.log_likelihood_ == pytest.approx(total, rel=1e-10)
    np.testing.assert_allclose(
        moe.predict_quantile(X, 0.5), np.exp(known.predict(DESIGN)), rtol=1e-8
    )


def test_one_exponential_expert_is_a_gamma_glm_of_scale_one():
    moe = fit("exponential", SKEWED)
    family = sm.families.Gamma(link=sm.families.links.Log())
    known = sm.GLM(SKEWED, DESIGN, family).fit(tol=1e-14, scale=1.0)
    np.testing.assert_allclose(moe.expert_coef_[0], known.params, rtol=1e-7, atol=1e-8)
    total = family.loglike(SKEWED, known.mu, scale=1.0)
    assert N * moe.log_likelihood_ == pytest.approx(total, rel=1e-10)


def test_one_weibull_expert_is_scipys_maximum():
    moe = fit("weibull", SKEWED)

    def loss(v):
        law = stats.weibull_min(np.exp(-v[3]), scale=np.exp(DESIGN @ v[:3]))
        return -law.logpdf(SKEWED).sum()

    mine = np.append(moe.expert_coef_[0], -np.log(moe.shape_))
    assert N * moe.log_likelihood_ == pytest.approx(-loss(mine), rel=1e-10)
    best = optimize.minimize(loss, mine + 0.1, method="BFGS", options={"gtol": 1e-6})
    assert N * moe.log_likelihood_ >= -best.fun - 1e-9
    np.testing.assert_allclose(mine, best.x, atol=1e-5)


def test_one_inverse_gaussian_expert_is_a_glm():
    moe = fit("inverse_gaussian", POSITIVE)
    family = sm.families.InverseGaussian(link=sm.families.links.Log())
    known = sm.GLM(POSITIVE, DESIGN, family).fit(tol=1e-15)
    np.testing.assert_allclose(moe.expert_coef_[0], known.params, rtol=1e-7, atol=1e-8)
    total = family.loglike(POSITIVE, known.mu, scale=1 / moe.shape_[0])
    assert N * moe.log_likelihood_ == pytest.approx(total, rel=1e-10)
    scaled = fit("inverse_gaussian", 100 * POSITIVE)
    np.testing.assert_allclose(scaled.shape_, 100 * moe.shape_, rtol=1e-8)
    jump = np.log(100.0)
    assert scaled.log_likelihood_ + jump == pytest.approx(moe.log_likelihood_, rel=1e-10)


def test_one_beta_expert_is_statsmodels():
    moe = fit("beta", BETWEEN)
    known = BetaModel(BETWEEN, DESIGN).fit(disp=0, method="newton", tol=1e-12)
    mine = np.append(moe.expert_coef_[0], np.log(moe.precision_))
    np.testing.assert_allclose(mine, known.params, rtol=1e-6, atol=1e-7)
    assert N * moe.log_likelihood_ == pytest.approx(known.llf, rel=1e-9)
    np.testing.assert_allclose(errors(moe), known.bse, rtol=1e-4)


@pytest.mark.exhaustive
def test_a_share_may_be_nothing_and_all():
    """Point masses at both ends of a beta regression: three models side by side."""
    kind = np.where(np.arange(N) % 5 == 0, 0, np.where(np.arange(N) % 7 == 0, 1, 2))
    y = np.where(kind < 2, kind, BETWEEN)
    moe = fit(["zero", PointMass(at=1), "beta"], y, 3, init=kind)
    some = kind == 2
    alone = MixtureOfExperts(1, expert="beta").fit(X[some], BETWEEN[some])
    np.testing.assert_allclose(moe.expert_coef_[2], alone.expert_coef_[0], rtol=1e-7, atol=1e-8)
    gate = sm.MNLogit(2 - kind, DESIGN).fit(disp=0, method="newton", tol=1e-14)
    total = gate.llf + some.sum() * alone.log_likelihood_
    assert N * moe.log_likelihood_ == pytest.approx(total, rel=1e-10)
