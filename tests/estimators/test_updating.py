"""One step with new rows: the EM step of all rows where nothing was kept of them but sums."""

import pickle

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.datasets import make_tent


def _line(rng, n=200):
    X = rng.uniform(1, 3, (n, 2)) * [1.0, 100.0]
    return X, 3 + X @ [2.0, -0.05] + 0.3 * rng.standard_normal(n)


def _solve(X, y, weight):
    design = np.column_stack([np.ones(len(X)), X])
    root = np.sqrt(weight)
    return np.linalg.lstsq(root[:, None] * design, root * y, rcond=None)[0]


def test_one_expert_becomes_least_squares_of_all_rows(rng):
    X, y = _line(rng)
    moe = MixtureOfExperts(1).fit(X[:50], y[:50])
    for rows in np.split(np.arange(50, 200), [1, 20, 21, 90]):
        moe.partial_fit(X[rows], y[rows])
    ols = LinearRegression().fit(X, y)
    np.testing.assert_allclose(moe.expert_coef_[0, 1:], ols.coef_, rtol=1e-9)
    np.testing.assert_allclose(moe.expert_coef_[0, 0], ols.intercept_, rtol=1e-9)
    np.testing.assert_allclose(moe.scale_, np.std(y - ols.predict(X)), rtol=1e-9)
    assert moe.sum_of_weights_ == pytest.approx(200)


def test_forgetting_is_exponential_weighting(rng):
    X, y = _line(rng)
    moe = MixtureOfExperts(1).fit(X[:100], y[:100])
    moe.partial_fit(X[100:130], y[100:130], forgetting=0.97)
    moe.partial_fit(X[130:], y[130:], forgetting=0.97)
    weight = 0.97 ** np.minimum(np.arange(199, -1, -1), 100)
    np.testing.assert_allclose(moe.expert_coef_[0], _solve(X, y, weight), rtol=1e-9)
    assert moe.sum_of_weights_ == pytest.approx(weight.sum())


@pytest.mark.parametrize("gate", ["softmax", "gaussian"])
def test_experts_take_the_em_step_of_all_rows(gate):
    X, y = make_tent(600, n_irrelevant=1, noise=0.3, random_state=0)
    moe = MixtureOfExperts(2, gate=gate, n_init=3, random_state=0).fit(X[:400], y[:400])
    weight = np.linspace(0.5, 2, 200)
    resp = moe.responsibilities(X, y) * np.concatenate([np.ones(400), weight])[:, None]
    moe.partial_fit(X[400:], y[400:], sample_weight=weight)
    for k in range(2):
        coef = _solve(X, y, resp[:, k])
        np.testing.assert_allclose(moe.expert_coef_[k], coef, rtol=1e-6, atol=1e-6)
        residual = y - coef[0] - X @ coef[1:]
        scale = np.sqrt(np.average(residual**2, weights=resp[:, k]))
        np.testing.assert_allclose(moe.scale_[k], scale, rtol=1e-6)
    if gate == "gaussian":
        share = resp.sum(axis=0) / resp.sum()
        centres = resp.T @ X / resp.sum(axis=0)[:, None]
        np.testing.assert_allclose(moe.gate_coef_, centres, rtol=1e-6)
        np.testing.assert_allclose(moe.gate_proba(X).mean(axis=0), share, atol=0.1)


def test_steps_lead_where_a_fit_of_all_rows_is():
    X, y = make_tent(2000, noise=0.3, random_state=0)
    moe = MixtureOfExperts(2, ridge=1e-4, n_init=3, random_state=0).fit(X[:500], y[:500])
    early = moe.score_samples(X, y).mean()
    for first in range(500, 2000, 50):
        moe.partial_fit(X[first : first + 50], y[first : first + 50])
    late = moe.score_samples(X, y).mean()
    whole = MixtureOfExperts(2, ridge=1e-4, n_init=3, random_state=0).fit(X, y)
    best = whole.score_samples(X, y).mean()
    assert late > early
    assert best - late < 0.4 * (best - early)  # one step each, from stale responsibilities


def test_a_drift_is_followed(rng):
    X = rng.uniform(-1, 1, (1500, 1))
    slope = np.where(np.arange(1500) < 500, 1.0, 3.0)
    y = np.where(X[:, 0] > 0, slope * X[:, 0], -X[:, 0]) + 0.1 * rng.standard_normal(1500)
    moe = MixtureOfExperts(2, ridge=1e-3, n_init=3, random_state=0).fit(X[:500], y[:500])
    for first in range(500, 1500, 20):
        moe.partial_fit(X[first : first + 20], y[first : first + 20], forgetting=0.99)
    np.testing.assert_allclose(np.sort(moe.expert_coef_[:, 1]), [-1, 3], atol=0.1)


