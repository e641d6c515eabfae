"""Sandwich covariances of independent rows: right also where the model is not."""

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from mixstat.inference.covariances.base import (
    Groups,
    SandwichCovariance,
    check_small_sample,
    regression_factor,
)
from mixstat.inference.estimate import Estimate, outer_products

CHOICES = ("none", "regression")


class IndependentScores(SandwichCovariance):
    """Scores of rows that know nothing of each other: sums of their outer products."""

    power: ClassVar[int]
    """Of the weights of rows in the sums."""

    @abc.abstractmethod
    def factor(self, estimate: Estimate) -> float:
        """Of the sums, for small samples."""

    def middle(
        self, scores: Float[np.ndarray, "n k"], estimate: Estimate, groups: Groups
    ) -> Float[np.ndarray, "k k"]:
        """Sum of the outer products of the scores."""
        return self.factor(estimate) * outer_products(scores, estimate.weight**self.power)

    def middle_of(self, estimate: Estimate, groups: Groups) -> Float[np.ndarray, "D D"]:
        """The same of the scores of the fit, of which rows in blocks have sums alone."""
        return self.factor(estimate) * estimate.score_products(self.power)


@dataclass(frozen=True)
class Sandwich(IndependentScores):
    """Inverse information times the variance of the scores times inverse information.

    Weights are numbers of equal rows.

    Parameters
    ----------
    small_sample : {"none", "regression"}, default="none"
        Factor of the covariance: one ("HC0"), or n / (n - k) with k coefficients, scales not
        counted ("HC1").

    References
    ----------
    Huber, P. J. (1967). The behavior of maximum likelihood estimates under nonstandard
    conditions. Proc. 5th Berkeley Symp. 1, 221-233.

    White, H. (1982). Maximum likelihood estimation of misspecified models. Econometrica 50, 1-25.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import Sandwich
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y, cov_type=Sandwich(small_sample="regression"))
    >>> results.bse[["expert0:x0", "expert1:x0"]].round(3).tolist()
    [0.06, 0.086]
    """

    small_sample: str = "none"

    name: ClassVar[str] = "robust"
    power: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_small_sample(self.small_sample, CHOICES)

    def factor(self, estimate: Estimate) -> float:
        """One, or n / (n - k)."""
        return regression_factor(estimate) if self.small_sample == "regression" else 1.0

    def describe(self, estimate: Estimate, groups: Groups) -> tuple[str, tuple[str, ...]]:
        """What it is."""
        factor = ", times n / (n - k)" if self.small_sample == "regression" else ""
        return f"sandwich of independent rows{factor}", ()


@dataclass(frozen=True)
class SamplingWeights(IndependentScores):
    """Sandwich of weighted scores, for weights that undo unequal chances of being sampled.

    Each row was drawn once, whatever its weight, so that weights of another size give the same
    errors. Weights that are numbers of equal rows are for the other kinds.

    Parameters
    ----------
    small_sample : {"none", "rows"}, default="none"
        Factor of the covariance: one, or n / (n - 1) with n rows.

    References
    ----------
    Binder, D. A. (1983). On the variances of asymptotically normal estimators from complex
    surveys. Int. Statist. Rev. 51, 279-292.

    Kish, L. (1965). Survey Sampling. Wiley. (Effective sample size.)

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import SamplingWeights
    >>> X, y = make_tent(300, random_state=0)
    >>> weight = np.where(X[:, 0] < 0.5, 1.0, 3.0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y, sample_weight=weight)
    >>> results = moe.inference(X, y, sample_weight=weight, cov_type=SamplingWeights())
    >>> results.bse[["expert0:x0", "expert1:x0"]].round(3).tolist()
    [0.068, 0.093]
    """

    small_sample: str = "none"

    name: ClassVar[str] = "sampling"
    power: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_small_sample(self.small_sample, ("none", "rows"))

    def factor(self, estimate: Estimate) -> float:
        """One, or n / (n - 1)."""
        n = estimate.n_rows
        return n / (n - 1) if self.small_sample == "rows" else 1.0

    def describe(self, estimate: Estimate, groups: Groups) -> tuple[str, tuple[str, ...]]:
        """What it is, and how many rows of equal weight count as much."""
        factor = ", times n / (n - 1)" if self.small_sample == "rows" else ""
        note = (
            f"Weights undo chances of being sampled: {estimate.n_rows} rows count for errors as "
            f"{effective_rows(estimate):.1f} of equal weight (Kish)."
        )
        return f"sandwich of weighted scores{factor}", (note,)


def effective_rows(estimate: Estimate) -> float:
    """Kish's effective sample size: the squared sum of the weights over the sum of squares."""
    return estimate.total_weight**2 / estimate.sum_of_squared_weights
