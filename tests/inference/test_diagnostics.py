"""Residuals are uniform under the truth, influence is that of deletion, experts add up."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.outliers_influence import GLMInfluence

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.fitting.draws import draw_responses
from tests.inference.mixtures import two_lines
from tests.sweeps import first

N = 200


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(3)
    X = pd.DataFrame(random.normal(size=(N, 2)), columns=["a", "b"])
    return X, (0.3 + 0.4 * X["a"] - 0.2 * X["b"]).to_numpy()


def test_influence_on_least_squares(rows):
    X, eta = rows
    y = eta + np.random.default_rng(2).standard_normal(N)
    influence = MixtureOfExperts(1, tol=1e-11).fit(X, y).inference(X, y).influence()
    known = sm.OLS(y, sm.add_constant(X)).fit().get_influence()
    np.testing.assert_allclose(influence.leverage, known.hat_matrix_diag, rtol=1e-8)
    # the likelihood divides the variance by n
    factor = N / (N - 3)
    np.testing.assert_allclose(
        influence.cooks_distance, factor * known.cooks_distance[0], rtol=1e-8
    )


@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_influence_on_generalised_linear_models(rows, family):
    X, eta = rows
    random = np.random.default_rng(8)
    hits = random.binomial(5, 1 / (1 + np.exp(-eta)))
    pair, law = np.column_stack([hits, 5 - hits]), sm.families.Binomial()
    y, law = (
        (random.poisson(np.exp(eta)), sm.families.Poisson()) if family == "poisson" else (pair, law)
    )
    influence = MixtureOfExperts(1, expert=family, tol=1e-11).fit(X, y).inference().influence()
    model = sm.GLM(y, sm.add_constant(X), family=law).fit(tol=1e-14, maxiter=100)
    known = GLMInfluence(model)
    np.testing.assert_allclose(influence.leverage, known.hat_matrix_diag, rtol=1e-7)
    np.testing.assert_allclose(influence.cooks_distance, known.cooks_distance[0], rtol=1e-7)


def test_influence_is_that_of_deletion():
    moe, X, y = two_lines()
    results = moe.inference(X, y)
    influence, estimate = results.influence(), results.estimate
    chosen = np.arange(0, N, 10)
    weights = 1.0 - (chosen[:, None] == np.arange(N))
    refits = estimate.refit(weights=weights)
    assert len(refits.vectors) == len(chosen)
    true = (estimate.params - estimate.in_user_units(refits.vectors)) / influence.std_errors
    mine = influence.dfbetas[chosen]
    assert np.max(np.abs(true)) > 0.2
    np.testing.assert_allclose(mine, true, atol=0.03)
    # far better than what the scores alone say
    first = estimate.scores @ results.covariance.matrix @ estimate.jacobian.T / influence.std_errors
    assert np.median(np.abs(mine - true)) < 0.5 * np.median(np.abs(first[chosen] - true))
    np.testing.assert_allclose(influence.leverage.sum(), len(estimate.params) - 2, rtol=1e-7)
    frame = influence.summary_frame()
    assert list(frame.columns[:3]) == ["leverage", "cooks_distance", "dfbetas gate0:1"]


def test_weights_leave_out_all_their_rows(rows):
    X, eta = rows
    y = eta + np.random.default_rng(2).standard_normal(N)
    weight = np.ones(N)
    weight[:20] = 0
    weight[20] = 3
    moe = MixtureOfExperts(1, tol=1e-11).fit(X, y, sample_weight=weight)
    influence = moe.inference(X, y, sample_weight=weight).influence()
    without = np.where(np.arange(N) == 20, 0, weight)
    known = MixtureOfExperts(1, tol=1e-11).fit(X, y, sample_weight=without).params
    np.testing.assert_array_equal(influence.index, np.arange(20, N))
    np.testing.assert_allclose(influence.deleted[0, :3], known[:3], atol=2e-3)
    assert np.abs(known[:3] - moe.params[:3]).max() > 0.01


def test_a_row_that_alone_tells_a_coefficient():
    random = np.random.default_rng(4)
    X = np.column_stack([random.standard_normal(30), np.arange(30) == 7])
    y = X[:, 0] + random.standard_normal(30)
    influence = MixtureOfExperts(1, tol=1e-11).fit(X, y).inference(X, y).influence()
    np.testing.assert_allclose(influence.leverage[7], 1.0)
    assert np.isinf(influence.cooks_distance[7])
    assert np.isnan(influence.deleted[7]).all()
    assert np.isfinite(np.delete(influence.cooks_distance, 7)).all()


def test_residuals_of_real_responses_are_those_of_the_distribution():
    moe, X, y = two_lines()
    results = moe.inference(X, y)
    np.testing.assert_allclose(results.pit(), moe.cdf(X, y), rtol=1e-10)
    np.testing.assert_allclose(
        stats.norm.cdf(results.quantile_residuals()), results.pit(), rtol=1e-9
    )


def draws(family, X, eta, random):
    """Responses of one family."""
    if family == "poisson":
        return random.poisson(np.exp(eta))
    if family == "gamma":
        return random.gamma(3.0, np.exp(eta) / 3)
    if family == "binomial":
        trials = random.integers(1, 9, N)
        hits = random.binomial(trials, 1 / (1 + np.exp(-eta)))
        return np.column_stack([hits, trials - hits])
    if family == "t":
        return eta + random.standard_t(4, N)
    return np.column_stack([eta, -eta]) + random.standard_normal((N, 2))


@pytest.mark.parametrize("family", first(["gaussian", "poisson", "gamma", "binomial", "t"], 2))
def test_residuals_of_each_family_are_normal(rows, family):
    X, eta = rows
    y = draws(family, X, eta, np.random.default_rng(8))
    results = MixtureOfExperts(1, expert=family).fit(X, y).inference(X, y)
    residuals = results.quantile_residuals(random_state=1)
    assert residuals.shape == ((N, 2) if family == "gaussian" else (N,))
    assert np.isfinite(residuals).all()
    np.testing.assert_array_equal(residuals, results.quantile_residuals(1))
    changed = np.any(residuals != results.quantile_residuals(2))
    assert changed == (family in ("poisson", "binomial"))
    for column in residuals.reshape(N, -1).T:
        assert stats.kstest(column, "norm").pvalue > 0.05


def test_residuals_of_classes(rows):
    X, eta = rows
    random = np.random.default_rng(9)
    y = np.argmax(np.column_stack([0 * eta, 2 * eta, 1 - eta]) + random.gumbel(size=(N, 3)), axis=1)
    moe = MixtureOfExpertsClassifier(1).fit(X, y)
    share = moe.inference(X, y).pit()
    cumulative = np.hstack([np.zeros((N, 1)), np.cumsum(moe.predict_proba(X), axis=1)])
    own = np.arange(N)
    assert np.all((share >= cumulative[own, y]) & (share <= cumulative[own, y + 1] + 1e-12))
    assert stats.kstest(share, "uniform").pvalue > 0.05
    drawn = moe.sample_y(X, n_samples=400)
    assert drawn.shape == (N, 400)
    rate = np.mean(drawn[:, :, None] == moe.classes_, axis=1)
    np.testing.assert_allclose(rate, moe.predict_proba(X), atol=5 * np.sqrt(0.25 / 400))


def uniformity(n_fits):
    """p values of Kolmogorov and Smirnov's test of residuals of fits to draws from the truth."""
    moe, X, _ = two_lines()
    random = np.random.default_rng(6)
    simulated = draw_responses(moe.fit_, n_fits, random)
    found = []
    for y in simulated:
        fit = MixtureOfExperts(2, init=moe, n_init=1).fit(X, y[:, 0])
        found.append(stats.kstest(fit.inference(X, y[:, 0]).pit(), "uniform").pvalue)
    return np.array(found)


