"""Clusters of weighted points, without the third of a second in which scikit-learn's are loaded.

Lloyd's iteration from centres that k-means++ draws, the best of a few candidates at a time (Arthur
and Vassilvitskii 2007, SODA, 1027-1035). Draws and rules are those of scikit-learn's ``KMeans``, so
that clusters are the same.
"""

import numpy as np
from jaxtyping import Float, Int

MOST_STEPS = 300
TOL = 1e-4  # squared shift of all centres, relative to the mean variance of a coordinate


def labels_of(
    points: Float[np.ndarray, "n d"],
    weight: Float[np.ndarray, " n"],
    n_clusters: int,
    seed: int,
) -> Int[np.ndarray, " n"]:
    """The cluster of each point."""
    points = points - points.mean(axis=0)
    random = np.random.RandomState(seed)  # whose draws are those of KMeans
    centers = _first_centers(points, weight, n_clusters, random)
    enough = TOL * np.mean(np.var(points, axis=0))
    before = np.full(len(points), -1)
    for _ in range(MOST_STEPS):
        labels = _nearest(points, centers)
        moved = _means(points, weight, labels, centers)
        if np.array_equal(labels, before):
            return labels
        shift = np.sum((moved - centers) ** 2)
        centers, before = moved, labels
        if shift <= enough:
            break
    return _nearest(points, centers)


def _first_centers(
    points: Float[np.ndarray, "n d"],
    weight: Float[np.ndarray, " n"],
    n_clusters: int,
    random: np.random.RandomState,
) -> Float[np.ndarray, "k d"]:
    """Points far from each other: k-means++ with some candidates for each centre."""
    candidates = 2 + int(np.log(n_clusters))
    chosen = [int(random.choice(len(points), p=weight / weight.sum()))]
    nearest = _squares(points, points[chosen])[0]
    for _ in range(1, n_clusters):
        reached = np.cumsum(weight * nearest)
        drawn = random.uniform(size=candidates) * (nearest @ weight)
        some = np.minimum(np.searchsorted(reached, drawn), len(points) - 1)
        distance = np.minimum(nearest, _squares(points, points[some]))
        best = int(np.argmin(distance @ weight))
        nearest = distance[best]
        chosen.append(int(some[best]))
    return points[chosen]


def _squares(
    points: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "k d"]
) -> Float[np.ndarray, "k n"]:
    """Squared distances of points from centres."""
    cross = centers @ points.T
    norms = np.sum(centers**2, axis=1)[:, None] + np.sum(points**2, axis=1)
    return np.maximum(norms - 2 * cross, 0.0)


def _nearest(
    points: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "k d"]
) -> Int[np.ndarray, " n"]:
    """The centre nearest to each point."""
    return np.argmin(np.sum(centers**2, axis=1)[:, None] - 2 * centers @ points.T, axis=0)


def _means(
    points: Float[np.ndarray, "n d"],
    weight: Float[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    centers: Float[np.ndarray, "k d"],
) -> Float[np.ndarray, "k d"]:
    """The mean of each cluster; one without points takes a point that is far from its centre."""
    k = len(centers)
    mass = np.bincount(labels, weight, k)
    sums = np.stack([np.bincount(labels, weight * column, k) for column in points.T], axis=1)
    empty = np.flatnonzero(mass == 0)
    distance = np.sum((points - centers[labels]) ** 2, axis=1) if len(empty) else np.zeros(1)
    if distance.max() > 0:
        far = np.argpartition(distance, -len(empty))[: -len(empty) - 1 : -1]
        for cluster, point in zip(empty, far, strict=True):
            taken = points[point] * weight[point]
            sums[labels[point]] -= taken
            mass[labels[point]] -= weight[point]
            sums[cluster], mass[cluster] = taken, weight[point]
    there = mass > 0
    means = np.where(there[:, None], sums / np.where(there, mass, 1.0)[:, None], 0.0)
    means[~there] = means[np.argmax(mass)]
    return means
