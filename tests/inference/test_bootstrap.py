"""The bootstrap: one batch from the estimate on, with experts that keep their numbers."""

import equinox as eqx
import numpy as np
import pytest
from scipy import stats

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.experts import GaussianExperts
from mixstat.fitting.refits import refit, renumbered
from mixstat.gates import SoftmaxGate
from mixstat.inference import Bootstrap
from mixstat.inference.covariances.resampling import of_bayes, of_blocks, of_clusters, of_rows
from mixstat.inference.quantity import ends_of_draws
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from tests.inference.mixtures import N, two_lines

GROUPS = np.repeat(np.arange(20), 10)


def test_draws_are_the_fits_to_their_weights():
    moe, X, y = two_lines()
    weights = of_rows(np.ones(N), 3, np.random.default_rng(4))
    draws = moe.inference().estimate.in_user_units(refit(moe.fit_, weights).vectors)
    for weight, draw in zip(weights, draws, strict=True):
        apart = MixtureOfExperts(2, init=moe, n_init=1).fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(draw, apart.params, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "groups"),
    [
        ("rows", None),
        ("cluster", GROUPS),
        ("block", None),
        ("block", GROUPS),
        ("bayesian", None),
        ("bayesian", GROUPS),
        ("parametric", None),
    ],
)
def test_errors_are_near_the_others(kind, groups):
    moe, *_ = two_lines()
    results = moe.inference(cov_type=Bootstrap(64, kind=kind, random_state=1), groups=groups)
    ratio = results.bse / moe.inference().bse
    # of a deviation from 64 draws: four of its errors, and what the kinds differ by
    assert np.all((ratio > 0.5) & (ratio < 1.8))
    assert "64 draws" in str(results.summary())
    again = moe.inference(cov_type=Bootstrap(64, kind=kind, random_state=1), groups=groups)
    np.testing.assert_array_equal(again.bse, results.bse)


def test_intervals_of_draws():
    moe, *_ = two_lines()
    found = {
        interval: moe.inference(cov_type=Bootstrap(64, interval=interval, random_state=1))
        for interval in ("bc", "percentile", "basic", "normal")
    }
    estimate = found["percentile"].estimate
    draws = estimate.in_user_units(found["percentile"].covariance.draws)
    ordered = np.sort(draws, axis=0)  # of 64: 65 times 0.05 and 0.95 are 3.25 and 61.75
    low = 0.75 * ordered[2] + 0.25 * ordered[3]
    high = 0.25 * ordered[60] + 0.75 * ordered[61]
    ends = found["percentile"].conf_int(0.9)
    np.testing.assert_allclose(ends, np.column_stack([low, high]), rtol=1e-12)
    np.testing.assert_allclose(
        found["basic"].conf_int(0.9)["low"], 2 * estimate.params - high, rtol=1e-12
    )
    below = np.mean(draws < estimate.params, axis=0)
    levels = stats.norm.cdf(2 * stats.norm.ppf(below) + stats.norm.ppf([[0.05], [0.95]]))
    moved = [
        np.quantile(draws[:, j], levels[:, j], method="weibull") for j in range(draws.shape[1])
    ]
    np.testing.assert_allclose(found["bc"].conf_int(0.9), moved, rtol=1e-12)
    assert moe.inference(cov_type=Bootstrap(64, random_state=1)).covariance.interval == "bc"
    assert not found["percentile"].remarks
    told = found["percentile"].at_level(0.98).remarks
    assert told == ("Intervals at level 0.98 need 99 draws or more, and end at the least and the "
                    "largest of 64.",)  # fmt: skip
    assert not found["normal"].at_level(0.98).remarks
    normal = found["normal"].conf_int(0.9).mean(axis=1)
    np.testing.assert_allclose(normal, estimate.params, rtol=1e-12)


