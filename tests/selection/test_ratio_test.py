"""The bootstrap test of one expert more: its p-value, its draws, what it refuses."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.contextual import labels
from mixstat.fitting.draws import draw_responses
from mixstat.gates import TopKGate
from mixstat.selection import BootstrapTest, bootstrap_test
from mixstat.selection.lo_mendell_rubin import lo_mendell_rubin, weighted_chi_squared_tail
from mixstat.selection.ratio_table import BLOCK, Asked, _pieces, monte_carlo_pvalue
from tests.benchmarks.ratio import rejections

QUICK: dict[str, Any] = {"gate_degree": 0, "n_init": 4}
N = 120


@pytest.fixture(scope="module")
def two_lines():
    random = np.random.default_rng(3)
    X = random.uniform(-1, 1, (N, 1))
    y = np.where(random.random(N) < 0.5, 2 * X[:, 0], 3 - X[:, 0])
    return X, y + 0.3 * random.standard_normal(N)


@pytest.fixture(scope="module")
def one_line():
    random = np.random.default_rng(7)
    X = random.uniform(-1, 1, (N, 1))
    return X, X[:, 0] + random.standard_normal(N)


@pytest.fixture(scope="module")
def tested(two_lines) -> BootstrapTest:
    return bootstrap_test(*two_lines, estimator=MixtureOfExperts(**QUICK), n_draws=8)


@pytest.mark.fast
def test_the_pvalue_by_hand():
    draws = pd.DataFrame(
        {
            "statistic": [1.0, 5.0, 9.0, 2.0, 3.0, 7.0],
            "counts_null": [True, True, False, True, True, True],
        }
    )
    assert monte_carlo_pvalue(4.0, draws, None) == (3 / 6, 6)  # 5 and 7 of five, and the data
    assert monte_carlo_pvalue(8.0, draws, None) == (1 / 6, 6)  # 9 is left out
    assert monte_carlo_pvalue(2.5, draws, 2) == (2 / 4, 5)  # 5 and 3, of the first four that count
    assert monte_carlo_pvalue(5.0, draws, 1) == (1 / 2, 2)  # one that is equal is as large
    assert monte_carlo_pvalue(8.0, draws, 1) == (1 / 6, 6)  # never reached


@pytest.mark.exhaustive
def test_the_statistic_is_that_of_two_single_fits(two_lines, tested):
    X, y = two_lines
    total = [
        MixtureOfExperts(k, random_state=0, **QUICK).fit(X, y).score_samples(X, y).sum()
        for k in (1, 2)
    ]
    assert tested.statistic == pytest.approx(2 * (total[1] - total[0]), abs=1e-8)
    assert tested.pvalue == 1 / 9
    assert tested.alternative is not None
    assert tested.alternative.certificate_.is_regular
    assert tested.null.n_experts_ == 1


def test_draws_are_refits_of_responses_from_the_null_model(two_lines, tested):
    X, _ = two_lines
    seed = int(np.random.RandomState(0).randint(2**31))
    random = np.random.default_rng([seed, 0, 0])
    responses = draw_responses(tested.null.fit_, BLOCK, random)
    for i in (0, 5):
        y, row = responses[i][:, 0], tested.table.iloc[i]
        one = MixtureOfExperts(1, gate_degree=0).fit(X, y)
        low = one.score_samples(X, y).sum()
        assert row["log_likelihood_null"] == pytest.approx(low, abs=1e-8)
        two = MixtureOfExperts(2, random_state=0, **QUICK).fit(X, y)
        high = two.score_samples(X, y).sum()
        assert row["log_likelihood_alternative"] >= high - 1e-6  # no worse than a search
        gain = row["log_likelihood_alternative"] - low
        assert row["statistic"] == pytest.approx(2 * gain, abs=1e-8)
    assert (tested.draws >= 0).all()
    assert tested.n_certified == 8 - tested.n_zero
    assert tested.n_inadmissible == 0
    assert (tested.table["status_null"] == "CONVERGED").all()


@pytest.mark.exhaustive
def test_a_seed_fixes_the_draws_however_many_there_are(two_lines, tested):
    moe = MixtureOfExperts(**QUICK)
    fewer = bootstrap_test(*two_lines, estimator=moe, n_draws=5)
    np.testing.assert_array_equal(fewer.draws, tested.draws[:5])
    other = bootstrap_test(*two_lines, estimator=moe, n_draws=5, random_state=1)
    assert not np.any(other.draws == fewer.draws)
    assert other.statistic == pytest.approx(fewer.statistic, abs=1e-8)


@pytest.mark.exhaustive
def test_draws_end_early_where_enough_are_as_large(one_line):
    moe = MixtureOfExperts(**QUICK)
    whole = bootstrap_test(*one_line, estimator=moe, n_draws=BLOCK)
    early = bootstrap_test(*one_line, estimator=moe, n_draws=10 * BLOCK, stop_after=3)
    assert early.stopped
    assert not whole.stopped
    made = len(early.table)
    assert made < BLOCK
    np.testing.assert_array_equal(early.draws, whole.draws[:made])
    assert early.pvalue == 3 / made
    assert early.draws[-1] >= early.statistic
    assert np.sum(early.draws >= early.statistic) == 3
    assert whole.pvalue == (1 + np.sum(whole.draws >= whole.statistic)) / (BLOCK + 1)
    assert "ended early" in str(early)
    assert early.monte_carlo_error > 0


@pytest.mark.fast
def test_an_early_end_is_looked_for_early():
    pieces = list(_pieces(Asked(0.0, 100, 2)))
    assert [number for piece in pieces for number in piece] == list(range(100))
    assert [len(piece) for piece in pieces] == [8, 16, 32, 32, 12]
    assert [len(piece) for piece in _pieces(Asked(0.0, 19, 1))] == [4, 8, 7]
    assert max(len(piece) for piece in _pieces(Asked(0.0, 500, 50))) == BLOCK
    assert [len(piece) for piece in _pieces(Asked(0.0, 300, None))] == [128, 128, 44]


@pytest.mark.exhaustive
def test_what_is_told(tested, capsys, two_lines):
    first, second, third = str(tested).splitlines()
    assert first.startswith("Bootstrap test of K=1 against K=2: likelihood ratio statistic")
    assert "p = 0.1111" in first
    zero = tested.n_zero
    assert second.startswith(f"8 draws: {8 - zero} with both refits certified, {zero} where no")
    assert third.startswith("For comparison only, Lo, Mendell and Rubin: p = ")
    moe = MixtureOfExperts(**QUICK)
    bootstrap_test(*two_lines, estimator=moe, n_draws=1, verbose=True)
    told = capsys.readouterr().out
    assert "[bootstrap_test] 1 draws, 0 at least as large as the data's" in told


@pytest.mark.exhaustive
def test_a_statistic_is_zero_where_no_larger_model_counts(one_line):
    """Two experts with nearly half of the rows each, where there is one line."""
    moe = MixtureOfExperts(min_share=0.49, **QUICK)
    test = bootstrap_test(*one_line, estimator=moe, n_draws=8)
    none = ~test.table["counts_alternative"]
    assert test.n_zero == none.sum() > 0
    assert (test.table["statistic"][none] == 0).all()
    assert test.alternative is None
    assert (test.statistic, test.pvalue) == (0.0, 1.0)
    assert np.isnan(test.lo_mendell_rubin)
    assert "Mendell" not in str(test)


@pytest.mark.exhaustive
def test_draws_without_the_experts_of_the_hypothesis_are_left_out():
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (N, 1))
    y = np.where(np.arange(N) < 0.3 * N, 4.0, X[:, 0]) + 0.3 * random.standard_normal(N)
    moe = MixtureOfExperts(min_share=0.29, **QUICK)
    with pytest.warns(ConvergenceWarning, match=r"In \d+ of 16 draws the fit with 2 experts"):
        test = bootstrap_test(X, y, n_experts=2, estimator=moe, n_draws=16)
    assert 0 < test.n_inadmissible < 16
    assert len(test.draws) == 16 - test.n_inadmissible


@pytest.mark.exhaustive
def test_classes(rng):
    X = rng.uniform(-1, 1, (80, 1))
    y = np.where(rng.random(80) < 1 / (1 + np.exp(-2 * X[:, 0])), "in", "out")
    moe = MixtureOfExpertsClassifier(n_init=2)
    test = bootstrap_test(X, y, estimator=moe, n_draws=4)
    assert test.table["counts_null"].all()
    assert 0.2 <= test.pvalue <= 1


@pytest.mark.fast
def test_models_that_cannot_be_tested_are_refused(two_lines):
    for settings in ({"ridge": 0.1}, {"expert_penalty": 0.1}, {"scale_penalty": 1.0}):
        with pytest.raises(ValueError, match="estimator must not be penalised"):
            bootstrap_test(*two_lines, estimator=MixtureOfExperts(**settings))
    contexts = ContextualMixtureOfExperts(labels("g", ["in", "out"], 0.8))
    with pytest.raises(ValueError, match="contexts state how many"):
        bootstrap_test(*two_lines, estimator=contexts)
    for gate in ("gaussian", TopKGate(k=1)):
        with pytest.raises(ValueError, match="a gate that is fitted to y given x alone"):
            bootstrap_test(*two_lines, estimator=MixtureOfExperts(gate=gate))


def test_models_that_are_not_nested_are_refused(two_lines):
    moe = MixtureOfExperts(degree=[0, 1], gate_degree=0, n_init=2)
    with pytest.raises(ValueError, match="experts that are all of one kind"):
        bootstrap_test(*two_lines, n_experts=2, estimator=moe)
    moe = MixtureOfExperts(expert="poisson", max_iter=1, **QUICK)
    X, y = two_lines
    with pytest.warns(ConvergenceWarning), pytest.raises(ValueError, match="is a maximum: MAX"):
        bootstrap_test(X, np.round(np.exp(y)), estimator=moe)


@pytest.mark.fast
def test_tails_of_weighted_sums_of_chi_squared_variables():
    one = weighted_chi_squared_tail(np.array([2.0]), 3.0)
    assert one == pytest.approx(stats.chi2.sf(1.5, 1), abs=1e-12)
    four = weighted_chi_squared_tail(np.array([1.0, 1.0, 1.0, 0.0, 1.0]), 7.0)
    assert four == pytest.approx(stats.chi2.sf(7.0, 4), abs=1e-12)
    # two pairs: a hypoexponential law
    two = weighted_chi_squared_tail(np.array([3.0, 3.0, 1.0, 1.0]), 5.0)
    known = (3 * np.exp(-5 / 6) - np.exp(-5 / 2)) / 2
    assert two == pytest.approx(known, abs=1e-12)
    assert weighted_chi_squared_tail(np.array([1.0, -1.0]), 0.0) == pytest.approx(0.5, abs=1e-4)
    assert weighted_chi_squared_tail(np.zeros(2), 1.0) == 0.0


def test_their_law_is_chi_squared_where_models_are_nested_and_regular():
    """One expert with and without an input, which has no effect."""
    random = np.random.default_rng(0)
    X = random.standard_normal((4000, 2))
    y = X[:, 0] + random.standard_normal(4000)
    small = MixtureOfExperts(1, expert_features=[0]).fit(X, y)
    large = MixtureOfExperts(1).fit(X, y)
    tail = lo_mendell_rubin(small.fit_, large.fit_, 3.0)
    adjusted = 3.0 / (1 + 1 / np.log(4000))
    assert tail == pytest.approx(stats.chi2.sf(adjusted, 1), rel=0.1)


@pytest.mark.exhaustive
def test_two_clear_lines_are_no_single_one():
    assert rejections(n_experts=1, n=200, count=1, distance=4.0) == 1


@pytest.mark.slow
def test_the_size_of_the_test():
    """As many false rejections as the level says, of one expert and of two."""
    assert 2 <= rejections(n_experts=1, n=200, count=200, distance=0.0) <= 20
    assert 0 <= rejections(n_experts=2, n=200, count=100, distance=0.0) <= 12
    assert rejections(n_experts=1, n=200, count=20, distance=3.0) >= 18
