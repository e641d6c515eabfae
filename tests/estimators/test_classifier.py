"""MixtureOfExpertsClassifier: scikit-learn's contract, labels of all kinds, probabilities."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from mixstat import MixtureOfExpertsClassifier

CONDITIONAL = "the check calls score_samples(X); the probability of a label also needs y"
EXPECTED = {
    "check_methods_sample_order_invariance": CONDITIONAL,
    "check_methods_subset_invariance": CONDITIONAL,
}


# The checks fit tiny tables (often separable, often more parameters than rows), where a warning
# is the right answer; warnings are not what they test.
@pytest.mark.exhaustive  # the regressor is asked the same by default
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [MixtureOfExpertsClassifier(n_init=2)], expected_failed_checks=lambda estimator: EXPECTED
)
def test_estimator_contract(estimator, check):
    check(estimator)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [MixtureOfExpertsClassifier(n_experts=1)], expected_failed_checks=lambda estimator: EXPECTED
)
def test_estimator_contract_of_one_expert(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data():
    """Three classes by two experts, of which one rises and one falls."""
    random = np.random.default_rng(0)
    X = random.uniform(-2, 2, (800, 2))
    first = random.random(800) < 1 / (1 + np.exp(-3 * X[:, 1]))
    slope = np.where(first, 3.0, -3.0)
    score = np.column_stack([slope * X[:, 0], np.where(first, 0.5, -0.5), np.zeros(800)])
    label = np.argmax(score + random.gumbel(size=(800, 3)), axis=1)
    return X, label


SETTINGS = {"gate_features": [1], "expert_features": [0], "n_init": 4, "random_state": 0}


@pytest.fixture(scope="module")
def fitted(data):
    return MixtureOfExpertsClassifier(2, **SETTINGS).fit(*data)


def test_probabilities(data, fitted):
    X, y = data
    proba = fitted.predict_proba(X)
    assert fitted.converged_
    assert proba.shape == (800, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(proba), rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[proba.argmax(axis=1)])
    picked = np.log(proba[np.arange(800), y])
    np.testing.assert_allclose(fitted.score_samples(X, y), picked, rtol=1e-10)
    assert fitted.log_likelihood_ == pytest.approx(picked.mean(), rel=1e-12)
    assert fitted.score(X, y) == np.mean(fitted.predict(X) == y)
    each, share = fitted.expert_proba(X), fitted.gate_proba(X)
    np.testing.assert_allclose(each.sum(axis=2), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.einsum("nk,nkc->nc", share, each), proba, rtol=1e-12)
    joint = share * each[np.arange(800), :, y]
    known = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.responsibilities(X, y), known, rtol=1e-9, atol=1e-12)


def test_coefficients_are_log_odds_in_the_units_of_the_data(data, fitted):
    X, _ = data
    assert fitted.expert_coef_.shape == (2, 2, 2)
    each = fitted.expert_proba(X)
    design = np.column_stack([np.ones(800), X[:, 0]])
    odds = np.einsum("kcp,np->nkc", fitted.expert_coef_, design)
    np.testing.assert_allclose(np.log(each[:, :, :2] / each[:, :, 2:]), odds, atol=1e-9)


def test_the_excused_invariances_hold_when_y_is_given(data, fitted, rng):
    X, y = data
    order = rng.permutation(800)
    for method in (fitted.score_samples, fitted.responsibilities):
        np.testing.assert_allclose(method(X[order], y[order]), method(X, y)[order], rtol=1e-11)
        np.testing.assert_allclose(method(X[:7], y[:7]), method(X, y)[:7], rtol=1e-11)


@pytest.mark.parametrize(
    "names", [np.array(["in", "mid", "out"]), np.array([10, 20, 30]), np.array([-1.0, 0.0, 1.0])]
)
def test_labels_of_all_kinds(data, fitted, names):
    X, y = data
    moe = MixtureOfExpertsClassifier(2, init=fitted, gate_features=[1], expert_features=[0])
    moe.fit(X, names[y])
    np.testing.assert_array_equal(moe.classes_, names)
    np.testing.assert_array_equal(moe.predict(X), names[fitted.predict(X)])
    assert moe.predict(X).dtype == names.dtype
    np.testing.assert_allclose(
        moe.score_samples(X, names[y]), fitted.score_samples(X, y), atol=1e-6
    )


def test_booleans_and_another_reference(data):
    X, y = data
    told = y == 0
    moe = MixtureOfExpertsClassifier(1).fit(X, told)
    assert moe.predict(X).dtype == bool
    np.testing.assert_array_equal(moe.classes_, [False, True])
    other = MixtureOfExpertsClassifier(1, classes=[True, False]).fit(X, told)
    np.testing.assert_array_equal(other.classes_, [True, False])
    np.testing.assert_allclose(other.expert_coef_, -moe.expert_coef_, rtol=1e-8)
    np.testing.assert_allclose(other.predict_proba(X)[:, ::-1], moe.predict_proba(X), rtol=1e-8)
    assert moe.expert_coef_.shape == (1, 3)


def test_clone_pickle_and_cross_validation(data, fitted):
    X, y = data
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict_proba(X), fitted.predict_proba(X))
    again = clone(fitted).set_params(n_experts=1)
    assert cross_val_score(again, X, y, cv=3).mean() < fitted.score(X, y)


def test_formula_and_summary(data):
    X, y = data
    frame = pd.DataFrame({"x": X[:, 0], "w": X[:, 1], "kind": np.array(["a", "b", "c"])[y]})
    moe = MixtureOfExpertsClassifier.from_formula(
        "kind ~ x", gate="~ w", data=frame, n_experts=2, n_init=4, random_state=0
    )
    plain = MixtureOfExpertsClassifier(2, **SETTINGS).fit(X, y)
    assert moe.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-10)
    np.testing.assert_array_equal(np.unique(moe.predict(frame)), np.unique(frame["kind"]))
    assert moe.score_samples(frame).mean() == pytest.approx(moe.log_likelihood_, rel=1e-10)
    told = str(moe.summary())
    assert "Expert 0" in told
    assert "y=b:x" in told


@pytest.mark.parametrize("kind", ["Int64", "boolean", "string", "category"])
def test_labels_that_may_be_missing_come_back_as_they_are(kind):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(80, 2))
    up = X[:, 0] + 0.5 * rng.normal(size=80) > 0
    y = pd.Series(up if kind == "boolean" else up.astype(int)).astype(kind)
    model = MixtureOfExpertsClassifier(1).fit(X, y)
    plain = np.unique(y.to_numpy())
    assert model.classes_.tolist() == plain.tolist()
    assert model.classes_.dtype == plain.dtype
    assert model.score(X, y) == pytest.approx(np.mean(model.predict(X) == y.to_numpy()))