def test_weights_of_the_draws(rng):
    weight = np.array([2.0, 0.0, 1.0, 3.0] * 10)
    assert np.all(of_rows(weight, 5, rng).sum(axis=1) == weight.sum())
    assert np.all(of_rows(weight, 5, rng)[:, 1] == 0)
    group = np.repeat(np.arange(8), 5)
    drawn = of_clusters(np.ones(40), group, 50, rng).reshape(50, 8, 5)
    assert np.all(drawn == drawn[:, :, :1])
    assert np.all(drawn[:, :, 0].sum(axis=1) == 8)
    blocks = of_blocks(np.ones(40), group, 5, 2000, rng)
    whole = blocks.reshape(2000, 8, 5)
    assert np.all(whole == whole[:, :, :1])  # no run leaves its series
    np.testing.assert_allclose(blocks.mean(axis=0), 1.0, atol=4 * blocks.std() / np.sqrt(2000))
    whole = of_bayes(np.ones(40), group, 3, rng).reshape(3, 8, 5)
    assert np.all(whole == whole[:, :, :1])


def test_a_block_keeps_neighbours_together(rng):
    counts = of_blocks(np.ones(60), np.zeros(60, int), 60, 20, rng)
    np.testing.assert_array_equal(counts, 1)  # a circular block of all rows is all rows


def test_experts_are_numbered_at_the_least_total_distance(rng):
    gate, experts = SoftmaxGate(np.array([[0.5], [-1.0]])), GaussianExperts().null(3, 1, 1)
    model = Mixture(
        gate, eqx.tree_at(lambda e: e.coef, experts, np.array([0, 1, 5.0])[:, None, None])
    )
    vector = parameter_vector.to_vector(model)
    moved = vector + 0.2 * rng.random(len(vector))
    orders = [[0, 1, 2], [2, 0, 1], [1, 0, 2]]
    other = parameter_vector.from_vector(model, moved)
    given = [parameter_vector.to_vector(other.permute(np.array(order))) for order in orders]
    np.testing.assert_allclose(renumbered(model, np.stack(given)), [moved] * 3, atol=1e-12)


def test_draws_that_lose_an_expert_are_counted_and_told(rng):
    """An expert on a dozen rows, which many draws leave out."""
    x = np.linspace(-1, 1, N)[:, None]
    y = x[:, 0] + 0.3 * rng.standard_normal(N)
    y[:9] = 6 + 0.3 * rng.standard_normal(9)
    few = np.arange(N) < 9
    moe = MixtureOfExperts(2, gate_degree=0, degree=[0, 1], init=~few * 1).fit(x, y)
    results = moe.inference(cov_type=Bootstrap(32, random_state=0))
    assert any("lost an expert" in note for note in results.remarks)
    kept = len(results.covariance.draws)
    assert f"{32 - kept} of 32" in " ".join(results.remarks) or kept < 32
    assert f"{kept} draws" in str(results.summary())


@pytest.mark.exhaustive
def test_classes_are_drawn_from_their_model(rng):
    X = rng.standard_normal((N, 1))
    y = np.where(rng.random(N) < 1 / (1 + np.exp(-X[:, 0])), "a", "b")
    moe = MixtureOfExpertsClassifier(1).fit(X, y)
    drawn = moe.inference(cov_type=Bootstrap(64, kind="parametric", random_state=0))
    ratio = drawn.bse / moe.inference().bse
    assert np.all((ratio > 0.6) & (ratio < 1.5))


@pytest.mark.fast
def test_draws_that_are_not_off_the_value_are_left_as_they_are(rng):
    draws = rng.gamma(2.0, size=(60, 3, 2))
    value = np.median(draws, axis=0)
    plain = ends_of_draws(draws, value, 0.8, "percentile")
    np.testing.assert_allclose(ends_of_draws(draws, value, 0.8, "bc"), plain, rtol=1e-12)
    draws[5, 0, 0] = np.nan
    assert np.isnan(ends_of_draws(draws, value, 0.8, "bc")[0]).sum() == 1
    above = ends_of_draws(draws[:, 1], draws[:, 1].max(axis=0) + 1, 0.8, "bc")  # all are below
    np.testing.assert_array_equal(above[1], draws[:, 1].max(axis=0))
