"""Flat directions are found and told, and independence conditions are those of the theory."""

import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts
from mixstat.gates import ModifiedSoftmaxGate, TemperatureGate
from mixstat.inference.covariance import information_spectrum
from mixstat.inference.identifiability import conditions, margin
from mixstat.numerics import parameter_vector
from mixstat.results import SINGULAR, Status
from mixstat.solvers.certificate import judge
from mixstat.solvers.outcome import Outcome
from tests.sweeps import first

FAILS_BOTH = ["identity", "square", "cube", "relu"]
PASSES_BOTH = ["sigmoid", "tanh", "sin"]
NEARLY_SINGULAR = ["gelu", "silu", "softplus"]
RAYS = [None, *FAILS_BOTH, "leaky", "line"]


def leaky(z):
    return jnp.where(z > 0, z, 0.1 * z)


def line(z):
    return 2 * z + 1


CALLABLES = {"leaky": leaky, "line": line}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (600, 2))
    up = rng.random(600) < 1 / (1 + np.exp(-2 * x[:, 0] + x[:, 1] - 0.5))
    return x, np.where(up, 1 + x[:, 0], -1 - x[:, 1]) + 0.5 * rng.standard_normal(600)


@pytest.fixture(scope="module")
def plain(data):
    return MixtureOfExperts(2, gate="temperature", random_state=0).fit(*data)


@pytest.fixture(scope="module")
def softmax(data):
    return MixtureOfExperts(2, random_state=0).fit(*data)


def orders(gate, x):
    found = conditions(gate, x, x, np.ones(len(x)))
    return {one.order: one for one in found}


@pytest.mark.fast
@pytest.mark.parametrize("activation", FAILS_BOTH + PASSES_BOTH + NEARLY_SINGULAR + ["polynomial"])
@pytest.mark.parametrize("w", [(1.0, -0.7), (2.0, 1.0)])
def test_table_of_activations(rng, activation, w):
    x = rng.uniform(-3, 3, (500, 2))
    coef = np.array([w, w[::-1]])
    gate = TemperatureGate(coef, np.zeros((1, 1)), activation=activation)
    found = orders(gate, x)
    assert found["first"].holds == (activation not in FAILS_BOTH)
    assert found["second"].holds == (activation in PASSES_BOTH + NEARLY_SINGULAR)
    nearly = "nearly singular" in found["second"].words
    assert nearly == (activation in NEARLY_SINGULAR)
    assert activation not in FAILS_BOTH or "fails" in found["first"].describe()


@pytest.mark.fast
@pytest.mark.parametrize(
    ("function", "holds"),
    [
        (lambda x: x, False),
        (lambda x: x**2, False),
        (lambda x: x**3, True),
        ("tanh", True),
        ("sigmoid", True),
        ("sin", True),
    ],
)
def test_table_of_maps(rng, function, holds):
    x = rng.uniform(-3, 3, (500, 2))
    gate = ModifiedSoftmaxGate(np.ones((1, 3)), function=function)
    features = np.hstack([np.ones((500, 1)), gate.feature_map()(x)])
    (found,) = conditions(gate, features, x, np.ones(500))
    assert (found.order, found.holds) == ("second", holds)


def test_margin_is_an_eigenvalue_with_weights(rng):
    functions = rng.standard_normal((200, 4)) * [1, 10, 0.1, 1]
    weight = rng.uniform(0.1, 2, 200)
    gram = functions.T @ (weight[:, None] * functions)
    scale = np.sqrt(np.diag(gram))
    smallest = np.linalg.eigvalsh(gram / np.outer(scale, scale))[0]
    assert margin(functions, weight) == pytest.approx(smallest, rel=1e-10)
    assert margin(functions * [0, 1, 1, 1], weight) == 0


@pytest.mark.parametrize("activation", RAYS)
def test_invariances_leave_the_model_alone(rng, x64, activation):
    """Finite moves along the ray, and the tangent is its derivative."""
    function: Any = CALLABLES.get(str(activation), activation)
    rows, biases = (2, 0) if activation is None else (3, 2)
    gate = TemperatureGate(
        rng.standard_normal((rows, 2)),
        rng.standard_normal((biases, 1)),
        np.full((1, 1), 0.3),
        activation=function,
    )
    Z = rng.uniform(-3, 3, (2, 50))
    vector = parameter_vector.to_vector(gate)

    def shares(v):
        moved = parameter_vector.from_vector(gate, v)
        return moved.link(jnp.concatenate(list(_predictors(moved, Z))), Z)

    found = gate.identification().invariances()
    assert len(found) == {"identity": 3, "line": 3}.get(str(activation), 1)
    assert np.linalg.matrix_rank([one.tangent for one in found]) == len(found)
    for one in found:
        _, change = jax.jvp(shares, (vector,), (one.tangent,))
        np.testing.assert_allclose(change, 0, atol=1e-12)
        _, moved = jax.jvp(gate.identification().identified, (vector,), (one.tangent,))
        np.testing.assert_allclose(moved, 0, atol=1e-12)


