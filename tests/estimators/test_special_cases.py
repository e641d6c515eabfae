"""Special cases that other libraries solve exactly."""

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from tests.sweeps import first, rest


@pytest.mark.parametrize("weighted", [False, True])
def test_one_expert_is_weighted_least_squares(rng, weighted):
    X = rng.standard_normal((80, 3))
    y = X @ [1.0, -2.0, 0.5] + 3 + rng.standard_normal(80)
    weight = rng.uniform(0.2, 2, 80) if weighted else np.ones(80)
    moe = MixtureOfExperts(1).fit(X, y, sample_weight=weight)
    ols = sm.WLS(y, sm.add_constant(X), weights=weight).fit()
    np.testing.assert_allclose(moe.expert_coef_[0], ols.params, rtol=1e-12)
    variance = weight @ ols.resid**2 / weight.sum()
    np.testing.assert_allclose(moe.scale_[0] ** 2, variance, rtol=1e-12)
    np.testing.assert_allclose(moe.predict(X), ols.fittedvalues, rtol=1e-12)
    if not weighted:
        np.testing.assert_allclose(80 * moe.log_likelihood_, ols.llf, rtol=1e-12)
        # statsmodels divides the residual variance by the residual degrees of freedom
        error = ols.bse * np.sqrt(ols.df_resid / 80)
        np.testing.assert_allclose(np.sqrt(np.diag(moe.cov_params()))[:4], error, rtol=1e-10)
    assert moe.certificate_.starts_finished == 1


def test_one_expert_of_several_outputs_is_least_squares_each(rng):
    X = rng.standard_normal((60, 2))
    Y = X @ rng.standard_normal((2, 3)) + rng.standard_normal((60, 3))
    moe = MixtureOfExperts(1, degree=2).fit(X, Y)
    design = np.column_stack([np.ones(60), X, X[:, 0] ** 2, X[:, 0] * X[:, 1], X[:, 1] ** 2])
    coef, *_ = np.linalg.lstsq(design, Y, rcond=None)
    np.testing.assert_allclose(moe.expert_coef_[0], coef.T, rtol=1e-10)
    residual = Y - design @ coef
    np.testing.assert_allclose(moe.covariance_[0], residual.T @ residual / 60, rtol=1e-10)


@pytest.mark.parametrize(
    ("covariance", "theirs"),
    [
        ("full", "full"),
        rest("diagonal", "diag"),
        rest("spherical", "spherical"),
        rest("tied", "tied"),
    ],
)
def test_no_features_is_a_gaussian_mixture(rng, covariance, theirs):
    """Constant experts and gate: scikit-learn's mixture of Gaussians, all covariances."""
    label = rng.random(400) < 0.4
    Y = np.where(label[:, None], [-2.0, 1.0], [2.0, -1.0]) + rng.standard_normal((400, 2))
    X = rng.standard_normal((400, 1))
    moe = MixtureOfExperts(2, degree=0, gate_degree=0, covariance=covariance, random_state=0)
    moe.fit(X, Y)
    known = GaussianMixture(
        2, covariance_type=theirs, tol=1e-14, max_iter=5000, reg_covar=0.0, n_init=5, random_state=0
    ).fit(Y)
    assert moe.log_likelihood_ == pytest.approx(known.score(Y), abs=1e-10)
    order = np.argsort(known.means_[:, 0])
    np.testing.assert_allclose(moe.expert_coef_[:, :, 0], known.means_[order], atol=1e-5)
    np.testing.assert_allclose(moe.gate_proba(X[:1])[0], known.weights_[order], atol=1e-5)


