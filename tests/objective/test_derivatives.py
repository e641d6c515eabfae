"""Every kernel against enumeration, autodiff and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mixstat.data import batch as batches
from mixstat.data.batch import Rows
from mixstat.experts import GaussianExperts
from mixstat.gates import Gate, GaussianGate, SoftmaxGate, TemperatureGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective import likelihood, objective
from mixstat.objective.derivatives import derivatives, value_and_gradient
from mixstat.objective.likelihood import expert_mass, log_joint_rows, log_likelihood
from mixstat.objective.reduction import is_large
from mixstat.parts import predictors
from mixstat.results import Status
from mixstat.solvers import StopRule, em
from tests.sweeps import first, rest

SHAPES = [
    (1, 1, "full"),
    (2, 1, "full"),
    (4, 1, "tied"),
    (2, 2, "full"),
    (3, 3, "tied"),
    (2, 2, "diagonal"),
    (3, 2, "spherical"),
]


def random_problem(rng, k, m, covariance, n=40, possibility=False, **options):
    """A random model with different features for gate and experts, and weighted rows."""
    Z = np.column_stack([np.ones(n), rng.standard_normal((n, 2))])
    Phi = np.column_stack([np.ones(n), rng.standard_normal((n, 3))])
    y = rng.standard_normal((n, m))
    weight = rng.uniform(0.2, 2.0, n)
    extra = np.log(rng.uniform(0.1, 1.0, (n, k))) if possibility else None
    data = batches.build(Z, Phi, y, weight, extra, **options)
    null = Mixture(SoftmaxGate().null(k, 3), GaussianExperts(covariance=covariance).null(k, 4, m))
    model = parameter_vector.from_vector(
        null, 0.5 * rng.standard_normal(parameter_vector.size(null))
    )
    return model, data, (Z, Phi, y, weight, extra)


def enumerated(model, table):
    """Mean log-likelihood, row by row and expert by expert, by scipy."""
    Z, Phi, y, weight, extra = table
    logits = np.vstack([model.gate.coef @ Z.T, np.zeros((1, len(Z)))])
    share = np.exp(logits) / np.exp(logits).sum(axis=0)
    covariance = model.experts.covariances()
    total = 0.0
    for i in range(len(Z)):
        density = 0.0
        for j in range(model.n_experts):
            mean = model.experts.coef[j] @ Phi[i]
            one = share[j, i] * stats.multivariate_normal(mean, covariance[j]).pdf(y[i])
            density += one * (1.0 if extra is None else np.exp(extra[i, j]))
        total += weight[i] * np.log(density)
    return total / weight.sum()


@pytest.mark.parametrize(("k", "m", "covariance"), SHAPES)
@pytest.mark.parametrize("possibility", [False, True])
def test_log_likelihood_equals_enumeration(rng, x64, k, m, covariance, possibility):
    model, data, table = random_problem(rng, k, m, covariance, possibility=possibility)
    np.testing.assert_allclose(log_likelihood(model, data), enumerated(model, table), rtol=1e-12)


@pytest.mark.parametrize(("k", "m", "covariance"), [SHAPES[1], *(rest(*s) for s in SHAPES[2:])])
@pytest.mark.parametrize("possibility", [False, True])
def test_numpy_says_of_few_rows_what_programs_do(rng, x64, k, m, covariance, possibility):
    model, data, table = random_problem(rng, k, m, covariance, n=1500, possibility=possibility)
    assert likelihood._few(model, data)
    value, mass = likelihood.likelihood_and_mass(model, data)
    np.testing.assert_allclose(value, log_likelihood(model, data), rtol=1e-13)
    np.testing.assert_allclose(mass, likelihood._mass(model, data), rtol=1e-12)
    np.testing.assert_array_equal(expert_mass(model, data), mass)
    few, many = (
        batches.take_rows(answer(model, data), 1500)
        for answer in (likelihood.all_responsibilities, likelihood._all_responsibilities)
    )
    np.testing.assert_allclose(few, many, rtol=1e-11, atol=1e-15)
    large = batches.build(*table, room=20_000)
    assert not likelihood._few(model, large)
    np.testing.assert_allclose(likelihood.likelihood_and_mass(model, large)[1], mass, rtol=1e-12)


@pytest.mark.parametrize(
    ("k", "m", "covariance"), [shape if i % 2 else rest(*shape) for i, shape in enumerate(SHAPES)]
)
@pytest.mark.parametrize("possibility", first([True, False]))
def test_blocks_equal_autodiff(rng, x64, k, m, covariance, possibility):
    model, data, _ = random_problem(rng, k, m, covariance, possibility=possibility)
    vector = jnp.asarray(parameter_vector.to_vector(model))

    def value(v):
        return log_likelihood(parameter_vector.from_vector(model, v), data)

    got, gradient, hessian = derivatives(model, data)
    np.testing.assert_allclose(got, value(vector), rtol=1e-14)
    for ours, wanted in ((gradient, jax.jacfwd(value)), (hessian, jax.jacfwd(jax.jacfwd(value)))):
        reference = np.asarray(wanted(vector))
        error = np.max(np.abs(ours - reference)) / np.max(np.abs(reference))
        assert error < 1e-12
    again, slopes = value_and_gradient(model, data)
    np.testing.assert_allclose(again, got, rtol=1e-14)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-12, atol=1e-14)


def test_gradient_and_hessian_equal_finite_differences(rng, x64):
    model, data, table = random_problem(rng, 3, 2, "full")
    vector = parameter_vector.to_vector(model)
    _, gradient, hessian = (np.asarray(a) for a in derivatives(model, data))
    h = 1e-5
    for j in range(len(vector)):
        e = np.zeros(len(vector))
        e[j] = h
        up, down = (parameter_vector.from_vector(model, vector + s * e) for s in (1, -1))
        slope = (enumerated(up, table) - enumerated(down, table)) / (2 * h)
        np.testing.assert_allclose(gradient[j], slope, atol=1e-8)
        bend = (derivatives(up, data)[1] - derivatives(down, data)[1]) / (2 * h)
        np.testing.assert_allclose(hessian[j], bend, atol=1e-7)


@pytest.mark.parametrize("n", [5, 130, 700])
def test_chunks_and_padding_change_nothing(rng, x64, n):
    """One chunk, many chunks and padded chunks give the same sums and the same rows."""
    model, _, table = random_problem(rng, 3, 1, "full", n=n)
    whole = batches.build(*table, width=1)
    pieces = batches.build(*table, width=batches.CHUNK_BYTES)  # shortest chunks
    roomy = batches.build(*table, room=3000)
    reference = derivatives(model, whole)
    for other in (pieces, roomy):
        for a, b in zip(derivatives(model, other), reference, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        rows = batches.take_rows(log_joint_rows(model, other), n)
        same = batches.take_rows(log_joint_rows(model, whole), n)
        np.testing.assert_allclose(rows, same, rtol=1e-13)
    if n > batches.MIN_ROWS:
        assert int(pieces.n_chunks) > 1
    np.testing.assert_allclose(np.sum(expert_mass(model, pieces)), 1.0, rtol=1e-13)


def test_sizes_share_shapes():
    """Narrow tables have two shapes up to 131,072 rows; compact ones waste little."""
    lengths = [int(n) for n in np.unique(np.geomspace(100, 1e5, 200))]
    assert len({batches.shape(n, 12, 4) for n in lengths}) == 2
    for n in lengths:
        chunks, r = batches.shape(n, 12, 4, compact=True)
        assert n <= chunks * r
        assert -(-n // r) * r <= max(1.1 * n, n + 1024)
    wide = [batches.shape(n, 2000, 60) for n in lengths]
    assert all(n <= chunks * r <= max(2.1 * n, 8192) for n, (chunks, r) in zip(lengths, wide))


def test_shared_features_are_stored_once(rng, x64):
    Z = np.column_stack([np.ones(50), rng.standard_normal(50)])
    data = batches.build(Z, Z, rng.standard_normal((50, 1)))
    assert data.rows.Phi is None
    assert data.rows.feature("Phi") is data.rows.Z


def test_ranges_of_chunks_add_up(rng, x64):
    """Large data are cut into ranges, which threads add up; the sums are the same."""
    model, _, table = random_problem(rng, 3, 1, "full", n=128 * 72)
    one, many = batches.build(*table, width=1), batches.build(*table, width=batches.CHUNK_BYTES)
    assert is_large(many)
    assert not is_large(one)
    for small, large in zip(derivatives(model, one), derivatives(model, many), strict=True):
        np.testing.assert_allclose(small, large, rtol=1e-11, atol=1e-13)
    for small, large in zip(
        value_and_gradient(model, one), value_and_gradient(model, many), strict=True
    ):
        np.testing.assert_allclose(small, large, rtol=1e-11, atol=1e-13)
    values = [float(log_likelihood(model, batch)) for batch in (one, many)]
    np.testing.assert_allclose(*values, rtol=1e-12)
    # EM as one program, and a program a step with the sums on all processors
    tasks = [objective.make(model, batch, min_scale=1e-4) for batch in (one, many)]
    ends = [em.run(task, model, StopRule(0.0, 0.0, 4)) for task in tasks]
    assert [int(end.n_passes) for end in ends] == [int(ends[0].n_passes)] * 2
    assert all(int(end.status) == Status.MAX_ITER for end in ends)
    np.testing.assert_allclose(float(ends[0].value), float(ends[1].value), rtol=1e-10)
    np.testing.assert_allclose(
        *(parameter_vector.to_vector(end.model) for end in ends), rtol=1e-6, atol=1e-8
    )


GATES = {
    "gaussian": (GaussianGate(), 2),
    "gaussian, two inputs": (GaussianGate(), 3),
    "temperature": (TemperatureGate(), 2),
    "tanh": (TemperatureGate(activation="tanh"), 2),
    "sin, two inputs": (TemperatureGate(activation="sin"), 2),
}


general_blocks = jax.jit(Gate.blocks)


@pytest.mark.parametrize("name", first(GATES))
@pytest.mark.parametrize("k", first([3, 1]))
def test_closed_forms_of_gates_equal_the_general_ones(rng, x64, name, k):
    """Second derivatives and sums for EM are those of a link that is differentiated."""
    gate, q = GATES[name]
    null = gate.null(k, q)
    gate = parameter_vector.from_vector(null, rng.normal(0.0, 0.7, parameter_vector.size(null)))
    Z = np.vstack([np.ones(9), rng.standard_normal((q - 1, 9))])
    rows = Rows(Z, None, np.zeros((1, 9)), rng.uniform(0.5, 1.5, 9))
    resp = rng.dirichlet(np.ones(k), 9).T * rows.weight
    eta = predictors.predict(gate.groups(), rows)
    low, high = np.triu_indices(len(eta))
    ours, general = gate.blocks(eta, Z, resp), general_blocks(gate, eta, Z, resp)

    def curvature(blocks):
        raw = np.asarray(blocks.raw)
        return np.asarray(blocks.own[low, high]) - raw[low] * raw[high] / rows.weight

    assert not isinstance(ours.own, jax.Array)
    assert isinstance(general.own, jax.Array)
    np.testing.assert_allclose(ours.score, general.score, atol=1e-13)
    np.testing.assert_allclose(gate.score(eta, Z, resp), general.score, atol=1e-13)
    # what is common to the slopes of all experts may differ: it leaves this difference as it is
    np.testing.assert_allclose(curvature(ours), curvature(general), atol=1e-12)
    if not gate.joint:
        for mine, theirs in zip(
            jax.tree.leaves(gate.statistics(rows, resp)),
            jax.tree.leaves(Gate.statistics(gate, rows, resp)),
            strict=True,
        ):
            np.testing.assert_allclose(mine, theirs, atol=1e-12)
