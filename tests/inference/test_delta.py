"""Errors of functions of the parameters equal those of numerical differences."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from mixstat.data.batch import take_rows
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import float64
from mixstat.objective.likelihood import log_joint_rows
from tests.inference.mixtures import two_lines

POINTS = np.array([[-1.0], [0.2], [1.5]])


def differences(function, vector: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Derivatives by differences of fourth order."""
    columns = []
    for j in range(len(vector)):
        unit = np.zeros(len(vector))
        unit[j] = step
        near = function(vector + unit) - function(vector - unit)
        far = function(vector + 2 * unit) - function(vector - 2 * unit)
        columns.append((8 * near - far) / (12 * step))
    return np.stack(columns, axis=-1)


def mean_in_user_units(moe, vector: np.ndarray) -> np.ndarray:
    """E[y | x] at the points from reported parameters, in NumPy."""
    p = dict(zip(moe.parameter_names, vector, strict=True))
    x = POINTS[:, 0]
    share = expit(p["gate0:1"] + p["gate0:x0"] * x)
    lines = [p[f"expert{k}:1"] + p[f"expert{k}:x0"] * x for k in range(2)]
    return share * lines[0] + (1 - share) * lines[1]


def mean_of_mixture(results):
    """E[y | x] at the points from a mixture in internal units, in JAX."""
    estimate = results.estimate
    Phi, Z = estimate.features(POINTS)

    def function(mixture):
        share = jnp.exp(mixture.gate.link(mixture.gate.coef @ Z.T, Z.T))
        lines = mixture.experts.coef[:, 0] @ Phi.T
        return estimate.location[0] + estimate.scale[0] * jnp.sum(share * lines, axis=0)

    return function


@pytest.mark.parametrize("cov_type", ["observed", "robust"])
def test_mean_has_the_errors_of_numerical_differences(cov_type):
    moe, *_ = two_lines()
    results = moe.inference(cov_type=cov_type)
    slopes = differences(lambda v: mean_in_user_units(moe, v), moe.params)
    covariance = slopes @ results.cov_params().to_numpy() @ slopes.T
    internal = results.delta(mean_of_mixture(results))
    np.testing.assert_allclose(internal.value, moe.predict(POINTS), rtol=1e-10)
    np.testing.assert_allclose(internal.std_error, np.sqrt(np.diag(covariance)), rtol=1e-7)
    np.testing.assert_allclose(internal.covariance, covariance, rtol=1e-6)

    def of_parameters(p):
        x = POINTS[:, 0]
        share = 1 / (1 + jnp.exp(-p["gate0:1"] - p["gate0:x0"] * x))
        return share * (p["expert0:1"] + p["expert0:x0"] * x) + (1 - share) * (
            p["expert1:1"] + p["expert1:x0"] * x
        )

    reported = results.user_delta(of_parameters)
    np.testing.assert_allclose(reported.value, internal.value, rtol=1e-10)
    np.testing.assert_allclose(reported.std_error, internal.std_error, rtol=1e-8)
    low, high = reported.conf_int().T
    np.testing.assert_allclose(0.5 * (low + high), reported.value, rtol=1e-12)
    assert list(reported.summary_frame().columns) == ["estimate", "std_error", "low", "high"]


def test_shapes_are_kept_and_constants_have_no_error():
    results = two_lines()[0].inference()
    table = results.delta(lambda m: m.experts.coef[:, 0])
    assert table.value.shape == table.std_error.shape == (2, 2)
    assert table.conf_int().shape == (2, 2, 2)
    constant = results.user_delta(lambda p: jnp.ones(3) * 2 + 0 * p.vector[:1])
    np.testing.assert_array_equal(constant.std_error, 0)


def test_reported_parameters_have_their_own_errors():
    moe, *_ = two_lines()
    results = moe.inference(cov_type="opg")
    every = results.user_delta(lambda p: p.vector)
    np.testing.assert_allclose(every.covariance, results.cov_params(), rtol=1e-9, atol=1e-15)
    with pytest.raises(KeyError, match="'x' is no parameter"):
        results.user_delta(lambda p: p["x"])


def test_scores_are_the_gradients_of_the_rows():
    moe, X, y = two_lines()
    estimate = moe.inference().estimate
    vector = estimate.vector

    def densities(v):
        model = parameter_vector.from_vector(estimate.model, v)
        with float64():
            joint = take_rows(log_joint_rows(model, estimate.batch), len(y))
        return np.logaddexp(joint[:, 0], joint[:, 1])

    np.testing.assert_allclose(estimate.scores, differences(densities, vector), atol=1e-7)
    np.testing.assert_allclose(estimate.log_densities, moe.score_samples(X, y), rtol=1e-10)
    np.testing.assert_allclose(estimate.responsibilities, moe.responsibilities(X, y), atol=1e-12)
