"""A lower bound for the number of experts: it is valid, has power, and says what it rests on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from sklearn.model_selection import KFold

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.contextual import labels
from mixstat.results import Status
from mixstat.selection import fewest_experts

QUICK: dict[str, Any] = {"gate_degree": 0, "n_init": 4}


@pytest.fixture(scope="module")
def two_lines():
    random = np.random.default_rng(3)
    X = random.uniform(-1, 1, (120, 1))
    y = np.where(random.random(120) < 0.5, 2 * X[:, 0], 3 - X[:, 0])
    return X, y + 0.3 * random.standard_normal(120)


@pytest.mark.exhaustive
def test_two_clear_experts_are_found_and_no_more(two_lines):
    quick = MixtureOfExperts(gate_degree=0, n_init=2)
    bound = fewest_experts(*two_lines, estimator=quick, most=3)
    assert bound.bound == 2
    assert list(bound.table["rejected"]) == [True, False]
    assert bound.table["threshold"][0] == pytest.approx(np.log(20))
    assert str(bound).startswith("At least 2 experts at 95 % confidence. 2 experts cannot be")
    stricter = fewest_experts(
        *two_lines, estimator=MixtureOfExperts(**QUICK), most=2, level=1 - 1e-12
    )
    assert stricter.bound == (2 if stricter.table["log_ratio"][0] > 12 * np.log(10) else 1)


def test_the_ratio_is_that_of_both_halves(two_lines):
    X, y = two_lines
    bound = fewest_experts(X, y, estimator=MixtureOfExperts(**QUICK), most=2, random_state=5)
    seed = int(np.random.RandomState(5).randint(2**31))
    ratios = []
    first, second = next(KFold(2, shuffle=True, random_state=seed).split(X))
    for own, other in ((first, second), (second, first)):
        more = MixtureOfExperts(2, random_state=seed, **QUICK).fit(X[other], y[other])
        fewer = MixtureOfExperts(1, random_state=seed, **QUICK).fit(X[own], y[own])
        both = [moe.score_samples(X[own], y[own]).sum() for moe in (more, fewer)]
        ratios.append(both[0] - both[1])
    row = bound.table.iloc[0]
    assert row["log_ratio_first"] == pytest.approx(ratios[0], rel=1e-9)
    assert row["log_ratio_second"] == pytest.approx(ratios[1], rel=1e-9)
    assert row["log_ratio"] == pytest.approx(logsumexp(ratios) - np.log(2), rel=1e-9)
    alone = fewest_experts(
        X, y, estimator=MixtureOfExperts(**QUICK), most=2, random_state=5, cross_fit=False
    )
    assert alone.table["log_ratio"][0] == pytest.approx(ratios[0], rel=1e-9)


def _is_false(seed: int, family: str) -> tuple[bool, float]:
    """Whether "at least two" is said of one expert, and the ratio."""
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (60, 1))
    y = {
        "gaussian": lambda: X[:, 0] + random.standard_normal(60),
        "poisson": lambda: random.poisson(np.exp(1 + X[:, 0])).astype(float),
        "gamma": lambda: random.gamma(2.0, np.exp(X[:, 0]) / 2),
    }[family]()
    moe = MixtureOfExperts(expert=family, gate_degree=0, n_init=2)
    bound = fewest_experts(X, y, estimator=moe, most=2, random_state=seed)
    return bound.bound > 1, float(np.exp(bound.table["log_ratio"][0]))


def test_false_statements_are_rare():
    """A mean of at most one is what the level follows from."""
    answers = [_is_false(seed, "gaussian") for seed in range(8)]
    assert sum(false for false, _ in answers) == 0
    assert np.mean([ratio for _, ratio in answers]) < 1


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gaussian", "poisson", "gamma"])
def test_false_statements_are_rare_in_many_data_sets(family):
    answers = [_is_false(seed, family) for seed in range(400)]
    assert sum(false for false, _ in answers) <= 0.05 * 400
    assert np.nanmean([ratio for _, ratio in answers]) < 1


def _says_two(seed: int, distance: float, n: int = 200) -> bool:
    """Whether "at least two" is said of two lines at a distance, in deviations."""
    random = np.random.default_rng([seed, n])
    X = random.uniform(-1, 1, (n, 1))
    apart = distance * (random.integers(2, size=n) - 0.5)
    y = X[:, 0] + apart + random.standard_normal(n)
    moe = MixtureOfExperts(gate_degree=0, n_init=2)
    return fewest_experts(X, y, estimator=moe, most=2, random_state=seed).bound > 1


def test_clear_lines_are_told_apart_and_close_ones_are_not():
    assert sum(_says_two(seed, 5.0) for seed in range(4)) == 4
    assert sum(_says_two(seed, 1.5) for seed in range(4)) == 0


@pytest.mark.slow
def test_power_grows_with_the_distance_of_lines():
    """From the level of a false statement to certainty."""
    found = {d: sum(_says_two(seed, d) for seed in range(100)) for d in (0.0, 2.5, 3.0, 3.5, 4.5)}
    assert list(found.values()) == sorted(found.values())
    assert found[0.0] <= 5
    assert found[3.0] >= 20
    assert found[4.5] >= 95


def test_a_fit_that_is_no_maximum_rejects_nothing(two_lines):
    X, y = two_lines
    moe = MixtureOfExperts(expert="poisson", max_iter=1, **QUICK)
    bound = fewest_experts(X, np.round(np.exp(y)), estimator=moe, most=2)
    assert bound.bound == 1
    assert bound.table["status"][0] == Status.MAX_ITER.name
    assert bound.remark == (
        "The fit with one expert is no maximum (MAX_ITER), so it rejects nothing."
    )
    assert not bound.table["rejected"][0]


def test_the_largest_number_that_was_tried_is_told(two_lines):
    bound = fewest_experts(*two_lines, estimator=MixtureOfExperts(**QUICK), most=2)
    assert bound.bound == 2
    assert bound.remark.startswith("No more than 2 experts were tried")


@pytest.mark.exhaustive
def test_classes(rng):
    X = rng.uniform(-1, 1, (80, 1))
    y = np.where(rng.random(80) < 1 / (1 + np.exp(-2 * X[:, 0])), "in", "out")
    moe = MixtureOfExpertsClassifier(gate_degree=0, n_init=2)
    assert fewest_experts(pd.DataFrame(X, columns=["x"]), y, estimator=moe, most=2).bound == 1


@pytest.mark.fast
def test_a_penalty_or_contexts_are_refused(two_lines):
    for settings in ({"ridge": 0.1}, {"expert_penalty": 0.1}, {"scale_penalty": 1.0}):
        with pytest.raises(ValueError, match="estimator must not be penalised"):
            fewest_experts(*two_lines, estimator=MixtureOfExperts(**settings))
    contexts = ContextualMixtureOfExperts(labels("g", ["in", "out"], 0.8))
    with pytest.raises(ValueError, match="contexts state how many"):
        fewest_experts(*two_lines, estimator=contexts)
