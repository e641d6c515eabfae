"""Errors of quantiles of the response: q moves with the parameters by - F' / f."""

import numpy as np
from jaxtyping import Float

from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Estimate
from mixstat.inference.quantity import Quantity, variances
from mixstat.inference.row_functions import Features, at_vectors, predicted
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.predictive import Predictive, expert_predictors

STEP = 0.02  # of what a parameter moves by chance where the others are known
LARGEST = 0.01  # step, of a parameter of which the information says little
TINY = 1e-300


def quantiles_at(
    estimate: Estimate,
    covariance: ParameterCovariance,
    features: Features,
    levels: Float[np.ndarray, " Q"],
    level: float,
) -> Quantity:
    """Quantiles (m, n, Q) of each output, with errors.

    Quantiles of counts jump from one whole number to the next, so that only draws tell errors.
    """
    law = laws(estimate, estimate.vector[None], features)[0]
    value = np.stack([law.quantile(float(q)) for q in levels], axis=-1)
    response = estimate.model.experts.response.removeprefix("censored ")
    scale = "log" if response == "positive" else "identity"
    if covariance.draws is not None:
        found = laws(estimate, covariance.draws, features)
        each = [np.stack([one.quantile(float(q)) for q in levels], axis=-1) for one in found]
        draws = np.stack(each)
        error = draws.std(axis=0, ddof=1)
        return Quantity(value, error, level, scale, 1.0, draws, covariance.interval)
    if law.experts.discrete:
        return Quantity(value, np.full(value.shape, np.nan), level)
    slopes = _slopes_of_cdf(estimate, features, value)
    density = [_density(law, one) for one in np.moveaxis(value, -1, 0)]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(variances(covariance, slopes)) / np.stack(density, axis=-1)
    # a value that has a probability stays where it is for small changes; no density tells how far
    error = np.where(np.isin(value, law.experts.jumps), np.nan, error)
    return Quantity(value, error, level, scale)


def laws(
    estimate: Estimate, vectors: Float[np.ndarray, "B D"], features: Features
) -> list[Predictive]:
    """The distribution of y at rows for vectors of the parameters, in the user's units."""
    shares = at_vectors(estimate, predicted, vectors, features.tables)["share"]
    return [
        _law(estimate, parameter_vector.from_vector(estimate.model, vector), features, share)
        for vector, share in zip(vectors, shares, strict=True)
    ]


def _law(
    estimate: Estimate, model: Mixture, features: Features, share: Float[np.ndarray, "K n"]
) -> Predictive:
    eye = np.eye(model.experts.coefficients().shape[2])
    experts = model.experts.in_units(estimate.location, estimate.scale, eye)
    offset = features.offset
    if offset is not None:
        offset = offset * experts.offset_unit(estimate.scale)
    return Predictive(share, experts, expert_predictors(experts, features.Phi, offset))


def _density(law: Predictive, value: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    return np.einsum("kn,kmn->mn", law.share, law.marginals.pdf(value[None]))


def _slopes_of_cdf(
    estimate: Estimate, features: Features, value: Float[np.ndarray, "m n Q"]
) -> Float[np.ndarray, "m n Q D"]:
    """Derivative of the probability of not exceeding ``value`` in the parameters.

    By differences of fourth order, since few families have it in closed form; a step is a small
    part of what data of this size leave open, whatever the units of the parameter.
    """
    information = np.diag(np.asarray(estimate.result.information))
    known = estimate.total_weight * information
    step = np.minimum(STEP / np.sqrt(np.maximum(known, TINY)), LARGEST)
    times = np.array([1.0, -1.0, 2.0, -2.0])
    moves = times[:, None, None] * np.diag(step)
    moved = laws(estimate, estimate.vector + moves.reshape(-1, len(step)), features)
    below = [np.stack([law.cdf(one) for one in np.moveaxis(value, -1, 0)], -1) for law in moved]
    up, down, far_up, far_down = np.reshape(below, (4, len(step), *value.shape))
    slopes = (8 * (up - down) - (far_up - far_down)) / 12
    return np.moveaxis(slopes, 0, -1) / step
