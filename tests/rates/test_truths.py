"""Truths: what they simulate is what they state, and draws depend on nothing but their seed."""

import numpy as np
import pytest
from scipy.special import expit

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.data import batch
from mixstat.gates import ModifiedSoftmaxGate
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import log_likelihood
from mixstat.rates.box import Box, labels, names
from mixstat.rates.cells import make_task
from mixstat.rates.estimated import from_fit
from mixstat.rates.inputs import Lattice, Observed, Uniform
from mixstat.rates.registry import find_truth, truths
from mixstat.rates.regression import RegressionFunction
from mixstat.rates.study import RateStudy
from mixstat.rates.truths import MARKS, Truth, replicate_seed
from mixstat.rates.verdicts import claims_of
from tests.sweeps import rest

TRUTHS = truths()


@pytest.mark.parametrize("name", TRUTHS)
def test_every_truth_simulates_and_describes_itself(name):
    truth = TRUTHS[name]
    X, y = truth.sample(50, 1)
    assert X.shape == (50, truth.inputs.n_inputs)
    assert y.shape == (50,)
    assert truth.mark in MARKS
    assert truth.citation
    assert all(c.slope is None or c.slope < 0 for c in truth.claims)
    assert truth.describe() == truths()[name].describe()
    shares = truth.law.at(X).share
    np.testing.assert_allclose(shares.sum(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("name", TRUTHS)
def test_simulated_responses_have_the_stated_mean(name):
    truth = TRUTHS[name]
    X, y = truth.sample(20_000, 2)
    at = truth.law.at(X)
    z = (y - at.mean()[0]) / at.std()[0]
    assert abs(z.mean()) < 4 / np.sqrt(len(y))
    assert abs(np.mean(z**2) - 1) < 4 * np.std(z**2) / np.sqrt(len(y))


def test_no_rate_is_claimed_where_intercepts_cannot_be_known():
    for name in ("multinomial-2", "multinomial-2-modified"):
        assert claims_of(find_truth(name), 3)["voronoi_over"].slope is None
    assert claims_of(find_truth("multinomial-2-modified"), 2)["voronoi_exact"].slope == -0.5
    assert claims_of(find_truth("multinomial-1-modified"), 3)["voronoi_over"].slope == -0.5


def test_the_published_softmax_truth():
    truth = find_truth("softmax-gaussian")
    X, _ = truth.sample(11, 0)
    np.testing.assert_array_equal(X[:, 0], np.linspace(0, 1, 11))
    at = truth.law.at(X)
    np.testing.assert_allclose(at.share[0], expit(-8 + 25 * X[:, 0]), rtol=1e-12)
    np.testing.assert_allclose(at.eta[:, 0], [15 - 20 * X[:, 0], -5 + 20 * X[:, 0]])
    np.testing.assert_allclose(np.exp(at.eta[:, 1, 0]), [0.3, 0.4])


@pytest.mark.parametrize("name", ["gaussian-gate-I-1d", "gaussian-gate-II-2d"])
def test_nodes_of_clusters_have_the_moments_of_the_draws(name):
    inputs = find_truth(name).inputs
    X, weight = inputs.nodes(7)
    centres, share = inputs.gate.coefficients(), np.array([0.3, 0.4, 0.3])
    np.testing.assert_allclose(weight.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(weight @ X, share @ centres, rtol=0, atol=1e-12)
    draws = inputs.sample(40_000, np.random.default_rng(0))
    error = 4 * draws.std(axis=0) / np.sqrt(len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - weight @ X) < error)
    second = np.einsum("n,ni,nj->ij", weight, X, X)
    spread = draws[:, :, None] * draws[:, None, :]
    assert np.all(np.abs(spread.mean(0) - second) < 4 * spread.std(0) / np.sqrt(len(draws)))


def test_a_replicate_depends_on_seed_size_and_number_alone():
    truth = find_truth("softmax-gaussian-mild")

    def draw(n, r):
        return truth.sample(n, replicate_seed(7, n, r))[1]

    forwards = [draw(n, r) for n in (20, 30) for r in range(3)]
    backwards = [draw(n, r) for n in (30, 20) for r in (2, 1, 0)][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.any(np.isin(draw(20, 0), draw(20, 1)))
    assert not np.any(np.isin(draw(20, 0), draw(30, 0)))
    other_stream = truth.sample(20, replicate_seed(7, 20, 0, stream=1))[1]
    assert not np.any(np.isin(draw(20, 0), other_stream))


@pytest.mark.parametrize(
    "settings",
    [
        {"degree": 2},
        {"gate": "gaussian"},
        rest({"gate": "activation"}),
        rest({"gate": ModifiedSoftmaxGate(function="sin")}),
    ],
    ids=lambda s: str(next(iter(s.values()))),
)
def test_a_fitted_model_is_a_truth(settings):
    X, y = find_truth("softmax-gaussian-mild").sample(300, 0)
    moe = MixtureOfExperts(2, n_init=2, random_state=0, **settings).fit(X, y)
    truth = from_fit(moe, X)
    at = truth.law.at(X)
    np.testing.assert_allclose(at.mean()[0], moe.predict(X), rtol=0, atol=1e-10)
    np.testing.assert_allclose(at.share.T, moe.gate_proba(X), rtol=0, atol=1e-10)
    drawn, _ = truth.sample(1000, 3)
    assert np.isin(drawn, X).all()


def test_a_fitted_classifier_is_a_truth():
    X, y = find_truth("multinomial-1").sample(300, 0)
    moe = MixtureOfExpertsClassifier(2, n_init=2, ridge=1e-3, random_state=0).fit(X, y)
    at = from_fit(moe, X).law.at(X)
    each = at.experts.probabilities(at.eta)
    np.testing.assert_allclose(
        np.einsum("kn,kcn->nc", at.share, each), moe.predict_proba(X), rtol=0, atol=1e-10
    )


def test_a_regression_function_has_its_noise():
    truth = find_truth("polynomial-smooth")
    X, y = truth.sample(5000, 0)
    residual = y - np.sin(4 * np.pi * X[:, 0]) * (0.5 + X[:, 0])
    assert abs(residual.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * len(y))
    with pytest.raises(ValueError, match="no mixture"):
        _ = truth.mixture


def test_box_finds_each_kind_of_parameter():
    box = Box(
        gate_slope=(-2.0, 2.0), expert_intercept=(-3.0, 3.0), scale=(0.1, 3.0), spread=(0.5, 2.0)
    )
    gate = find_truth("gaussian-gate-mild").mixture
    low, high = (np.array([box.limits(one)[s] for one in labels(gate)]) for s in (0, 1))
    table = dict(zip(names(gate), zip(low, high, strict=True), strict=True))
    np.testing.assert_allclose(table["spread1:log_scale z1"], np.log([0.5, 2.0]))
    np.testing.assert_allclose(table["log_scale0"], np.log([0.1, 3.0]))
    assert table["expert0:1"] == (-3.0, 3.0)
    assert table["expert0:x1"] == (-np.inf, np.inf)
    for other in TRUTHS.values():
        if other.is_mixture:
            assert len(names(other.mixture)) == len(other.describe()["parameters"])


@pytest.mark.fast
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_truth("nothing"), "truth must be one of"),
        (lambda: find_truth("top-k").sample(0), "n must be an integer >= 1"),
        (lambda: Box(scale=(1.0, 0.5)), "scale must be"),
        (lambda: Uniform(0, 1, 6).nodes(7), "Observed"),
        (
            lambda: Truth("t", RegressionFunction(np.sum, 1), Uniform(0, 1), "", "sure"),
            "mark must be one of",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.fast
def test_rows_of_a_data_set_are_told_apart():
    first, second = (Observed(np.arange(6.0).reshape(3, 2) + s) for s in (0, 1))
    assert first.describe() != second.describe()
    assert first.describe() == Observed(np.arange(6.0).reshape(3, 2)).describe()


def test_counts_have_the_law_of_draws():
    truth = find_truth("multinomial-1").with_inputs(Lattice(-3, 3, 5))
    X, y, weight = truth.counts(400_000, 1)
    assert weight.sum() == 400_000
    drawn, classes = truth.sample(400_000, 2)
    seen = [np.sum((drawn[:, 0] == x) & (classes == c)) for x, c in zip(X[:, 0], y, strict=True)]
    expected = 0.5 * (weight + seen)
    chi_square = np.sum((weight - seen) ** 2 / (2 * expected))
    assert chi_square < 14 + 4 * np.sqrt(2 * 14)  # 15 pairs of a point and a class


@in_float64
def test_a_table_of_counts_is_fitted_like_its_rows():
    truth = find_truth("multinomial-1").with_inputs(Lattice(-3, 3, 9))
    plan = RateStudy(truth, 2, [500], 1).plan
    counted = make_task(plan, 500, 0)
    rows = np.repeat(np.arange(len(counted.y)), counted.weight.astype(int))
    Phi, Z = counted.features.tables(counted.X[rows])
    whole = batch.build(Z, Phi, counted.y[rows])
    values = [float(log_likelihood(truth.mixture, one)) for one in (counted.objective.batch, whole)]
    assert counted.n == len(rows) == 500
    np.testing.assert_allclose(values[0], values[1], rtol=1e-12)


def test_sizes_of_tables_of_counts_cost_nothing():
    study = RateStudy(find_truth("multinomial-1"), 2, [10**5, 10**9], 2, losses=["density"])
    table = study.run(progress=False)
    assert table["converged"].all()
    near = table.groupby("n")["hellinger"].mean()
    assert 30 < near[10**5] / near[10**9] < 300
