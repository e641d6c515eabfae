"""Gates and families that answer in NumPy say there what their compiled programs say."""

import jax
import numpy as np
import pytest

from mixstat.data.batch import Rows
from mixstat.experts import Experts
from mixstat.gates import Gate
from mixstat.numerics import parameter_vector
from mixstat.objective.new_rows import log_prob
from mixstat.predictive import expert_predictors

from . import test_experts, test_gates

ROUNDING = 1e-13  # of the largest term of a formula
JAX_ALONE = {n for n, (g, _) in test_gates.CASES.items() if getattr(g, "activation", None)}


def rows_of_gate(gate: Gate) -> Rows:
    """Features of a few rows."""
    Z = test_gates.features(gate, np.random.default_rng(2))
    return Rows(Z, None, np.zeros((0, test_gates.N)), np.ones(test_gates.N))


def check_alike(part: Gate | Experts, rows: Rows) -> None:
    """In NumPy, and as a compiled program tells it."""
    plain = part.log_prob(rows)
    assert isinstance(plain, np.ndarray)
    traced = np.asarray(jax.jit(lambda part, rows: part.log_prob(rows))(part, rows))
    finite = np.isfinite(traced)
    assert np.array_equal(plain[~finite], traced[~finite])
    largest = 1.0 + np.max(np.abs(traced[finite]), initial=0.0)
    np.testing.assert_allclose(plain[finite], traced[finite], rtol=0, atol=ROUNDING * largest)


def family_and_rows(name: str) -> tuple[Experts, np.ndarray, Rows]:
    """Experts with random parameters, features of rows, and the rows with drawn responses."""
    family, m = test_experts.CASES[name]
    random = np.random.default_rng(1)
    null = family.null(test_experts.K, test_experts.P, m)
    lower, upper = (parameter_vector.to_vector(b) for b in null.bounds(1e-4))
    vector = parameter_vector.to_vector(null)
    moved = vector + 0.5 * random.standard_normal(len(vector))
    experts = parameter_vector.from_vector(null, np.where(lower < upper, moved, vector))
    n = test_experts.N
    Phi = np.column_stack([np.ones(n), random.standard_normal((n, test_experts.P - 1))])
    y = experts.encode(test_experts.draw(experts, Phi, random)).T
    return experts, Phi, Rows(Phi.T, None, y, np.ones(n))


@pytest.mark.parametrize(
    "name", test_gates.sweep([n for n in test_gates.CASES if n not in JAX_ALONE])
)
def test_gates_say_the_same_in_numpy(name, x64):
    gate = test_gates.make(name, np.random.default_rng(1))[1]
    assert gate.plain
    check_alike(gate, rows_of_gate(gate))


@pytest.mark.parametrize("name", test_experts.sweep(test_experts.CASES))
def test_families_say_the_same_in_numpy(name, x64):
    experts, Phi, rows = family_and_rows(name)
    assert experts.plain
    check_alike(experts, rows)
    eta = expert_predictors(experts, Phi)
    means = experts.marginals(eta).mean()
    np.testing.assert_allclose(experts.mean(eta), means, rtol=1e-10, atol=1e-12)


def test_what_only_jax_can_follow_is_said_by_a_program_of_one_shape(x64):
    gate = test_gates.make("act_softplus", np.random.default_rng(1))[1]
    assert not gate.plain
    rows = rows_of_gate(gate)
    every = log_prob(gate, rows)
    np.testing.assert_allclose(every, np.asarray(gate.log_prob(rows)), rtol=0, atol=ROUNDING)
    alone = jax.tree.map(lambda table: table[..., 3:4], rows)
    assert np.array_equal(log_prob(gate, alone), every[:, 3:4])
