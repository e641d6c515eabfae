"""What every registered family of experts must do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from mixstat import flat
from mixstat.batch import Rows
from mixstat.experts import REGISTRY
from mixstat.experts.base import Experts
from mixstat.experts.gaussian import COVARIANCES, GaussianExperts
from mixstat.predictive import expert_predictors

K, P, N = 2, 3, 60


@pytest.fixture(params=[(1, "full"), (1, "tied")] + [(3, c) for c in COVARIANCES], ids=str)
def experts(request, rng, x64):
    m, covariance = request.param
    null = GaussianExperts(covariance=covariance).null(K, P, m)
    return flat.from_vector(null, jnp.asarray(0.5 * rng.standard_normal(flat.size(null))))


@pytest.fixture
def rows(experts, rng, x64):
    Phi = np.vstack([np.ones(N), rng.standard_normal((P - 1, N))])
    y = rng.standard_normal((experts.coef.shape[1], N))
    return Rows(jnp.asarray(Phi), jnp.asarray(Phi), jnp.asarray(y), jnp.full(N, 1 / N))


def test_registry_is_complete():
    concrete = {c for c in Experts.__subclasses__() if c.__module__.startswith("mixstat.")}
    assert concrete == set(REGISTRY.values())


def test_density_equals_scipy(experts, rows):
    logs = np.asarray(experts.log_prob(rows))
    for k, covariance in enumerate(experts.covariances()):
        mean = np.asarray(experts.coef[k] @ rows.Phi).T
        for i in range(N):
            known = stats.multivariate_normal(mean[i], covariance).logpdf(rows.y[:, i])
            np.testing.assert_allclose(logs[k, i], known, rtol=1e-11)


def test_density_integrates_to_one(experts, rows):
    if experts.coef.shape[1] > 1:
        pytest.skip("three-dimensional quadrature; the scipy comparison covers it")
    grid = np.linspace(-40, 40, 4001)
    one = Rows(
        *(jnp.broadcast_to(a[:, :1], (a.shape[0], grid.size)) for a in (rows.Z, rows.Phi)),
        jnp.asarray(grid[None]),
        jnp.full(grid.size, 1.0),
    )
    mass = integrate.simpson(np.exp(experts.log_prob(one)), x=grid, axis=1)
    np.testing.assert_allclose(mass, 1.0, atol=1e-9)


def test_samples_follow_the_marginals(experts, rows):
    eta = expert_predictors(experts, np.repeat(np.asarray(rows.Phi).T[:1], 20_000, axis=0))
    random = np.random.default_rng(5)
    for k in range(K):
        draws = experts.sample(eta[k], k, random)
        marginals = experts.marginals(eta[:, :, :1])
        uniform = marginals.cdf(draws[None])[k]
        for output in uniform:
            assert stats.kstest(output, "uniform").pvalue > 1e-3
        spread = experts.covariances()[k]
        error = 4 * np.sqrt(2 / draws.shape[1]) * np.abs(spread).max()
        np.testing.assert_allclose(np.cov(draws).reshape(spread.shape), spread, atol=error)


def test_derivatives_of_the_link_equal_autodiff(experts, rows):
    eta = jnp.asarray(expert_predictors(experts, np.asarray(rows.Phi).T))
    own, slow = experts.derivatives(eta, rows.y), Experts.derivatives(experts, eta, rows.y)
    for a, b in zip(own, slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_m_step_zeroes_its_own_gradient(experts, rows, rng):
    resp = jnp.asarray(rng.dirichlet(np.ones(K), N).T / N)
    lower = experts.lower_bounds(1e-6)
    best = experts.m_step(experts.statistics(rows, resp), lower, None)

    def surrogate(vector):
        return jnp.sum(resp * flat.from_vector(best, vector).log_prob(rows))

    gradient = jax.grad(surrogate)(jnp.asarray(flat.to_vector(best)))
    assert np.max(np.abs(gradient)) < 1e-12
    again = best.m_step(best.statistics(rows, resp), lower, None)
    np.testing.assert_allclose(flat.to_vector(again), flat.to_vector(best), atol=1e-11)


def test_ridge_step_maximises_the_penalised_surrogate(experts, rows, rng):
    resp = jnp.asarray(rng.dirichlet(np.ones(K), N).T / N)
    weight = jax.tree.map(lambda one: 0.3 * one, experts.slopes(True))
    best = experts
    for _ in range(200):  # coefficients and covariance in turn
        best = best.m_step(best.statistics(rows, resp), experts.lower_bounds(1e-6), weight)

    def penalised(vector):
        squares = jnp.sum(jnp.asarray(flat.to_vector(weight)) * vector**2)
        return jnp.sum(resp * flat.from_vector(best, vector).log_prob(rows)) - 0.5 * squares

    assert np.max(np.abs(jax.grad(penalised)(jnp.asarray(flat.to_vector(best))))) < 1e-9


def test_floor_holds_and_an_empty_expert_stays(experts, rows):
    fitted = experts.coef[0] @ rows.Phi  # an exact fit for the first expert
    exact = Rows(rows.Z, rows.Phi, fitted, rows.weight)
    resp = jnp.stack([rows.weight, jnp.zeros(N)])
    best = experts.m_step(experts.statistics(exact, resp), experts.lower_bounds(1e-3), None)
    assert np.all(np.isfinite(flat.to_vector(best)))
    np.testing.assert_allclose(np.exp(best.log_scale[0]), 1e-3, rtol=1e-12)
    np.testing.assert_allclose(best.coef[1], experts.coef[1], rtol=1e-14)


def test_permute_and_units(experts, rows, rng):
    order = np.array([1, 0])
    np.testing.assert_allclose(
        experts.permute(order).log_prob(rows), experts.log_prob(rows)[order], rtol=1e-13
    )
    m = experts.coef.shape[1]
    common = experts.covariance == "spherical"  # one scale for all outputs stays one scale
    scale = np.full(m, 2.5) if common else rng.uniform(0.5, 3, m)
    location = rng.standard_normal(m)
    moved = experts.in_units(location, scale, np.eye(P))
    y = jnp.asarray(location[:, None] + scale[:, None] * np.asarray(rows.y))
    other = Rows(rows.Z, rows.Phi, y, rows.weight)
    np.testing.assert_allclose(
        moved.log_prob(other), experts.log_prob(rows) - np.log(scale).sum(), rtol=1e-11
    )
