"""No batch waits for a thread pool that it occupies itself."""

import os
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mixstat.data import batch as batches
from mixstat.experts import REGISTRY as EXPERTS
from mixstat.experts import GaussianExperts
from mixstat.gates import REGISTRY as GATES
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import linear_algebra
from mixstat.objective import objective
from mixstat.objective.strengths import Strengths
from mixstat.solvers import StopRule, em, newton_batched
from tests.sweeps import first, rest

LAPACK = {"eigh", "cholesky", "triangular_solve", "lu", "qr", "svd", "eig", "schur"}
SECONDS = 240  # that a process may take, compilation included

# what the starts of an estimator do, at the level where they share a program
BATCH = """
import sys
import numpy as np
from mixstat.data import batch as batches
from mixstat.experts import GaussianExperts
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import float64
from mixstat.objective import objective

for size in (26, 40, 60):
    p = size // 2 - 2  # features of two experts; the gate has two
    random = np.random.default_rng(size)
    Phi = np.column_stack([np.ones(120), random.standard_normal((120, p - 1))])
    y = np.where(random.random(120) < 0.5, Phi.sum(axis=1), -Phi.sum(axis=1))
    y = (y + random.standard_normal(120)) / y.std()
    with float64():
        null = Mixture(SoftmaxGate().null(2, 2), GaussianExperts().null(2, p, 1))
        batch = batches.build(Phi[:, :2].copy(), Phi, y[:, None])
        task = objective.make(null, batch, min_scale=1e-4)
    assert parameter_vector.size(null) == size, (size, parameter_vector.size(null))
    for count in (50, 100):
        near = 0.3 * random.standard_normal((count, size))
        starts = [parameter_vector.from_vector(null, vector) for vector in near]
        # few steps of each: what could hang does so at once
        table = fit_many(task, starts, tol=100.0, max_iter=8).table
        assert len(table) == count and np.isfinite(table["objective"]).all()
"""


