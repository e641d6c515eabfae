"""Experts that are not needed, left out."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.gates import HierarchicalGate
from mixstat.selection import prune
from mixstat.selection.pruning import _apart


@pytest.mark.fast
def test_distance_of_two_normals():
    """Jeffreys' divergence is the squared distance of the means in deviations."""
    random = np.random.default_rng(0)
    first = random.random(200_000) < 0.3
    y = np.where(first, 0.0, 0.6) + random.standard_normal(200_000)
    logs = -0.5 * (y[:, None] - np.array([0.0, 0.6])) ** 2
    apart = _apart(logs, np.column_stack([first, ~first]).astype(float))
    assert apart[0, 1] == pytest.approx(0.36, abs=4 * 0.6 * np.sqrt(1 / 60_000 + 1 / 140_000))
    assert np.isinf(np.diag(apart)).all()
    assert apart[0, 1] == apart[1, 0]


def test_nothing_to_prune(rows, fitted):
    found = prune(fitted, *rows)
    assert found.best_estimator_ is fitted
    assert found.n_experts == 2
    assert repr(found) == "All 2 experts stay."
    step = found.steps[0]
    assert step.is_last
    np.testing.assert_allclose(step.share, fitted.expert_share_, rtol=1e-9)
    assert step.bic == pytest.approx(fitted.bic(*rows))


def test_experts_alike_become_one(rows, fitted, doubled):
    found = prune(doubled, *rows, min_share=0.0, alike=20.0)
    assert [one.n_experts for one in found.steps] == [3, 2]
    again = found.best_estimator_
    assert again.certificate_.is_regular
    assert again.log_likelihood_ == pytest.approx(fitted.log_likelihood_, rel=1e-9)
    assert found.table["joined"][0] in ("[[0, 1]]", "[[1, 2]]")
    assert found.steps[1].bic < found.steps[0].bic
    assert "2 of 3 experts are left" in repr(found)
    assert again.init is doubled.init  # settings stay


def test_small_experts_go(rows, fitted, doubled):
    share = np.sort(doubled.expert_share_)
    found = prune(doubled, *rows, min_share=0.5 * (share[0] + share[1]), alike=0.0)
    assert found.n_experts == 2
    assert (found.steps[0].groups < 0).sum() == 1
    assert found.best_estimator_.log_likelihood_ == pytest.approx(fitted.log_likelihood_, rel=1e-9)
    lead = found.steps[0].leads
    assert lead.sum() == pytest.approx(1)


def test_everything_small_leaves_the_largest(rows, fitted):
    found = prune(fitted, *rows, min_share=0.99)
    assert found.n_experts == 1
    one = MixtureOfExperts(1).fit(*rows)
    assert found.best_estimator_.log_likelihood_ == pytest.approx(one.log_likelihood_, rel=1e-9)


def test_settings_of_the_experts_that_stay(rows):
    """A list of degrees loses the entry of the expert that goes; different kinds never join."""
    X, y = rows
    labels = np.where(y < -2.5, 0, 1)
    moe = MixtureOfExperts(2, degree=[0, 1], init=labels, n_init=1, random_state=0).fit(X, y)
    assert prune(moe, X, y, min_share=0.0, alike=1e9).n_experts == 2
    small = int(np.argmin(moe.expert_share_))
    found = prune(moe, X, y, min_share=float(moe.expert_share_[small]) + 1e-3)
    assert list(found.best_estimator_.degree) == [[0, 1][1 - small]]


@pytest.mark.exhaustive
def test_weights_and_classes(rows):
    X, y = rows
    label = np.where(y > -2.5, "up", "down")
    weight = np.linspace(1, 2, 200)
    moe = MixtureOfExpertsClassifier(2, ridge=1e-2, n_init=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = prune(moe.fit(X, label, weight), X, label, weight, alike=1e9)
    assert found.n_experts == 1
    assert np.isnan(found.steps[0].bic)  # a ridge
    first = found.steps[0].share
    np.testing.assert_allclose(first, moe.expert_share_, rtol=1e-6)


def test_a_tree_is_refused_where_an_expert_would_go(rows):
    moe = MixtureOfExperts(2, gate=HierarchicalGate(tree=(0, 1)), n_init=2, random_state=0).fit(
        *rows
    )
    assert prune(moe, *rows).n_experts == 2
    with pytest.raises(ValueError, match="a gate whose experts can be left out one by one"):
        prune(moe, *rows, min_share=0.99)
