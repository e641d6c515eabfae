"""Slopes, their intervals and their tests, on tables whose answer is known."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from matplotlib.figure import Figure

from mixstat.plotting import RateDisplay, WindowDisplay
from mixstat.plotting.rate import BANDS
from mixstat.rates.fitted import RateWarning, fit_rate
from mixstat.rates.slopes import latex_table, slope_table
from mixstat.rates.windows import rates_from

pytestmark = pytest.mark.fast

SIZES = np.array([100, 300, 1000, 3000, 10_000])


def table(slope=-0.5, noise=0.3, replicates=30, seed=0, **more) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    n = np.repeat(SIZES, replicates)
    loss = 2.0 * n**slope * np.exp(noise * random.standard_normal(len(n)))
    replicate = np.tile(np.arange(replicates), len(SIZES))
    return pd.DataFrame({"n": n, "replicate": replicate, "loss": loss, "converged": True} | more)


def test_a_power_law_is_found_exactly():
    rate = fit_rate(table(noise=0.0), "loss")
    np.testing.assert_allclose(rate.slope, -0.5, rtol=1e-12)
    np.testing.assert_allclose(np.exp(rate.intercept), 2.0, rtol=1e-12)
    np.testing.assert_allclose(rate.interval, -0.5, rtol=1e-12)
    np.testing.assert_allclose(rate.line(400), 0.1, rtol=1e-12)
    assert "slope -0.500" in str(rate)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_the_slope_is_that_of_least_squares(statistic):
    rows = table()
    centre = rows.groupby("n")["loss"].agg(statistic)
    fitted = sm.OLS(np.log(centre), sm.add_constant(np.log(centre.index.to_numpy()))).fit()
    rate = fit_rate(rows, "loss", statistic=statistic)
    np.testing.assert_allclose([rate.intercept, rate.slope], fitted.params, rtol=1e-12)
    np.testing.assert_allclose(rate.centre, centre, rtol=1e-14)
    window = fit_rate(rows, "loss", statistic=statistic, window=(300, 3000))
    assert window.sizes.tolist() == [300, 1000, 3000]


def test_intervals_cover_and_tests_keep_their_level():
    rates = [fit_rate(table(seed=s), "loss", n_bootstrap=300) for s in range(150)]
    covered = np.mean([r.interval[0] <= -0.5 <= r.interval[1] for r in rates])
    assert 0.88 <= covered <= 0.99
    rejected = np.mean([r.test(-0.5).p_value < 0.05 for r in rates])
    assert rejected < 0.13
    assert all(r.test(-0.25).p_value < 0.01 for r in rates)
    spread = np.std([r.slope for r in rates])
    np.testing.assert_allclose(np.mean([r.std_error for r in rates]), spread, rtol=0.15)


def test_difference_of_two_slopes():
    half, quarter = fit_rate(table(), "loss"), fit_rate(table(-0.25, seed=1), "loss")
    same = fit_rate(table(seed=2), "loss")
    found = half.compare(quarter)
    np.testing.assert_allclose(found.estimate, half.slope - quarter.slope)
    assert found.p_value < 0.01
    assert found.interval[0] < -0.25 < found.interval[1]
    assert half.compare(same).p_value > 0.05


def test_the_draws_have_a_seed():
    one, two, other = (fit_rate(table(), "loss", random_state=s).interval for s in (1, 1, 2))
    assert one == two != other


def test_unconverged_fits_and_missing_losses_are_told():
    rows = table()
    rows.loc[:1, "converged"] = False
    with pytest.warns(RateWarning, match=r"1\.33 % of the fits have no certificate"):
        assert fit_rate(rows, "loss").unconverged == pytest.approx(2 / 150)
    rows = table()
    rows.loc[3, "loss"] = np.nan
    with pytest.warns(RateWarning, match="1 of 150 rows"):
        rate = fit_rate(rows, "loss")
    assert rate.n_replicates.tolist() == [29, 30, 30, 30, 30]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "regret"}, "loss must be a column"),
        ({"statistic": "mode"}, "statistic must be one of"),
        ({"window": (200, 500)}, "a slope needs two"),
        ({"level": 1.0}, "level must lie"),
        ({"n_bootstrap": 0}, "n_bootstrap must be"),
    ],
)
def test_bad_input(settings, message):
    settings = {"loss": "loss"} | settings
    with pytest.raises(ValueError, match=message):
        fit_rate(table(), settings.pop("loss"), **settings)


def test_a_loss_that_is_zero_has_no_slope():
    rows = table()
    rows.loc[rows["n"] == 300, "loss"] = 0.0
    with pytest.raises(ValueError, match="zero at n=300"):
        fit_rate(rows, "loss")


def test_the_display_draws_what_was_fitted():
    rates = [fit_rate(table(), "loss"), fit_rate(table(-0.25), "loss", statistic="median")]
    ax = Figure().subplots()
    display = RateDisplay(rates, theory=-0.5).plot(ax=ax)
    assert display.ax_ is ax
    assert ax.get_xscale() == ax.get_yscale() == "log"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any("theory: slope -0.5" in label for label in labels)
    assert any(f"slope {rates[0].slope:.3f}" in label for label in labels)
    assert ax.lines[1].get_color() != ax.lines[3].get_color()
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    theory = lines["theory: slope -0.5"]
    slope = np.diff(np.log(theory[[0, -1], 1])) / np.diff(np.log(theory[[0, -1], 0]))
    np.testing.assert_allclose(slope, -0.5)


@pytest.mark.parametrize("band", BANDS)
def test_bands_by_choice(band):
    rate = fit_rate(table(), "loss", n_bootstrap=200)
    display = RateDisplay(rate, band=band, size="column").plot()
    assert display.figure_.get_size_inches().tolist() == [3.4, 2.7]
    drawn = display.ax_.collections
    assert len(drawn) == (band != "none")
    if band == "quantiles":
        low, high = rate.to_frame()[["q10", "q90"]].to_numpy()[0]
        heights = drawn[0].get_paths()[0].vertices[:, 1]
        np.testing.assert_allclose([heights.min(), heights.max()], [rate.middle[0].min(), high])
        assert low < rate.mean[0] < high
    if band == "std_error":
        heights = np.array([path.vertices[:, 1] for path in drawn[0].get_paths()])
        half = 2 * rate.deviation / np.sqrt(rate.n_replicates)
        np.testing.assert_allclose(heights[:, 1], rate.mean + half)
    plt.close(display.figure_)


def test_a_rate_as_a_table():
    rate = fit_rate(table(), "loss", statistic="median", n_bootstrap=200)
    frame = rate.to_frame()
    assert frame["n"].tolist() == rate.sizes.tolist()
    np.testing.assert_allclose(frame["median"], rate.centre)
    np.testing.assert_allclose(frame["fitted"], rate.line(rate.sizes))
    assert (frame["low"] <= frame["median"]).all()
    assert (frame["median"] <= frame["high"]).all()


def test_slopes_in_latex():
    rates = {"a_b & c": fit_rate(table(), "loss"), "second": fit_rate(table(-0.25), "loss")}
    slopes = slope_table(rates)
    assert slopes["slope"].tolist() == [rate.slope for rate in rates.values()]
    text = latex_table(slopes[["slope", "low", "high", "n_max"]], digits=2)
    lines = text.splitlines()
    assert lines[2] == r"loss & slope & interval & n max \\"
    low, high = rates["a_b & c"].interval
    slope = rates["a_b & c"].slope
    first = rf"a\_b \& c & ${slope:.2f}$ & (${low:.2f}$, ${high:.2f}$) & "
    assert lines[4].startswith(first)
    assert len(lines) == 8


def test_slopes_without_the_smallest_sizes():
    rows = table(noise=0.05)
    rows["loss"] *= 1 + 300 / rows["n"]
    rates = rates_from(rows, "loss")
    assert [rate.sizes[0] for rate in rates] == [100, 300, 1000]
    gaps = [abs(rate.slope + 0.5) for rate in rates]
    assert gaps == sorted(gaps, reverse=True)
    alone = fit_rate(rows, "loss", window=(300, np.inf))
    assert rates[1].interval == alone.interval
    display = WindowDisplay({"own": rates, "all": rates[:1]}, -0.5, size="column").plot()
    assert display.ax_.get_legend().get_texts()[1].get_text() == "own"
    plt.close(display.figure_)
