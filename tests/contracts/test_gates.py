"""What every registered gate must do, whatever its settings."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mixstat.data.batch import Rows
from mixstat.gates import (
    REGISTRY,
    GaussianGate,
    HierarchicalGate,
    ModifiedSoftmaxGate,
    SharedExpertGate,
    SigmoidGate,
    TemperatureGate,
    TopKGate,
    TopPGate,
)
from mixstat.gates.activations import ACTIVATIONS, MAPS
from mixstat.gates.base import Gate
from mixstat.gates.classed import ClassedGate
from mixstat.numerics import parameter_vector
from mixstat.numerics.penalty import NoPenalty
from mixstat.parts import predictors
from mixstat.parts.labels import places_by_table

Q, N = 4, 25
TREES = [((0, 1), (2, 3, 4)), (0, 1, 2, 3, 4), (((4, 2), 0), (1, 3)), ((0, (1, 2)), 3, 4)]

# settings and number of experts
CASES = {name: (gate, 3) for name, gate in REGISTRY.items()}
CASES |= {f"top_{k}": (TopKGate(k=k), 3) for k in (1, 3)}
CASES |= {f"mass_{mass}": (TopPGate(mass=mass), 3) for mass in (0.5, 1.0)}
CASES |= {f"tree_{tree}": (HierarchicalGate(tree=tree), 5) for tree in TREES}
CASES |= {f"act_{name}": (TemperatureGate(activation=name), 3) for name in ACTIVATIONS}
CASES |= {f"map_{name}": (ModifiedSoftmaxGate(function=name), 3) for name in MAPS}
CASES |= {
    "balanced": (HierarchicalGate(), 5),
    "fixed": (TemperatureGate(temperature=0.5), 3),
    "schedule": (TemperatureGate(temperature=(4.0, 2.0, 1.0)), 3),
    "fixed_tanh": (TemperatureGate(activation="tanh", temperature=0.5), 2),
    "own_activation": (TemperatureGate(activation=jnp.cos), 2),
    "shared_softmax": (SharedExpertGate(routing="softmax", share=0.3), 4),
    "two_shared": (SharedExpertGate(n_shared=2), 4),
    "two_sigmoids": (SigmoidGate(), 2),
    "one_expert": (REGISTRY["softmax"], 1),
}
# settings of a kind of which others stay in the default run
REST = {f"act_{name}" for name in ACTIVATIONS if name not in ("softplus", "square")}
REST |= {f"map_{name}" for name in MAPS if name != "sin"} | {"mass_1.0", "top_3", "schedule"}
REST |= {f"tree_{tree}" for tree in TREES[:2]} | {"two_sigmoids"}
# a gate whose surrogate may have several hills says how it starts
CONCAVE = [n for n, (g, _) in CASES.items() if g.continuous and type(g).starting is Gate.starting]
CONCAVE += ["fixed", "schedule", "top_3", "mass_1.0"]


def sweep(names):
    """Cases as parameters; the rest of a kind is left to the exhaustive run."""
    return [pytest.param(n, marks=pytest.mark.exhaustive if n in REST else ()) for n in names]


@pytest.fixture(params=sweep(CASES))
def name(request):
    return request.param


def make(name, rng):
    """The case's null gate and one with random parameters (but for those held fixed)."""
    settings, k = CASES[name]
    null = settings.null(k, Q)
    lower, upper = (parameter_vector.to_vector(b) for b in null.bounds(1e-4))
    vector = 0.7 * rng.standard_normal(parameter_vector.size(null))
    return null, parameter_vector.from_vector(
        null, np.where(lower < upper, vector, parameter_vector.to_vector(null))
    )


@pytest.fixture
def null(name, x64):
    return make(name, np.random.default_rng(1))[0]


@pytest.fixture
def gate(name, x64):
    return make(name, np.random.default_rng(1))[1]


def features(gate, rng):
    first = np.ones((1, N)) if gate.constant else rng.standard_normal((1, N))
    return np.vstack([first, rng.standard_normal((Q - 1, N))])


def as_rows(Z):
    Z = np.asarray(Z)
    return Rows(Z, Z, np.zeros((1, N)), np.full(N, 1 / N))


@pytest.fixture
def rows(gate, rng):
    return as_rows(features(gate, rng))


