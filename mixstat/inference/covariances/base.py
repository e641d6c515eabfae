"""What a kind of covariance must answer, and what it gives."""

import abc
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.inference.covariance import Spectrum, unknown_as_nan
from mixstat.inference.estimate import Estimate
from mixstat.validation import check_choice

Groups: TypeAlias = Int[np.ndarray, "n v"] | None  # numbers of clusters, one or two variables

SMALL_SAMPLE = ("none", "groups", "regression")


@dataclass(frozen=True, eq=False)
class ParameterCovariance:
    """A covariance of the internal parameters, and how functions of them get theirs from it."""

    matrix: Float[np.ndarray, "D D"]
    """Zero in directions that the data do not determine."""
    spectrum: Spectrum
    """Which directions those are."""
    held: Bool[np.ndarray, " D"]
    """Parameters that are taken as known."""
    title: str
    """What it is, in a few words."""
    notes: tuple[str, ...] = ()
    """What a person should know of it, a sentence each."""
    rank: int = 0
    """Number of independent directions that it has."""
    draws: Float[np.ndarray, "B D"] | None = field(default=None, repr=False)
    """Internal parameters of the draws of a bootstrap."""
    interval: str = "normal"
    """How intervals are made: "normal", or "percentile", "bc" and "basic" of draws."""

    def of(
        self, jacobian: Float[np.ndarray, "E D"], *, constants_vary: bool = True
    ) -> Float[np.ndarray, "E E"]:
        """Covariance of functions by their derivative in the internal parameters.

        NaN where the data do not determine a function, or it depends on a parameter at a bound;
        also where it depends on none (``constants_vary``), as a dropped column's coefficient.
        """
        jacobian = np.where(self.held, 0.0, jacobian)
        covariance = jacobian @ self.matrix @ jacobian.T
        return unknown_as_nan(covariance, self.spectrum, jacobian, constants_vary=constants_vary)


class Covariance(abc.ABC):
    """Interface: a kind of covariance with its settings."""

    name: ClassVar[str]
    """Its name in ``cov_type``."""
    takes_groups: ClassVar[int] = 0
    """Variables of clusters that it takes, at most."""
    needs_groups: ClassVar[bool] = False

    @abc.abstractmethod
    def fit(self, estimate: Estimate, groups: Groups) -> ParameterCovariance:
        """The covariance of an estimate; ``groups`` number the clusters of its rows."""


class SandwichCovariance(Covariance):
    """Inverse information, the variance of a sum of scores, and the inverse information again."""

    @abc.abstractmethod
    def middle(
        self, scores: Float[np.ndarray, "n k"], estimate: Estimate, groups: Groups
    ) -> Float[np.ndarray, "k k"]:
        """Variance of the weighted sum of scores (of rows that count once each)."""

    def middle_of(self, estimate: Estimate, groups: Groups) -> Float[np.ndarray, "D D"]:
        """:meth:`middle` of the scores of the fit."""
        return self.middle(estimate.scores, estimate, groups)

    @abc.abstractmethod
    def describe(self, estimate: Estimate, groups: Groups) -> tuple[str, tuple[str, ...]]:
        """What it is in a few words, and what a person should know of it."""

    def fit(self, estimate: Estimate, groups: Groups) -> ParameterCovariance:
        """The covariance of an estimate."""
        middle = self.middle_of(estimate, groups)
        title, notes = self.describe(estimate, groups)
        outer = bread(estimate)
        matrix = outer @ middle @ outer
        return ParameterCovariance(
            0.5 * (matrix + matrix.T),
            estimate.spectrum,
            estimate.held,
            title,
            notes,
            rank=rank_of(estimate, middle),
        )


def bread(estimate: Estimate) -> Float[np.ndarray, "D D"]:
    """Inverse of the information of all rows, in the directions that the data determine."""
    values, directions, _, _ = estimate.spectrum
    return (directions / (estimate.total_weight * values)) @ directions.T


def rank_of(estimate: Estimate, middle: Float[np.ndarray, "D D"]) -> int:
    """Number of directions in which scores vary, of those that the data determine."""
    directions = estimate.spectrum.directions
    if directions.shape[1] == 0:
        return 0
    return int(np.linalg.matrix_rank(directions.T @ middle @ directions, hermitian=True))


def regression_factor(estimate: Estimate) -> float:
    """n / (n - k), with k coefficients: scales are not counted, as for linear models."""
    n = estimate.total_weight
    return n / max(n - estimate.n_coefficients, 1.0)


def check_small_sample(value: object, choices: tuple[str, ...] = SMALL_SAMPLE) -> str:
    """A name of a factor."""
    return check_choice("small_sample", value, choices)
