"""How many later rows lie in the intervals of a fit, and how exactly that is known."""

import numpy as np
import pytest
import statsmodels.api as sm

from mixstat import MixtureOfExperts
from mixstat.experts import Censored


def series(n, seed, *, step=0.0):
    """Two lines with a noise that depends on the row before."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    noise = np.zeros(n)
    for t in range(1, n):
        noise[t] = 0.8 * noise[t - 1] + 0.6 * rng.standard_normal()
    up = rng.random(n) < 1 / (1 + np.exp(-3 * x))
    return x[:, None], np.where(up, 4 + x, -4 + x) + noise + step


@pytest.fixture(scope="module")
def fitted():
    return MixtureOfExperts(2, random_state=0).fit(*series(800, 1))


def test_counts_what_intervals_cover(fitted):
    X, y = series(400, 2)
    table = fitted.interval_coverage(X, y, levels=[0.5, 0.9], by_expert=True)
    assert table["level"].tolist() == [0.5] * 3 + [0.9] * 3
    assert table["expert"].tolist() == ["all", 0, 1] * 2
    low, high = fitted.predict_interval(X, coverage=0.9).T
    inside, region = (low <= y) & (y <= high), fitted.predict_expert(X)
    for expert, row in table[table["level"] == 0.9].set_index("expert").iterrows():
        chosen = np.ones(400, bool) if expert == "all" else region == expert
        assert row["coverage"] == pytest.approx(inside[chosen].mean(), abs=1e-12)
        assert row["below"] == pytest.approx((y < low)[chosen].mean(), abs=1e-12)
        assert row["above"] == pytest.approx((y > high)[chosen].mean(), abs=1e-12)
        assert row["mean_length"] == pytest.approx((high - low)[chosen].mean(), rel=1e-12)
        assert row["rows"] == chosen.sum()


@pytest.mark.parametrize("max_lag", [0, 7])
def test_error_is_that_of_newey_and_west(fitted, max_lag):
    X, y = series(400, 3)
    row = fitted.interval_coverage(X, y, levels=0.8, max_lag=max_lag).iloc[0]
    low, high = fitted.predict_interval(X, coverage=0.8).T
    inside = ((low <= y) & (y <= high)).astype(float)
    known = sm.OLS(inside, np.ones(400)).fit(
        cov_type="HAC", cov_kwds={"maxlags": max_lag, "use_correction": False}
    )
    assert row["std_error"] == pytest.approx(known.bse[0], rel=1e-10)
    np.testing.assert_allclose(row[["conf_low", "conf_high"]].astype(float), known.conf_int()[0])


def test_the_truth_is_covered_and_a_drift_is_seen(fitted):
    told = fitted.interval_coverage(*series(4000, 4))
    assert np.all(abs(told["coverage"] - told["level"]) < 4 * told["std_error"])
    drift = fitted.interval_coverage(*series(4000, 4, step=1.0))
    assert np.all(drift["level"] - drift["coverage"] > 4 * drift["std_error"])
    assert np.all(drift["above"] > drift["below"])


def test_outputs_and_counts():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 1))
    Y = np.hstack([X, 2 * X]) + rng.normal(size=(300, 2))
    table = MixtureOfExperts(1).fit(X, Y).interval_coverage(X, Y, levels=0.9)
    assert table["output"].tolist() == [0, 1]
    counts = rng.poisson(np.exp(0.5 * X[:, 0]))
    model = MixtureOfExperts(1, expert="poisson").fit(X, counts)
    # intervals of counts cover at least what they say
    assert model.interval_coverage(X, counts, levels=0.9)["coverage"][0] > 0.9 - 4 * 0.017


@pytest.mark.exhaustive
def test_ranges_are_neither_inside_nor_outside():
    X, y = series(60, 6)
    ends = np.column_stack([y, np.where(y > 3, np.inf, y)])
    moe = MixtureOfExperts(1, expert=Censored("gaussian")).fit(X, ends)
    with pytest.raises(ValueError, match="y must be exact here, got a range"):
        moe.interval_coverage(X, ends)
    assert moe.interval_coverage(X, y)["rows"].eq(60).all()
