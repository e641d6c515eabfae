"""Derivatives of the likelihood with possibilities, also where experts are impossible."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mixstat.contextual.table import IMPOSSIBLE, log_possibility
from mixstat.data.batch import build
from mixstat.experts import GaussianExperts
from mixstat.gates import SoftmaxGate
from mixstat.gates.blocks import Prior
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.derivatives import derivatives, value_and_gradient
from mixstat.objective.likelihood import log_joint


def log_joint_of(model, rows):
    return log_joint(Prior(model.gate.log_weight(rows)), model.experts.log_prob(rows), rows)


def model_and_rows(rng, n=50, k=3):
    null = Mixture(SoftmaxGate().null(k, 2), GaussianExperts().null(k, 2, 1))
    model = parameter_vector.from_vector(
        null, 0.5 * rng.standard_normal(parameter_vector.size(null))
    )
    X = np.column_stack([np.ones(n), rng.standard_normal(n)])
    y = rng.standard_normal((n, 1))
    y[0] = 40.0  # an outlier: the densities of all experts vanish
    return model, X, y


@pytest.mark.parametrize("ruled_out", [0.0, 1e-300, 0.2])
def test_derivatives_match_autodiff(x64, rng, ruled_out):
    model, X, y = model_and_rows(rng)
    table = np.where(rng.random((50, 3)) < 0.6, ruled_out, 1.0)
    table[np.arange(50), rng.integers(0, 3, 50)] = 1.0
    batch = build(X, X, y, log_possibility=log_possibility(table))
    vector = jnp.asarray(parameter_vector.to_vector(model))

    chunk = jax.tree.map(lambda table: table[0], batch.rows)

    def objective(v):
        joint = log_joint_of(parameter_vector.from_vector(model, v), chunk)
        return jnp.sum(chunk.weight * jax.nn.logsumexp(joint, axis=0))

    value, gradient, hessian = (np.asarray(a) for a in derivatives(model, batch))
    slope, bend = jax.grad(objective)(vector), jax.hessian(objective)(vector)
    scale = np.abs(np.asarray(bend)).max()
    assert float(value) == pytest.approx(float(objective(vector)), rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-12 * scale)
    np.testing.assert_allclose(hessian, bend, rtol=1e-10, atol=1e-12 * scale)
    same = np.asarray(value_and_gradient(model, batch)[1])
    np.testing.assert_allclose(same, gradient, rtol=1e-10, atol=1e-12 * scale)


def test_possibilities_of_one_change_no_bit(x64, rng):
    model, X, y = model_and_rows(rng)
    plain, known = build(X, X, y), build(X, X, y, log_possibility=log_possibility(np.ones((50, 3))))
    for one, other in zip(derivatives(model, plain), derivatives(model, known), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_logarithms():
    logs = log_possibility(np.array([[0.0, 1.0, 0.5, 1e-308]]))
    np.testing.assert_array_equal(logs[0, :3], [IMPOSSIBLE, 0.0, np.log(0.5)])
    assert np.isfinite(logs).all()
