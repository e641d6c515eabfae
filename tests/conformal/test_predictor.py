"""Sets around fits: what they hold, and what is refused."""

import pickle
import warnings
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.conformal import ConformalPredictor, IntervalSets, LabelSets
from mixstat.conformal.content import least_log_density
from mixstat.conformal.guarantees import least_of_cross
from mixstat.conformal.ranks import Calibration, Ranks, threshold
from mixstat.experts import Censored

mpl.use("Agg")
QUICK: dict[str, Any] = {"gate_degree": 0, "n_init": 2, "random_state": 0}


def branches(n: int, seed: int):
    """Two branches, one up and one down."""
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (n, 1))
    sign = np.where(random.random(n) < 0.5, 1.0, -1.0)
    return X, sign * (2 + X[:, 0]) + 0.3 * random.standard_normal(n)


@pytest.fixture(scope="module")
def rows():
    return branches(90, 2)


@pytest.fixture(scope="module")
def fitted(rows):
    return MixtureOfExperts(2, **QUICK).fit(*rows)


@pytest.fixture(scope="module")
def calibrated(fitted) -> ConformalPredictor:
    return ConformalPredictor(fitted, method="prefit").fit(*branches(59, 5))


# thresholds


@pytest.mark.fast
def test_the_rank_of_the_threshold():
    scores = np.arange(1.0, 100)  # 99 rows: level .9 is met exactly by the 90th
    ones = np.ones(99)
    assert threshold(scores, ones, np.ones(1), 0.9).tolist() == [90.0]
    assert threshold(scores, ones, np.ones(1), 0.901).tolist() == [91.0]
    assert threshold(scores, ones, np.ones(1), 0.99).tolist() == [99.0]
    assert threshold(scores, ones, np.ones(1), 0.991).tolist() == [np.inf]
    for n in range(1, 400):  # no rounding where (n + 1) times the level is whole
        whole = threshold(np.arange(1.0, n + 1), np.ones(n), np.ones(1), 0.7)[0]
        wanted = -(-7 * (n + 1) // 10)
        assert whole == (wanted if wanted <= n else np.inf), n


@pytest.mark.fast
def test_coverage_of_the_mean_set_is_exact():
    """Over draws of calibration and new rows: ceil((n + 1) level) / (n + 1)."""
    random = np.random.default_rng(0)
    for n, level, wanted in ((19, 0.9, 18 / 20), (30, 0.8, 25 / 31)):
        draws = random.standard_normal((20_000, n + 1))
        held = [row[-1] <= threshold(row[:-1], np.ones(n), np.ones(1), level)[0] for row in draws]
        error = np.sqrt(wanted * (1 - wanted) / len(draws))
        assert np.mean(held) == pytest.approx(wanted, abs=4 * error)


@pytest.mark.fast
def test_folds_cover_what_they_promise():
    """Fits that are means of the other folds, scored by the squared distance."""
    random = np.random.default_rng(4)
    n, n_folds, level, draws = 30, 5, 0.8, 1500
    fold = np.repeat(np.arange(n_folds), n // n_folds)
    held = np.empty(draws, bool)
    for i in range(draws):
        *y, new = random.standard_t(2, n + 1)
        middles = np.array([np.mean(np.array(y)[fold != k]) for k in range(n_folds)])
        scores = [np.sort((np.array(y)[fold == k] - middles[k]) ** 2) for k in range(n_folds)]
        ranks = Ranks(tuple(scores), np.arange(n_folds))
        held[i] = ranks.few(ranks.worse_than(-((new - middles) ** 2)[:, None]), level)[0]
    error = np.sqrt(level * (1 - level) / draws)
    assert held.mean() > least_of_cross(n, n_folds, level) - 4 * error
    assert held.mean() == pytest.approx(level, abs=0.04)


@pytest.mark.fast
def test_weights_are_numbers_of_rows():
    random = np.random.default_rng(1)
    scores, count = random.standard_normal(40), random.integers(0, 4, 40)
    weighted = threshold(scores, count.astype(float), np.ones(3), 0.85)
    repeated = np.repeat(scores, count)
    np.testing.assert_array_equal(
        weighted, threshold(repeated, np.ones(len(repeated)), np.ones(3), 0.85)
    )
    scaled = threshold(scores, 7.0 * count, np.full(3, 7.0), 0.85)
    np.testing.assert_array_equal(weighted, scaled)


@pytest.mark.fast
def test_weights_mend_a_shift_of_the_inputs():
    """Rows from U(0, 1), new ones with density 2 x; noise grows with x."""
    random = np.random.default_rng(2)
    plain, weighted = [], []
    for _ in range(4000):
        x, new = random.random(50), np.sqrt(random.random())
        scores, score = np.abs(x * random.standard_normal(50)), abs(new * random.standard_normal())
        plain.append(score <= threshold(scores, np.ones(50), np.ones(1), 0.9)[0])
        weighted.append(score <= threshold(scores, 2 * x, np.array([2 * new]), 0.9)[0])
    error = np.sqrt(0.09 / 4000)
    assert np.mean(plain) < 0.9 - 4 * error
    assert 0.9 - 4 * error < np.mean(weighted) < 0.93


@pytest.mark.fast
def test_regions_have_thresholds_of_their_own():
    random = np.random.default_rng(3)
    score, region = random.standard_normal(60), np.repeat([0, 2], 30)
    score[region == 2] += 5
    found = Calibration(score, np.ones(60), region)
    most = found.thresholds(np.array([2, 0, 1]), np.ones(3), 0.8)
    for place, one in ((0, 2), (1, 0)):
        own = np.sort(score[region == one])
        assert most[place] == own[24]  # the 25th of 30: ceil(31 * .8)
    assert most[2] == np.inf  # a region without rows


# sets


def test_sets_hold_what_scores_as_well(fitted, calibrated):
    new, y = branches(200, 6)
    sets = calibrated.predict_set(new, level=0.8)
    assert isinstance(sets, IntervalSets)
    scores = np.sort(-fitted.score_samples(*branches(59, 5)))
    np.testing.assert_array_equal(sets.least_log_density, -scores[47])  # ceil(60 * .8) = 48
    held = -fitted.score_samples(new, y) <= scores[47]
    np.testing.assert_array_equal(sets.contains(y), held)
    assert set(sets.n_intervals) == {2}
    # the density at every end is the threshold
    row = sets.intervals["row"]
    for side in ("lower", "upper"):
        at_end = fitted.score_samples(new[row], sets.intervals[side])
        np.testing.assert_allclose(at_end, -scores[47], rtol=1e-8)


def test_the_record(calibrated, rows):
    X, y = rows
    sets = calibrated.predict_set(X[:3], level=0.8)
    table = sets.summary_frame()
    assert table.columns.tolist() == ["n_intervals", "length", "lower", "upper", "set", "region"]
    np.testing.assert_allclose(table["length"], sets.length)
    own = sets.intervals[sets.intervals["row"] == 1]
    assert sets.length[1] == pytest.approx(np.sum(own["upper"] - own["lower"]))
    assert table["lower"][1] == own["lower"][0]
    assert table["set"][1].count("[") == 2
    assert "3 sets at level 0.8" in repr(sets)
    assert "probability of 0.8 to 0.8167, if rows are exchangeable" in repr(sets)  # 1 / 60
    by_region = calibrated.predict_set(X).coverage_by_region(y)
    assert by_region.loc[0, "rows"] == len(y)
    assert by_region.loc[0, "coverage"] == pytest.approx(
        calibrated.predict_set(X).contains(y).mean()
    )
    with pytest.raises(ValueError, match="y must have an entry for each of the 3 rows"):
        sets.contains(y)


def test_a_low_level_leaves_nothing_where_noise_is_large(fitted):
    """An empty set is a set: its row is given up for others."""
    prefit = ConformalPredictor(fitted, method="prefit").fit(*branches(59, 5))
    sets = prefit.predict_set([[0.0]], level=0.01)
    assert sets.length[0] < 0.2
    assert sets.ends.shape == (1, 2)


def test_contents_of_one_normal():
    """Twice the normal distribution function, less one: to the fineness of the quantiles."""
    random = np.random.default_rng(5)
    X = random.uniform(-1, 1, (300, 1))
    y = X[:, 0] + random.standard_normal(300)
    fit = MixtureOfExperts(1).fit(X, y)
    made = ConformalPredictor(fit, method="prefit", threshold="content").fit(X, y)
    z = np.abs(y - fit.predict(X)) / fit.scale_[0]
    np.testing.assert_allclose(made.calibration_.score, 2 * stats.norm.cdf(z) - 1, atol=0.006)
    sets = made.predict_set(X[:50], level=0.8)
    wanted = np.sort(made.calibration_.score)[240]  # ceil(301 * .8) = 241
    inside = fit.cdf(X[:50], sets.ends[:, 1]) - fit.cdf(X[:50], sets.ends[:, 0])
    np.testing.assert_allclose(inside, wanted, atol=0.006)


@pytest.mark.parametrize("kind", ["gaussian", "poisson", "classes"])
def test_contents_and_sets_agree(kind, rng):
    """A response is in its set exactly if its content is at most that of the calibration."""
    X = rng.uniform(-1, 1, (150, 1))
    moe: Any = MixtureOfExperts(2, **QUICK)
    y: Any = np.where(rng.random(150) < 0.5, 2.0, -2.0 + X[:, 0]) + rng.standard_normal(150)
    if kind == "poisson":
        moe, y = MixtureOfExperts(1, expert="poisson"), rng.poisson(np.exp(1 + X[:, 0]))
    elif kind == "classes":
        moe = MixtureOfExpertsClassifier(1, random_state=0)
        y = np.where(rng.random(150) < 1 / (1 + np.exp(-2 * X[:, 0])), "out", "in")
    fit = moe.fit(X, y)
    made = ConformalPredictor(fit, method="prefit", threshold="content").fit(X, y)
    sets = made.predict_set(X, level=0.8)
    most = np.sort(made.calibration_.score)[int(np.ceil(151 * 0.8)) - 1]
    np.testing.assert_array_equal(sets.contains(y), made.calibration_.score <= most)
    assert np.all(sets.length > 0)
    for at in (-0.5, 1.5):  # what an adaptive level may ask for
        most = np.full(150, np.inf if at > 1 else -np.inf)
        least = least_log_density(fit, X, most)
        assert np.all(least == (-np.inf if at > 1 else np.inf))


def test_coverage_is_more_even_by_content(rng):
    """Noise that grows tenfold with x, which the fit has right."""
    X = rng.uniform(0, 1, (900, 1))
    late = X[:, 0] > 0.5
    y = np.where(late, 3.0, 0.3) * rng.standard_normal(900)
    moe = MixtureOfExperts(2, init=late[:300].astype(int)).fit(X[:300], y[:300])
    held = {}
    for kind in ("density", "content"):
        made = ConformalPredictor(moe, method="prefit", threshold=kind)
        sets = made.fit(X[300:600], y[300:600]).predict_set(X[600:], level=0.6)
        held[kind] = [sets.contains(y[600:])[late[600:] == one].mean() for one in (0, 1)]
    assert abs(np.diff(held["density"])[0]) > 0.5  # the noisy half is given up
    assert abs(np.diff(held["content"])[0]) < 4 * np.sqrt(0.24 * 2 / 150)


def test_split_by_hand(rows):
    X, y = rows
    moe = MixtureOfExperts(2, **QUICK)
    made = ConformalPredictor(moe, calibration=0.3, random_state=4).fit(X, y)
    order = np.random.RandomState(4).permutation(90)
    held, train = np.sort(order[:27]), np.sort(order[27:])
    fit = clone(moe).fit(X[train], y[train])
    np.testing.assert_allclose(made.calibration_.score, -fit.score_samples(X[held], y[held]))
    assert made.n_calibration_ == 27
    assert not hasattr(moe, "fit_")
    last = ConformalPredictor(moe, calibration=0.3, shuffle=False).fit(X, y)
    fit = clone(moe).fit(X[:63], y[:63])
    np.testing.assert_allclose(last.calibration_.score, -fit.score_samples(X[63:], y[63:]))


def test_cross_by_its_definition(rows):
    X, y = rows
    moe = MixtureOfExperts(2, **QUICK)
    made = ConformalPredictor(moe, method="cross", cv=3).fit(X, y)
    sets = made.predict_set([[0.3]], level=0.8)
    grid = np.linspace(-6, 6, 2001)
    fewer = np.zeros(len(grid))
    for fit, own in zip(made.estimators_, made.calibration_.scores, strict=True):
        scores = -fit.score_samples(np.full((len(grid), 1), 0.3), grid)
        fewer += np.sum(own[:, None] < scores, axis=0)
    found = [any(lo <= v <= up for _, lo, up in sets.intervals) for v in grid]
    np.testing.assert_array_equal(found, fewer < 0.8 * 91)
    assert np.isnan(sets.least_log_density).all()
    assert made.n_calibration_ == 90
    assert "at least" in sets.guarantee


@pytest.mark.fast
def test_the_guarantee_of_folds():
    assert least_of_cross(100, 100, 0.9) == pytest.approx(0.8)  # jackknife+: 1 - 2 alpha
    assert least_of_cross(1000, 10, 0.9) == pytest.approx(0.8 - 2 * 0.9 / 101)
    assert least_of_cross(20, 2, 0.5) == 0.0


def test_counts(rng):
    X = rng.uniform(-1, 1, (200, 1))
    y = rng.poisson(np.where(rng.random(200) < 0.5, np.exp(3 + X[:, 0]), 1.0))
    moe = MixtureOfExperts(2, expert="poisson", **QUICK)
    made = ConformalPredictor(moe, random_state=0).fit(X, y)
    sets = made.predict_set(X, level=0.8)
    assert sets.discrete
    logs = made.estimators_[0].score_samples(X, y)
    np.testing.assert_array_equal(sets.contains(y), logs >= sets.least_log_density)
    whole = np.round(sets.length)
    np.testing.assert_array_equal(sets.length, whole)
    counted = sum(sets.contains(np.full(200, v)) for v in range(200))
    np.testing.assert_array_equal(counted, whole)
    assert ".." in sets.summary_frame()["set"][0]


@pytest.mark.parametrize("method", ["split", "cross"])
def test_classes(method, rng):
    X = rng.uniform(-2, 2, (150, 1))
    y = np.where(rng.random(150) < 1 / (1 + np.exp(-2 * X[:, 0])), "out", "in")
    moe = MixtureOfExpertsClassifier(1, random_state=0)
    made = ConformalPredictor(moe, method=method, cv=3, random_state=0).fit(X, y)
    sets = made.predict_set([[-2.0], [0.0], [2.0]], level=0.95)
    assert isinstance(sets, LabelSets)
    assert [one.tolist() for one in sets.labels] == [["in"], ["in", "out"], ["out"]]
    assert sets.contains(["in", "out", "in"]).tolist() == [True, True, False]
    assert sets.length.tolist() == [1, 2, 1]
    assert sets.summary_frame()["set"][1] == "in, out"
    assert not sets.contains(["no", "no", "no"]).any()


def test_by_formula():
    X, y = branches(90, 2)
    frame = pd.DataFrame({"x": X[:, 0], "y": y, "w": 1.0})
    moe = MixtureOfExperts(2, formula="y ~ x", gate_formula="~ 1", n_init=2, random_state=0)
    made = ConformalPredictor(moe, random_state=0).fit(frame)
    plain = ConformalPredictor(MixtureOfExperts(2, **QUICK), random_state=0).fit(X, y)
    np.testing.assert_allclose(made.calibration_.score, plain.calibration_.score, rtol=1e-6)
    assert made.predict_set(frame[:5]).response == "y"


@pytest.mark.filterwarnings("ignore:Sets hold every response")
def test_weights(rows):
    X, y = rows
    weight = np.linspace(1, 3, 90)
    made = ConformalPredictor(MixtureOfExperts(2, **QUICK), random_state=0).fit(X, y, weight)
    sets = made.predict_set(X[:2], sample_weight=[1.0, 40.0])
    assert np.isinf(sets.length[1])  # it weighs a third of all calibration rows
    assert np.isfinite(sets.length[0])
    assert "weighted population" in sets.guarantee
    with pytest.raises(ValueError, match="sample_weight must be given here as it was given to f"):
        made.predict_set(X[:2])


def test_too_few_rows_hold_everything_and_say_so(calibrated):
    with pytest.warns(UserWarning, match="level=0.99, which needs 99 .* there are 59 in region 0"):
        sets = calibrated.predict_set([[0.0]], level=0.99)
    assert sets.length.tolist() == [np.inf]
    assert sets.contains([1e9]).all()


def test_a_refused_fit_changes_nothing(calibrated, rows):
    before = calibrated.calibration_
    with pytest.raises(ValueError, match="NaN"):
        calibrated.fit(rows[0], np.full(90, np.nan))
    assert calibrated.calibration_ is before


@pytest.mark.fast
def test_refusals(rows):
    X, y = rows
    moe = MixtureOfExperts(2, **QUICK)
    cross = ConformalPredictor(moe, method="cross", regions="expert")
    with pytest.raises(ValueError, match="regions must be 'all' for method='cross'"):
        cross.fit(X, y)
    with pytest.raises(ValueError, match="threshold must be 'density' for method='cross'"):
        ConformalPredictor(moe, method="cross", threshold="content").fit(X, y)
    with pytest.raises(ValueError, match="sample_weight must be None for method='cross'"):
        ConformalPredictor(moe, method="cross").fit(X, y, sample_weight=np.ones(90))
    folds = [(np.arange(30), np.arange(30, 60))]
    with pytest.raises(ValueError, match="cv must hold out every row once"):
        ConformalPredictor(moe, method="cross", cv=folds).fit(X, y)


def test_responses_without_intervals_are_refused(rows, rng):
    X, y = rows
    two = MixtureOfExperts(1).fit(X, np.column_stack([y, y + rng.standard_normal(90)]))
    with pytest.raises(ValueError, match="estimator must have one output, got 2"):
        ConformalPredictor(two, method="prefit").fit(X, y)
    pairs = np.column_stack([rng.binomial(5, 0.5, 90), np.full(90, 3)])
    trials = MixtureOfExperts(1, expert="binomial").fit(X, pairs)
    with pytest.raises(ValueError, match="binomial experts of a known number of trials"):
        ConformalPredictor(trials, method="prefit").fit(X, pairs)


# time


def test_following_rows_by_a_plain_loop(fitted, calibrated):
    X, y = branches(60, 8)
    y[30:] += 1.5  # the world moves
    found = calibrated.follow(X, y, level=0.8, step=0.05)
    past = list(-fitted.score_samples(*branches(59, 5)))
    level, scores = 0.8, -fitted.score_samples(X, y)
    for t in range(60):
        assert found.asked[t] == pytest.approx(level)
        place = int(np.ceil(level * (len(past) + 1) - 1e-9))
        most = np.inf if place > len(past) else sorted(past)[place - 1]
        miss = scores[t] > most
        assert found.held[t] == (not miss)
        level += 0.05 * (miss - 0.2)
        past.append(scores[t])
    np.testing.assert_array_equal(found.sets.contains(y), found.held)
    assert found.asked[30:].max() > 0.9
    assert calibrated.n_calibration_ == 59


def test_rows_of_unknown_response_have_sets_and_teach_nothing(calibrated):
    X, y = branches(60, 8)
    known = np.arange(60) % 3 > 0
    seldom = np.where(known, y, np.nan)
    found = calibrated.follow(X, seldom, level=0.8, step=0.05)
    only = calibrated.follow(X[known], y[known], level=0.8, step=0.05)
    np.testing.assert_array_equal(found.asked[known], only.asked)
    np.testing.assert_array_equal(found.held[known], only.held)
    np.testing.assert_array_equal(found.known, known)
    assert (found.coverage, found.most_off) == (only.coverage, only.most_off)
    assert not found.held[~known].any()
    # the set of the last row is the one of the level that all before it have led to
    more = calibrated.follow(X, np.where(np.arange(60) < 59, seldom, np.nan), level=0.8, step=0.05)
    np.testing.assert_array_equal(more.sets.length, found.sets.length)
    assert "40 of known response" in repr(found)
    none = calibrated.follow(X, np.full(60, np.nan), level=0.8)
    assert np.isnan(none.coverage)
    np.testing.assert_array_equal(none.asked, 0.8)


@pytest.mark.parametrize("regions", ["all", "expert"])
def test_rows_go_on_where_earlier_ones_ended(fitted, regions):
    X, y = branches(90, 8)
    y[30:] += 1.5
    y[10:15] = np.nan
    apart = ConformalPredictor(fitted, method="prefit", regions=regions).fit(*branches(59, 5))
    whole = apart.follow(X, y, level=0.8, step=0.05)
    parts, after = [], None
    for some in np.split(np.arange(90), [1, 40, 41]):
        after = apart.follow(X[some], y[some], level=0.8, step=0.05, after=after)
        parts.append(after)
        known = after.known.sum()
        assert known == 0 or abs(after.coverage - 0.8) <= after.most_off
    np.testing.assert_array_equal(np.concatenate([one.asked for one in parts]), whole.asked)
    np.testing.assert_array_equal(np.concatenate([one.held for one in parts]), whole.held)
    again = apart.follow(X[some], y[some], level=0.8, step=0.05, after=parts[-2])
    np.testing.assert_array_equal(again.asked, after.asked)  # nothing of the past was changed
    with pytest.raises(ValueError, match=r"level must be that of the earlier rows, 0\.8; got 0\.9"):
        apart.follow(X, y, level=0.9, after=after)


@pytest.mark.fast
@pytest.mark.parametrize("kind", ["grows", "jumps", "worst"])
def test_the_bound_in_time_holds_for_any_rows(kind):
    from mixstat.conformal.adaptive import follow

    random = np.random.default_rng(0)
    scores = random.standard_normal(2000)
    if kind == "grows":
        scores += np.arange(2000) / 20
    elif kind == "jumps":
        scores[1000:] += 50
    else:
        scores[:] = 1e6 + np.arange(2000)  # each larger than all before it
    old = Calibration(random.standard_normal(50), np.ones(50), np.zeros(50, int))
    level, step = 0.9, 0.02
    levels, most, _ = follow(old, np.zeros(2000, int), scores, level, step)
    assert abs(np.mean(scores <= most) - level) <= (level + step) / (step * 2000)
    assert levels.min() > -step
    assert levels.max() < 1 + step


# a wrong family


def skewed(n: int, random: np.random.Generator):
    """Exponential and t noise of different sizes around two lines, chosen by a gate."""
    X = random.uniform(-2, 2, (n, 1))
    first = random.random(n) < 1 / (1 + np.exp(-3 * X[:, 0]))
    noise = np.where(first, 0.3 * random.exponential(size=n), 0.8 * random.standard_t(3, n))
    return X, np.where(first, 2 - X[:, 0], -1 + 0.5 * X[:, 0]) + noise, first


def coverages(replicates: int, n: int):
    """Mean coverage overall and in each region, of normal experts with regions."""
    overall, by_region = [], []
    for seed in range(replicates):
        random = np.random.default_rng([11, seed])
        X, y, first = skewed(2 * n, random)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            moe = MixtureOfExperts(2, init=first[:n].astype(int)).fit(X[:n], y[:n])
        made = ConformalPredictor(moe, method="prefit", regions="expert").fit(X[n:], y[n:])
        X, y, _ = skewed(n, random)
        sets = made.predict_set(X)
        overall.append(sets.contains(y).mean())
        by_region.append(sets.coverage_by_region(y)["coverage"].to_numpy())
    return np.array(overall), np.array(by_region)


def test_coverage_under_a_wrong_family():
    overall, by_region = coverages(6, 500)
    # a coverage differs by its calibration rows and by its new ones
    error = np.sqrt(0.09 * (1 / 500 + 1 / 500) / 6)
    assert abs(overall.mean() - 0.9) < 4 * error
    few = np.sqrt(0.09 * (1 / 150 + 1 / 150) / 6)
    assert np.all(by_region.mean(axis=0) > 0.9 - 4 * few)


@pytest.mark.slow
def test_coverage_under_a_wrong_family_at_full_size():
    overall, by_region = coverages(200, 1000)
    assert 0.89 <= overall.mean() <= 0.91
    assert np.all(by_region.mean(axis=0) >= 0.88)


# tools of scikit-learn, and pictures


def test_clone_and_pickle(calibrated):
    fresh = clone(ConformalPredictor(MixtureOfExperts(2), calibration=0.3))
    assert fresh.get_params()["calibration"] == 0.3
    assert not hasattr(fresh, "calibration_")
    again = pickle.loads(pickle.dumps(calibrated))
    new, _ = branches(5, 9)
    np.testing.assert_array_equal(
        again.predict_set(new).intervals, calibrated.predict_set(new).intervals
    )


@pytest.mark.filterwarnings("ignore:Sets hold every response")
def test_pictures(calibrated):
    for n, level in ((20, 0.8), (200, 0.8), (20, 0.999)):  # the last ones without end
        X, y = branches(n, 12)
        sets = calibrated.predict_set(X, level=level)
        display = sets.plot(X, y)
        (lines,) = display.ax_.collections
        assert len(lines.get_segments()) == len(sets.intervals)
        assert np.isfinite(lines.get_segments()).all()
        shown = sum(len(line.get_xdata()) for line in display.ax_.lines)
        assert shown == n
        assert display.ax_.get_xlabel() == "x0"
    frame = pd.DataFrame({"when": np.arange(20.0)})
    assert calibrated.predict_set(X).plot(X).points is None
    with pytest.raises(ValueError, match="X must have the 20 rows of the sets, got 19"):
        calibrated.predict_set(X).plot(frame[:19])


@pytest.mark.parametrize(
    ("expert", "said"),
    [
        (["zero", "gamma"], "no point mass beside a continuous family"),
        (Censored("weibull"), "must have responses that are exact"),
    ],
)
def test_responses_whose_densities_cannot_be_compared_are_refused(expert, said, rng):
    X, y = rng.uniform(-1, 1, (80, 1)), rng.gamma(3, 1, 80)
    if isinstance(expert, list):
        y = np.where(rng.random(80) < 0.3, 0.0, y)
    else:
        y = np.column_stack([y, np.where(y < 4, y, np.inf)])
    n_experts = len(expert) if isinstance(expert, list) else 1
    moe = MixtureOfExperts(n_experts, expert=expert, n_init=2, random_state=0)
    with pytest.raises(ValueError, match=said):
        ConformalPredictor(moe, random_state=0).fit(X, y)


# what is named


def test_response_and_weights_by_the_names_of_columns(rows):
    X, y = rows
    random = np.random.default_rng(8)
    frame = pd.DataFrame({"x": X[:, 0], "y": y, "w": random.uniform(0.5, 2, len(y))})
    predictor = ConformalPredictor(MixtureOfExperts(1, random_state=0), random_state=0)
    apart = clone(predictor).fit(frame[["x"]], frame["y"], frame["w"])
    named = predictor.fit(frame, "y", "w")
    known = apart.predict_set(frame[["x"]], sample_weight=frame["w"]).ends
    np.testing.assert_array_equal(named.predict_set(frame, sample_weight="w").ends, known)
    with pytest.raises(ValueError, match="sample_weight names 'v', which is not a column of X"):
        named.predict_set(frame, sample_weight="v")
    with pytest.raises(ValueError, match="y names 'z', which is not a column of X"):
        predictor.fit(frame, "z")


def test_rows_are_followed_by_the_name_of_their_response(rows):
    X, y = rows
    frame = pd.DataFrame({"x": X[:, 0], "y": y, "e": 0.1 * y})
    params = {"offset": "e"}
    predictor = ConformalPredictor(MixtureOfExperts(1, random_state=0), random_state=0)
    apart = clone(predictor).fit(frame[["x", "e"]], frame["y"], params=params)
    named = predictor.fit(frame, "y", params=params)
    known = apart.follow(frame[["x", "e"]], frame["y"]).sets.ends
    np.testing.assert_array_equal(named.follow(frame, "y").sets.ends, known)
    with pytest.raises(ValueError, match=r"params\['offset'\] must be the name of a column .* nd"):
        clone(predictor).fit(X, y, params={"offset": 0.1 * y})