def test_degree_zero_is_a_covariate_dependent_mixture(rng):
    """Constant experts, gate on x: a logistic regression when the clusters do not overlap."""
    x = rng.standard_normal(500)
    high = rng.random(500) < 1 / (1 + np.exp(-(0.4 + 1.2 * x)))
    y = np.where(high, 10.0, -10.0) + 0.3 * rng.standard_normal(500)
    moe = MixtureOfExperts(2, degree=0, random_state=0).fit(x[:, None], y)
    logit = sm.Logit(high.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(-moe.gate_coef_[0], logit.params, rtol=1e-8)
    np.testing.assert_allclose(moe.expert_coef_[:, 0], [y[~high].mean(), y[high].mean()])
    total = logit.llf
    for group in (y[high], y[~high]):
        total += -0.5 * len(group) * (np.log(2 * np.pi * group.var()) + 1)
    assert 500 * moe.log_likelihood_ == pytest.approx(total, abs=1e-8)


def test_ridge_with_one_expert_is_ridge_regression(rng):
    """Penalised least squares on standardised columns at the fitted variance."""
    X = rng.standard_normal((100, 3)) @ rng.standard_normal((3, 3))
    y = X @ [1.0, 2.0, -1.0] + rng.standard_normal(100)
    moe = MixtureOfExperts(1, ridge=0.5).fit(X, y)
    variance = moe.scale_[0] ** 2 / y.var()
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    other = Ridge(100 * 0.5 * variance).fit(standard, y)
    np.testing.assert_allclose(moe.expert_coef_[0, 1:] * X.std(axis=0), other.coef_, rtol=1e-8)


def test_ridge_with_one_wide_expert_of_two_classes_is_logistic_regression(rng):
    """So wide that a step of EM costs many gradients, of which few are then made."""
    X = rng.standard_normal((400, 310))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = (rng.random(400) < 1 / (1 + np.exp(-X[:, :3].sum(axis=1)))).astype(int)
    moe = MixtureOfExpertsClassifier(1, ridge=0.05, tol=1e-9).fit(X, y)
    other = LogisticRegression(C=1 / (0.05 * 400), tol=1e-10, max_iter=1000).fit(X, y)
    assert moe.converged_
    mine = -moe.expert_coef_[0].ravel()  # the last class is the reference
    np.testing.assert_allclose(mine, [*other.intercept_, *other.coef_[0]], atol=1e-6)


@pytest.mark.parametrize("solver", first(["auto", "em", "newton"]))
def test_ridge_does_not_depend_on_the_numbers_of_experts(rng, solver):
    """The reference expert changes when experts are put in order; the penalty must not."""
    for _ in range(4):
        X = rng.standard_normal((80, 1))
        y = rng.choice([-1, 0, 1], 80) * X[:, 0] + 0.4 * rng.standard_normal(80)
        moe = MixtureOfExperts(
            3, ridge=1e-2, n_init=4, solver=solver, tol=1e-7, random_state=0
        ).fit(X, y)
        assert moe.converged_, moe.certificate_


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore:.*rests on few rows:sklearn.exceptions.ConvergenceWarning")
def test_ridge_returns_the_best_objective_found():
    for seed in range(5):
        random = np.random.default_rng(seed)
        X = random.standard_normal((60, 1))
        y = random.choice([-1, 1], 60) * X[:, 0] * 0.7 + 0.7 * random.standard_normal(60)
        found = []
        for start in range(8):
            alone = MixtureOfExperts(2, ridge=0.05, init="random", n_init=1, random_state=start)
            alone.fit(X, y)
            found.append(_penalised(alone))
        together = MixtureOfExperts(2, ridge=0.05, n_init=20, random_state=0).fit(X, y)
        assert _penalised(together) >= max(found) - 1e-8


def _penalised(moe):
    """Mean log-likelihood less the ridge, from the standardised parameters."""
    gate, experts = moe.model_.gate.coef, moe.model_.experts.coef
    rows = np.vstack([gate, np.zeros((1, gate.shape[1]))])[:, 1:]
    spread = np.sum((rows - rows.mean(axis=0)) ** 2)
    return moe.log_likelihood_ - 0.5 * moe.ridge * (spread + np.sum(experts[:, :, 1:] ** 2))


def test_tied_variance_is_common(rng):
    x = rng.standard_normal(300)
    y = np.where(rng.random(300) < 0.5, 2 + x, -2 - x) + rng.standard_normal(300) * 0.5
    moe = MixtureOfExperts(2, covariance="tied", random_state=0).fit(x[:, None], y)
    assert moe.scale_[0] == moe.scale_[1]
    assert moe.n_parameters_ == 2 + 4 + 1
    resp = moe.responsibilities(x[:, None], y)
    residual = y[:, None] - moe.expert_means(x[:, None])[:, :, 0]
    np.testing.assert_allclose(np.mean((resp * residual**2).sum(axis=1)), moe.scale_[0] ** 2)
