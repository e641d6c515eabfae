"""Covariances of rows that depend on each other within clusters."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from mixstat.inference.covariances.base import (
    Groups,
    SandwichCovariance,
    check_small_sample,
)
from mixstat.inference.estimate import Estimate

FACTORS = {
    "none": "",
    "groups": ", times G / (G - 1)",
    "regression": ", times G / (G - 1) (n - 1) / (n - k)",
}


@dataclass(frozen=True)
class Clustered(SandwichCovariance):
    """Sandwich of the sums of the scores within clusters, of one or of two variables.

    Parameters
    ----------
    small_sample : {"groups", "none", "regression"}, default="groups"
        Factor of the covariance: G / (G - 1) with G clusters, one, or G / (G - 1) times
        (n - 1) / (n - k) with k coefficients, scales not counted, as statsmodels has it. With
        two variables each part has the factor of its own clusters.

    References
    ----------
    Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear
    models. Biometrika 73, 13-22.

    Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2011). Robust inference with multiway
    clustering. J. Bus. Econ. Statist. 29, 238-249. (Two variables: their sum less that of the
    clusters of both.)

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import Clustered
    >>> X, y = make_tent(300, random_state=0)
    >>> group = np.arange(300) // 5
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y, cov_type=Clustered(), groups=group)
    >>> results.bse[["expert0:x0", "expert1:x0"]].round(3).tolist()
    [0.06, 0.095]
    """

    small_sample: str = "groups"

    name: ClassVar[str] = "cluster"
    takes_groups: ClassVar[int] = 2
    needs_groups: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_small_sample(self.small_sample)

    def middle(
        self, scores: Float[np.ndarray, "n k"], estimate: Estimate, groups: Groups
    ) -> Float[np.ndarray, "k k"]:
        """Sum of the outer products of the sums within clusters."""
        return self._middle(scores, estimate, groups)[0]

    def describe(self, estimate: Estimate, groups: Groups) -> tuple[str, tuple[str, ...]]:
        """What it is, and whether clusters are few."""
        assert groups is not None  # the door sees to it
        counts = [int(column.max()) + 1 for column in groups.T]
        told = " and ".join(str(count) for count in counts)
        notes = _few(min(counts), estimate)
        if self._middle(estimate.scores, estimate, groups)[1]:
            notes += ("The two-way variance was not positive: negative eigenvalues became zero.",)
        return f"cluster-robust sandwich, {told} clusters{FACTORS[self.small_sample]}", notes

    def _middle(
        self, scores: Float[np.ndarray, "n k"], estimate: Estimate, groups: Groups
    ) -> tuple[Float[np.ndarray, "k k"], bool]:
        """The variance, and whether it had to be made positive."""
        assert groups is not None  # the door sees to it
        weighted = scores * estimate.weight[:, None]
        parts = [self._of_one(weighted, column, estimate) for column in groups.T]
        if len(parts) == 1:
            return parts[0], False
        both = np.unique(groups, axis=0, return_inverse=True)[1].reshape(-1)
        return _positive(parts[0] + parts[1] - self._of_one(weighted, both, estimate))

    def _of_one(
        self,
        weighted: Float[np.ndarray, "n k"],
        group: Int[np.ndarray, " n"],
        estimate: Estimate,
    ) -> Float[np.ndarray, "k k"]:
        count = int(group.max()) + 1
        sums = np.zeros((count, weighted.shape[1]))
        np.add.at(sums, group, weighted)
        return self._factor(estimate, count) * sums.T @ sums

    def _factor(self, estimate: Estimate, count: int) -> float:
        if self.small_sample == "none":
            return 1.0
        factor, n = count / (count - 1), estimate.total_weight
        if self.small_sample == "regression":
            factor *= (n - 1) / max(n - estimate.n_coefficients, 1.0)
        return factor


def _few(count: int, estimate: Estimate) -> tuple[str, ...]:
    """What to say of few clusters."""
    if count > estimate.n_parameters:
        return ()
    return (
        f"{count} clusters are no more than the {estimate.n_parameters} parameters: errors of "
        "single parameters stand, but not all hypotheses can be tested at once.",
    )


def _positive(middle: Float[np.ndarray, "k k"]) -> tuple[Float[np.ndarray, "k k"], bool]:
    """The matrix without negative eigenvalues, and whether it had some."""
    values, vectors = np.linalg.eigh(middle)
    if values[0] >= -1e-10 * values[-1]:
        return middle, False
    return (vectors * np.maximum(values, 0.0)) @ vectors.T, True