@pytest.fixture
def resp(gate, rng):
    """Responsibilities that a fit could have: none where the share is zero."""
    k = gate.n_experts
    return jnp.asarray(rng.dirichlet(np.ones(k), N).T / N)


# one program for all tests of a case, not one for each operation
logs_of = jax.jit(lambda gate, rows: (gate.log_prob(rows), gate.log_weight(rows)))
log_probs = jax.jit(jax.vmap(lambda gate, rows: gate.log_prob(rows), (0, None)))


def log_prob(gate, rows):
    return logs_of(gate, rows)[0]


def log_weight(gate, rows):
    return logs_of(gate, rows)[1]


def kept(logs, resp):
    """Responsibilities of experts that are not left out."""
    return resp * (logs > -1e20)


@pytest.mark.fast
def test_registry_is_complete():
    def below(cls):
        return {cls}.union(*(below(c) for c in cls.__subclasses__()))

    ours = {c for c in below(Gate) if c.__module__.startswith("mixstat.")}
    concrete = {c for c in ours if not inspect.isabstract(c)}
    # that of two levels is made by an estimator of its own, and nobody can ask for it by name
    assert concrete == {type(gate) for gate in REGISTRY.values()} | {ClassedGate}


@pytest.mark.parametrize("reach", [1.0, 1e3, 1e8])
def test_shares_sum_to_one_far_out(gate, rows, reach):
    logs = np.asarray(log_prob(gate, as_rows(rows.Z * reach)))
    assert not np.isnan(logs).any()
    assert logs.max() <= 1e-12
    np.testing.assert_allclose(np.exp(logs).sum(axis=0), 1.0, rtol=1e-12)


def test_null_gate_gives_equal_shares(null, rows):
    """Equal at each node of a tree."""

    def walk(node, share):
        if isinstance(node, int):
            return {node: share}
        return {k: s for branch in node for k, s in walk(branch, share / len(node)).items()}

    k = null.n_experts
    tree = null._tree if isinstance(null, HierarchicalGate) else tuple(range(k))
    if isinstance(null, SharedExpertGate):
        held = null.n_shared
        wanted = [null.share / held] * held + [(1 - null.share) / (k - held)] * (k - held)
        share = np.exp(log_prob(null, rows))
        np.testing.assert_allclose(share, np.tile(np.array(wanted)[:, None], N), rtol=1e-12)
        return
    wanted = [share for _, share in sorted(walk(tree, 1.0).items())]
    share = np.exp(log_prob(null, rows))
    np.testing.assert_allclose(share, np.repeat(np.array(wanted)[:, None], N, axis=1), rtol=1e-12)


def test_jit_vmap_and_flatten_round_trips(gate, rows):
    direct = gate.log_prob(rows)
    np.testing.assert_allclose(log_prob(gate, rows), direct, rtol=1e-12, atol=1e-14)
    leaves, structure = jax.tree.flatten(gate)
    again = jax.tree.unflatten(structure, leaves)
    np.testing.assert_array_equal(again.log_prob(rows), direct)
    vector = parameter_vector.to_vector(gate)
    np.testing.assert_array_equal(
        parameter_vector.to_vector(parameter_vector.from_vector(gate, vector)), vector
    )
    stacked = jax.tree.map(lambda a: np.stack([a, 2 * a]), gate)
    both = log_probs(stacked, rows)
    np.testing.assert_allclose(both[0], direct, rtol=1e-12, atol=1e-13)


def test_gradient_equals_finite_differences(gate, rows, resp):
    resp = kept(log_weight(gate, rows), resp)
    vector = parameter_vector.to_vector(gate)
    index = gate.coefficient_index()[0]
    h = 1e-6
    ends = vector + h * np.stack([np.eye(len(vector)), -np.eye(len(vector))])

    def value(v):
        logs = parameter_vector.from_vector(gate, v).log_weight(rows)
        return jnp.sum(resp * jnp.where(resp > 0, logs, 0.0))

    @jax.jit
    def gradients(gate):
        eta = predictors.predict(gate.groups(), rows)
        slopes = jnp.sum(resp[:, None, :] * gate.jacobian(eta, rows.Z), axis=0)
        by_blocks = predictors.gradient(slopes, predictors.layout(gate.groups()), rows)
        gradient = parameter_vector.fold(by_blocks, index, len(vector))
        return gradient, jax.grad(value)(vector), jax.lax.map(jax.vmap(value), ends)

    gradient, automatic, (up, down) = gradients(gate)
    np.testing.assert_allclose(gradient, automatic, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gradient, (up - down) / (2 * h), atol=1e-6)


