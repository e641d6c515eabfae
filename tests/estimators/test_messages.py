"""What a fit tells a person: short, in words, and with the settings in mind."""

import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import (
    Certificate,
    DesignWarning,
    MixtureOfExperts,
    MixtureOfExpertsClassifier,
    Status,
)
from mixstat.results import MOST_LETTERS, listed


def _lines(n=200):
    random = np.random.default_rng(0)
    x = random.standard_normal((n, 1))
    y = np.where(random.random(n) < 0.5, 3 + x[:, 0], -3 - x[:, 0])
    return x, y + 0.5 * random.standard_normal(n)


def _certificate(status, **findings):
    return Certificate(status, 0.0, 0.0, 1.0, **findings)


@pytest.mark.fast
def test_a_status_prints_its_name():
    assert str(Status.CONVERGED) == f"{Status.CONVERGED}" == "CONVERGED"
    assert Status.CONVERGED == 1
    assert "below tolerance" in Status.CONVERGED.message


@pytest.mark.fast
def test_long_lists_are_cut():
    assert listed(range(3)) == "0, 1, 2"
    assert listed(range(20), 3) == "0, 1, 2 and 17 more"


@pytest.mark.fast
@pytest.mark.parametrize("n_experts", [3, 300])
def test_more_experts_than_rows_are_refused(n_experts):
    X = np.array([[0.0], [1.0]] * 20)
    wanted = rf"n_experts must be at most .* different rows .* 2; got {n_experts}"
    for moe in (MixtureOfExperts(n_experts), MixtureOfExperts(n_experts, n_init=2)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DesignWarning)
            with pytest.raises(ValueError, match=wanted):
                moe.fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"different rows .* 2; got"):
        MixtureOfExpertsClassifier(n_experts).fit(X, X[:, 0] > 0)
    x, y = _lines()
    few = np.zeros(200)
    few[:2] = 1.0
    with pytest.raises(ValueError, match=r"of positive weight.* 2; got"):
        MixtureOfExperts(n_experts).fit(x, y, sample_weight=few)


@pytest.mark.exhaustive
def test_warnings_are_of_a_readable_length(rng):
    X, y = rng.standard_normal((25, 300)), rng.standard_normal(25)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        MixtureOfExperts(1).fit(X, y)
        MixtureOfExperts(6, expert_features=[0], n_init=1, max_iter=20, random_state=0).fit(X, y)
    messages = [str(one.message) for one in told]
    assert max(map(len, messages)) <= MOST_LETTERS
    assert any(re.search(r"x\d+ and \d+ more", message) for message in messages)


@pytest.mark.fast
def test_advice_looks_at_the_penalty():
    separated = _certificate(Status.SEPARATED, diverging_experts=(0,))
    assert "add a ridge" in str(separated)
    shrunk = str(_certificate(Status.SEPARATED, diverging_experts=(0,), penalised=True))
    assert "add a ridge" not in shrunk
    assert "leaves constants free" in shrunk
    assert "add a small ridge" not in str(_certificate(Status.STALLED, penalised=True))
    alone = _certificate(Status.COLLAPSED, n_experts=1, binding_floors=(0,), thin_experts=(0,))
    assert "fewer experts" not in str(alone)
    assert "fewer features" in str(alone)


def test_a_ridge_that_cannot_help_is_not_advised(rng):
    """Classes that the gate tells apart leave each expert sure of one of them."""
    X = rng.standard_normal((150, 2))
    label = X[:, 0] > 0
    moe = MixtureOfExpertsClassifier(2, ridge=1e-2, n_init=3, random_state=0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        moe.fit(X, label)
    assert "add a ridge" not in " ".join(str(one.message) for one in told)
    assert "add a ridge" not in str(moe.certificate_)


def test_verbose_tells_what_starts_are_compared_by(capsys):
    x, y = _lines()
    moe = MixtureOfExperts(2, ridge=0.5, n_init=3, random_state=0, verbose=1).fit(x, y)
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if "iterations" in line]
    found = [float(re.search(r"less the penalty (-?[\d.]+)", line)[1]) for line in told]
    assert max(found) == pytest.approx(moe.fit_.maximum.value - moe.fit_.log_unit, abs=1e-6)
    assert "CONVERGED" in lines[-1]


