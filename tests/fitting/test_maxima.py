"""Which maximum is returned: exact structure wins, what chance explains does not."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts
from mixstat.evidence import SearchEvidence
from mixstat.fitting import search
from mixstat.fitting.adaptive import (
    GROWN,
    MOST_BUDGET,
    ROUND,
    capacity,
    first_round,
    most_moves,
)
from mixstat.fitting.moves import doubled, moves, without
from mixstat.fitting.starts import StartRows
from mixstat.results import Status
from mixstat.solvers.admissible import grid_step
from tests.sweeps import first, rest

SEEDS = range(3)


def steps(noise=0.0):
    random = np.random.default_rng(1)
    x = np.linspace(0, 10, 50)
    return x[:, None], np.where(x < 5, 1.0, 3.0) + noise * random.standard_normal(50)


def zeros_beside_a_line():
    random = np.random.default_rng(2)
    x = random.uniform(0, 3, 300)
    zero = random.random(300) < 1 / (1 + np.exp(-(x - 1.5)))
    y = np.where(zero, 0.0, 4 + 2 * x + 0.8 * random.standard_normal(300))
    return x[:, None], y, zero


def one_line(n, seed):
    random = np.random.default_rng([n, seed])
    x = random.normal(size=(n, 1))
    return x, 1 + x[:, 0] + random.normal(size=n)


def told(moe, X, y, match):
    with pytest.warns(ConvergenceWarning, match=match):
        moe.fit(X, y)
    return moe


@pytest.mark.parametrize("noise", [0.0, 1e-4])
@pytest.mark.parametrize("seed", SEEDS)
def test_an_exact_step_is_found_and_told(noise, seed):
    X, y = steps(noise)
    moe = told(MixtureOfExperts(2, random_state=seed), X, y, "fits its rows exactly")
    assert moe.status_ == Status.EXACT
    assert not moe.certificate_.sound
    np.testing.assert_allclose(np.sort(moe.expert_coef_[:, 0]), [1, 3], atol=1e-3)
    assert moe.log_likelihood_ > 7.5


@pytest.mark.parametrize("expert", first(["gaussian", "t"]))
@pytest.mark.parametrize("seed", SEEDS)
def test_zeros_beside_a_line_are_an_expert(expert, seed):
    X, y, zero = zeros_beside_a_line()
    moe = MixtureOfExperts(2, expert=expert, random_state=seed)
    told(moe, X, y, "Expert 0 fits its rows exactly")
    features = np.column_stack([np.ones(len(X)), X])[~zero]
    line = np.linalg.lstsq(features, y[~zero], rcond=None)[0]
    np.testing.assert_allclose(moe.expert_coef_[0], 0, atol=1e-6)
    if expert == "gaussian":
        np.testing.assert_allclose(moe.expert_coef_[1], line, rtol=1e-6)


def test_zeros_beside_two_outputs():
    X, y, zero = zeros_beside_a_line()
    noise = np.random.default_rng(3).standard_normal(300)
    Y = np.column_stack([y, np.where(zero, 0.0, 1 - X[:, 0] + 0.5 * noise)])
    moe = told(MixtureOfExperts(2, random_state=0), X, Y, "Expert 0 fits its rows exactly")
    np.testing.assert_allclose(moe.expert_coef_[0], 0, atol=1e-6)


def test_a_spike_of_gamma_responses_is_an_expert():
    X, y, zero = zeros_beside_a_line()
    y = np.where(zero, 2.0, np.random.default_rng(4).gamma(3, 1 + X[:, 0]))
    moe = MixtureOfExperts(2, expert="gamma", random_state=0)
    told(moe, X, y, "Expert 0 fits its rows exactly")
    np.testing.assert_allclose(moe.expert_coef_[0], [np.log(2), 0], atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_value_that_rows_of_two_lines_have_is_an_expert(seed):
    """Most independent starts agree on an end that is far below."""
    random = np.random.default_rng(2)
    x = random.uniform(0, 10, 400)
    steep = random.random(400) < 0.4
    y = np.where(steep, 5 + 4.2 * x, 20 - x) + 3 * random.standard_normal(400)
    y[random.choice(400, 10, replace=False)] = 25.0
    moe = told(MixtureOfExperts(3, random_state=seed), x[:, None], y, "fits its rows exactly")
    flat = int(np.argmin(moe.scale_))
    np.testing.assert_allclose(moe.expert_coef_[flat], [25, 0], atol=1e-6)
    assert 400 * moe.log_likelihood_ == pytest.approx(-1153.327, abs=1e-3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_groups_on_one_line():
    wrong = 0
    for seed in range(4):
        X, y = one_line(60, seed)
        one, two = (MixtureOfExperts(k, random_state=0).fit(X, y) for k in (1, 2))
        proof = two.certificate_
        assert not (proof.sound and (proof.spurious_experts or proof.thin_experts))
        assert two.log_likelihood_ >= one.log_likelihood_ - 1e-9
        wrong += two.bic(X, y) < one.bic(X, y)
    assert wrong <= 1


def test_where_no_end_counts_the_smaller_model_is_returned():
    X, y = one_line(60, 10)
    moe = told(MixtureOfExperts(2, random_state=0), X, y, "The best model of fewer experts")
    assert moe.certificate_.coinciding_experts == ((0, 1),)
    assert not moe.certificate_.sound
    one = MixtureOfExperts(1).fit(X, y)
    assert moe.log_likelihood_ == pytest.approx(one.log_likelihood_, abs=1e-9)


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_five_outliers_stay(scale):
    random = np.random.default_rng(5)
    x = random.normal(size=100)
    y = 1 + x + random.normal(size=100)
    y[:5] = 8 + scale * random.normal(size=5)
    moe = MixtureOfExperts(2, random_state=0).fit(x[:, None], y)
    assert moe.certificate_.is_regular
    assert 100 * moe.expert_share_.min() == pytest.approx(5, abs=0.1)


def test_an_expert_may_be_asked_to_rest_on_a_share_of_the_rows():
    random = np.random.default_rng(5)
    x = random.normal(size=100)
    y = 1 + x + random.normal(size=100)
    y[:5] = 8 + random.normal(size=5)
    y[50:] += 2 * x[50:]
    small = MixtureOfExperts(2, random_state=0).fit(x[:, None], y)
    large = MixtureOfExperts(2, min_share=0.1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        large.fit(x[:, None], y)
    assert small.expert_share_.min() < 0.1
    assert not large.certificate_.sound or large.expert_share_.min() >= 0.1
    assert large.log_likelihood_ < small.log_likelihood_
    with pytest.raises(ValueError, match="min_share must be at most one over"):
        MixtureOfExperts(2, min_share=0.6).fit(x[:, None], y)


@pytest.mark.parametrize("expert", first(["gaussian", "gamma", "t"]))
def test_the_ratio_of_scales_may_be_bounded(expert):
    random = np.random.default_rng(11)
    x = random.uniform(0, 2, size=300)
    first = random.random(300) < 0.5
    noise = random.gamma(np.where(first, 100.0, 4.0)) / np.where(first, 100.0, 4.0)
    mean = np.where(first, np.exp(1 + x), np.exp(3 - 0.5 * x))
    y = (
        mean * noise
        if expert == "gamma"
        else np.log(mean) + np.where(first, 0.05, 0.5) * (random.standard_normal(300))
    )
    free = MixtureOfExperts(2, expert=expert, random_state=0).fit(x[:, None], y)
    ratio = _ratio_of_scales(free)
    assert ratio > 3
    wide = MixtureOfExperts(2, expert=expert, max_scale_ratio=1.01 * ratio, random_state=0)
    assert wide.fit(x[:, None], y).log_likelihood_ == free.log_likelihood_
    assert wide.certificate_.sound
    tight = MixtureOfExperts(2, expert=expert, max_scale_ratio=0.9 * ratio, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        tight.fit(x[:, None], y)
    assert tight.log_likelihood_ < free.log_likelihood_
    assert _ratio_of_scales(tight) <= 0.9 * ratio


def _ratio_of_scales(moe: MixtureOfExperts) -> float:
    scale = moe.shape_**-0.5 if moe.expert == "gamma" else moe.scale_
    return float(np.max(scale) / np.min(scale))


def test_an_end_beyond_the_ratio_of_scales_is_told_where_there_is_no_other():
    random = np.random.default_rng(11)
    x = random.uniform(0, 2, size=100)
    y = np.where(random.random(100) < 0.5, 1 + x, 3 - x)
    y += np.where(y > 2, 0.01, 0.5) * random.standard_normal(100)
    free = MixtureOfExperts(2, random_state=0).fit(x[:, None], y)
    labels = np.argmax(free.responsibilities(x[:, None], y), axis=1)
    held = MixtureOfExperts(2, max_scale_ratio=2.0, init=labels)
    with pytest.warns(ConvergenceWarning, match="smaller beside the largest than max_scale_ratio"):
        held.fit(x[:, None], y)
    assert held.certificate_.narrow_experts == (int(np.argmin(held.scale_)),)
    assert not held.certificate_.sound


def test_ties_of_tenths_are_no_structure():
    random = np.random.default_rng(6)
    x = random.uniform(-2, 2, 200)
    y = np.where(random.random(200) < 0.5, 1 + x, -1 - x) + 0.4 * random.standard_normal(200)
    exact = MixtureOfExperts(2, random_state=0).fit(x[:, None], y)
    rounded = MixtureOfExperts(2, random_state=0).fit(x[:, None], np.round(y, 1))
    assert rounded.status_ == Status.CONVERGED
    np.testing.assert_allclose(rounded.expert_coef_, exact.expert_coef_, atol=0.05)


def test_steps_of_a_grid():
    random = np.random.default_rng(7)
    values = random.normal(size=300)
    assert grid_step(np.round(values, 1) / 3) == pytest.approx(0.1 / 3)
    assert grid_step(values) == 0
    assert grid_step(np.where(values > 0, 1.0, 3.0)) == 0  # two values are classes
    assert grid_step(np.where(values > 0, 0.0, values)) == 0


# the search


def test_evidence_in_numbers():
    seen = SearchEvidence(starts=12, ends=3, met_best=5, met_once=1)
    assert seen.unseen == pytest.approx(1 / 12)
    assert seen.better_unseen == pytest.approx(1 / 48)
    assert seen.enough
    assert not SearchEvidence(starts=12, ends=3, met_best=2, met_once=1).enough
    assert not SearchEvidence(starts=12, ends=8, met_best=3, met_once=12).enough
    assert SearchEvidence(starts=3, ends=2, met_best=2, met_once=1).better_unseen > 0.1
    assert "5 of 12 independent starts" in seen.sentence()
    # three starts of forty count and agree: that is little, and three of four would be as little
    few = SearchEvidence(starts=40, ends=1, met_best=3, met_once=0, rejected=60, idle=37)
    assert few.unseen == pytest.approx(2 / 6)
    assert not few.enough
    assert SearchEvidence(starts=40, ends=1, met_best=4, met_once=0, idle=36).enough
    assert SearchEvidence(starts=20, ends=3, met_best=4, met_once=1, idle=10).enough
    assert not SearchEvidence(starts=20, ends=3, met_best=3, met_once=1, idle=10).enough
    assert SearchEvidence(starts=20, ends=0, met_best=0, met_once=0, idle=20).unseen == 1


@pytest.mark.fast
def test_more_experts_ask_for_more_starts_that_agree():
    def enough(n_experts, met_best, starts):
        return SearchEvidence(
            starts=starts, ends=3, met_best=met_best, met_once=0, n_experts=n_experts
        ).enough

    for n_experts, needed in {1: 4, 2: 4, 3: 6, 4: 8, 5: 10}.items():
        assert enough(n_experts, needed, 60)
        assert not enough(n_experts, needed - 1, 60)
    # of few starts no more than a third are asked for, or four, or half of very few
    assert enough(5, 4, 12)
    assert not enough(5, 3, 12)
    assert enough(5, 6, 18)
    assert not enough(5, 5, 18)
    assert enough(5, 2, 4)


def test_evidence_knows_the_number_of_experts():
    random = np.random.default_rng(9)
    x, line = random.uniform(-2, 2, (150, 1)), random.integers(3, size=150)
    y = 5.0 * line + x[:, 0] + 0.5 * random.standard_normal(150)
    moe = MixtureOfExperts(3, gate_degree=0, n_init=3, random_state=0).fit(x, y)
    search = moe.certificate_.search
    assert search.n_experts == 3


def test_a_search_counts_what_it_found():
    random = np.random.default_rng(8)
    x = random.uniform(-2, 2, (300, 1))
    first = random.random(300) < 0.5
    y = np.where(first, 1 + x[:, 0], -1 - x[:, 0]) + 0.3 * random.standard_normal(300)
    moe = MixtureOfExperts(2, random_state=0).fit(x, y)
    seen, table = moe.certificate_.search, moe.starts_
    made = ~np.isin(table["start"], ["move", "smaller"])
    assert seen.starts == made.sum()
    assert seen.moves == (~made).sum() > 0
    near = np.abs(table["log_likelihood"] - moe.log_likelihood_) < 1e-6
    assert seen.met_best == (made & near & ~table["degenerate"]).sum()
    assert moe.certificate_.sound
    assert str(seen.met_best) in str(moe.certificate_)
    # a number of starts is kept, and one start is no search
    assert len(MixtureOfExperts(2, n_init=3, random_state=0).fit(x, y).starts_) == 3
    alone = MixtureOfExperts(2, init=first.astype(int)).fit(x, y)
    assert alone.certificate_.search is None
    assert alone.certificate_.sound


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_more_experts_or_free_scales_end_no_lower():
    random = np.random.default_rng(9)
    x = random.normal(size=(200, 1))
    third = random.integers(0, 3, 200)
    coef = np.array([[2.0, 1.0], [-2.0, 0.5], [0.0, -1.0]])[third]
    y = coef[:, 0] + coef[:, 1] * x[:, 0] + 0.5 * random.standard_normal(200)
    fits = [MixtureOfExperts(k, random_state=0).fit(x, y).log_likelihood_ for k in (1, 2, 3, 4)]
    assert np.all(np.diff(fits) >= -1e-9)
    tied = MixtureOfExperts(3, covariance="tied", random_state=0).fit(x, y)
    assert fits[2] >= tied.log_likelihood_ - 1e-9


def test_moves_keep_responsibilities_and_empty_no_row(rng):
    n, k = 40, 3
    Phi = np.column_stack([np.ones(n), rng.normal(size=n)])
    rows = StartRows(Phi, Phi, Phi[:, :1], rng.normal(size=(n, 1)), np.full(n, 1 / n))
    shares = rng.dirichlet(np.ones(k), n)
    made = moves(rows, shares, np.arange(k), rng)
    for _ in range(20):
        moved = next(made)
        assert moved.min() >= 0
        np.testing.assert_allclose(moved.sum(axis=1), 1.0, atol=1e-12)
    assert np.all(without(shares, 1)[:, 1] == 0)
    alike = doubled(shares, 1)
    assert sum(np.array_equal(alike[:, 1], alike[:, j]) for j in (0, 2)) == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", first(range(3)))
def test_many_starts_of_which_few_are_finished_end_in_a_model(seed):
    random = np.random.default_rng([400, 1])
    X = random.normal(size=(150, 2))
    y = np.where(X[:, 0] > 0, X[:, 1], -2 * X[:, 1]) + 0.3 * random.normal(size=150)
    moe = MixtureOfExperts(5, n_init=60, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        moe.fit(X, y)
    assert moe.certificate_.search.starts == 60


@pytest.mark.exhaustive
def test_one_more_expert_never_fits_worse():
    random = np.random.default_rng([20, 2])
    x = random.normal(size=(20, 1))
    y = 1 + x[:, 0] + random.normal(size=20)
    three, four = MixtureOfExperts(3, random_state=0), MixtureOfExperts(4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        three.fit(x, y)
        four.fit(x, y)
    # no maximum with four experts counts that is higher, so two of them are alike
    assert four.log_likelihood_ == pytest.approx(three.log_likelihood_, abs=1e-7)
    assert len(four.certificate_.coinciding_experts) == 1
    assert not four.certificate_.sound


@pytest.mark.exhaustive
@pytest.mark.parametrize(("gate", "searches"), [("softmax", 2), rest("sigmoid", 1)])
def test_fewer_experts_are_fitted_only_for_gates_that_can_halve_a_share(
    gate, searches, monkeypatch
):
    random = np.random.default_rng(9)
    X, y = random.normal(size=(25, 1)), random.normal(size=25)
    sizes, real = [], search._search

    def counted(task, longest):
        sizes.append((task.null.n_experts, longest))
        return real(task, 256)

    monkeypatch.setattr(search, "_search", counted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        MixtureOfExperts(3, gate=gate, gate_degree=0, random_state=0).fit(X, y)
    assert [k for k, _ in sizes] == [3, 2][:searches]
    assert all(longest == 256 for _, longest in sizes[1:])  # what memory has room for


def test_starts_grow_with_pairs_of_experts_while_they_are_cheap():
    assert [first_round(k, np.inf) for k in (2, 3, 4, 5)] == [8, 24, 48, 80]
    assert [first_round(k, 50) for k in (2, 5, 8, 20)] == [8, 40, 32, 80]
    assert [most_moves(k, np.inf) for k in (2, 3, 5)] == [60, 135, 375]
    assert [most_moves(k, 50) for k in (2, 5, 8)] == [60, 125, 200]
    for k in (2, 5, 12):
        assert capacity(k) > first_round(k, np.inf) + most_moves(k, np.inf)


@pytest.mark.exhaustive
def test_a_search_that_finds_no_rest_ends_within_its_budget():
    random = np.random.default_rng(8)
    X, y = random.normal(size=(120, 2)), random.normal(size=120)
    moe = MixtureOfExperts(4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        moe.fit(X, y)
    seen = moe.certificate_.search
    assert seen.moves <= most_moves(4, np.inf) + GROWN * 4 + 1
    assert seen.starts <= MOST_BUDGET * 4 + ROUND
    assert not moe.certificate_.sound
