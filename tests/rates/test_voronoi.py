"""Voronoi losses: recorded values, brute force, invariances."""

import itertools
import json

import numpy as np
import pytest

from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.rates.catalogue import gaussian
from mixstat.rates.losses import stated
from mixstat.rates.losses.atoms import Measures, measures
from mixstat.rates.losses.cells import rbar, voronoi_cells
from mixstat.rates.losses.errors import block_errors
from mixstat.rates.losses.translation import Terms, best_factor, best_shift
from mixstat.rates.registry import find_truth

LOSSES = {
    "softmax-gaussian-mild": (stated.SOFTMAX_EXACT, stated.SOFTMAX_OVER, stated.SOFTMAX_CODE),
    "gaussian-gate-I-2d": (stated.GAUSSIAN_EXACT, stated.GAUSSIAN_OVER),
    "gaussian-gate-II-1d": (stated.GAUSSIAN_OVER_ZERO,),
    "multinomial-1": (stated.MULTINOMIAL,),
    "temperature": (stated.TEMPERATURE, stated.ratio_loss(stated.SOFTMAX_OVER)),
    "activation-tanh": (stated.ACTIVATION_EXACT, stated.ACTIVATION_OVER),
}
CASES = [(name, loss) for name, losses in LOSSES.items() for loss in losses]


def split(truth: Mixture, order: list[int], noise: float, seed: int) -> Measures:
    """Atoms of a truth, each repeated as told, with noise on weights and parameters."""
    true, random = measures([truth]), np.random.default_rng(seed)

    def spoil(table: np.ndarray) -> np.ndarray:
        return table[:, order] + noise * random.standard_normal(table[:, order].shape)

    weight = true.weight[:, order] / np.bincount(order)[order]
    blocks = {name: spoil(block) for name, block in true.blocks.items()}
    return Measures(weight * np.exp(noise * random.standard_normal(weight.shape)), blocks)


def by_hand(loss, truth: Measures, fitted: Measures, shift: float) -> float:
    """The loss at a translation, atom after atom, with the best factor of the weights."""
    weight = fitted.weight[0]
    if loss.free_factor and loss.same_total:
        weight = weight * truth.weight[0].sum() / weight.sum()
    k, target = len(weight), truth.weight[0]

    def gap(name, i, j):
        move = shift if name == loss.moves else 0.0
        return fitted.blocks[name][0, i] - move - truth.blocks[name][0, j]

    def distance(i, j):
        return sum(np.sum(gap(name, i, j) ** 2) for name in loss.cells)

    owner = [min(range(len(target)), key=lambda j: distance(i, j)) for i in range(k)]
    total, mass = 0.0, np.zeros(len(target))
    for j in range(len(target)):
        cell = [i for i in range(k) if owner[i] == j]
        mass[j] = sum(weight[i] for i in cell)
        groups = loss.single if len(cell) == 1 else loss.shared
        for i, (names, power) in itertools.product(cell, groups):
            length = np.sqrt(sum(np.sum(gap(name, i, j) ** 2) for name in names))
            total += weight[i] * length ** float(power(np.array([len(cell)]))[0])
    factors = mass / target if loss.free_factor else [1.0]  # where the sum has its corners
    return total + min(np.abs(mass - f * target).sum() for f in factors)


@pytest.mark.fast
@pytest.mark.parametrize(("name", "loss"), CASES)
@pytest.mark.parametrize("order", [[0, 1, 1, 2], [2, 2, 2, 0, 1]])
def test_brute_force_over_the_translation(name, loss, order):
    truth = find_truth(name).mixture
    true = measures([truth])
    fitted = split(truth, [j % truth.n_experts for j in order], 0.05, 5)
    value = loss.of(true, fitted)[0]
    shift = loss.translation(true, fitted)
    found = 0.0 if shift is None else float(shift[0, 0])
    np.testing.assert_allclose(by_hand(loss, true, fitted, found), value, rtol=1e-12)
    if shift is not None:
        far, near = np.linspace(-1, 1, 201), found + np.linspace(-1e-3, 1e-3, 101)
        scan = [by_hand(loss, true, fitted, t) for t in (*far, *near)]
        assert value <= min(scan) + 1e-12