def test_weights_are_told_to_be_frequencies():
    x, y = _lines()
    weight = np.full(200, 1000.0)
    plain = MixtureOfExperts(1).fit(x, y)
    moe = MixtureOfExperts(1).fit(x, y, sample_weight=weight)
    text = " ".join(str(moe.summary()).split())
    assert "Weights count as numbers of rows, 200000 in all" in text
    assert "Weights count" not in str(plain.summary())
    with pytest.warns(UserWarning, match="sample_weight was given to fit and not here"):
        once = moe.bic(x, y)
    assert once == pytest.approx(plain.bic(x, y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert moe.bic(x, y, weight) > 100 * once
        moe.aic(x, y, np.ones(200))


@pytest.mark.parametrize("slopes", [(1.0, -1.0), (-1.0, 1.0)])
def test_a_start_that_is_given_numbers_the_experts(slopes):
    """Also where lines cross, so that their order by height is an accident."""
    random = np.random.default_rng(2)
    x = random.standard_normal((300, 1))
    first = random.random(300) < 0.5
    y = np.where(first, slopes[0] * x[:, 0], slopes[1] * x[:, 0]) + 0.2 * random.standard_normal(
        300
    )
    labels = np.where(first, 0, 1)
    by_label = MixtureOfExperts(2, init=labels).fit(x, y)
    np.testing.assert_allclose(by_label.expert_coef_[:, 1], slopes, atol=0.1)
    assert "the numbers that they have in the start" in str(by_label.summary()).replace("\n", " ")
    shares = np.column_stack([labels == 0, labels == 1]).astype(float)
    by_share = MixtureOfExperts(2, init=shares).fit(x, y)
    np.testing.assert_allclose(by_share.expert_coef_[:, 1], slopes, atol=0.1)
    for seed in range(4):
        drawn = np.random.default_rng(seed).integers(300, size=300)
        again = MixtureOfExperts(2, init=by_label).fit(x[drawn], y[drawn])
        np.testing.assert_allclose(again.expert_coef_[:, 1], slopes, atol=0.2)
    warm = MixtureOfExperts(2, init=labels, warm_start=True).fit(x, y).fit(x, y - 0.01 * x[:, 0])
    np.testing.assert_allclose(warm.expert_coef_[:, 1], slopes, atol=0.1)


@pytest.mark.exhaustive
def test_single_trials_under_constant_shares_are_told(rng):
    hours = rng.uniform(0, 5, (60, 1))
    passed = (rng.random(60) < 1 / (1 + np.exp(2.5 - hours[:, 0]))).astype(int)
    settings = {"gate_degree": 0, "n_init": 2, "random_state": 0}
    from mixstat.experts import BinomialExperts

    moe = MixtureOfExperts(2, expert=BinomialExperts(trials=1), **settings)
    classes = MixtureOfExpertsClassifier(2, **settings)
    several = MixtureOfExperts(2, expert=BinomialExperts(trials=10), **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for one in (moe, classes):
            assert "Follmann and Lambert" in str(one.fit(hours, passed).summary())
        ten = rng.binomial(10, 0.2 + 0.1 * (hours[:, 0] > 2))
        assert "Follmann" not in str(several.fit(hours, ten).summary())


@pytest.mark.exhaustive
def test_a_level_whose_rows_belong_to_one_expert_is_named(rng):
    pd = pytest.importorskip("pandas")
    level = rng.choice(list("abc"), 300)
    second = np.where(level == "c", True, rng.random(300) < 0.5)
    x = rng.standard_normal(300)
    y = np.where(second, 5 + x, -5 - x) + 0.3 * rng.standard_normal(300)
    data = pd.DataFrame({"y": y, "x": x, "level": pd.Categorical(level)})
    with pytest.warns(ConvergenceWarning, match=r"level\[T\.c\] belongs to expert 0"):
        moe = MixtureOfExperts.from_formula(
            "y ~ x + level", gate="~ level", data=data, n_experts=2, n_init=3, random_state=0
        )
    assert moe.certificate_.empty_levels == (("level[T.c]", 0),)