def test_derivatives_of_the_link_equal_autodiff(gate, rows, resp):
    if gate.n_experts == 1:
        pytest.skip("no predictor")

    @jax.jit
    def derivatives(gate, rows, resp):
        eta, Z = predictors.predict(gate.groups(), rows), rows.Z
        resp = kept(gate.link(eta, Z), resp)
        mass = jnp.sum(resp, axis=0)
        share = jnp.exp(gate.link(eta, Z)) * mass[None, :]
        pairs = [
            (gate.jacobian(eta, Z), Gate.jacobian(gate, eta, Z)),
            (gate.surrogate_hessian(eta, Z, resp), Gate.surrogate_hessian(gate, eta, Z, resp)),
            (gate.information(eta, Z, mass), Gate.information(gate, eta, Z, mass)),
        ]
        return pairs, -gate.surrogate_hessian(eta, Z, share)

    pairs, expected = derivatives(gate, rows, resp)
    for own, slow in pairs:
        np.testing.assert_allclose(own, slow, atol=1e-13)
    if not isinstance(gate, GaussianGate):  # whose link is a joint density
        np.testing.assert_allclose(pairs[-1][0], expected, atol=1e-13)  # Bartlett's identity


@jax.jit
def m_step(gate, vector, rows, resp, bounds):
    """The surrogate and its gradient at ``vector``, and where the M-step leads."""

    def value(v):
        return jnp.sum(resp * parameter_vector.from_vector(gate, v).log_weight(rows))

    one = parameter_vector.from_vector(gate, vector)
    target = one.m_step(one.statistics(rows, resp), bounds, NoPenalty())
    return *jax.value_and_grad(value)(vector), parameter_vector.traced_vector(target)


def climb(gate, rows, resp, steps):
    """M-steps, halved until they gain; the last gradient."""
    bounds = gate.bounds(1e-4)
    vector = parameter_vector.to_vector(gate)
    value, gradient, target = m_step(gate, vector, rows, resp, bounds)
    for _ in range(steps):
        for halvings in range(30):
            trial = vector + 0.5**halvings * (np.asarray(target) - vector)
            new, slope, aim = m_step(gate, trial, rows, resp, bounds)
            if new >= value - 1e-14:
                break
        vector, value, gradient, target = trial, new, slope, aim
    return np.asarray(gradient)


@pytest.mark.parametrize("name", sweep(CONCAVE))
def test_newton_steps_reach_a_stationary_surrogate(name, rng, x64):
    null, _ = make(name, rng)
    rows = as_rows(features(null, rng))
    resp = jnp.asarray(rng.dirichlet(np.ones(null.n_experts), N).T / N)
    # Fisher scoring, not Newton, of a tree: linear
    steps = 40 if isinstance(null, HierarchicalGate) else 12
    gradient = climb(null, rows, resp, steps)
    free = np.less(*(parameter_vector.to_vector(b) for b in null.bounds(1e-4)))
    assert np.max(np.abs(gradient[free]), initial=0.0) < 1e-12


def test_an_m_step_leads_uphill(name, gate, rows, resp):
    if gate.n_experts == 1 or name == "top_1":
        pytest.skip("no parameter, or none that moves a share but over a jump")
    resp = kept(log_weight(gate, rows), resp)
    vector, bounds = parameter_vector.to_vector(gate), gate.bounds(1e-4)
    _, gradient, target = map(np.asarray, m_step(gate, vector, rows, resp, bounds))
    # away from a jump the surrogate of the experts that are kept rises at first
    assert gradient @ (target - vector) > 0
    lower, upper = (parameter_vector.to_vector(b) for b in bounds)
    assert np.all((lower <= target) & (target <= upper))


