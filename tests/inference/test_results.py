"""Results of inference: intervals, tests, tables, weights, and what cannot be had."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.inference import HAC, Clustered, SamplingWeights, compare, summary_col
from mixstat.inference.cautions import SURE_ROWS
from tests.inference.mixtures import N, two_lines


@pytest.fixture(scope="module")
def results():
    return two_lines()[0].inference()


def test_observed_information_is_what_the_estimator_has(results):
    moe, *_ = two_lines()
    np.testing.assert_allclose(results.cov_params(), moe.cov_params(), rtol=1e-12)
    assert list(results.params.index) == moe.parameter_names
    np.testing.assert_array_equal(results.params, moe.params)
    X, y = two_lines()[1:]
    np.testing.assert_allclose([results.aic, results.bic], [moe.aic(X, y), moe.bic(X, y)])
    share = moe.responsibilities(X, y)
    entropy = -np.sum(share * np.log(np.where(share > 0, share, 1.0)))
    np.testing.assert_allclose(results.icl, results.bic + 2 * entropy)
    assert (results.nobs, results.df_model) == (N, 8)


def test_levels_are_settings(results):
    wide, narrow = results.conf_int(0.99), results.at_level(0.5).conf_int()
    assert np.all(wide["low"] < narrow["low"])
    half = stats.norm.ppf(0.995) * results.bse
    np.testing.assert_allclose(wide["high"] - results.params, half, rtol=1e-12)
    assert "[0.005" in str(results.summary(0.99))
    assert "at level 0.99" in str(results.summary(0.99))


def test_a_tidy_table_says_what_each_parameter_is(results):
    table = results.summary_frame()
    assert list(table.columns) == [
        "part", "expert", "output", "term", "estimate", "std_error", "z", "p", "low", "high",
    ]  # fmt: skip
    slope = table.loc["expert1:x0"]
    assert (slope["part"], slope["expert"], slope["term"]) == ("experts", 1, "x0")
    np.testing.assert_allclose(slope["z"], slope["estimate"] / slope["std_error"])
    scales = table[table["term"] == "log_scale"]
    assert len(scales) == 2
    assert scales[["z", "p"]].isna().all(axis=None)
    assert scales[["std_error", "low", "high"]].notna().all(axis=None)


def test_hypotheses_are_text_or_a_matrix(results):
    names = results.names
    row = np.zeros((1, len(names)))
    row[0, names.index("expert0:x0")], row[0, names.index("expert1:x0")] = 1.0, 2.0
    text = results.t_test("expert0:x0 + 2 * expert1:x0 = 0.5")
    matrix = results.t_test(row, 0.5)
    np.testing.assert_allclose(text.zvalues, matrix.zvalues, rtol=1e-12)
    variance = row @ results.cov_params().to_numpy() @ row.T
    np.testing.assert_allclose(text.std_error, np.sqrt(variance[0]), rtol=1e-12)
    both = results.wald_test(["expert0:x0 + 2 * expert1:x0 = 0.5", "gate0:x0"])
    assert both.df == 2
    assert both.pvalue == stats.chi2.sf(both.statistic, 2)
    # one function of one parameter: the square of z
    single = results.wald_test("gate0:x0")
    np.testing.assert_allclose(single.statistic, results.zvalues["gate0:x0"] ** 2, rtol=1e-10)


def test_tests_that_cannot_be_made_say_why(results):
    scale = results.wald_test("log_scale0 = 0")
    assert not scale.is_valid
    assert np.isnan(scale.pvalue)
    assert "log of a scale" in str(scale)
    assert results.wald_test("log_scale0 = log_scale1").is_valid
    assert "log of a scale" in results.t_test("log_scale1").reasons[0]
    twice = results.wald_test("gate0:x0 = 1, 2 * gate0:x0 = 2")
    assert not twice.is_valid
    assert "rank" in twice.reason
    assert not results.signed_root_test("log_scale0").is_valid


@pytest.fixture(scope="module")
def undetermined():
    """A temperature beside free coefficients, and a column that is constant."""
    _, X, y = two_lines()
    table = np.column_stack([X, np.ones(N)])
    moe = MixtureOfExperts(2, gate="temperature", gate_features=[0], n_init=2, random_state=0)
    with pytest.warns(UserWarning, match="x1"):
        moe.fit(table, y)
    return moe


@pytest.mark.parametrize("cov_type", ["observed", "robust", "opg", HAC(lags=2)])
def test_what_the_data_do_not_determine_has_no_error(undetermined, cov_type):
    moe = undetermined
    found = moe.inference(cov_type=cov_type)
    unknown = [name for name in found.names if np.isnan(found.bse[name])]
    assert {"expert0:x1", "expert1:x1", "temperature:log_tau"} <= set(unknown)
    assert found.bse[["expert0:x0", "expert1:x0"]].notna().all()
    test = found.wald_test("expert0:x1")
    assert "column was dropped" in test.reason
    # their ratio to the temperature is determined, and told
    assert "identified functions" in str(found.summary())
    assert "nan: the data do not determine" in str(found.summary())


def test_odds_and_rate_ratios(rng):
    X = rng.standard_normal((N, 1))
    y = rng.poisson(np.exp(0.2 + 0.5 * X[:, 0]))
    found = MixtureOfExperts(1, expert="poisson").fit(X, y).inference()
    table = found.exponentiated()
    slope = table.loc["expert0:x0"]
    assert slope["ratio"] == "rate ratio"
    np.testing.assert_allclose(slope["estimate"], np.exp(found.params["expert0:x0"]))
    np.testing.assert_allclose(slope["low"], np.exp(found.conf_int().loc["expert0:x0", "low"]))
    error = slope["estimate"] * found.bse["expert0:x0"]
    np.testing.assert_allclose(slope["std_error"], error)


def test_gates_have_odds_and_real_responses_no_ratio(results):
    table = results.exponentiated()
    assert list(table.index) == ["gate0:1", "gate0:x0"]
    assert set(table["ratio"]) == {"odds ratio"}


# weights


@pytest.mark.parametrize("cov_type", ["observed", "robust", "opg", "cluster"])
def test_integer_weights_are_repeated_rows(rng, cov_type):
    moe, X, y = two_lines()
    weight = rng.integers(0, 4, N)
    groups = np.arange(N) // 8
    again = np.repeat(np.arange(N), weight)
    weighted = MixtureOfExperts(2, init=moe, n_init=1).fit(X, y, sample_weight=weight)
    repeated = MixtureOfExperts(2, init=moe, n_init=1).fit(X[again], y[again])
    grouped = cov_type == "cluster"
    one = weighted.inference(
        X, y, cov_type=cov_type, groups=groups if grouped else None, sample_weight=weight
    )
    other = repeated.inference(cov_type=cov_type, groups=groups[again] if grouped else None)
    np.testing.assert_allclose(one.bse, other.bse, rtol=1e-7)
    np.testing.assert_allclose(one.bic, other.bic, rtol=1e-10)
    assert any("count as numbers of rows" in remark for remark in one.remarks)


def test_sampling_weights_have_no_size_and_equal_those_of_least_squares(rng):
    X = rng.standard_normal((N, 1))
    y = X[:, 0] + rng.standard_normal(N)
    weight = rng.uniform(0.5, 3.0, N)
    moe = MixtureOfExperts(1).fit(X, y, sample_weight=weight)
    found = moe.inference(X, y, cov_type="sampling", sample_weight=weight)
    known = sm.WLS(y, sm.add_constant(X), weights=weight).fit(cov_type="HC0")
    names = ["expert0:1", "expert0:x0"]
    np.testing.assert_allclose(found.bse[names], known.bse, rtol=1e-8)
    larger = MixtureOfExperts(1).fit(X, y, sample_weight=1000 * weight)
    np.testing.assert_allclose(larger.inference(cov_type="sampling").bse, found.bse, rtol=1e-8)
    kish = weight.sum() ** 2 / np.sum(weight**2)
    assert f"{kish:.1f} of equal weight (Kish)" in str(found.summary())
    factor = moe.inference(cov_type=SamplingWeights(small_sample="rows"))
    np.testing.assert_allclose(factor.bse, np.sqrt(N / (N - 1)) * found.bse, rtol=1e-12)
    assert "no whole numbers" in " ".join(moe.inference(cov_type="robust").remarks)


# other rows, clusters and series


def test_only_the_rows_of_the_fit_are_taken(results):
    moe, X, y = two_lines()
    same = moe.inference(X, y, cov_type="robust")
    np.testing.assert_array_equal(same.bse, moe.inference(cov_type="robust").bse)
    with pytest.raises(ValueError, match="must be the rows of the fit"):
        moe.inference(X[::-1], y[::-1])
    saved = pickle.loads(pickle.dumps(moe))
    with pytest.raises(ValueError, match="not saved with a model"):
        saved.inference()
    np.testing.assert_allclose(saved.inference(X, y).bse, results.bse, rtol=1e-12)


def test_clusters_of_one_row_are_a_sandwich_and_one_lag_is_none():
    moe, *_ = two_lines()
    robust = moe.inference(cov_type="robust")
    alone = moe.inference(cov_type=Clustered(small_sample="none"), groups=np.arange(N))
    np.testing.assert_allclose(alone.bse, robust.bse, rtol=1e-10)
    np.testing.assert_allclose(moe.inference(cov_type=HAC(lags=0)).bse, robust.bse, rtol=1e-10)
    series = moe.inference(cov_type=HAC(lags=3), groups=np.arange(N))
    np.testing.assert_allclose(series.bse, robust.bse, rtol=1e-10)


def test_series_are_put_in_order():
    """Interleaved series have the errors of series one after the other."""
    moe, X, y = two_lines()
    series = np.arange(N) % 4
    order = np.argsort(series, kind="stable")
    sorted_ = MixtureOfExperts(2, init=moe, n_init=1).fit(X[order], y[order])
    one = moe.inference(cov_type=HAC(lags=5), groups=series)
    other = sorted_.inference(cov_type=HAC(lags=5), groups=series[order])
    np.testing.assert_allclose(one.bse, other.bse, rtol=1e-7)


def test_few_clusters_are_told():
    moe, *_ = two_lines()
    few = moe.inference(cov_type="cluster", groups=np.arange(N) % 5)
    assert "5 clusters are no more than the 8 parameters" in " ".join(few.remarks)
    every = few.wald_test(np.eye(8)[:6])
    assert not every.is_valid
    assert few.wald_test("expert0:x0, expert1:x0").is_valid


def test_few_rows_that_are_surely_an_experts_own_are_told():
    moe, X, y = two_lines()
    sure = np.sum(moe.responsibilities(X, y) ** 2, axis=0) / 3
    told = [remark for remark in moe.inference().remarks if "surely its own" in remark]
    assert len(told) == (sure.min() < SURE_ROWS)
    small = MixtureOfExperts(2, random_state=0, n_init=2).fit(X[:90], y[:90])
    sure = np.sum(small.responsibilities(X[:90], y[:90]) ** 2, axis=0) / 3
    words = f"Expert {sure.argmin()} has {sure.min():.0f} rows that are surely its own"
    assert words in " ".join(small.inference().remarks)
    assert words in str(small.inference(cov_type="robust").summary())
    assert "surely" not in " ".join(MixtureOfExperts(1).fit(X[:20], y[:20]).inference().remarks)


def test_columns_of_the_frame_may_be_named():
    _, X, y = two_lines()
    frame = pd.DataFrame(
        {"x": X[:, 0], "y": y, "who": np.arange(N) // 10, "when": np.arange(N) % 9}
    )
    moe = MixtureOfExperts.from_formula("y ~ x", data=frame, init=two_lines()[0], n_init=1)
    one = moe.inference(frame, cov_type="cluster", groups="who")
    other = moe.inference(cov_type="cluster", groups=frame["who"].astype(str))
    np.testing.assert_allclose(one.bse, other.bse, rtol=1e-12)
    two = moe.inference(frame, cov_type="cluster", groups=["who", "when"])
    assert "20 and 9 clusters" in str(two.summary())
    assert one.score_test("when", "experts").df == 2


# what a person must be told


def test_unsound_and_penalised_fits_say_so():
    _, X, y = two_lines()
    shrunk = MixtureOfExperts(2, ridge=0.01, init=two_lines()[0], n_init=1).fit(X, y)
    told = " ".join(shrunk.inference(cov_type="robust").remarks)
    assert "Penalised: ridge=0.01" in told
    step = np.where(X[:, 0] > 0, 1.0, -1.0) + 0.1 * np.random.default_rng(0).standard_normal(N)
    with pytest.warns(ConvergenceWarning):
        moe = MixtureOfExperts(2, degree=0, init=(X[:, 0] > 0).astype(int)).fit(X, step)
    found = moe.inference()
    assert "not sound (separated)" in found.remarks[0]
    assert "not sound" in str(found.summary())
    assert np.isnan(found.bse["gate0:x0"])
    assert "do not determine" in found.wald_test("gate0:x0").reason


def test_possibilities_are_those_of_the_fit():
    _, X, y = two_lines()
    known = np.column_stack([np.where(X[:, 0] < 0, 1.0, 0.4), np.where(X[:, 0] > 0, 1.0, 0.4)])
    moe = ContextualMixtureOfExperts(n_experts=2, random_state=0, n_init=2)
    moe.fit(X, y, possibilities=known)
    found = moe.inference(cov_type="robust")
    given = moe.inference(X, y, possibilities=known, cov_type="robust")
    np.testing.assert_array_equal(found.bse, given.bse)
    with pytest.raises(ValueError, match="must be those of the fit"):
        moe.inference(X, y, possibilities=known[:, ::-1])
    saved = pickle.loads(pickle.dumps(moe))
    again = saved.inference(X, y, possibilities=known, cov_type="robust")
    np.testing.assert_allclose(again.bse, found.bse, rtol=1e-10)


# several fits


@pytest.fixture(scope="module")
def straight():
    _, X, y = two_lines()
    start = two_lines()[0].responsibilities(X, y)
    return MixtureOfExperts(2, gate_degree=0, init=start).fit(X, y)


def test_nested_fits(results, straight):
    small = straight.inference()
    both = compare(small, results, names=["constant", "gated"])
    test = both.likelihood_ratio()
    np.testing.assert_allclose(test.statistic, 2 * (results.llf - small.llf))
    assert (test.df, test.caution) == (1, "")
    assert list(both.summary_frame().index) == ["constant", "gated"]
    assert not both.likelihood_ratio("gated", "constant").is_valid


def test_other_numbers_of_experts_are_cautioned(results):
    _, X, y = two_lines()
    one = MixtureOfExperts(1).fit(X, y)
    test = compare(one, two_lines()[0]).likelihood_ratio()
    assert "number of experts" in test.caution


def test_vuong_by_hand(results, straight):
    _, X, y = two_lines()
    other = MixtureOfExperts(1, degree=3).fit(X, y)
    both = compare(results, other.inference())
    gap = two_lines()[0].score_samples(X, y) - other.score_samples(X, y)
    by_hand = gap.sum() / (np.sqrt(N) * gap.std())
    np.testing.assert_allclose(both.vuong().statistic, by_hand, rtol=1e-8)
    price = 0.5 * np.log(N) * (results.df_model - other.n_parameters_)
    corrected = (gap.sum() - price) / (np.sqrt(N) * gap.std())
    np.testing.assert_allclose(both.vuong(correction="bic").statistic, corrected, rtol=1e-8)
    assert not compare(results, results).vuong().is_valid


def test_fits_side_by_side(results, straight):
    table = summary_col([results, straight], names=["a", "b"], stars=True)
    assert table.loc[("gate0:x0", "estimate"), "b"] == ""
    assert table.loc[("expert0:x0", "estimate"), "a"].endswith("***")
    error = table.loc[("expert0:x0", "std_error"), "a"]
    np.testing.assert_allclose(float(error.strip("()")), results.bse["expert0:x0"], rtol=1e-3)
    assert table.loc[("Parameters", ""), "b"] == str(straight.n_parameters_)


# tests and intervals without, and with, fits along the way


def test_score_test_of_a_regression():
    random = np.random.default_rng(2)
    X, extra = random.standard_normal((N, 1)), random.standard_normal((N, 2))
    y = random.poisson(np.exp(0.3 * X[:, 0] + 0.1 * extra[:, 0]))
    found = MixtureOfExperts(1, expert="poisson", tol=1e-11).fit(X, y).inference()
    model = sm.GLM(y, sm.add_constant(X), family=sm.families.Poisson()).fit(tol=1e-14)
    statistic, p = model.score_test(exog_extra=extra)[:2]
    test = found.score_test(extra)
    np.testing.assert_allclose(test.statistic, float(np.squeeze(statistic)), rtol=1e-7)
    np.testing.assert_allclose(test.pvalue, float(np.squeeze(p)), rtol=1e-6)
    assert found.score_test(extra[:, 0], "gate").reason == "With one expert there is no gate."
    assert "adds nothing" in found.score_test(2 * X[:, 0] + 1).reason


@pytest.mark.parametrize("cov_type", ["observed", "opg", "robust"])
def test_score_test_of_the_gate_is_near_the_likelihood_ratio(results, straight, cov_type):
    """The column that the gate was fitted without, on data where it matters moderately."""
    _, X, _ = two_lines()
    found = straight.inference(cov_type=cov_type)
    test = found.score_test(X[:, 0], part="gate")
    ratio = 2 * (results.llf - straight.inference().llf)
    assert test.df == 1
    assert 0.5 * ratio < test.statistic < 2 * ratio


def test_score_vanishes_for_the_columns_of_the_fit(results):
    _, X, _ = two_lines()
    for part in ("experts", "gate"):
        assert "adds nothing" in results.score_test(X[:, 0], part).reason


def test_a_gate_of_the_inputs_has_no_score_test(rng):
    _, X, y = two_lines()
    moe = MixtureOfExperts(2, gate="gaussian", init=(X[:, 0] > 0).astype(int)).fit(X, y)
    test = moe.inference().score_test(rng.standard_normal(N), "gate")
    assert "fitted to the inputs" in test.reason


def test_profile_intervals_end_where_the_deviance_says(results):
    moe, *_ = two_lines()
    ends = results.profile_int(["expert0:x0", "gate0:x0"], level=0.9)
    for name in ends.index:
        for end in ends.loc[name]:
            test = results.signed_root_test(name, float(end))
            np.testing.assert_allclose(test.statistic, stats.chi2.ppf(0.9, 1), rtol=1e-5)
    known = moe.profile("expert0:x0", level=0.9).interval
    np.testing.assert_allclose(ends.loc["expert0:x0"], known, rtol=1e-6)


def test_latex_and_html_have_the_titles(results):
    for title in ("Expert 0", "Gate: expert 0 against 1", "Log of standard deviation"):
        assert title in results.as_latex(label="fit")
        assert title in results.as_html()
    assert r"\label{fit}" in results.as_latex(label="fit")
