"""Truths from known numbers: equal to those of the catalogue that have the same."""

import numpy as np
import pandas as pd
import pytest

from mixstat.experts import REGISTRY as FAMILIES
from mixstat.experts import GaussianExperts, MultinomialExperts
from mixstat.gates import REGISTRY as GATES
from mixstat.gates import SoftmaxGate, TemperatureGate, TopKGate
from mixstat.numerics import parameter_vector
from mixstat.rates import (
    Clusters,
    Grid,
    Lattice,
    Observed,
    RateStudy,
    RegressionFunction,
    Specification,
    Truth,
    Uniform,
    find_truth,
    fit_rate,
)

pytestmark = pytest.mark.fast

CROSSING = {"expert_intercept": [1.0, -1.0], "expert_slope": [1.5, -1.5]}
LINES = CROSSING | {"scale": [0.5, 0.7]}
GATE = {"gate_intercept": [0.5, 0.0], "gate_slope": [2.0, 0.0]}
SIGMOID = {"gate_intercept": [0.5, 0.0], "gate_slope": [2.0, -1.0]}
THREE = {
    "expert_intercept": [1.0, -1.0, 3.0],
    "expert_slope": [1.5, -1.5, 0.0],
    "scale": [0.5, 0.7, 0.4],
}
SAME = {
    "softmax-gaussian-mild": Truth.of(Uniform(-3, 3), **GATE, **LINES),
    "softmax-gaussian": Truth.of(
        Grid(0, 1),
        gate_intercept=[2.0, 10.0],  # differences alone matter
        gate_slope=[[25.0], [0.0]],
        expert_intercept=[15.0, -5.0],
        expert_slope=[[-20.0], [20.0]],
        scale=[0.3, 0.4],
    ),
    "sigmoid": Truth.of(Uniform(-3, 3), gate="sigmoid", **SIGMOID, **LINES),
    "temperature": Truth.of(Uniform(-3, 3), gate="temperature", temperature=1.0, **GATE, **LINES),
    "activation-tanh": Truth.of(
        Uniform(-3, 3),
        gate=TemperatureGate(activation="tanh"),
        gate_intercept=[0.2],
        gate_slope=[2.0, 0.5],
        temperature=0.15,
        **LINES,
    ),
    "top-k": Truth.of(
        Uniform(-3, 3),
        gate=TopKGate(k=2),
        gate_intercept=[0.5, 0.5],
        gate_slope=[1.0, -1.0],
        **THREE,
    ),
    "gaussian-gate-mild": Truth.of(
        gate="gaussian", weight=[0.5, 0.5], centre=[-1.0, 1.0], spread=[0.8, 0.8], **LINES
    ),
    "gaussian-gate-I-2d": Truth.of(
        gate="gaussian",
        weight=[0.3, 0.4, 0.3],
        centre=np.repeat([[-0.1], [0.1], [0.5]], 2, axis=1),
        spread=np.sqrt(np.repeat([[0.042824], [0.0175], [0.01]], 2, axis=1)),
        expert_intercept=[0.340454, -0.328571, 0.2],
        expert_slope=np.repeat([[0.404540], [-0.714286], [0.0]], 2, axis=1),
        scale=np.sqrt([0.0088767, 0.0264286, 0.0175]),
    ),
    "multinomial-1": Truth.of(
        Lattice(-3, 3),
        experts=MultinomialExperts(n_classes=3),
        gate_intercept=[0.0],
        gate_slope=[3.0],
        expert_intercept=[[3.0, -1.5], [-1.5, 1.5]],
        expert_slope=[[-1.5, 1.5], [-1.0, 1.0]],
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_numbers_of_the_catalogue_give_its_truths(name):
    one, other = SAME[name], find_truth(name)
    vectors = [parameter_vector.to_vector(truth.mixture) for truth in (one, other)]
    np.testing.assert_allclose(*vectors, rtol=1e-15, atol=1e-15)
    facts = [truth.describe() for truth in (one, other)]
    for key in ("gate", "experts", "n_experts", "features"):
        assert facts[0][key] == facts[1][key]
    for mine, theirs in zip(one.sample(50, 3), other.sample(50, 3), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_objects_with_numbers_are_taken_as_they_are():
    gate = SoftmaxGate(np.array([[0.5, 2.0]]))
    experts = GaussianExperts(
        np.array([[[1.0, 1.5]], [[-1.0, -1.5]]]), np.log([[0.5], [0.7]]), np.zeros((2, 0))
    )
    both = Truth.of(Uniform(-3, 3), gate=gate, experts=experts)
    mixed = Truth.of(Uniform(-3, 3), gate=gate, **LINES)
    for truth in (both, mixed):
        assert truth.describe() == SAME["softmax-gaussian-mild"].describe()


@pytest.mark.parametrize(
    ("experts", "more"),
    [
        ("poisson", {}),
        ("gamma", {"shape": [2.0, 3.0]}),
        ("t", {"scale": [1.0, 2.0], "df": [4.0, 5.0]}),
        (["gaussian", "t"], {"scale": [1.0, 2.0], "df": [4.0]}),
    ],
)
def test_every_family_has_numbers(experts, more):
    lines = {"expert_intercept": [0.1, 0.2], "expert_slope": [0.3, -0.3]}
    truth = Truth.of(np.ones((5, 1)), experts=experts, **GATE, **lines, **more)
    assert isinstance(truth.inputs, Observed)
    assert np.isfinite(truth.sample(20, 0)[1]).all()


def test_polynomials_and_outputs():
    two = Truth.of(
        Uniform(-1, 1, n_inputs=2),
        gate_intercept=[0.5],
        gate_slope=[[1.0, 2.0]],
        expert_intercept=[[1.0, 2.0], [3.0, 4.0]],
        expert_slope=np.arange(8.0).reshape(2, 2, 2),
        scale=[[0.1, 0.2], [0.3, 0.4]],
    )
    assert two.sample(5, 0)[1].shape == (5, 2)
    np.testing.assert_array_equal(two.mixture.experts.coef[1, 0], [3.0, 4.0, 5.0])
    assert parameter_vector.size(two.mixture) == 3 + 12 + 4 + 2  # with a correlation each, zero
    square = Truth.of(
        Uniform(-1, 1), degree=2, gate_degree=0, gate_intercept=[0.5], expert_intercept=[0.0, 1.0],
        expert_slope=[[1.0, 2.0], [3.0, 4.0]], scale=[1.0, 1.0],
    )  # fmt: skip
    np.testing.assert_array_equal(square.mixture.experts.coef[:, 0], [[0, 1, 2], [1, 3, 4]])


def test_such_a_truth_can_be_studied():
    study = RateStudy(SAME["softmax-gaussian-mild"], 3, [100], 1)
    assert "voronoi_over" in study.losses
    assert isinstance(SAME["gaussian-gate-mild"].inputs, Clusters)


@pytest.mark.parametrize(
    ("numbers", "error", "message"),
    [
        ({}, ValueError, "expert_intercept must be an array of a number for each expert, got noth"),
        (LINES, ValueError, "gate_intercept, gate_slope, .* gate_intercept is missing"),
        (GATE | CROSSING, ValueError, "scale is missing"),
        (GATE | LINES | {"scales": [1, 1]}, ValueError, "have, gate_intercept, .*; got scales"),
        (GATE | LINES | {"df": [4, 4]}, ValueError, "got df"),
        (GATE | LINES | {"scale": [0.5, -1]}, ValueError, "scale must be positive, got -1"),
        (GATE | LINES | {"scale": 0.5}, ValueError, r"scale must have 2 rows .* got shape \(\)"),
        (GATE | LINES | {"scale": "x"}, ValueError, "scale must be an array of numbers, got 'x'"),
        (GATE | LINES | {"scale": [1, np.nan]}, ValueError, "scale must be an array of finite"),
        (GATE | LINES | {"gate_slope": [1, 2, 3]}, ValueError, "gate_slope must have 1 rows of 1"),
        (GATE | LINES | {"expert_slope": [[1, 2], [3, 4]]}, ValueError, "expert_slope must have 2"),
        (GATE | LINES | {"expert_intercept": 3}, ValueError, "for each expert, got 3"),
        (GATE | LINES | {"gate": "soft"}, ValueError, "gate must be one of 'softmax'.*got 'soft'"),
        (GATE | LINES | {"experts": "normal"}, ValueError, "experts must be one of.*got 'normal'"),
        (GATE | LINES | {"inputs": None}, TypeError, "inputs must be a law of the inputs"),
        (GATE | LINES | {"inputs": "x"}, ValueError, "inputs must be a table"),
        (GATE | LINES | {"degree": -1}, ValueError, "degree must be an integer >= 0, got -1"),
        (GATE | LINES | {"box": 3}, TypeError, "box must be a Box or None, got 3"),
        (GATE | LINES | {"near": -1}, ValueError, "near must be a finite number >= 0"),
        (GATE | LINES | {"name": ""}, TypeError, "name must be a string that is not empty"),
        (
            LINES | {"gate": SoftmaxGate(np.zeros((2, 2)))},
            ValueError,
            "gate must choose among 2 experts, got 3",
        ),
        (
            LINES | {"gate": SoftmaxGate(np.zeros((1, 3)))},
            ValueError,
            "gate must have 2 features, got 3",
        ),
        (
            LINES | {"gate": "gaussian", "inputs": None, "centre": [0, 1], "spread": [1, 1],
                     "weight": [0.5, 0.6]},
            ValueError,
            r"weight must be 2 positive shares that sum to one, got \[0.5, 0.6\]",
        ),
        (LINES | {"gate": "gaussian", "inputs": None}, ValueError, "centre is missing"),
        (
            LINES | SIGMOID | {"gate": "sigmoid", "gate_slope": [1.0]},
            ValueError,
            r"gate_slope must have 2 rows of 1 numbers; got shape \(1,\)",
        ),
    ],
)  # fmt: skip
def test_wrong_numbers_are_named(numbers, error, message):
    with pytest.raises(error, match=message):
        Truth.of(**({"inputs": Uniform(-3, 3)} | numbers))


def test_specifications_take_names():
    gate, experts = Specification(2, gate="sigmoid", experts="t").kinds(find_truth("sigmoid"))
    assert (gate, experts) == (GATES["sigmoid"], FAMILIES["t"])


def test_losses_may_be_asked_for_by_their_columns():
    truth = SAME["softmax-gaussian-mild"]
    asked = ["error_gate_single", "error_gate_contrast_cells", "hellinger", "voronoi_exact"]
    assert RateStudy(truth, 2, [100], 1, losses=asked).losses == (
        "errors", "density", "voronoi_exact"
    )  # fmt: skip
    assert RateStudy(truth, 2, [100], 1, losses="voronoi").losses == ("voronoi_exact",)
    assert RateStudy(truth, 3, [100], 1, losses="voronoi").losses == ("voronoi_over",)


def test_a_rate_may_be_asked_for_by_the_loss():
    n = np.repeat([100, 200, 400], 3)
    table = pd.DataFrame({"n": n, "replicate": np.tile(np.arange(3), 3), "voronoi_over": 1 / n})
    study = RateStudy(SAME["softmax-gaussian-mild"], 3, [100], 1, losses=["voronoi"])
    study.table_ = table
    for rate in (study.rate("voronoi"), fit_rate(table, "voronoi"), study.rate("voronoi_over")):
        assert rate.loss == "voronoi_over"
        np.testing.assert_allclose(rate.slope, -1, rtol=1e-12)


def test_a_function_may_return_a_column():
    flat, column = (
        Truth("f", RegressionFunction(function, 0.2), Uniform(0, 1), "", "own")
        for function in (lambda X: np.sin(3 * X[:, 0]), lambda X: np.sin(3 * X))
    )
    for mine, theirs in zip(flat.sample(20, 0), column.sample(20, 0), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert flat.describe() == column.describe()
