"""What every registered gate must do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mixstat import flat, linear
from mixstat.batch import Rows
from mixstat.gates import REGISTRY
from mixstat.gates.base import Gate

K, Q, N = 3, 4, 25


@pytest.fixture(params=sorted(REGISTRY))
def gate(request, rng, x64):
    null = REGISTRY[request.param].null(K, Q)
    return flat.from_vector(null, jnp.asarray(rng.standard_normal(flat.size(null))))


@pytest.fixture
def rows(rng, x64):
    Z = np.vstack([np.ones(N), rng.standard_normal((Q - 1, N))])
    return Rows(jnp.asarray(Z), jnp.asarray(Z), jnp.zeros((1, N)), jnp.full(N, 1 / N))


def test_registry_is_complete():
    concrete = {c for c in Gate.__subclasses__() if c.__module__.startswith("mixstat.")}
    assert concrete == set(REGISTRY.values())


@pytest.mark.parametrize("reach", [1.0, 1e3, 1e8])
def test_shares_sum_to_one_far_out(gate, rows, reach):
    far = Rows(rows.Z * reach, rows.Phi, rows.y, rows.weight)
    logs = np.asarray(gate.log_prob(far))
    assert not np.isnan(logs).any()
    np.testing.assert_allclose(np.exp(logs).sum(axis=0), 1.0, rtol=1e-12)


def test_null_gate_gives_equal_shares(gate, rows):
    null = type(gate).null(K, Q)
    np.testing.assert_allclose(np.exp(null.log_prob(rows)), 1 / K, rtol=1e-14)


def test_jit_vmap_and_flatten_round_trips(gate, rows):
    direct = gate.log_prob(rows)
    np.testing.assert_allclose(jax.jit(type(gate).log_prob)(gate, rows), direct, rtol=1e-13)
    leaves, structure = jax.tree.flatten(gate)
    again = jax.tree.unflatten(structure, leaves)
    np.testing.assert_array_equal(again.log_prob(rows), direct)
    vector = flat.to_vector(gate)
    np.testing.assert_array_equal(flat.to_vector(flat.from_vector(gate, vector)), vector)
    stacked = jax.tree.map(lambda a: jnp.stack([a, 2 * a]), gate)
    both = jax.vmap(lambda g: g.log_prob(rows))(stacked)
    np.testing.assert_allclose(both[0], direct, rtol=1e-13)


def test_derivatives_of_the_link_equal_autodiff(gate, rows, rng):
    eta = linear.predict(gate.groups(), rows)
    resp = jnp.asarray(rng.dirichlet(np.ones(K), N).T)
    np.testing.assert_allclose(gate.jacobian(eta), Gate.jacobian(gate, eta), atol=1e-14)
    own, slow = gate.surrogate_hessian(eta, resp), Gate.surrogate_hessian(gate, eta, resp)
    np.testing.assert_allclose(own, slow, atol=1e-14)


def test_newton_steps_reach_a_stationary_surrogate(gate, rows, rng):
    resp = jnp.asarray(rng.dirichlet(np.ones(K), N).T / N)
    moved = type(gate).null(K, Q)
    for _ in range(30):
        moved = moved.m_step(moved.statistics(rows, resp), None)
    gradient = moved.statistics(rows, resp)[0]
    assert np.max(np.abs(gradient)) < 1e-9


def test_permuting_experts_permutes_shares(gate, rows):
    order = np.array([2, 0, 1])
    permuted = gate.permute(order)
    np.testing.assert_allclose(permuted.log_prob(rows), gate.log_prob(rows)[order], atol=1e-12)


def test_user_units_give_the_same_shares(gate, rows, rng):
    to_user = np.eye(Q) + np.tril(rng.standard_normal((Q, Q)), -1)
    user = np.linalg.solve(to_user, np.asarray(rows.Z))
    moved = Rows(jnp.asarray(user), rows.Phi, rows.y, rows.weight)
    np.testing.assert_allclose(
        gate.in_units(to_user).log_prob(moved), gate.log_prob(rows), atol=1e-10
    )
