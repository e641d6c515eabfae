"""The infimum of a loss over the translation that leaves the gate as it is.

Adding one affine function of x to all logits changes nothing. For given cells the loss is a sum
of a part in t1 (a factor of the true weights) and a convex part in t2 (a shift of the slopes),
so both infima are found exactly.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import elementwise, minimize


class Terms(NamedTuple):
    """Terms weight * |(point - t, rest)|^power, one for each fitted atom."""

    weight: Float[np.ndarray, "R K"]
    point: Float[np.ndarray, "R K q"]
    rest: Float[np.ndarray, "R K"]  # squared length of what does not move
    power: Float[np.ndarray, "R K"]

    def value(self, shift: Float[np.ndarray, "R q"]) -> Float[np.ndarray, " R"]:
        """The sum at a translation."""
        square = np.sum((self.point - shift[:, None, :]) ** 2, axis=2) + self.rest
        return np.sum(self.weight * square ** (0.5 * self.power), axis=1)

    def gradient(self, shift: Float[np.ndarray, "R q"]) -> Float[np.ndarray, "R q"]:
        """Its derivative; at a kink, one between the two sides."""
        gap = shift[:, None, :] - self.point
        square = np.sum(gap**2, axis=2) + self.rest
        with np.errstate(divide="ignore"):
            slope = self.power * square ** (0.5 * self.power - 1.0)
        pull = np.where(square > 0, self.weight * slope, 0.0)
        return np.sum(pull[:, :, None] * gap, axis=1)

    def one(self, r: int) -> "Terms":
        """Those of one replicate."""
        return Terms(*(a[r : r + 1] for a in self))


def best_factor(
    mass: Float[np.ndarray, "R S"], truth: Float[np.ndarray, " S"]
) -> Float[np.ndarray, " R"]:
    """The factor s > 0 that minimises sum_j |mass_j - s truth_j|: a weighted median of ratios."""
    ratio = mass / truth[None, :]
    order = np.argsort(ratio, axis=1)
    reached = np.cumsum(truth[order], axis=1)
    middle = np.argmax(reached >= 0.5 * reached[:, -1:] * (1 - 1e-12), axis=1)
    return np.take_along_axis(ratio, order, axis=1)[np.arange(len(ratio)), middle]


def best_shift(terms: Terms) -> Float[np.ndarray, "R q"]:
    """The translation that minimises the sum of the terms of each replicate."""
    best = _best_point(terms)
    if terms.point.shape[2] == 0:
        return best
    shift = _root(terms) if terms.point.shape[2] == 1 else _descend(terms, best)
    better = terms.value(shift) < terms.value(best)
    return np.where(better[:, None], shift, best)


def _best_point(terms: Terms) -> np.ndarray:
    """The best of the points themselves, where a sum of lengths has its kinks."""
    values = [terms.value(terms.point[:, k]) for k in range(terms.point.shape[1])]
    return terms.point[np.arange(len(terms.point)), np.argmin(values, axis=0)]


def _root(terms: Terms) -> np.ndarray:
    """In one dimension: where the derivative, which only grows, changes its sign."""
    points = terms.point[:, :, 0]

    def slope(t: np.ndarray, index: np.ndarray) -> np.ndarray:
        kept = Terms(*(a[np.ravel(index).astype(int)] for a in terms))
        return np.reshape(kept.gradient(np.reshape(t, (-1, 1))), np.shape(t))

    margin = 1e-3 * (1.0 + np.ptp(points, axis=1))
    bracket = points.min(axis=1) - margin, points.max(axis=1) + margin
    found = elementwise.find_root(slope, bracket, args=(np.arange(len(points)),))
    return found.x[:, None]


def _descend(terms: Terms, starts: np.ndarray) -> np.ndarray:
    """In several dimensions: lengths smoothed less and less, so that kinks do not stop it."""
    out = starts.copy()
    for r in range(len(starts)):
        problem = terms.one(r)
        size = 1.0 + np.ptp(problem.point, axis=1).max()
        for blur in size * np.array([1e-1, 1e-3, 1e-5, 1e-7]):
            near = problem._replace(rest=problem.rest + blur**2)
            out[r] = minimize(
                lambda t, near=near: float(near.value(t[None])[0]),
                out[r],
                jac=lambda t, near=near: near.gradient(t[None])[0],
                method="BFGS",
                options={"gtol": 1e-12},
            ).x
    return out
