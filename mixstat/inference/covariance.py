"""Standard errors from the observed information, in the user's units."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mixstat import flat
from mixstat.model import Mixture
from mixstat.results import SINGULAR, FitResult

TOUCHED = 1e-6  # share of a parameter's direction in such a null space that spoils its error


def affine_jacobian(
    transform: Callable[[Mixture], Mixture], model: Mixture
) -> Float[np.ndarray, "E D"]:
    """Derivative of the user's parameters in the internal ones; the map is affine."""
    zero = np.zeros(flat.size(model))
    origin = flat.to_vector(transform(flat.from_vector(model, zero)))
    columns = []
    for j in range(len(zero)):
        zero[j] = 1.0
        columns.append(flat.to_vector(transform(flat.from_vector(model, zero))) - origin)
        zero[j] = 0.0
    return np.stack(columns, axis=1)


def observed_covariance(
    result: FitResult, total_weight: float, jacobian: Float[np.ndarray, "E D"]
) -> Float[np.ndarray, "E E"]:
    """Inverse observed information; NaN where a parameter is not estimable or on a bound.

    Parameters
    ----------
    result
        The fit; its information is per unit of weight.
    total_weight
        Sum of the row weights.
    jacobian
        From internal to reported parameters.
    """
    if result.information is None or result.free is None:
        raise ValueError("This result carries no information matrix.")
    free = result.free
    values, vectors = np.linalg.eigh(result.information[np.ix_(free, free)])
    good = values > SINGULAR
    reported = jacobian[:, free] @ vectors
    covariance = (reported[:, good] / (total_weight * values[good])) @ reported[:, good].T
    scale = np.linalg.norm(jacobian, axis=1)
    spoiled = np.linalg.norm(reported[:, ~good], axis=1) > TOUCHED * scale
    spoiled |= np.linalg.norm(jacobian[:, ~free], axis=1) > TOUCHED * scale
    spoiled |= scale == 0  # coefficients of dropped columns
    covariance[spoiled] = np.nan
    covariance[:, spoiled] = np.nan
    return covariance
