"""Errors of quantiles of the response: q moves with the parameters by - F' / f."""

import numpy as np
from jaxtyping import Float

from mixstat.data import batch as batches
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Estimate
from mixstat.inference.quantity import Quantity, variances
from mixstat.inference.row_functions import Features
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import gate_rows
from mixstat.predictive import Predictive, expert_predictors

STEP = 0.02  # of what a parameter moves by chance where the others are known
PLAIN = 1e-4  # where the information says nothing of a parameter


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
    law = predictive_of(estimate, estimate.model, features)
    value = np.stack([law.quantile(float(q)) for q in levels], axis=-1)
    scale = "log" if estimate.model.experts.response == "positive" else "identity"
    if covariance.draws is not None:
        laws = [_law(estimate, vector, features) for vector in covariance.draws]
        each = [np.stack([one.quantile(float(q)) for q in levels], axis=-1) for one in laws]
        draws = np.stack(each)
        error = draws.std(axis=0, ddof=1)
        return Quantity(value, error, level, scale, 1.0, draws, covariance.interval)
    if law.experts.discrete:
        return Quantity(value, np.full(value.shape, np.nan), level)
    error = [_error(estimate, covariance, features, value[..., j]) for j in range(len(levels))]
    return Quantity(value, np.stack(error, axis=-1), level, scale)


@in_float64
def predictive_of(estimate: Estimate, model: Mixture, features: Features) -> Predictive:
    """The distribution of y at rows under a model like the fitted one, in the user's units."""
    Phi, Z = features
    eye = np.eye(model.experts.coefficients().shape[2])
    experts = model.experts.in_units(estimate.location, estimate.scale, eye)
    data = batches.build(Z, Z, np.zeros((len(Z), 1)))
    share = np.exp(batches.take_rows(gate_rows(model.gate, data.rows), len(Z))).T
    return Predictive(share, experts, expert_predictors(experts, Phi))


def _law(estimate: Estimate, vector: Float[np.ndarray, " D"], features: Features) -> Predictive:
    return predictive_of(estimate, parameter_vector.from_vector(estimate.model, vector), features)


def _error(
    estimate: Estimate,
    covariance: ParameterCovariance,
    features: Features,
    value: Float[np.ndarray, "m n"],
) -> Float[np.ndarray, "m n"]:
    """Standard errors of quantiles that are ``value``."""
    law = predictive_of(estimate, estimate.model, features)
    density = np.einsum("kn,kmn->mn", law.share, law.marginals.pdf(value[None]))
    slopes = _slopes_of_cdf(estimate, features, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(variances(covariance, slopes)) / density


def _slopes_of_cdf(
    estimate: Estimate, features: Features, value: Float[np.ndarray, "m n"]
) -> Float[np.ndarray, "m n D"]:
    """Derivative of the probability of not exceeding ``value`` in the parameters.

    By differences of fourth order, since few families have it in closed form; a step is a small
    part of what data of this size leave open, whatever the units of the parameter.
    """
    vector, information = estimate.vector, np.asarray(estimate.result.information)
    known = estimate.total_weight * np.diag(information)
    step = np.where(known > 0, STEP / np.sqrt(np.where(known > 0, known, 1.0)), PLAIN)
    columns = []
    for j, size in enumerate(step):
        moved = np.zeros(len(vector))
        moved[j] = size
        near, far = (
            _law(estimate, vector + times * moved, features).cdf(value)
            - _law(estimate, vector - times * moved, features).cdf(value)
            for times in (1, 2)
        )
        columns.append((8 * near - far) / (12 * size))
    return np.stack(columns, axis=-1)
