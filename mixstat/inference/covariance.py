"""Standard errors from the observed information, in the user's units."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import null_space

from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.results import SINGULAR, FitResult

TOUCHED = 1e-6  # share of a parameter's direction in such a null space that spoils its error


class Spectrum(NamedTuple):
    """What the information says of directions in the parameter vector."""

    values: Float[np.ndarray, " g"]  # eigenvalues of the directions that the data determine
    directions: Float[np.ndarray, "D g"]
    null: Float[np.ndarray, "D f"]  # those that they do not, known invariances first
    free: Bool[np.ndarray, " D"]  # parameters that no bound holds


def affine_jacobian(
    transform: Callable[[Mixture], Mixture], model: Mixture
) -> Float[np.ndarray, "E D"]:
    """Derivative of the user's parameters in the internal ones; the map is affine."""
    zero = np.zeros(parameter_vector.size(model))
    origin = parameter_vector.to_vector(transform(parameter_vector.from_vector(model, zero)))
    columns = []
    for j in range(len(zero)):
        zero[j] = 1.0
        columns.append(
            parameter_vector.to_vector(transform(parameter_vector.from_vector(model, zero)))
            - origin
        )
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
    spectrum = information_spectrum(result)
    reported = jacobian @ spectrum.directions
    covariance = (reported / (total_weight * spectrum.values)) @ reported.T
    return unknown_as_nan(covariance, spectrum, jacobian)


def unknown_as_nan(
    covariance: Float[np.ndarray, "E E"],
    spectrum: Spectrum,
    jacobian: Float[np.ndarray, "E D"],
    *,
    constants_vary: bool = True,
) -> Float[np.ndarray, "E E"]:
    """A covariance of functions of the parameters, NaN where the data do not determine one.

    ``jacobian`` is their derivative in the internal parameters. One that depends on none of them
    has no error to speak of (``constants_vary``), or an error of zero.
    """
    spoiled = unknown(jacobian, spectrum)
    if constants_vary:
        spoiled |= ~jacobian.any(axis=1)  # coefficients of dropped columns
    covariance = covariance.copy()
    covariance[spoiled] = np.nan
    covariance[:, spoiled] = np.nan
    return covariance


def unknown(jacobian: Float[np.ndarray, "E D"], spectrum: Spectrum) -> Bool[np.ndarray, " E"]:
    """Which functions the data do not determine, or depend on a parameter at a bound."""
    scale = np.linalg.norm(jacobian, axis=1)
    spoiled = np.linalg.norm(jacobian @ spectrum.null, axis=1) > TOUCHED * scale
    return spoiled | (np.linalg.norm(jacobian[:, ~spectrum.free], axis=1) > TOUCHED * scale)


def information_spectrum(
    result: FitResult,
) -> Spectrum:
    """Eigenvalues and directions that the data determine, and those that they do not.

    What bounds or equations hold belongs to neither. Directions in which the gate never changes
    are taken as flat; their computed eigenvalue is rounding.
    """
    if result.information is None or result.free is None:
        raise ValueError("This result carries no information matrix.")
    free = np.asarray(result.free)
    size = len(free)
    known = np.zeros((size, 0)) if result.invariant is None else result.invariant
    basis = np.eye(size)[:, free]
    excluded = known if result.across is None else np.hstack([known, result.across])
    excluded = excluded[free]
    if excluded.any():
        basis = basis @ null_space(excluded[:, excluded.any(axis=0)].T)
    values, vectors = np.linalg.eigh(basis.T @ result.information @ basis)
    good = values > SINGULAR
    directions = basis @ vectors
    null = np.hstack([known, directions[:, ~good]])
    return Spectrum(values[good], directions[:, good], null, free)
