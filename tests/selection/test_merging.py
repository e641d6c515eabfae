"""Experts of one fit merged pair after pair."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts
from mixstat.selection import dendrogram, merge
from mixstat.selection.merging import MixingMeasure


@pytest.mark.fast
def test_a_merge_by_hand():
    measure = MixingMeasure(
        np.array([0.2, 0.3, 0.5]),
        np.array([[1.0], [2.0], [0.0]]),
        np.array([[0.0], [1.0], [9.0]]),
        np.array([1.0, 2.0, 1.0]),
    )
    assert measure.distances()[0, 1] == pytest.approx((1 + 1 + 1) / (1 / 0.2 + 1 / 0.3))
    merged = measure.merged(0, 1)
    np.testing.assert_allclose(merged.weight, [0.5, 0.5])
    np.testing.assert_allclose(merged.slope, [[1.6], [0.0]])
    np.testing.assert_allclose(merged.coef, [[0.6], [9.0]])
    np.testing.assert_allclose(merged.variance, [1.6, 1.0])


def test_without_a_merge_it_is_the_fit(rows, fitted):
    found = dendrogram(fitted, *rows)
    mean = fitted.score_samples(*rows).mean()
    assert found.log_likelihood[0] == pytest.approx(mean, rel=1e-10)
    assert found.log_likelihood[1] < mean
    np.testing.assert_array_equal(found.labels, [[0, 1], [0, 0]])
    np.testing.assert_array_equal(found.n_experts, [2, 1])


def test_an_expert_too_many_is_seen_in_the_heights(rows, fitted, doubled):
    found = dendrogram(doubled, *rows)
    assert found.best_n_experts_ == 2
    assert found.height[0] < found.height[1] / 3
    again = merge(doubled, found.groups(2), *rows)
    assert again.certificate_.is_regular
    assert again.log_likelihood_ == pytest.approx(fitted.log_likelihood_, rel=1e-9)


def test_units_and_the_reference_do_not_matter(rows, doubled):
    X, y = rows
    found = dendrogram(doubled, X, y)
    share = doubled.responsibilities(X, y)
    start = share[:, [2, 0, 1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other = MixtureOfExperts(3, init=start, n_init=1, random_state=0).fit(10 * X, 3 * y + 1)
    moved = dendrogram(other, 10 * X, 3 * y + 1)
    np.testing.assert_allclose(moved.height, found.height, rtol=1e-3)
    np.testing.assert_allclose(moved.criterion, found.criterion, rtol=1e-6)


def test_one_expert_has_nothing_to_merge(rows):
    found = dendrogram(MixtureOfExperts(1).fit(*rows), *rows)
    assert found.best_n_experts_ == 1
    assert np.isnan(found.height).all()


@pytest.mark.fast
def test_other_gates_are_refused(rows):
    moe = MixtureOfExperts(1, gate="sigmoid").fit(*rows)
    with pytest.raises(ValueError, match="must have a softmax gate and Gaussian experts"):
        dendrogram(moe, *rows)