def _predictors(gate, Z):
    for group in gate.groups():
        yield group.coef @ Z if group.feature == "Z" else group.coef * jnp.ones((1, Z.shape[1]))


@pytest.mark.parametrize("activation", ["tanh", "polynomial", "softplus"])
def test_no_invariance_without_a_ray(activation):
    gate = TemperatureGate(np.ones((2, 2)), np.ones((1, 1)), activation=activation)
    assert gate.identification().invariances() == []


@pytest.mark.exhaustive
def test_plain_temperature_is_a_sound_fit(plain, softmax):
    """Warnings are errors in tests, so the fixture says that none was issued."""
    certificate = plain.certificate_
    assert certificate.status == Status.CONVERGED
    assert certificate.sound
    assert "only known up to a common factor" in certificate.notes()[0]
    assert plain.n_parameters_ == softmax.n_parameters_
    assert plain.log_likelihood_ == pytest.approx(softmax.log_likelihood_, abs=1e-12)
    direction = plain.result_.invariant[:, 0]
    bend = direction @ plain.result_.information @ direction
    assert abs(bend) < SINGULAR
    text = plain.summary().as_text()
    assert "only known up to a common factor" in text
    assert "Gate: identified functions" in text


def test_errors_are_refused_where_only_the_ray_is_known(plain):
    error = dict(zip(plain.parameter_names, np.sqrt(np.diag(plain.cov_params())), strict=True))
    assert all(np.isnan(error[n]) for n in ("temperature:log_tau", "gate0:1", "gate0:x0"))
    assert all(np.isfinite(e) for n, e in error.items() if n.startswith(("expert", "log_scale")))


def test_identified_functions_are_the_softmax_gate(plain, softmax):
    table = plain.identified()
    names = [n for n in softmax.parameter_names if n.startswith("gate")]
    assert list(table["name"]) == [f"{n}/tau" for n in names]
    np.testing.assert_allclose(table["value"], softmax.gate_coef_[0], rtol=0, atol=1e-6)
    error = np.sqrt(np.diag(softmax.cov_params()))[: len(names)]
    np.testing.assert_allclose(table["std_error"], error, rtol=0, atol=1e-6)
    assert len(softmax.identified()) == 0


def test_ridge_alone_chooses_on_the_ray(data):
    moe = MixtureOfExperts(2, gate="temperature", ridge=1e-3, random_state=0).fit(*data)
    assert moe.certificate_.invariances == ()
    assert "the ridge alone chooses" in moe.summary().as_text()


def test_conditions_of_a_fit_are_told(data):
    moe = MixtureOfExperts(2, gate="modified", random_state=0).fit(*data)
    (condition,) = moe.identifiability_.conditions
    assert condition.holds
    assert 1e-5 < condition.margin < 1
    assert condition.describe() in moe.summary().as_text()
    assert "determined by the data" in moe.identifiability_.describe()


@pytest.mark.exhaustive
def test_unexplained_flat_directions_are_named_and_warn(rng):
    """At the inputs -1 and 1, tanh(w0 x) - tanh(w1 x) is one number, for two slopes."""
    twice = rng.choice([-1.0, 1.0], size=(600, 1))
    y = np.where(rng.random(600) < 0.5 + 0.3 * twice[:, 0], 2.0, -2.0) + rng.standard_normal(600)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gate: Any = TemperatureGate(activation="tanh", temperature=1.0)
        moe = MixtureOfExperts(2, gate=gate, degree=0, random_state=0).fit(twice, y)
    assert moe.certificate_.undetermined == ("gate0:x0", "gate1:x0")
    assert "do not determine gate0:x0, gate1:x0" in str(caught[0].message)
    assert not moe.certificate_.sound
    null = information_spectrum(moe.result_).null
    assert null.shape[1] == 1


