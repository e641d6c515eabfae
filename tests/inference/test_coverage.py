"""Intervals hold the truth as often as they say, for experts that are well separated."""

import numpy as np
import pytest

from mixstat import MixtureOfExperts
from mixstat.inference import HAC
from tests.benchmarks import dependence
from tests.benchmarks.coverage import LEVEL, TRUTHS, coverage
from tests.benchmarks.tally import counted

FEW = 24


def error(replicates: int) -> float:
    """Four standard errors of the share of one parameter's intervals."""
    return 4 * np.sqrt(LEVEL * (1 - LEVEL) / replicates)


def test_wald_and_sandwich_hold_the_truth():
    found = coverage(TRUTHS["K2 well"], 500, FEW, ways=("wald", "sandwich"))
    assert (found.replicates, found.unsound) == (FEW, 0)
    for share in found.shares.values():
        assert share.min() > LEVEL - error(FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["K2 well", "K3 well"])
@pytest.mark.parametrize("n", [500, 2_000])
def test_profile_and_bootstrap_hold_the_truth(name, n):
    replicates = 200
    shares = coverage(TRUTHS[name], n, replicates, ways=("profile", "bootstrap")).shares
    for share in (shares["profile"], shares["bootstrap"]):
        assert 0.93 - error(replicates) < share.mean() < 0.97 + error(replicates)
        assert share.min() > 0.93 - error(replicates)


def test_a_tally_goes_on_where_it_was_left(tmp_path):
    path, asked = tmp_path / "cells" / "one.json", []

    def replicate(number: int):
        asked.append(number)
        return None if number == 3 else {"wald": np.array([True, number % 2 == 0])}

    assert counted(replicate, 4, path).inside == {"wald": [3, 2]}
    found = counted(replicate, 25, path)
    assert asked == list(range(25))
    assert (found.replicates, found.unsound, found.inside) == (25, 1, {"wald": [24, 13]})
    np.testing.assert_allclose(found.shares["wald"], [1, 13 / 24])
    assert counted(replicate, 10, path) == found  # what was counted stays


@pytest.mark.slow
@pytest.mark.parametrize("name", dependence.CASES)
def test_intervals_of_dependent_rows_hold_the_truth(name):
    """Rows that depend on each other: intervals that know of it do better than the others."""
    case, replicates = dependence.CASES[name], 60
    shares = dependence.coverage(case, 2_000, replicates).shares
    assert shares[case.cov_type].mean() > 0.93 - error(replicates) / 2
    for kind in ("observed", "robust"):
        assert shares[kind].min() < shares[case.cov_type].min()


def dependent(random: np.random.Generator, n: int) -> np.ndarray:
    """An autoregression with coefficient .7 and variance 1."""
    out = np.empty(n)
    out[0] = random.standard_normal()
    for t in range(1, n):
        out[t] = 0.7 * out[t - 1] + np.sqrt(1 - 0.7**2) * random.standard_normal()
    return out


def test_dependence_is_seen_by_clusters_and_lags():
    """The standard deviation of estimates over data sets, which independent rows understate."""
    n, found, errors = 200, [], {"observed": [], "hac": [], "cluster": []}
    blocks = np.arange(n) // 20
    for seed in range(FEW):
        random = np.random.default_rng(seed)
        x = dependent(random, n)
        y = x + dependent(random, n)
        moe = MixtureOfExperts(1).fit(x[:, None], y)
        found.append(moe.params[1])
        for kind, cov_type in {"observed": "observed", "hac": HAC(8), "cluster": "cluster"}.items():
            groups = blocks if kind == "cluster" else None
            errors[kind].append(moe.inference(cov_type=cov_type, groups=groups).std_errors[1])
    spread = np.std(found, ddof=1)
    allowed = 4 / np.sqrt(2 * FEW)  # of a standard deviation, relative
    assert np.mean(errors["observed"]) < 0.75 * spread
    for kind in ("hac", "cluster"):
        assert abs(np.mean(errors[kind]) / spread - 1) < allowed
        assert np.mean(errors[kind]) > 1.25 * np.mean(errors["observed"])