@pytest.mark.fast
@pytest.mark.parametrize(("name", "loss"), CASES)
def test_zero_at_the_truth_and_positive_elsewhere(name, loss):
    truth = find_truth(name).mixture
    assert loss(truth, truth)[0] < 1e-12
    vector = parameter_vector.to_vector(truth)
    random = np.random.default_rng(0)
    others = [
        parameter_vector.from_vector(truth, vector + 1e-3 * random.standard_normal(len(vector)))
    ] * 2
    assert np.all(loss(truth, others) > 1e-9)


@pytest.mark.fast
@pytest.mark.parametrize(("name", "loss"), CASES)
def test_renumbering_the_fitted_experts_changes_nothing(name, loss):
    if not loss.same_total:
        pytest.skip("the published code depends on the reference expert")
    truth = find_truth(name).mixture
    random = np.random.default_rng(1)
    vector = parameter_vector.to_vector(truth)
    fitted = parameter_vector.from_vector(truth, vector + 0.1 * random.standard_normal(len(vector)))
    values = [
        loss(truth, fitted.permute(np.array(order)))[0]
        for order in itertools.permutations(range(truth.n_experts))
    ]
    np.testing.assert_allclose(values, values[0], rtol=1e-10)


@pytest.mark.fast
@pytest.mark.parametrize(("name", "loss"), [c for c in CASES if c[1].moves])
def test_translating_either_measure_changes_nothing(name, loss):
    truth = find_truth(name).mixture
    fitted = split(truth, [0, 1, 1], 0.1, 3)
    true = measures([truth])
    value = loss.of(true, fitted)

    def moved(of, shift, factor):
        block = of.blocks[loss.moves] + shift
        return Measures(of.weight * factor, of.blocks | {loss.moves: block})

    np.testing.assert_allclose(loss.of(true, moved(fitted, 0.7, 1.0)), value, rtol=1e-10)
    np.testing.assert_allclose(loss.of(moved(true, -0.4, 1.0), fitted), value, rtol=1e-10)
    if loss.same_total:
        np.testing.assert_allclose(loss.of(true, moved(fitted, 0.0, 3.0)), value, rtol=1e-10)


def test_many_models_at_once_equal_one_by_one():
    truth = find_truth("multinomial-1").mixture
    random = np.random.default_rng(0)
    vector = parameter_vector.to_vector(truth)
    many = [
        parameter_vector.from_vector(truth, vector + random.normal(0, 0.3, len(vector)))
        for _ in range(6)
    ]
    each = [stated.MULTINOMIAL(truth, one)[0] for one in many]
    np.testing.assert_allclose(stated.MULTINOMIAL(truth, many), each, rtol=1e-12)


@pytest.mark.exhaustive
def test_recorded_losses_of_the_published_code(oracle):
    truth = find_truth("softmax-gaussian").mixture
    text = (oracle / "softmax_gaussian_reference.json").read_text()
    for run in json.loads(text)["results"]:
        coef = np.array(run["beta"])
        gate = SoftmaxGate(np.array(run["alpha"]).T[: coef.shape[1] - 1])
        model = Mixture(gate, gaussian(*coef, np.sqrt(run["sigma2"])))
        plain = stated.SOFTMAX_CODE.plain(truth, model)[0]
        translated = stated.SOFTMAX_CODE(truth, model)[0]
        np.testing.assert_allclose(plain, run["authors_loss"], rtol=1e-10)
        np.testing.assert_allclose(translated, run["own_loss_inf_translation"], rtol=1e-8)
        cells = voronoi_cells(measures([model]), measures([truth]), stated.EXPERT)
        assert np.bincount(cells.label[0], minlength=2).tolist() == run["cell_sizes"]


