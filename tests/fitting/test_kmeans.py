"""Clusters are those of scikit-learn, point by point."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from mixstat.fitting import kmeans

pytestmark = pytest.mark.fast


def _points(kind: str, random: np.random.Generator) -> np.ndarray:
    if kind == "blobs":
        return random.normal(size=(500, 3)) + 4 * random.integers(0, 4, 500)[:, None]
    if kind == "lines":
        x = random.uniform(-1, 1, 800)
        y = np.where(random.random(800) < 0.5, x, -2 * x) + 0.1 * random.normal(size=800)
        return np.column_stack([x, y])
    if kind == "grid":
        return np.unique(random.integers(0, 9, (300, 2)), axis=0) * 1.0
    return random.normal(size=(40, 12))  # few points


@pytest.mark.parametrize("kind", ["blobs", "lines", "grid", "few"])
@pytest.mark.parametrize("n_clusters", [2, 3, 8])
def test_clusters_are_those_of_scikit_learn(kind, n_clusters, rng):
    for seed in range(5):
        points = _points(kind, rng)
        weight = rng.uniform(0.1, 2.0, len(points))
        found = kmeans.labels_of(points, weight, n_clusters, seed)
        theirs = KMeans(n_clusters, n_init=1, random_state=seed).fit(points, sample_weight=weight)
        np.testing.assert_array_equal(found, theirs.labels_)


def test_more_clusters_than_distinct_points():
    points = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    found = kmeans.labels_of(points, np.ones(10), 4, 0)
    with pytest.warns(ConvergenceWarning):
        theirs = KMeans(4, n_init=1, random_state=0).fit(points).labels_
    assert len(np.unique(found)) == len(np.unique(theirs)) == 2


def test_an_empty_cluster_takes_a_far_point():
    points = np.array([[0.0], [1.0], [2.0], [9.0]])
    labels = np.array([0, 0, 0, 0])
    means = kmeans._means(points, np.array([1.0, 1.0, 1.0, 2.0]), labels, np.array([[1.0], [50.0]]))
    np.testing.assert_allclose(means, [[1.0], [9.0]])
