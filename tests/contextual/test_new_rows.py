"""New rows of a contextual mixture, with what is known of their contexts."""

import numpy as np
import pandas as pd
import pytest

from mixstat import ContextualMixtureOfExperts
from mixstat.contextual import Trapezoidal, labels, tabulate
from mixstat.datasets import make_tent

SETTINGS = {"n_init": 2, "random_state": 0}


@pytest.fixture(scope="module")
def rows():
    """Inputs, responses and possibilities: of some rows the expert is known, of others likely."""
    X, y = make_tent(600, n_irrelevant=1, noise=0.3, random_state=0)
    left = _left(X)
    table = np.column_stack([np.where(left, 1.0, 0.2), np.where(left, 0.0, 1.0)])
    return X, y, table


def _left(X):
    """Where the first input is small, as somebody says who is not always right."""
    noise = np.random.default_rng(1).normal(size=len(X))
    return X[:, 0] + 0.5 * noise < np.median(X[:, 0])


def _solve(X, y, weight):
    design = np.column_stack([np.ones(len(X)), X])
    root = np.sqrt(weight)
    return np.linalg.lstsq(root[:, None] * design, root * y, rcond=None)[0]


def test_experts_take_the_em_step_of_all_rows(rows):
    X, y, table = rows
    moe = ContextualMixtureOfExperts(n_experts=2, **SETTINGS)
    moe.fit(X[:400], y[:400], table[:400])
    resp = moe.context_proba(X, y, table)
    assert np.all(resp[400:][table[400:] == 0] == 0)
    unknown = moe.responsibilities(X[400:], y[400:])
    moe.partial_fit(X[400:], y[400:], possibilities=table[400:])
    for k in range(2):
        coef = _solve(X, y, resp[:, k])
        np.testing.assert_allclose(moe.expert_coef_[k], coef, rtol=1e-6, atol=1e-6)
    # left out, nothing is known of new rows, which is another step
    moe.fit(X[:400], y[:400], table[:400]).partial_fit(X[400:], y[400:])
    coef = _solve(X, y, np.concatenate([resp[:400, 0], unknown[:, 0]]))
    np.testing.assert_allclose(moe.expert_coef_[0], coef, rtol=1e-6, atol=1e-6)


def test_contexts_make_the_possibilities_of_new_rows(rows):
    X, y, _ = rows
    log = pd.DataFrame({"state": np.where(_left(X), "low", "high")})
    contexts = labels("state", ["low", "high"], 0.8)
    moe = ContextualMixtureOfExperts(contexts, **SETTINGS)
    moe.fit(X[:400], y[:400], context_data=log[:400])
    moe.partial_fit(X[400:], y[400:], context_data=log[400:])
    twin = ContextualMixtureOfExperts(n_experts=2, **SETTINGS)
    table = tabulate(contexts, X, context_data=log).values
    twin.fit(X[:400], y[:400], table[:400])
    twin.partial_fit(X[400:], y[400:], possibilities=table[400:])
    np.testing.assert_allclose(moe.expert_coef_, twin.expert_coef_, rtol=1e-9)


def test_contexts_on_inputs_are_asked_for_by_an_empty_dict(rows):
    X, y, _ = rows
    corners = {"low": (-np.inf, -np.inf, 0.4, 0.7), "high": (0.4, 0.7, np.inf, np.inf)}
    contexts = [Trapezoidal(name, on=0, corners=four) for name, four in corners.items()]
    settings = SETTINGS | {"gate_features": [1]}
    moe = ContextualMixtureOfExperts(contexts, **settings).fit(X[:400], y[:400])
    resp = moe.context_proba(X, y)
    assert np.abs(resp - moe.responsibilities(X, y)).max() > 0.01
    moe.partial_fit(X[400:], y[400:], context_data={})
    coef = _solve(X, y, resp[:, 0])
    np.testing.assert_allclose(moe.expert_coef_[0], coef, rtol=1e-6, atol=1e-6)


def test_without_a_fit_it_is_fit(rows):
    X, y, table = rows
    moe = ContextualMixtureOfExperts(n_experts=2, **SETTINGS)
    fitted = ContextualMixtureOfExperts(n_experts=2, **SETTINGS).fit(X, y, table)
    moe.partial_fit(X, y, possibilities=table)
    np.testing.assert_array_equal(moe.expert_coef_, fitted.expert_coef_)


def test_what_is_told_is_checked(rows):
    X, y, table = rows
    moe = ContextualMixtureOfExperts(n_experts=2, **SETTINGS).fit(X[:400], y[:400], table[:400])
    before = moe.expert_coef_.copy()
    with pytest.raises(ValueError, match="possibilities"):
        moe.partial_fit(X[400:], y[400:], possibilities=table[:10])
    with pytest.raises(ValueError, match="possibilities"):
        moe.partial_fit(X[400:], y[400:], possibilities=2 * table[400:])
    contexts = labels("state", ["low", "high"], 0.8)
    log = {"state": np.where(_left(X), "low", "high")}
    stated = ContextualMixtureOfExperts(contexts, **SETTINGS).fit(X, y, context_data=log)
    with pytest.raises(ValueError, match="give contexts or possibilities, not both"):
        stated.partial_fit(X, y, possibilities=table)
    with pytest.raises(ValueError, match="'state' is not among the variables"):
        stated.partial_fit(X, y, context_data={})
    np.testing.assert_array_equal(moe.expert_coef_, before)
