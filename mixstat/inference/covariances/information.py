"""Covariances from the information alone: of a model that is right."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mixstat.inference.covariances.base import (
    Covariance,
    Groups,
    ParameterCovariance,
    bread,
    rank_of,
)
from mixstat.inference.estimate import Estimate


@dataclass(frozen=True)
class ObservedInformation(Covariance):
    """Inverse of the observed information: minus the second derivatives at the estimate.

    A ridge counts as information.

    References
    ----------
    Efron, B. and Hinkley, D. V. (1978). Assessing the accuracy of the maximum likelihood
    estimator: observed versus expected Fisher information. Biometrika 65, 457-482.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import ObservedInformation
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y, cov_type=ObservedInformation())
    >>> results.bse[["expert0:x0", "expert1:x0"]].round(3).tolist()
    [0.053, 0.063]
    """

    name: ClassVar[str] = "observed"

    def fit(self, estimate: Estimate, groups: Groups) -> ParameterCovariance:
        """The covariance of an estimate."""
        return ParameterCovariance(
            bread(estimate),
            estimate.spectrum,
            estimate.held,
            "observed information",
            rank=len(estimate.spectrum.values),
        )


@dataclass(frozen=True)
class OuterProduct(Covariance):
    """Inverse of the sum of the outer products of the scores of the rows.

    References
    ----------
    Berndt, E. K., Hall, B. H., Hall, R. E. and Hausman, J. A. (1974). Estimation and inference
    in nonlinear structural models. Annals of Economic and Social Measurement 3, 653-665.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import OuterProduct
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y, cov_type=OuterProduct())
    >>> results.bse[["expert0:x0", "expert1:x0"]].round(3).tolist()
    [0.052, 0.059]
    """

    name: ClassVar[str] = "opg"

    def fit(self, estimate: Estimate, groups: Groups) -> ParameterCovariance:
        """The covariance of an estimate."""
        middle = estimate.score_products()
        directions = estimate.spectrum.directions
        inside = directions.T @ middle @ directions
        rank = rank_of(estimate, middle)
        full = rank == len(inside)
        inverse = np.linalg.inv(inside) if full else np.linalg.pinv(inside, hermitian=True)
        return ParameterCovariance(
            directions @ inverse @ directions.T,
            estimate.spectrum,
            estimate.held,
            "outer product of scores",
            rank=rank,
        )