@pytest.mark.fast
@pytest.mark.parametrize("q", [1, 2, 3])
@pytest.mark.parametrize("powers", [(1, 1, 1, 1), (4, 4, 1, 2), (2, 1, 6, 1)])
@pytest.mark.parametrize("rest", [0.0, 0.1])
def test_best_shift_is_a_minimum(q, powers, rest):
    random = np.random.default_rng(q)
    terms = Terms(
        random.uniform(0.1, 2, (1, 4)),
        random.normal(0, 1, (1, 4, q)),
        np.full((1, 4), rest),
        np.array([powers], float),
    )
    shift = best_shift(terms)
    value = terms.value(shift)[0]
    for size in (1e-1, 1e-3, 1e-5):
        around = shift + size * random.standard_normal((400, q))
        assert all(terms.value(t[None])[0] >= value - 1e-10 for t in around)


@pytest.mark.fast
def test_best_factor_is_a_weighted_median():
    random = np.random.default_rng(0)
    mass, truth = random.uniform(0, 2, (50, 3)), np.array([0.2, 1.0, 0.7])
    found = best_factor(mass, truth)
    trials = np.linspace(0, 10, 4001)
    for m, s in zip(mass, found, strict=True):
        least = np.abs(m[None] - trials[:, None] * truth[None]).sum(axis=1).min()
        assert np.abs(m - s * truth).sum() <= least + 1e-12


@pytest.mark.fast
def test_raw_errors_tell_shared_cells_from_single_ones():
    truth = find_truth("softmax-gaussian-mild").mixture  # b = (.5, 0), w = (2, 0)
    b = np.log(np.exp(0.5) / 2)
    gate = SoftmaxGate(np.array([[b, 2.1], [b, 1.9]]))
    fitted = Mixture(gate, gaussian([1.2, 0.8, -1.0], [1.5, 1.5, -1.4], [0.5, 0.5, 0.7]))
    found = {k: v[0] for k, v in block_errors(stated.SOFTMAX_OVER, truth, [fitted]).items()}
    np.testing.assert_allclose(found["error_intercept_shared"], 0.2, rtol=1e-12)
    np.testing.assert_allclose(found["error_slope_single"], 0.1, rtol=1e-12)
    np.testing.assert_allclose(found["error_gate_shared"], 0.1, rtol=1e-6)
    assert found["error_variance_shared"] < 1e-15


@pytest.mark.fast
def test_exponents():
    np.testing.assert_array_equal(rbar(np.array([1, 2, 3, 4, 9])), [1, 4, 6, 7, 7])


@pytest.mark.fast
@pytest.mark.parametrize("shift", [0.0, 7.0, -0.4])
def test_contrasts_of_gates_do_not_know_the_shift(shift):
    """Slopes of the gate (2, 0), of which the second is fitted twice: by hand."""
    truth = find_truth("softmax-gaussian-mild").mixture
    b, w = np.log([1.0, 0.3, 0.6]), np.array([2.3, 0.2, -0.1]) + shift
    rows = np.column_stack([b, w])
    gate = SoftmaxGate(rows[:-1] - rows[-1])
    experts = gaussian([1.0, -1.0, -1.0], [1.5, -1.5, -1.5], [0.5, 0.7, 0.7])
    found = block_errors(stated.SOFTMAX_OVER, truth, [Mixture(gate, experts)])
    # errors 0.3 alone, 0.2 and -0.1 in the shared cell, whose mean is 0
    np.testing.assert_allclose(found["error_gate_contrast_shared"], 0.4, rtol=1e-12)
    np.testing.assert_allclose(found["error_gate_contrast_cells"], 0.3, rtol=1e-12)
    assert np.isnan(found["error_gate_contrast_single"]).all()
    two = Mixture(SoftmaxGate(rows[:1] - rows[1]), gaussian([1.0, -1.0], [1.5, -1.5], [0.5, 0.7]))
    exact = block_errors(stated.SOFTMAX_EXACT, truth, [two])
    for kind in ("single", "cells"):
        np.testing.assert_allclose(exact[f"error_gate_contrast_{kind}"], 0.1, rtol=1e-12)
    assert np.isnan(exact["error_gate_contrast_shared"]).all()


@pytest.mark.fast
def test_gates_without_a_shift_have_no_contrasts():
    truth = find_truth("gaussian-gate-mild").mixture
    found = block_errors(stated.GAUSSIAN_EXACT, truth, [truth])
    assert not [name for name in found if "contrast" in name]
