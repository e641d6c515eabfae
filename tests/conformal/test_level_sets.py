"""Level sets against closed forms, and against every point of a fine grid."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from mixstat.conformal.laws import Laws
from mixstat.conformal.level_sets import level_sets
from mixstat.conformal.ranks import Ranks, above
from mixstat.experts import (
    BinomialExperts,
    GammaExperts,
    GaussianExperts,
    MixedExperts,
    PoissonExperts,
    StudentTExperts,
)
from mixstat.predictive import Predictive

pytestmark = pytest.mark.fast


def of(share, experts, eta) -> Laws:
    """One row, or several with the experts on the first axis."""
    share, eta = np.asarray(share, float), np.asarray(eta, float)
    share = share if share.ndim == 2 else share[:, None]
    eta = eta if eta.ndim == 3 else eta[..., None]
    if isinstance(experts, GaussianExperts):  # the other predictor of a normal expert
        scales = np.broadcast_to(experts.log_scale[:, :, None], eta.shape)
        eta = np.concatenate([eta, scales], axis=1)
    return Laws((Predictive(share, experts, eta),))


def normals(scales) -> GaussianExperts:
    k = len(scales)
    return GaussianExperts(np.zeros((k, 1, 1)), np.log(scales)[:, None], np.zeros((k, 0)))


def sets(laws, least):
    least = np.broadcast_to(np.asarray(least, float), laws.n_rows)
    return level_sets(laws, lambda terms, row: above(terms, least[row]))


def log_density(laws, y):
    """At points of the first row."""
    return logsumexp(laws.log_terms(np.zeros(len(y), int), np.asarray(y, float)), axis=0)


def holds(found, y):
    inside = (found.lower[:, None] <= y) & (y <= found.upper[:, None])
    return np.any(inside, axis=0)


def test_one_normal_in_closed_form():
    laws = of([1.0], normals([0.5]), [[3.0]])
    least = stats.norm.logpdf(1.7)  # at 1.7 deviations
    found = sets(laws, least - np.log(0.5))
    np.testing.assert_allclose([found.lower[0], found.upper[0]], [3 - 0.85, 3 + 0.85], rtol=1e-12)


def test_the_top_everything_and_nothing():
    laws = of([1.0], normals([1.0]), [[2.0]])
    top = stats.norm.logpdf(0)
    found = sets(laws, top - 1e-9)
    assert found.upper[0] - found.lower[0] == pytest.approx(2 * np.sqrt(2e-9), rel=1e-5)
    assert len(sets(laws, top + 1e-9).row) == 0
    whole = sets(laws, -np.inf)
    assert (whole.lower[0], whole.upper[0]) == (-np.inf, np.inf)


@pytest.mark.parametrize("seed", range(5))
def test_mixtures_of_normals_of_any_scales(seed):
    random = np.random.default_rng(seed)
    k = int(random.integers(2, 6))
    scales = 10.0 ** random.uniform(-4, 1, k)
    share = random.dirichlet(np.ones(k))
    laws = of(share, normals(scales), random.normal(0, 3, (k, 1)))
    centres = laws.each[0].eta[:, 0, 0]
    far = np.linspace(-6, 6, 4001)
    grid = np.sort(np.ravel(centres + scales * far[:, None]))
    logs = log_density(laws, grid)
    for least in np.quantile(logs, [0.05, 0.5, 0.99]):
        found = sets(laws, least)
        clear = np.abs(logs - least) > 1e-9
        np.testing.assert_array_equal(holds(found, grid[clear]), logs[clear] >= least)
        # ends are inside, and what is next to them is not
        tiny = 1e-12 * (1 + np.abs(found.lower)) + 1e-12 * (1 + np.abs(found.upper))
        assert np.all(log_density(laws, np.append(found.lower, found.upper)) >= least - 1e-9)
        beyond = np.append(found.lower - tiny, found.upper + tiny)
        assert np.all(log_density(laws, beyond) < least + 1e-9)


def test_a_spike_between_grid_points_is_found():
    """An expert a millionth as wide as the other, with little weight, high up."""
    laws = of([1 - 1e-4, 1e-4], normals([1.0, 1e-6]), [[0.0], [0.123456789]])
    found = sets(laws, 1.0)  # the wide one alone stays below exp(-.9)
    assert len(found.row) == 1
    assert found.lower[0] < 0.123456789 < found.upper[0]
    assert found.upper[0] - found.lower[0] < 1e-5


def test_rows_go_by_themselves():
    eta = np.array([[[0.0, 0.0, 5.0]], [[4.0, 0.0, 5.0]]])
    share = np.full((2, 3), 0.5)
    laws = of(share, normals([0.3, 0.3]), eta)
    found = sets(laws, np.log([0.1, 0.1, 9.0]))
    np.testing.assert_array_equal(found.row, [0, 0, 1])
    one = sets(of(share[:, :1], normals([0.3, 0.3]), eta[:, :, :1]), np.log(0.1))
    np.testing.assert_array_equal(one.lower, found.lower[:2])
    assert found.lower[0] == pytest.approx(4 - found.upper[1], rel=1e-9)


def student(scales, df):
    k = len(scales)
    zero = np.zeros((k, 1, 1))
    return StudentTExperts(zero, np.log(scales)[:, None, None], np.log(df)[:, None, None])


@pytest.mark.parametrize("kind", ["t", "gamma", "mixed"])
def test_other_families(kind):
    if kind == "t":
        scales, df = np.array([0.5, 2.0]), np.array([1.5, 30.0])
        eta = np.stack([[-2.0, 3.0], np.log(scales), np.log(df)], axis=1)
        laws = of([0.4, 0.6], student(scales, df), eta)
        grid = np.linspace(-60, 60, 20001)
    elif kind == "gamma":
        shape = np.array([0.5, 20.0])  # the first has its mode, without bound, at zero
        experts = GammaExperts(np.zeros((2, 1, 1)), np.log(shape)[:, None, None])
        laws = of([0.5, 0.5], experts, np.stack([np.log([2.0, 8.0]), np.log(shape)], axis=1))
        grid = np.geomspace(1e-6, 80, 20001)
    else:
        parts = (
            GaussianExperts(np.zeros((1, 1, 1)), np.zeros((1, 1)), np.zeros((1, 0))),
            student(np.array([1.0]), np.array([3.0])),
        )
        eta = np.array([[[0.0], [0.0], [0.0]], [[6.0], [0.0], [np.log(3.0)]]])
        laws = of([0.3, 0.7], MixedExperts(parts), eta)
        grid = np.linspace(-30, 40, 20001)
    logs = log_density(laws, grid)
    for least in np.quantile(logs, [0.1, 0.4, 0.7, 0.95]):
        clear = np.abs(logs - least) > 1e-9
        found = sets(laws, least)
        np.testing.assert_array_equal(holds(found, grid[clear]), logs[clear] >= least)


def test_a_density_without_bound_holds_zero():
    experts = GammaExperts(np.zeros((1, 1, 1)), np.log([[[0.3]]]))
    found = sets(of([1.0], experts, [[0.0, np.log(0.3)]]), 5.0)
    assert found.lower.tolist() == [0.0]
    assert found.upper[0] > 0


@pytest.mark.parametrize("least", [1e-1, 1e-2, 1e-3, 1e-9])
def test_counts(least):
    mean = np.array([1.3, 40.0])
    laws = of([0.7, 0.3], PoissonExperts(np.zeros((2, 1, 1))), np.log(mean)[:, None])
    counts = np.arange(400.0)
    chance = 0.7 * stats.poisson.pmf(counts, 1.3) + 0.3 * stats.poisson.pmf(counts, 40.0)
    found = sets(laws, np.log(least))
    np.testing.assert_array_equal(holds(found, counts), chance >= least)
    assert np.all(found.lower[1:] > found.upper[:-1] + 1)


def test_trials_end():
    laws = of([0.5, 0.5], BinomialExperts(np.zeros((2, 1, 1)), trials=8), [[-2.0], [3.0]])
    counts = np.arange(9.0)
    chance = 0.5 * sum(stats.binom.pmf(counts, 8, 1 / (1 + np.exp(-e))) for e in (-2.0, 3.0))
    for least in (0.3, 0.05, 1e-3, 1e-30):
        np.testing.assert_array_equal(holds(sets(laws, np.log(least)), counts), chance >= least)
    whole = sets(laws, -np.inf)
    assert (whole.lower[0], whole.upper[0]) == (0, 8)


def test_ranks_of_several_fits():
    """Cross-conformal sets by their definition: counting rows with smaller scores."""
    random = np.random.default_rng(0)
    each = [of([0.5, 0.5], normals([0.4, 1.0]), random.normal(0, 2, (2, 1))) for _ in range(3)]
    laws = Laws(tuple(one.each[0] for one in each))
    ranks = Ranks(tuple(np.sort(random.normal(1.5, 1, 7)) for _ in range(3)), laws.owner)
    grid = np.linspace(-12, 12, 30001)
    scores = np.stack([-log_density(one, grid) for one in each])
    pairs = zip(ranks.scores, scores, strict=True)
    fewer = np.sum([np.sum(own[:, None] < score, axis=0) for own, score in pairs], axis=0)
    for level in (0.3, 0.7, 0.9):
        found = level_sets(laws, lambda terms, row, level=level: ranks.inside(terms, level))
        np.testing.assert_array_equal(holds(found, grid), fewer < level * 22)
    everything = level_sets(laws, lambda terms, row: ranks.inside(terms, 0.99))
    assert everything.lower.tolist() == [-np.inf]
