"""Truths of which rows are drawn, and how far estimates are from them."""

import jax.numpy as jnp
import numpy as np

from mixstat.data.batch import Rows
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import float64
from mixstat.predictive import expert_predictors

LINES = np.array([[-4.0, 0.5, 1.0], [0.5, -1.0, 0.3], [4.0, 1.0, -0.5]])  # (1, x0, x1)
NOISE = np.array([0.8, 0.5, 0.6])
LOGITS = np.array([[0.5, 1.0, -0.6], [1.0, -0.8, 0.5]])


def columns(gate, X):
    """The gate's features of raw inputs."""
    function = gate.feature_map()
    mapped = X if function is None else function(X)
    return np.hstack([np.ones((len(X), 1)), mapped]) if gate.constant else mapped


def draw(gate, experts, X, random):
    """Responses of the stated model, and the experts that they follow."""
    Phi = np.hstack([np.ones((len(X), 1)), X])
    Z = columns(gate, X)
    zero = jnp.zeros((1, len(X)))
    with float64():
        rows = Rows(jnp.asarray(Z.T), jnp.asarray(Phi.T), zero, jnp.full(len(X), 1 / len(X)))
        share = np.exp(np.asarray(gate.log_prob(rows)))
    label = np.sum(random.random(len(X)) > np.cumsum(share, axis=0)[:-1], axis=0)
    eta = expert_predictors(experts, Phi)
    each = np.stack([experts.sample(eta[k], k, random)[0] for k in range(len(share))])
    return each[label, np.arange(len(X))], label


def standard_distances(moe, truth):
    error = np.sqrt(np.diag(moe.cov_params()))
    return np.abs(moe.params - parameter_vector.to_vector(truth)) / error
