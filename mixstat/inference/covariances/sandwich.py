"""Sandwich covariances of independent rows: right also where the model is not."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from mixstat.inference.covariances.base import (
    Groups,
    SandwichCovariance,
    check_small_sample,
    outer_products,
    regression_factor,
)
from mixstat.inference.estimate import Estimate

CHOICES = ("none", "regression")


@dataclass(frozen=True)
class Sandwich(SandwichCovariance):
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
    """

    small_sample: str = "none"

    name: ClassVar[str] = "robust"

    def __post_init__(self) -> None:
        check_small_sample(self.small_sample, CHOICES)

    def middle(
        self, scores: Float[np.ndarray, "n k"], estimate: Estimate, groups: Groups
    ) -> Float[np.ndarray, "k k"]:
        """Sum of the outer products of the scores."""
        factor = regression_factor(estimate) if self.small_sample == "regression" else 1.0
        return factor * outer_products(scores, estimate.weight)

    def describe(self, estimate: Estimate, groups: Groups) -> tuple[str, tuple[str, ...]]:
        """What it is."""
        factor = ", times n / (n - k)" if self.small_sample == "regression" else ""
        return f"sandwich of independent rows{factor}", ()


@dataclass(frozen=True)
class SamplingWeights(SandwichCovariance):
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
    """

    small_sample: str = "none"

    name: ClassVar[str] = "sampling"

    def __post_init__(self) -> None:
        check_small_sample(self.small_sample, ("none", "rows"))

    def middle(
        self, scores: Float[np.ndarray, "n k"], estimate: Estimate, groups: Groups
    ) -> Float[np.ndarray, "k k"]:
        """Sum of the outer products of the weighted scores."""
        n = estimate.n_rows
        factor = n / (n - 1) if self.small_sample == "rows" else 1.0
        return factor * outer_products(scores, estimate.weight**2)

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
    weight = estimate.weight
    return float(weight.sum() ** 2 / (weight @ weight))