def test_bounds_are_held(name, gate, rows, resp):
    if isinstance(gate, GaussianGate) or gate.n_experts == 1:
        pytest.skip("its own test, or no parameter")
    vector = parameter_vector.to_vector(gate)
    low, high = vector - 1e-3, vector + 1e-3
    low[0] = high[0] = vector[0]
    bounds = tuple(parameter_vector.from_vector(gate, b) for b in (low, high))
    moved = np.asarray(m_step(gate, vector, rows, resp, bounds)[2])
    assert np.all((low <= moved) & (moved <= high))
    assert moved[0] == vector[0]


def test_floor_of_the_gaussian_gate(rng, x64):
    Z = np.vstack([np.ones(N), np.full(N, 2.0), rng.standard_normal(N)])
    gate = GaussianGate().null(2, 3)
    rows = as_rows(Z)
    resp = jnp.asarray(rng.dirichlet(np.ones(2), N).T / N)
    _, _, vector = m_step(gate, parameter_vector.to_vector(gate), rows, resp, gate.bounds(1e-3))
    moved = parameter_vector.from_vector(gate, np.asarray(vector))
    np.testing.assert_allclose(moved.inputs.log_scale[:, 0], np.log(1e-3))
    assert np.all(np.isfinite(parameter_vector.to_vector(moved)))


def test_permuting_experts_permutes_shares(gate, rows, rng):
    order = rng.permutation(gate.n_experts)
    permuted = gate.permute(order)
    np.testing.assert_allclose(
        log_prob(permuted, rows), log_prob(gate, rows)[order], rtol=1e-12, atol=1e-11
    )


def test_the_last_expert_can_be_doubled_or_the_gate_says_that_it_cannot(gate, rows):
    wider = gate.doubled(constant=True)
    if wider is None:
        without = SharedExpertGate | SigmoidGate | TopKGate | TopPGate | HierarchicalGate
        assert isinstance(gate, without)
        return
    assert wider.n_experts == gate.n_experts + 1
    before, after = (np.asarray(log_prob(one, rows)) for one in (gate, wider))
    np.testing.assert_allclose(after[:-2], before[:-1], atol=1e-12)
    np.testing.assert_allclose(after[-2:], [before[-1] - np.log(2)] * 2, atol=1e-12)


def test_user_units_give_the_same_shares(gate, rows, rng):
    to_user = np.eye(Q) + 0.5 * np.tril(rng.standard_normal((Q, Q)), -1)
    to_user[1:, 1:] *= rng.uniform(0.5, 2.0, Q - 1)[None, :]
    if not gate.constant:
        to_user = to_user + 0.3 * np.triu(rng.standard_normal((Q, Q)), 1)
    moved = as_rows(np.linalg.solve(to_user, np.asarray(rows.Z)))
    user = gate.in_units(to_user)
    np.testing.assert_allclose(log_prob(user, moved), log_prob(gate, rows), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        log_weight(user, moved),
        log_weight(gate, rows) + gate.log_unit(to_user),
        rtol=1e-10,
        atol=1e-10,
    )


@pytest.mark.fast
def test_parameters_have_names_and_tables_titles(gate):
    inputs = ["a", "b", "c"]
    names = gate.parameter_names(["1", *inputs] if gate.constant else ["z", *inputs])
    assert len(names) == len(set(names)) == parameter_vector.size(gate)
    titles = gate.titles()
    tables = places_by_table(gate.labels(["1", *inputs] if gate.constant else ["z", *inputs]))
    assert set(tables) == set(titles) == {n.partition(":")[0] for n in names}
    places = [place for table in tables.values() for place in table]
    assert sorted(places) == list(range(len(names)))
    assert len(set(titles.values())) == len(titles)
    assert (
        gate.slopes().shape
        == gate.penalty(gate.constant).shape[:1]
        == (parameter_vector.size(gate),)
    )
    identified = np.asarray(gate.identification().identified(parameter_vector.to_vector(gate)))
    assert len(gate.identification().identified_names(["1", *inputs])) == len(identified)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (TopKGate(k=1), "TopKGate(k=1)"),
        (TopPGate(), "TopPGate(mass=0.9)"),
        (HierarchicalGate(tree=((0, 1), 2)), "HierarchicalGate(tree=((0, 1), 2))"),
        (GaussianGate(), "GaussianGate()"),
        (
            SharedExpertGate(n_shared=2),
            "SharedExpertGate(routing='sigmoid', n_shared=2..., order=None)",
        ),
        (
            TemperatureGate(activation="tanh", temperature=[2, 1]),
            "TemperatureGate(activation='tanh', temperature=(2.0, 1.0))",
        ),
        (TemperatureGate(activation=jnp.cos), "TemperatureGate(activation=cos, temperature=...)"),
        (ModifiedSoftmaxGate(function=np.cos), "ModifiedSoftmaxGate(function=cos)"),
    ],
)
def test_settings_read_well(gate, words):
    start, _, end = words.partition("...")
    assert repr(gate).startswith(start)
    assert repr(gate).endswith(end)