@pytest.mark.exhaustive
def test_poisson_and_mixed_experts_near_a_fit(rng):
    X = rng.uniform(-1, 1, (1200, 1))
    y = rng.poisson(np.exp(1 + X[:, 0]))
    moe = MixtureOfExperts(1, expert="poisson").fit(X[:300], y[:300])
    for first in range(300, 1200, 100):
        moe.partial_fit(X[first : first + 100], y[first : first + 100])
    whole = MixtureOfExperts(1, expert="poisson").fit(X, y)
    np.testing.assert_allclose(moe.expert_coef_, whole.expert_coef_, atol=0.01)
    X, y = make_tent(900, noise=0.2, random_state=1)
    settings = {"expert": ["gaussian", "t"], "ridge": 1e-4, "n_init": 3, "random_state": 0}
    mixed = MixtureOfExperts(2, **settings).fit(X[:600], y[:600])
    before = mixed.score_samples(X, y).mean()
    mixed.partial_fit(X[600:], y[600:])
    assert mixed.score_samples(X, y).mean() > before - 1e-3


@pytest.mark.exhaustive
def test_penalty_and_zeros_stay():
    X, y = make_tent(800, random_state=0)
    settings = {"expert_penalty": 0.3, "gate_penalty": 0.01, "n_init": 3, "random_state": 0}
    moe = MixtureOfExperts(2, **settings).fit(X[:600], y[:600])
    zeros = moe.expert_coef_ == 0
    assert zeros[:, 2:].all()
    moe.partial_fit(X[600:], y[600:])
    assert (moe.expert_coef_ == 0)[:, 2:].all()


def test_classes(rng):
    X = rng.standard_normal((900, 1))
    y = np.where(rng.random(900) < 1 / (1 + np.exp(-2 * X[:, 0])), "b", "a")
    moe = MixtureOfExpertsClassifier(1).fit(X[:300], y[:300])
    for first in range(300, 900, 100):
        moe.partial_fit(X[first : first + 100], y[first : first + 100])
    whole = MixtureOfExpertsClassifier(1).fit(X, y)
    np.testing.assert_allclose(moe.predict_proba(X), whole.predict_proba(X), atol=0.01)


def test_without_a_fit_it_fits_and_after_an_update_it_says_so():
    X, y = make_tent(300, random_state=0)
    settings = {"ridge": 1e-3, "n_init": 1, "random_state": 0}
    moe = MixtureOfExperts(2, **settings).partial_fit(X, y)
    same = MixtureOfExperts(2, **settings).fit(X, y)
    np.testing.assert_array_equal(moe.expert_coef_, same.expert_coef_)
    moe.partial_fit(X[:1], y[:1])
    assert not hasattr(moe, "certificate_")
    again = pickle.loads(pickle.dumps(moe)).partial_fit(X[1:2], y[1:2])
    np.testing.assert_array_equal(again.expert_coef_, moe.partial_fit(X[1:2], y[1:2]).expert_coef_)
    for question in (moe.summary, moe.cov_params):
        with pytest.raises(AttributeError, match="updated by partial_fit; call fit"):
            question()
    moe.fit(X, y)
    assert moe.converged_
    assert not hasattr(moe, "kept_")


@pytest.mark.fast
@pytest.mark.parametrize("forgetting", [0, 1.1, np.nan, "0.9"])
def test_bad_forgetting(forgetting):
    X, y = make_tent(20, random_state=0)
    with pytest.raises(ValueError, match="forgetting must be"):
        MixtureOfExperts().partial_fit(X, y, forgetting=forgetting)


def test_bad_rows():
    X, y = make_tent(100, random_state=0)
    moe = MixtureOfExperts(1).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        moe.partial_fit(X[:, :2], y)
    with pytest.raises(ValueError, match="outputs as in fit"):
        moe.partial_fit(X, np.column_stack([y, y]))


@pytest.mark.exhaustive
def test_classes_are_those_of_the_first_rows():
    random = np.random.default_rng(0)
    X = random.standard_normal((60, 1))
    y = np.where(X[:, 0] + 0.5 * random.standard_normal(60) > 0, "b", "a")
    moe = MixtureOfExpertsClassifier(1).partial_fit(X, y, classes=["a", "b"])
    moe.partial_fit(X[:5], y[:5], classes=["b", "a"])
    with pytest.raises(ValueError, match=r"classes must be those of the fit \(a, b\)"):
        moe.partial_fit(X[:5], y[:5], classes=["a", "b", "c"])