@pytest.mark.parametrize("gate", first(["temperature", "activation", "sigmoid"]))
def test_one_expert_has_no_gate_to_speak_of(data, gate):
    moe = MixtureOfExperts(1, gate=gate, random_state=0).fit(*data)
    assert moe.certificate_.sound
    assert moe.n_parameters_ == 4
    assert "nothing to choose" in moe.certificate_.notes()[0]


def step_data(wrong=False):
    """Two levels with a step at zero; ``wrong``: a row on either side has the other's level."""
    random = np.random.default_rng(20240507)
    x = random.uniform(-1, 1, size=(300, 1))
    y = np.where(x[:, 0] < 0, 1.0, 3.0) + 0.1 * random.standard_normal(300)
    if wrong:
        row = np.argsort(np.abs(x[:, 0]))[5]
        y[row] = 4.0 - y[row]
    return x, y


def rounded_otherwise(x, y, n=3):
    """The same data as other machines might see them: rows in other orders, last digits changed."""
    yield x, y
    random = np.random.default_rng(1)
    for _ in range(n):
        order = random.permutation(len(y))
        noise = 1 + 1e-13 * random.standard_normal(x.shape)
        yield (x * noise)[order], (y * (1 + 1e-13 * random.standard_normal(len(y))))[order]


@pytest.mark.parametrize("gate", first(["softmax", "temperature"]))
def test_separation_is_told_whatever_the_rounding(gate):
    """A step is not taken for the ray of a temperature, nor for what data do not determine."""
    for x, y in rounded_otherwise(*step_data()):
        moe = MixtureOfExperts(2, degree=0, gate=gate, random_state=0)
        with pytest.warns(ConvergenceWarning, match="no finite estimate"):
            moe.fit(x, y)
        assert moe.status_ == Status.SEPARATED
        assert moe.certificate_.diverging_gate == (0,)


@pytest.mark.parametrize("gate", first(["softmax", "temperature"]))
def test_near_separation_is_told_whatever_the_rounding(gate):
    for x, y in rounded_otherwise(*step_data(wrong=True)):
        moe = MixtureOfExperts(2, degree=0, gate=gate, random_state=0).fit(x, y)
        assert moe.status_ == Status.CONVERGED
        assert moe.certificate_.steep_gate == (0,)
        assert moe.certificate_.sound


@pytest.mark.parametrize("gate", first(["softmax", "hierarchical", "temperature"]))
def test_one_step_beside_a_gentle_change_is_told(gate):
    random = np.random.default_rng(8)
    x = random.uniform(-3, 3, (500, 1))
    gentle = random.random(500) < 1 / (1 + np.exp(-3 * (x[:, 0] + 1)))
    y = np.where(x[:, 0] > 1, 6.0, 3.0 * gentle) + 0.2 * random.standard_normal(500)
    for columns, response in rounded_otherwise(x, y, 3):
        moe = MixtureOfExperts(3, degree=0, gate=gate, n_init=4, random_state=0)
        with pytest.warns(ConvergenceWarning, match="no finite estimate"):
            moe.fit(columns, response)


def test_bounded_or_shrunk_coefficients_do_not_diverge(x64):
    x, y = step_data()
    with pytest.warns(ConvergenceWarning, match="no finite estimate"):
        moe = MixtureOfExperts(2, degree=0, random_state=0).fit(x, y)
    objective, model = moe.problem_, moe.model_
    outcome = Outcome(model, Status.CONVERGED, 0, 0)
    assert judge(objective, outcome).certificate.diverging_gate == (0,)
    limit = np.abs(parameter_vector.to_vector(model)) * 1.5 + 1.0
    box = objective.within(-limit, limit)
    assert judge(box, outcome).certificate.diverging_gate == ()
    slightly = MixtureOfExperts(2, degree=0, ridge=1e-8, random_state=0).fit(x, y)
    assert slightly.status_ != Status.SEPARATED


@pytest.mark.exhaustive
def test_what_all_experts_have_in_common_does_not_diverge(data, x64):
    gate: Any = TemperatureGate(activation="identity", temperature=1.0)
    moe = MixtureOfExperts(2, gate=gate, random_state=0).fit(*data)
    model = eqx.tree_at(lambda m: m.gate.coef, moe.model_, replace_fn=lambda coef: coef + 100.0)
    end = judge(moe.problem_, Outcome(model, Status.CONVERGED, 0, 0))
    assert end.certificate.diverging_gate == ()