def check_uniform(n_fits):
    """No fit looks wrong more often than it should; the test is conservative after a fit."""
    p = uniformity(n_fits)
    assert np.mean(p < 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_fits)
    assert np.median(p) > 0.4


def test_residuals_are_uniform_under_the_truth():
    check_uniform(10)


@pytest.mark.slow
def test_residuals_are_uniform_under_the_truth_in_a_thousand_fits():
    check_uniform(1000)


def test_experts_and_their_certainty():
    moe, X, y = two_lines()
    results = moe.inference(X, y)
    share = moe.responsibilities(X, y)
    table = results.expert_diagnostics()
    np.testing.assert_allclose(table["rows"], share.sum(axis=0))
    np.testing.assert_allclose(
        table["effective_rows"], share.sum(axis=0) ** 2 / (share**2).sum(axis=0)
    )
    assert (table["effective_rows"] >= table["rows"]).all()
    own = share.argmax(axis=1)
    np.testing.assert_allclose(table["certainty"], [share[own == k, k].mean() for k in range(2)])
    np.testing.assert_allclose(table["assigned"], np.bincount(own))
    entropy = -np.sum(np.where(share > 0, share * np.log(np.maximum(share, 1e-300)), 0), axis=1)
    np.testing.assert_allclose(results.posterior_entropy(), entropy, atol=1e-10)
    np.testing.assert_allclose(results.estimate.entropy, entropy.sum(), rtol=1e-8)
    np.testing.assert_allclose(table["entropy"], entropy @ share / share.sum(axis=0), rtol=1e-7)


def test_rootogram_and_reliability():
    moe, X, y = two_lines()
    results = moe.inference(X, y)
    share = moe.responsibilities(X, y)
    table = results.posterior_rootogram(n_bins=5)
    counts = table.pivot(index="expert", columns="low", values="count")
    np.testing.assert_allclose(counts.sum(axis=1), (share >= 1e-4).sum(axis=0))
    np.testing.assert_allclose(counts.loc[0].iloc[-1], (share[:, 0] >= 0.8).sum())
    table = results.gate_reliability(n_bins=4)
    assert list(table.groupby("expert")["rows"].sum()) == [N, N]
    assert list(table["rows"]) == [50] * 8
    first = table[table["expert"] == 0]
    order = np.argsort(moe.gate_proba(X)[:, 0])
    np.testing.assert_allclose(first["share"].iloc[0], moe.gate_proba(X)[order[:50], 0].mean())
    np.testing.assert_allclose(
        first["responsibility"].iloc[0], share[order[:50], 0].mean(), rtol=1e-8
    )
    # where the gradient of the gate's constant vanishes, both have the same mean
    np.testing.assert_allclose(first["share"].mean(), first["responsibility"].mean(), rtol=1e-6)
    assert (np.abs(first["share"] - first["responsibility"]) < 4 * first["std_error"]).all()


def test_residuals_need_responses():
    with pytest.raises(ValueError, match="X and y must be given to inference"):
        two_lines()[0].inference().quantile_residuals()
