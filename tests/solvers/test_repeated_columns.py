"""Penalties choose among all columns: of more columns than rows, and of columns that repeat."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier, Status
from tests.sweeps import first, rest

ROWS, COLUMNS = 40, 60
FLOOR = 0.4  # under the scale, where more columns than rows would let it vanish

collapses = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def wide():
    """Only one column, far behind, matters."""
    random = np.random.default_rng(5)
    X = random.standard_normal((ROWS, COLUMNS))
    return X, X[:, 50] + 0.2 * random.standard_normal(ROWS), random


def _standard(table):
    return (table - table.mean(axis=0)) / table.std(axis=0)


@collapses
@pytest.mark.parametrize("l1_ratio", [0.5, rest(0.0), rest(1.0)])
@pytest.mark.parametrize("strength", [rest(0.1), 0.5])
def test_one_expert_is_scikit_learns_fit(wide, l1_ratio, strength):
    X, y, _ = wide
    moe = MixtureOfExperts(
        1, expert_penalty=strength, l1_ratio=l1_ratio, gate_degree=0, min_scale=FLOOR
    ).fit(X, y)
    alpha = strength * (moe.scale_[0] / y.std()) ** 2
    other = ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000)
    if l1_ratio == 0:
        other = Ridge(ROWS * alpha)
    other.fit(_standard(X), _standard(y))
    slopes = moe.expert_coef_[0, 1:] * X.std(axis=0) / y.std()
    np.testing.assert_allclose(slopes, other.coef_, atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.5, rest(0.0), rest(1.0)])
def test_one_logistic_expert_is_scikit_learns_fit(wide, l1_ratio):
    X, y, random = wide
    settings = {"gate_degree": 0, "l1_ratio": l1_ratio, "random_state": 0}
    moe = MixtureOfExpertsClassifier(1, expert_penalty=0.05, **settings).fit(X, y > 0)
    other = LogisticRegression(
        l1_ratio=l1_ratio,
        C=1 / (0.05 * ROWS),
        solver="saga",
        tol=1e-12,
        max_iter=200_000,
    ).fit(_standard(X), y > 0)
    slopes = moe.expert_coef_[0, 1:] * X.std(axis=0)
    np.testing.assert_allclose(np.abs(slopes), np.abs(other.coef_[0]), atol=1e-5)
    new = random.standard_normal((1000, COLUMNS))
    theirs = other.predict((new - X.mean(axis=0)) / X.std(axis=0))
    assert np.mean(moe.predict(new) == theirs) > 0.999


@pytest.mark.parametrize(
    "penalty", first([{"expert_penalty": 0.1, "l1_ratio": 0.0}, {"ridge": 0.1}])
)
def test_a_ridge_shares_out_among_equal_columns(rng, penalty):
    x = rng.standard_normal(60)
    y = 2 * x + rng.standard_normal(60)
    twice = np.column_stack([x, 10 + 1e3 * x])
    slopes = MixtureOfExperts(1, gate_degree=0, **penalty).fit(twice, y).expert_coef_[0, 1:]
    assert slopes[0] == pytest.approx(1e3 * slopes[1], rel=1e-8)
    classes = MixtureOfExpertsClassifier(1, gate_degree=0, **penalty).fit(twice, y > 0)
    slopes = classes.expert_coef_[0, 1:]
    assert slopes[0] == pytest.approx(1e3 * slopes[1], rel=1e-8)


@pytest.mark.parametrize("penalty", first([{"gate_penalty": 0.1, "l1_ratio": 0.0}, {"ridge": 0.1}]))
def test_a_ridge_of_the_gate_shares_out_among_equal_columns(rng, penalty):
    x = rng.standard_normal(200)
    second = rng.random(200) < 1 / (1 + np.exp(-2 * x))
    y = np.where(second, 4.0, -4.0) + rng.standard_normal(200)
    moe = MixtureOfExperts(2, degree=0, n_init=2, random_state=0, **penalty)
    moe.fit(np.column_stack([x, x]), y)
    assert moe.converged_
    assert moe.gate_coef_[0, 1] == pytest.approx(moe.gate_coef_[0, 2], rel=1e-6)


@pytest.mark.exhaustive
def test_a_lasso_of_the_gate_finds_a_column_far_behind(rng):
    X = rng.standard_normal((50, 60))
    y = np.where(X[:, 55] > 0, 4.0, -4.0) + 0.5 * rng.standard_normal(50)
    moe = MixtureOfExperts(2, degree=0, gate_penalty=0.2, n_init=2, random_state=0).fit(X, y)
    assert moe.converged_
    np.testing.assert_array_equal(np.flatnonzero(moe.gate_coef_[0, 1:]), [55])


@pytest.mark.parametrize("settings", first([{}, {"solver": "em"}, {"covariance": "tied"}]))
def test_a_strong_lasso_is_the_null_model(wide, settings):
    X, y, _ = wide
    moe = MixtureOfExperts(1, expert_penalty=1.2, gate_degree=0, **settings).fit(X, 3 * y)
    assert moe.status_ == Status.CONVERGED
    assert not moe.expert_coef_[0, 1:].any()
    assert moe.scale_[0] == pytest.approx(3 * y.std())
    assert list(moe.starts_["start"])[-1] == "null"


@pytest.mark.exhaustive
@collapses
def test_an_expert_through_all_rows_is_told_as_collapsed(wide):
    """The likelihood has no maximum there, however many columns a penalty keeps out."""
    X, y, _ = wide
    moe = MixtureOfExperts(1, expert_penalty=0.1, gate_degree=0).fit(X, y)
    assert moe.status_ == Status.COLLAPSED
    line = MixtureOfExperts(1, gate_degree=0).fit(X[:, :2], X[:, 0])  # structure, not chance
    assert line.status_ == Status.CONVERGED


@pytest.mark.exhaustive
def test_several_experts_under_a_strong_lasso_are_no_interpolations(rng):
    X = rng.standard_normal((60, 80))
    y = np.where(X[:, 0] > 0, 5 + X[:, 1], -5 + X[:, 2]) + rng.standard_normal(60)
    settings = {"expert_penalty": 6.0, "gate_penalty": 0.2, "random_state": 0}
    moe = MixtureOfExperts(2, n_init=4, **settings).fit(X, y)
    assert moe.converged_
    assert not moe.expert_coef_[:, 1:].any()


@pytest.mark.exhaustive
@collapses
def test_starts_of_a_gate_that_jumps_are_no_interpolations(rng):
    """Its dense stand-in has nothing to shrink, but the experts have."""
    X = rng.standard_normal((60, 80))
    y = np.where(X[:, 0] > 0, 5 + X[:, 1], -5 + X[:, 2]) + rng.standard_normal(60)
    settings = {"expert_penalty": 6.0, "gate_features": [0], "random_state": 0}
    moe = MixtureOfExperts(2, gate="top_k", n_init=1, max_iter=20, **settings).fit(X, y)
    assert not moe.expert_coef_[:, 1:].any()
