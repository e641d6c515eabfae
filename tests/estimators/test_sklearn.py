"""scikit-learn's own contract for estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from mixstat import ExpertShares, MixtureOfExperts

CONDITIONAL = "the check calls score_samples(X); a conditional density also needs y"
EXPECTED = {
    "check_methods_sample_order_invariance": CONDITIONAL,
    "check_methods_subset_invariance": CONDITIONAL,
}

MIXED = {
    "check_sample_weight_equivalence_on_dense_data": "its 15 rows are fitted exactly, by a step",
}


# The checks fit tiny tables (often more parameters than rows, constant columns, one step), where
# a warning is the right answer; warnings are not what they test.
@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [MixtureOfExperts(n_init=4)], expected_failed_checks=lambda moe: EXPECTED | MIXED
)
def test_estimator_contract(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [MixtureOfExperts(n_experts=1)], expected_failed_checks=lambda moe: EXPECTED
)
def test_estimator_contract_of_one_expert(estimator, check):
    check(estimator)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks([ExpertShares(MixtureOfExperts(n_experts=1))])
def test_transformer_contract(estimator, check):
    check(estimator)


def _data(rng, n=300):
    X = rng.uniform(-2, 2, size=(n, 1))
    up = rng.random(n) < 1 / (1 + np.exp(-4 * X[:, 0]))
    y = np.where(up, 4 + X[:, 0], -4 - X[:, 0]) + 0.1 * rng.standard_normal(n)
    return X, y


def test_the_excused_invariances_hold_when_y_is_given(rng):
    X, y = _data(rng)
    moe = MixtureOfExperts(random_state=0).fit(X, y)
    order = rng.permutation(len(X))
    for method in (moe.score_samples, moe.responsibilities, moe.cdf):
        np.testing.assert_allclose(method(X[order], y[order]), method(X, y)[order], rtol=1e-12)
        np.testing.assert_allclose(method(X[:7], y[:7]), method(X, y)[:7], rtol=1e-12)


def test_clone_pickle_and_set_params(rng):
    X, y = _data(rng)
    moe = MixtureOfExperts(random_state=0, degree=2).fit(X, y)
    again = clone(moe).set_params(degree=1).fit(X, y)
    assert again.expert_coef_.shape == (2, 2)
    back = pickle.loads(pickle.dumps(moe))
    np.testing.assert_array_equal(back.predict(X), moe.predict(X))


def test_pipeline_and_grid_search(rng):
    X, y = _data(rng)
    pipe = make_pipeline(StandardScaler(), MixtureOfExperts(n_init=2, random_state=0))
    search = GridSearchCV(pipe, {"mixtureofexperts__n_experts": [1, 2]}, cv=3).fit(X, y)
    assert search.best_params_ == {"mixtureofexperts__n_experts": 2}
    assert search.best_score_ > 0.3
