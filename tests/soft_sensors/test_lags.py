"""Lagged columns: right values, names and rows; nothing of the future; clear refusals."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from mixstat import MixtureOfExperts
from mixstat.soft_sensors import LaggedFeatures, lag_rows

pytestmark = pytest.mark.fast

# rows are neighbours in time, so these invariances cannot hold
OF_ROWS = {
    "check_methods_sample_order_invariance": "rows are in the order of time",
    "check_methods_subset_invariance": "rows are in the order of time",
}


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(*pair, id=pair[1].func.__name__)
        for pair in estimator_checks_generator(LaggedFeatures((0, 2)), mark=None)
        if pair[1].func.__name__ not in OF_ROWS
    ],
)
def test_sklearn(estimator, check):
    check(estimator)


def test_values_by_hand(rng):
    X = rng.standard_normal((30, 3))
    out = LaggedFeatures({0: [0, 4], 2: 3}).fit_transform(X)
    assert out.shape == (30, 4)
    np.testing.assert_array_equal(out[4:, 1], X[:-4, 0])
    np.testing.assert_array_equal(out[:4, 1], np.full(4, X[0, 0]))
    np.testing.assert_array_equal(out[:, 2], X[:, 1])
    np.testing.assert_array_equal(out[3:, 3], X[:-3, 2])
    blank = LaggedFeatures([2], fill="nan").fit_transform(X)
    assert np.isnan(blank[:2]).all()
    np.testing.assert_array_equal(blank[2:], X[:-2])


def test_nothing_of_the_future_enters(rng):
    X = rng.standard_normal((40, 2))
    later = X.copy()
    later[25:] += 1
    lags = LaggedFeatures([0, 1, 5]).fit(X)
    np.testing.assert_array_equal(lags.transform(X)[:25], lags.transform(later)[:25])


def test_rows_are_in_the_order_of_time(rng):
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2024-01-01", periods=12, tz="UTC")
    X = pd.DataFrame({"flow": rng.random(12)}, index=days)
    runs = np.repeat([0, 1], 6)
    lags = LaggedFeatures([0, 1]).fit(X)
    for turned in (X[::-1], X.set_axis(days.tz_localize(None).to_period("D"))[::-1]):
        with pytest.raises(
            ValueError, match=r"X must be in the order of time, got 2024-01-11 .*w 1"
        ):
            lags.transform(turned)
        with pytest.raises(ValueError, match="X must be in the order of time"):
            lag_rows(turned, lags=[1])
    gap = X.set_axis(days.where(np.arange(12) != 3))
    with pytest.raises(ValueError, match=r"X must have a time in every row .* NaT in row 3"):
        lags.transform(gap)
    swapped = pd.concat([X[6:], X[:6]])  # each run for itself is in order
    with pytest.raises(ValueError, match="in row 6 after"):
        lag_rows(swapped, lags=[1])
    assert len(lag_rows(swapped, lags=[1], groups=runs)[0]) == 10
    assert lags.transform(X.reset_index(drop=True)[::-1]).shape == (12, 2)


def test_names_and_tables(rng):
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2024-01-01", periods=12)
    X = pd.DataFrame(rng.random((12, 2)), columns=["flow", "heat"], index=days)
    lags = LaggedFeatures({"flow": [0, 2]}).set_output(transform="pandas")
    out = lags.fit_transform(X)
    assert list(out.columns) == ["flow", "flow_lag2", "heat"]
    assert out.index.equals(days)
    rows, y = lag_rows(X, X["heat"], lags=[0, 3])
    assert list(rows.columns) == ["flow", "flow_lag3", "heat", "heat_lag3"]
    assert rows.index.equals(days[3:])
    assert y.index.equals(days[3:])
    with pytest.raises(ValueError, match="must be the columns seen in fit"):
        lags.get_feature_names_out(["heat", "flow"])


def test_rows_and_runs(rng):
    X = rng.standard_normal((20, 1))
    run = np.repeat([0, 1, 0], [8, 5, 7])  # the third run is not the first continued
    rows, kept = lag_rows(X, np.arange(20), lags=(0, 3), groups=run)
    np.testing.assert_array_equal(kept, [3, 4, 5, 6, 7, 11, 12, 16, 17, 18, 19])
    np.testing.assert_array_equal(rows, np.column_stack([X[kept, 0], X[kept - 3, 0]]))
    whole = LaggedFeatures((0, 3)).fit_transform(X)
    (alone,) = lag_rows(X, lags=(0, 3))
    np.testing.assert_array_equal(alone, whole[3:])


@pytest.mark.parametrize("lags", [[], [1, 1], [-1], [0.5], "12", {"x7": 1}, {5: 1}])
def test_bad_lags(lags):
    with pytest.raises(ValueError, match="lags"):
        LaggedFeatures(lags).fit(np.zeros((5, 2)))


def test_a_refused_fit_changes_nothing():
    lags = LaggedFeatures({0: [1], 2: [1]}).fit(np.zeros((5, 3)))
    before = dict(vars(lags))
    with pytest.raises(ValueError, match="lags"):
        lags.fit(np.zeros((5, 2)))
    assert vars(lags) == before


def test_bad_rows():
    with pytest.raises(ValueError, match="lags reach 6 rows back"):
        lag_rows(np.zeros((5, 1)), lags=[6])
    with pytest.raises(ValueError, match="fill must be one of"):
        LaggedFeatures(fill="zero").fit(np.zeros((5, 1)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        lag_rows(np.zeros((5, 1)), np.zeros(4))


def test_in_a_pipeline(rng):
    X = rng.standard_normal((300, 1))
    y = np.roll(X[:, 0], 2) + 0.1 * rng.standard_normal(300)
    y[:2] = X[0, 0]
    moe = make_pipeline(LaggedFeatures([0, 2]), MixtureOfExperts(1)).fit(X, y)
    np.testing.assert_allclose(moe[-1].expert_coef_[0], [0, 0, 1], atol=0.05)