@pytest.mark.parametrize("processors", [2, rest(1)])
def test_batches_end(processors):
    """On as many processors as there are, and on one: 26, 40 and 60 parameters, 50, 100 starts."""
    if processors > len(os.sched_getaffinity(0)):
        pytest.skip("there are not so many processors")
    chosen = sorted(os.sched_getaffinity(0))[:processors]
    code = f"import os; os.sched_setaffinity(0, {chosen})\n{BATCH}"
    settings = {"JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir)}
    settings |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        timeout=SECONDS,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_many_starts_of_an_estimator_end():
    """28 parameters and 50 starts, as a person would ask for them."""
    code = """
import numpy as np
from mixstat import MixtureOfExperts
random = np.random.default_rng(0)
X = random.normal(size=(400, 4))
y = np.where(random.random(400) < 0.5, X @ np.ones(4), 2 - X @ np.ones(4))
y = y + random.normal(size=400)
moe = MixtureOfExperts(3, n_init=50, random_state=0).fit(X, y)
print(400 * moe.log_likelihood_)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, timeout=SECONDS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(-708.2490, abs=1e-3)


def lapack_ranks(jaxpr) -> list[tuple[str, int]]:
    """Every LAPACK call of a program, those of its loops included, and the rank of its table."""
    calls = []
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in LAPACK:
            calls.append((name, equation.invars[0].aval.ndim))
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                calls += lapack_ranks(inner)
    return calls


def lanes_of(null, strengths=0.0):
    """A problem of 40 rows and three copies of its first model, side by side."""
    random = np.random.default_rng(0)
    Z = np.column_stack([np.ones(40), random.standard_normal((40, 2))])
    counts = random.poisson(2.0, 40).astype(float)[:, None]
    kind = null.experts.response
    y = np.minimum(counts, 1.0) if kind in ("class", "binomial") else counts + (kind == "positive")
    batch = batches.build(Z, Z, null.experts.encode(y))
    task = objective.make(null, batch, min_scale=1e-4, strengths=strengths)
    return task, jax.tree.map(lambda leaf: np.stack([np.asarray(leaf)] * 3), null)


def check_programs(null, strengths=0.0):
    task, three = lanes_of(null, strengths)
    rule = StopRule(1e-5, 1e-14, 10)

    def em_lane(start):
        return em.advance(task, em.begin(start), rule)

    def newton_lane(start):
        step = partial(newton_batched.advance, task, boxed=True)
        return step(newton_batched.begin(start), jnp.asarray(1e-8))

    lanes = (em_lane,) if task.penalty.kinked else (em_lane, newton_lane)
    for lane in lanes:
        calls = lapack_ranks(jax.make_jaxpr(jax.vmap(lane))(three).jaxpr)
        assert calls, "there is no LAPACK call, so nothing was looked at"
        assert all(rank == 2 for _, rank in calls), calls


@pytest.mark.parametrize("name", first((name for name in EXPERTS if EXPERTS[name].alone), 4))
def test_no_batched_lapack_with_any_family(x64, name):
    family = EXPERTS[name]
    if name == "binomial":
        family = type(family)(trials=3)
    check_programs(Mixture(SoftmaxGate().null(2, 3), family.null(2, 3, 1)))


@pytest.mark.parametrize("name", first((name for name in GATES if GATES[name].continuous), 4))
def test_no_batched_lapack_under_any_gate(x64, name):
    gate = GATES[name]
    features = 3 if gate.constant else 2
    null = Mixture(gate.null(2, features), GaussianExperts().null(2, 3, 1))
    if gate.constant:
        check_programs(null)
    else:  # features without the constant
        random = np.random.default_rng(1)
        Z = random.standard_normal((40, 2))
        Phi = np.column_stack([np.ones(40), Z])
        batch = batches.build(Z, Phi, random.standard_normal((40, 1)))
        task = objective.make(null, batch, min_scale=1e-4)
        three = jax.tree.map(lambda leaf: np.stack([np.asarray(leaf)] * 3), null)
        lane = jax.vmap(lambda start: em.advance(task, em.begin(start), StopRule()))
        calls = lapack_ranks(jax.make_jaxpr(lane)(three).jaxpr)
        assert calls
        assert all(rank == 2 for _, rank in calls)


@pytest.mark.parametrize("strengths", [Strengths(0.01, 0.0, 0.01, 0.0), Strengths(0, 0.1, 0, 0.1)])
def test_no_batched_lapack_under_a_penalty(x64, strengths):
    check_programs(Mixture(SoftmaxGate().null(3, 3), GaussianExperts().null(3, 3, 1)), strengths)


def test_one_matrix_at_a_time_is_all_of_them_at_once(x64, rng):
    """Batches in either argument or both, nested too, give what each matrix gives alone."""
    root = rng.standard_normal((4, 3, 5, 5))
    matrices = root @ np.swapaxes(root, -1, -2) + np.eye(5)
    right = rng.standard_normal((4, 3, 5, 2))
    twice = jax.vmap(jax.vmap(linear_algebra.solve_positive))
    np.testing.assert_allclose(twice(matrices, right), np.linalg.solve(matrices, right), rtol=1e-9)
    shared = jax.vmap(linear_algebra.solve_positive, (None, 0))(matrices[0, 0], right[0])
    np.testing.assert_allclose(shared, np.linalg.solve(matrices[0, 0], right[0]), rtol=1e-9)
    values, vectors = jax.vmap(linear_algebra.eigh)(matrices[0])
    rebuilt = vectors @ (values[:, :, None] * np.swapaxes(vectors, -1, -2))
    np.testing.assert_allclose(rebuilt, matrices[0], atol=1e-9)
    linear = jax.vmap(linear_algebra.solve)(matrices[:, 0], right[:, 0, :, 0])
    alone = [np.linalg.solve(m, r) for m, r in zip(matrices[:, 0], right[:, 0, :, 0])]
    np.testing.assert_allclose(linear, alone, rtol=1e-9)
    unit = np.tril(matrices[:, 0], -1) + np.eye(5)
    inverse = jax.vmap(linear_algebra.unit_lower_inverse)(unit)
    np.testing.assert_allclose(inverse @ unit, np.broadcast_to(np.eye(5), (4, 5, 5)), atol=1e-9)