@pytest.mark.parametrize("settings", [TopKGate(k=4), TopPGate(mass=1.0)])
def test_sparse_gates_that_keep_all_are_softmax_gates(settings, rng, x64):
    """Also where a share is below the rounding of one."""
    gate = settings.null(4, Q)
    gate = parameter_vector.from_vector(gate, 40 * rng.standard_normal(parameter_vector.size(gate)))
    rows = as_rows(features(gate, rng))
    plain = parameter_vector.from_vector(
        REGISTRY["softmax"].null(4, Q), parameter_vector.to_vector(gate)
    )
    np.testing.assert_allclose(log_prob(gate, rows), log_prob(plain, rows), rtol=1e-13)


def test_sparse_gates_keep_as_many_as_they_say(rng, x64):
    rows = as_rows(features(REGISTRY["softmax"], rng))
    vector = 2 * rng.standard_normal(4 * Q)
    plain = np.exp(
        log_prob(parameter_vector.from_vector(REGISTRY["softmax"].null(5, Q), vector), rows)
    )
    for k in (1, 2, 4):
        share = np.exp(
            log_prob(parameter_vector.from_vector(TopKGate(k=k).null(5, Q), vector), rows)
        )
        assert np.all((share > 0).sum(axis=0) == k)
    share = np.exp(
        log_prob(parameter_vector.from_vector(TopPGate(mass=0.8).null(5, Q), vector), rows)
    )
    for column, whole in zip(share.T, plain.T):
        order = np.sort(whole)[::-1]
        wanted = 1 + int(np.argmax(np.cumsum(order) >= 0.8))
        assert (column > 0).sum() == wanted
        np.testing.assert_allclose(
            np.sort(column)[::-1][:wanted], order[:wanted] / order[:wanted].sum()
        )


@pytest.mark.parametrize("name", REGISTRY)
def test_atoms_stand_for_all_parameters_or_say_that_they_do_not(gate):
    """Renumbering experts renumbers atoms, up to the common factor of the weights."""
    if not gate.measure:
        with pytest.raises(ValueError, match=f"not defined for {type(gate).__name__}"):
            gate.atoms()
        return
    order = np.array([2, 0, 1])
    atoms, moved = gate.atoms(), gate.permute(order).atoms()
    share = atoms.weight[order] / moved.weight
    np.testing.assert_allclose(share, share[0], rtol=1e-12)
    for block, table in atoms.blocks.items():
        shift = moved.blocks[block] - table[order]
        np.testing.assert_allclose(shift, np.repeat(shift[:1], 3, axis=0), atol=1e-12)


def test_moved_statistics_are_those_of_the_new_gate(name, gate, rows, resp):
    """Exact for closed forms; else the gradient moves with the quadratic."""
    vector = parameter_vector.to_vector(gate)
    step = 1e-5 * np.random.default_rng(2).standard_normal(len(vector))
    near = parameter_vector.from_vector(gate, vector + step)
    resp = kept(gate.log_weight(rows), resp)
    kept_sums = gate.statistics(rows, resp)
    moved = gate.moved_statistics(near, kept_sums)
    if gate.exact_step:
        for a, b in zip(moved, near.statistics(rows, resp), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)
        return
    half = 0.5 * (gate.gain(near, kept_sums) - near.gain(gate, moved))
    stacked = np.asarray(
        parameter_vector.fold(kept_sums.slopes, gate.coefficient_index()[0], len(vector))
    )
    after = np.asarray(
        parameter_vector.fold(moved.slopes, gate.coefficient_index()[0], len(vector))
    )
    np.testing.assert_allclose(half, 0.25 * (stacked + after) @ step * 2, rtol=1e-7, atol=1e-16)
