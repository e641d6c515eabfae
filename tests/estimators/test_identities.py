"""Changes of the data that must not change the fit, to 1e-10."""

import numpy as np
import pytest

from mixstat import MixtureOfExperts

TIGHT = {"rtol": 1e-10, "atol": 1e-10}


def crossing(rng, n=300):
    """Two crossing lines, their shares driven by a second input."""
    X = np.column_stack([rng.uniform(-2, 2, n), rng.standard_normal(n)])
    first = rng.random(n) < 1 / (1 + np.exp(-1.5 * X[:, 1]))
    y = np.where(first, 1 + 2 * X[:, 0], 3 - X[:, 0]) + 0.4 * rng.standard_normal(n)
    return X, y


def settings(**more):
    return MixtureOfExperts(2, expert_features=[0], gate_features=[1], random_state=0, **more)


def test_weights_equal_repeated_rows(rng):
    X, y = crossing(rng)
    weight = rng.integers(0, 4, len(y))
    weighted = settings().fit(X, y, sample_weight=weight)
    repeated = settings().fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.expert_coef_, repeated.expert_coef_, **TIGHT)
    np.testing.assert_allclose(weighted.gate_coef_, repeated.gate_coef_, **TIGHT)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_, **TIGHT)
    np.testing.assert_allclose(weighted.log_likelihood_, repeated.log_likelihood_, **TIGHT)
    np.testing.assert_allclose(weighted.cov_params(), repeated.cov_params(), rtol=1e-9, atol=1e-10)
    bic = weighted.bic(X, y, sample_weight=weight)
    assert bic == pytest.approx(repeated.bic(np.repeat(X, weight, axis=0), np.repeat(y, weight)))


def test_scaling_all_weights_changes_no_estimate(rng):
    X, y = crossing(rng)
    weight = rng.uniform(0.1, 3, len(y))
    one, two = (settings().fit(X, y, sample_weight=c * weight) for c in (1.0, 7.0))
    np.testing.assert_allclose(one.expert_coef_, two.expert_coef_, **TIGHT)
    np.testing.assert_allclose(one.cov_params(), 7 * two.cov_params(), rtol=1e-8)


def test_order_of_rows(rng):
    X, y = crossing(rng)
    order = rng.permutation(len(y))
    one, two = settings().fit(X, y), settings().fit(X[order], y[order])
    np.testing.assert_allclose(one.expert_coef_, two.expert_coef_, **TIGHT)
    np.testing.assert_allclose(one.predict(X), two.predict(X), **TIGHT)


@pytest.mark.parametrize(("location", "scale"), [(0, 1e6), (1e3, 1), (-5, 1e-4), (40, 3)])
def test_units_of_inputs(rng, location, scale):
    X, y = crossing(rng)
    moved = location + scale * X
    one, two = settings(degree=2).fit(X, y), settings(degree=2).fit(moved, y)
    np.testing.assert_allclose(one.predict(X), two.predict(moved), **TIGHT)
    np.testing.assert_allclose(one.gate_proba(X), two.gate_proba(moved), **TIGHT)
    np.testing.assert_allclose(one.log_likelihood_, two.log_likelihood_, **TIGHT)


@pytest.mark.exhaustive
def test_years_to_degree_three(rng):
    """Raw years, cubed, next to the same years scaled to [-1, 1]."""
    year = np.arange(1880, 2016.0)
    late = rng.random(len(year)) < 1 / (1 + np.exp(-(year - 1950) / 10))
    y = np.where(late, 0.02 * (year - 1950), -0.2) + 0.1 * rng.standard_normal(len(year))
    small = (year - 1947.5) / 67.5
    raw = MixtureOfExperts(2, degree=3, gate_degree=2, random_state=0).fit(year[:, None], y)
    scaled = MixtureOfExperts(2, degree=3, gate_degree=2, random_state=0).fit(small[:, None], y)
    assert raw.converged_
    np.testing.assert_allclose(raw.log_likelihood_, scaled.log_likelihood_, **TIGHT)
    np.testing.assert_allclose(raw.predict(year[:, None]), scaled.predict(small[:, None]), **TIGHT)
    powers = year[:, None] ** np.arange(4)
    direct = powers @ raw.expert_coef_.T  # coefficients are on raw years
    np.testing.assert_allclose(direct, raw.expert_means(year[:, None])[:, :, 0], atol=1e-6)


def test_units_of_the_response(rng):
    X, y = crossing(rng)
    one, two = settings().fit(X, y), settings().fit(X, 50 - 0.01 * y)
    np.testing.assert_allclose(two.predict(X), 50 - 0.01 * one.predict(X), rtol=1e-10)
    shifted = one.log_likelihood_ - np.log(0.01)
    np.testing.assert_allclose(two.log_likelihood_, shifted, **TIGHT)


def test_one_row_equals_the_batch(rng):
    X, y = crossing(rng)
    moe = settings(degree=2).fit(X, y)
    for method in (moe.predict, moe.gate_proba, moe.predict_interval, moe.predict_expert):
        alone = np.concatenate([method(X[i : i + 1]) for i in range(20)])
        np.testing.assert_allclose(alone, method(X)[:20], **TIGHT)
    for method in (moe.score_samples, moe.responsibilities, moe.cdf):
        alone = np.concatenate([method(X[i : i + 1], y[i : i + 1]) for i in range(20)])
        np.testing.assert_allclose(alone, method(X, y)[:20], **TIGHT)


def test_log_likelihood_is_that_of_the_returned_parameters(rng):
    X, y = crossing(rng)
    moe = settings().fit(X, y)
    np.testing.assert_allclose(moe.score_samples(X, y).mean(), moe.log_likelihood_, rtol=1e-12)
    # from the reported coefficients alone
    logits = np.column_stack([np.ones(len(X)), X[:, 1]]) @ moe.gate_coef_.T
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    mean = np.column_stack([np.ones(len(X)), X[:, 0]]) @ moe.expert_coef_.T
    z = (y[:, None] - mean) / moe.scale_
    density = share * np.exp(-0.5 * z**2) / (moe.scale_ * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(np.log(density.sum(axis=1)), moe.score_samples(X, y), rtol=1e-10)


def test_same_seed_same_fit(rng):
    X, y = crossing(rng)
    one, two = settings().fit(X, y), settings().fit(X, y)
    np.testing.assert_array_equal(one.expert_coef_, two.expert_coef_)
    for name in one.starts_.dtype.names:
        np.testing.assert_array_equal(one.starts_[name], two.starts_[name])


@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton"])
def test_solvers_agree_with_the_default(rng, solver):
    X, y = crossing(rng)
    known = settings().fit(X, y)
    moe = settings(solver=solver, tol=1e-7).fit(X, y)
    assert moe.converged_
    np.testing.assert_allclose(moe.expert_coef_, known.expert_coef_, atol=1e-6)
    assert moe.log_likelihood_ == pytest.approx(known.log_likelihood_, abs=1e-11)
