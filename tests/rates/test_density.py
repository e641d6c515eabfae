"""Distances of densities against scipy's quadrature and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate

from mixstat.experts import (
    BinomialExperts,
    GammaExperts,
    GaussianExperts,
    PoissonExperts,
    StudentTExperts,
)
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.rates.catalogue import gaussian
from mixstat.rates.inputs import Observed, Uniform
from mixstat.rates.law import Law, make_features
from mixstat.rates.losses import LOSSES, default_losses, evaluate, resolve
from mixstat.rates.losses.density import divergences
from mixstat.rates.losses.errors import function_errors
from mixstat.rates.losses.stated import SOFTMAX_EXACT, SOFTMAX_OVER
from mixstat.rates.registry import find_truth
from mixstat.rates.truths import Truth

SOME = ("softmax-gaussian-mild", "gaussian-gate-mild", "multinomial-2", "activation-tanh")


def near(truth: Truth, size: float, seed: int = 0) -> Law:
    vector = parameter_vector.to_vector(truth.mixture)
    noise = np.random.default_rng(seed).standard_normal(len(vector))
    return truth.law._replace(
        mixture=parameter_vector.from_vector(truth.mixture, vector + size * noise)
    )


def one_expert(experts, inputs) -> Truth:
    gate = SoftmaxGate(np.zeros((0, 2)))
    law = Law(Mixture(gate, experts), make_features(1, gate))
    return Truth("one", law, inputs, "", "derived")


@pytest.mark.fast
def test_normal_densities_have_closed_forms():
    inputs = Observed(np.array([[0.0], [1.0]]))
    p = one_expert(gaussian([0.0], [1.0], [1.0]), inputs)
    q = one_expert(gaussian([0.3], [0.5], [1.6]), inputs)
    gap, a, b = np.array([0.3, -0.2]), 1.0, 1.6
    both = a**2 + b**2
    hellinger = np.sqrt(1 - np.sqrt(2 * a * b / both) * np.exp(-(gap**2) / (4 * both)))
    kl = np.log(b / a) + (a**2 + gap**2) / (2 * b**2) - 0.5
    found = divergences(p, q.law)
    np.testing.assert_allclose(found.hellinger, hellinger.mean(), rtol=1e-7)
    np.testing.assert_allclose(found.kl, kl.mean(), rtol=1e-7)
    assert abs(found.hellinger - hellinger.mean()) <= found.hellinger_error + 1e-12
    for size in (1e-3, 1e-6):  # small distances keep their digits
        tiny = divergences(p, one_expert(gaussian([size], [1.0], [1.0]), inputs).law)
        np.testing.assert_allclose(tiny.hellinger, size / np.sqrt(8), rtol=1e-5)
        np.testing.assert_allclose(tiny.kl, size**2 / 2, rtol=1e-5)


@pytest.mark.parametrize("size", [0.05, 0.5])
def test_mixtures_against_adaptive_quadrature(size):
    truth = find_truth("softmax-gaussian-mild")
    law = near(truth, size)

    def density(at, y):
        mean, scale = at.eta[:, 0, 0], np.exp(at.eta[:, 1, 0])
        each = np.exp(-0.5 * ((y - mean) / scale) ** 2) / scale
        return float(at.share[:, 0] @ each) / np.sqrt(2 * np.pi)

    def at_input(x):
        p, q = (one.at(np.array([[x]])) for one in (truth.law, law))

        def integral(f):
            points = sorted([*p.eta[:, 0, 0], *q.eta[:, 0, 0]])
            return integrate.quad(
                lambda y: f(density(p, y), density(q, y)), -25, 25, points=points, limit=300
            )[0]

        return [
            np.sqrt(integral(lambda a, b: 0.5 * (np.sqrt(a) - np.sqrt(b)) ** 2)),
            integral(lambda a, b: 0.5 * abs(a - b)),
            integral(lambda a, b: a * np.log(a / b) if a > 1e-300 else 0.0),
        ]

    rows = np.array([[-2.0], [0.1], [1.7]])
    found = divergences(truth, law, Observed(rows))
    exact = np.mean([at_input(x) for x in rows[:, 0]], axis=0)
    np.testing.assert_allclose([found.hellinger, found.kl], exact[::2], rtol=1e-6)
    # |p - q| has kinks, of which the estimated error tells
    assert abs(found.total_variation - exact[1]) <= 3 * found.total_variation_error
    assert found.total_variation_error < 1e-3 * exact[1]


def test_averages_over_the_inputs_against_a_fine_grid():
    truth = find_truth("softmax-gaussian")  # whose gate is nearly a step
    law = near(truth, 0.02)
    found = divergences(truth, law)
    fine = divergences(truth, law, Observed(((np.arange(4000) + 0.5) / 4000)[:, None]))
    np.testing.assert_allclose(found[:3], fine[:3], rtol=1e-4)
    assert found.hellinger_error < 1e-4 * found.hellinger


@pytest.mark.exhaustive
def test_pieces_end_where_a_gate_jumps():
    truth = find_truth("top-k")
    np.testing.assert_allclose(truth.law.breaks(-3.0, 3.0), [-0.5, 0.5], rtol=1e-11)  # 1/2 +- x = 0
    law = near(truth, 0.05)
    found = divergences(truth, law)
    for value, error in zip(found[:3], found[3:], strict=True):
        assert error < 1e-4 * value
    # jumps of truth and of fit by hand, and a rule for what is smooth between
    b, w = law.mixture.gate.coef.T
    ends = [-3, *np.sort([-0.5, 0.5, *-b / w]), 3]
    z, weight = np.polynomial.legendre.leggauss(60)
    exact = 0.0
    for low, high in pairwise(ends):
        rows = Observed(((low + high) / 2 + (high - low) / 2 * z)[:, None])
        each = [divergences(truth, law, Observed(row[None])).hellinger for row in rows.X]
        exact += (high - low) / 12 * (weight @ each)
    np.testing.assert_allclose(found.hellinger, exact, rtol=1e-6)


def test_a_smooth_gate_adds_no_pieces():
    truth = find_truth("softmax-gaussian-mild")
    assert len(truth.law.breaks(-3.0, 3.0)) == 0
    with_none = truth.inputs.nodes(4)
    np.testing.assert_array_equal(with_none.X, truth.inputs.nodes(4, np.zeros(0)).X)


def test_a_rough_function_has_pieces_as_short_as_its_waves():
    truth = find_truth("polynomial-rough")
    fit = one_expert(gaussian([0.5], [0.2], [0.9]), truth.inputs).law
    found = divergences(truth, fit)
    assert found.kl_error < 1e-5 * found.kl
    x = (np.arange(20_000) + 0.5) / 20_000
    square = (truth.law.function(x[:, None]) - 0.5 - 0.2 * x) ** 2
    exact = np.log(0.9 / 0.3) + (0.3**2 + square.mean()) / (2 * 0.9**2) - 0.5
    np.testing.assert_allclose(found.kl, exact, rtol=1e-6)


def test_errors_of_the_ratio_do_not_depend_on_the_reference_expert():
    truth = find_truth("temperature")
    law = near(truth, 0.02)
    turned = law._replace(mixture=law.mixture.permute(np.array([1, 0])))
    found = evaluate(["errors", "voronoi_ratio_exact"], truth, [law, turned])
    for name in ("error_ratio_single", "voronoi_ratio_exact"):
        np.testing.assert_allclose(found[name][0], found[name][1], rtol=1e-9)
    ratio = [m.gate.coef[0, 1] / np.exp(m.gate.log_tau[0, 0]) for m in (truth.mixture, law.mixture)]
    assert 0 < found["error_ratio_single"][0] <= abs(ratio[1] - ratio[0]) + 1e-12


FAMILIES = {
    "poisson": PoissonExperts(np.array([[[0.5, 0.3]]])),
    "binomial": BinomialExperts(np.array([[[0.5, 0.3]]]), trials=12),
    "gamma": GammaExperts(np.array([[[0.5, 0.3]]]), np.full((1, 1, 1), 0.7)),
    "t": StudentTExperts(
        np.array([[[0.5, 0.3]]]), np.full((1, 1, 1), 0.1), np.full((1, 1, 1), np.log(4))
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families_against_scipy(family):
    experts = FAMILIES[family]
    inputs = Observed(np.array([[0.4]]))
    truth = one_expert(experts, inputs)
    law = near(truth, 0.2)
    p, q = (one.at(inputs.X).marginals for one in (truth.law, law))

    def value(at, y):
        mass = at.pmf(y) if experts.discrete else at.pdf(y)
        return float(np.ravel(mass)[0])

    if experts.discrete:
        ys = np.arange(0, 13 if family == "binomial" else 200)
        pair = np.array([[value(p, y), value(q, y)] for y in ys])
        exact = np.sqrt(0.5 * np.sum((np.sqrt(pair[:, 0]) - np.sqrt(pair[:, 1])) ** 2))
    else:
        low = 0.0 if family == "gamma" else -np.inf
        exact = np.sqrt(
            0.5
            * integrate.quad(
                lambda y: (np.sqrt(value(p, y)) - np.sqrt(value(q, y))) ** 2, low, np.inf
            )[0]
        )
    np.testing.assert_allclose(divergences(truth, law).hellinger, exact, rtol=1e-5)


@pytest.mark.parametrize("name", SOME)
def test_zero_at_the_truth_symmetric_and_ordered(name):
    truth = find_truth(name)
    same = divergences(truth, truth.law)
    assert max(same[:3]) < 1e-12
    law = near(truth, 0.1)
    one = divergences(truth, law)
    assert min(one[:3]) > 1e-4
    # h^2 <= TV <= sqrt(2) h holds for each input, and 2 h^2 <= KL
    assert one.hellinger**2 <= one.total_variation <= np.sqrt(2) * one.hellinger
    assert 2 * one.hellinger**2 <= one.kl
    order = np.array([1, 0])
    turned = law._replace(mixture=law.mixture.permute(order))
    np.testing.assert_allclose(divergences(truth, turned)[:3], one[:3], rtol=1e-10)


def test_multinomial_distances_are_sums_over_classes():
    truth = find_truth("multinomial-1")
    law, rows = near(truth, 0.3), np.array([[-1.0], [0.5]])
    p, q = (
        np.einsum("kn,kcn->nc", at.share, at.experts.probabilities(at.eta))
        for at in (truth.law.at(rows), law.at(rows))
    )
    found = divergences(truth, law, Observed(rows))
    np.testing.assert_allclose(found.kl, np.sum(p * np.log(p / q), axis=1).mean(), rtol=1e-10)
    np.testing.assert_allclose(found.total_variation, 0.5 * np.abs(p - q).sum(axis=1).mean())


def test_error_of_the_experts_functions():
    truth = find_truth("softmax-gaussian-mild").with_inputs(Uniform(-1, 1))
    experts = gaussian([1.3, -1.0], [1.5, -1.5], [0.5, 0.7])
    law = truth.law._replace(mixture=Mixture(truth.mixture.gate, experts))
    share = truth.law.at(truth.inputs.nodes(7).X).share[0] @ truth.inputs.nodes(7).weight
    found = function_errors(SOFTMAX_EXACT, truth, [law])
    np.testing.assert_allclose(found["expert_function"], 0.3 * share, rtol=1e-10)
    np.testing.assert_allclose(found["cell_function"], 0.3 * share, rtol=1e-10)
    # two atoms on either side of the true one: their average is right
    b = np.log(np.exp(0.5) / 2)
    gate = SoftmaxGate(np.array([[b, 2.0], [b, 2.0]]))
    split = gaussian([1.2, 0.8, -1.0], [1.5, 1.5, -1.5], [0.5, 0.5, 0.7])
    found = function_errors(SOFTMAX_OVER, truth, [law._replace(mixture=Mixture(gate, split))])
    np.testing.assert_allclose(found["expert_function"], 0.2 * share, rtol=1e-10)
    assert found["cell_function"][0] < 1e-12


@pytest.mark.fast
def test_every_loss_of_the_registry_is_defined_somewhere():
    used = set()
    for name in (*SOME, "temperature"):
        truth = find_truth(name)
        law = near(truth, 0.01)
        suiting = [k for k, v in LOSSES.items() if not v.suits(truth, law.mixture)]
        used |= set(suiting)
        assert set(default_losses(truth, law.mixture)) <= set(suiting)
        for values in evaluate(suiting, truth, [law, truth.law]).values():
            assert values.shape == (2,)
            assert np.all((values >= 0) | np.isnan(values))
    assert used == set(LOSSES)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("truth", "loss", "message"),
    [
        ("multinomial-1", "regret", "losses must be of"),
        ("multinomial-1", "voronoi_code", "softmax gates and Gaussian experts"),
        ("sigmoid", "voronoi", "no Voronoi loss is stated for SigmoidGate"),
        ("activation-sin", "voronoi_ratio_exact", "no activation"),
    ],
)
def test_losses_that_do_not_suit_are_refused(truth, loss, message):
    found = find_truth(truth)
    with pytest.raises(ValueError, match=message):
        resolve([loss], found, found.mixture)


def test_atoms_need_a_truth_with_atoms_of_the_same_kind():
    target, fit = find_truth("polynomial-smooth"), find_truth("softmax-gaussian-mild")
    with pytest.raises(ValueError, match="no mixture"):
        resolve(["voronoi"], target, fit.mixture)
    assert resolve(["kl", "hellinger"], target, fit.mixture) == ("density",)
    with pytest.raises(ValueError, match="differ in kind"):
        resolve(["voronoi"], find_truth("gaussian-gate-mild"), fit.mixture)
    several = GaussianExperts().null(2, 2, 2)
    with pytest.raises(ValueError, match="one output"):
        resolve(["hellinger"], fit, Mixture(fit.mixture.gate, several))
