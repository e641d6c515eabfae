"""Displays draw what the estimator says."""

import matplotlib as mpl
import matplotlib.dates
import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts, plotting
from mixstat.plotting import (
    FittedMeanDisplay,
    GateDisplay,
    GateRegionsDisplay,
    PartialDependenceDisplay,
    TimeDisplay,
)
from mixstat.plotting.along import along
from mixstat.plotting.base import Display

mpl.use("Agg")


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.uniform(-2, 2, 200), "w": rng.standard_normal(200)})
    y = np.where(rng.random(200) < 0.5, frame["x"], -frame["x"]) + rng.standard_normal(200)
    return MixtureOfExperts(2, random_state=0, gate_features=["x"]).fit(frame, y), frame, y


@pytest.fixture
def ax():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_fitted_mean(fitted, ax):
    moe, frame, y = fitted
    display = FittedMeanDisplay.from_estimator(moe, frame, y, feature="x", n_points=50, ax=ax)
    assert display.ax_ is ax
    assert ax.get_xlabel() == "x"
    rows = pd.DataFrame({"x": display.values, "w": frame["w"].median()})
    np.testing.assert_array_equal(display.mean, moe.predict(rows))
    np.testing.assert_array_equal(display.share, moe.gate_proba(rows).T)
    drawn = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(drawn["mean"].get_ydata(), display.mean)
    assert {"expert 0", "expert 1"} <= set(drawn)


def test_gate(fitted, ax):
    moe, frame, _ = fitted
    display = GateDisplay.from_estimator(moe, frame, feature=0, n_points=40, ax=ax)
    np.testing.assert_allclose(display.share.sum(axis=0), 1.0)
    assert ax.get_ylim() == (0, 1)
    assert len(ax.collections) == 2


def test_unknown_feature(fitted):
    moe, frame, _ = fitted
    with pytest.raises(ValueError, match="feature 'z' is not a column of X"):
        GateDisplay.from_estimator(moe, frame, feature="z")
    with pytest.raises(ValueError, match=r"feature must lie in 0\.\.1, got 5"):
        GateDisplay.from_estimator(moe, frame.to_numpy(), feature=5)


def test_columns_of_any_type_and_name(ax):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.uniform(-2, 2, 200), "g": ["a", "b"] * 100})
    frame["y"] = np.where(rng.random(200) < 0.5, 1 + frame["x"], -1) + rng.standard_normal(200)
    moe = MixtureOfExperts.from_formula("y ~ x + g", gate="~ x", data=frame, random_state=0)
    display = FittedMeanDisplay.from_estimator(moe, frame, frame["y"], feature="x", ax=ax)
    assert np.all(np.isfinite(display.mean))
    numbered = pd.DataFrame(frame[["x"]].to_numpy())
    moe = MixtureOfExperts(2, random_state=0).fit(numbered, frame["y"])
    assert GateDisplay.from_estimator(moe, numbered, ax=ax).share.shape == (2, 300)


def test_an_input_of_categories_is_drawn_by_their_names(ax):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.uniform(-2, 2, 200), "g": pd.Categorical(["b", "a"] * 100)})
    frame["y"] = np.where(rng.random(200) < 0.5, 1 + frame["x"], -1) + rng.standard_normal(200)
    moe = MixtureOfExperts.from_formula(
        "y ~ x + g", gate="~ g", data=frame, n_init=2, random_state=0
    )
    display = FittedMeanDisplay.from_estimator(moe, frame, frame["y"], feature="g", ax=ax)
    np.testing.assert_array_equal(display.values, [0, 1])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    row = pd.DataFrame({"x": [frame["x"].median()], "g": pd.Categorical(["b"], ["a", "b"])})
    np.testing.assert_allclose(display.mean[1], moe.predict(row)[0])
    np.testing.assert_array_equal(display.points[0][:2], [1, 0])
    shares = GateDisplay.from_estimator(moe, frame, feature="g").share
    np.testing.assert_allclose(shares[:, 1], moe.gate_proba(row)[0])


def test_an_input_of_dates_is_drawn_in_days(ax):
    days = pd.date_range("2020-01-01", periods=10)
    line = along(pd.DataFrame({"day": days, "x": range(10)}), "day", 4)
    np.testing.assert_allclose(np.diff(line.positions), 3.0)
    assert list(line.rows["day"]) == list(days[::3])
    assert (line.rows["x"] == 4.5).all()
    line.dress(ax)
    ax.plot(line.positions, range(4))
    assert isinstance(ax.get_xaxis().get_major_formatter(), mpl.dates.ConciseDateFormatter)


def test_equal_names_of_times_do_not_fall_together(fitted):
    moe, frame, y = fitted
    names = np.array(["night", "day"])[np.arange(200) % 2]
    display = TimeDisplay.from_estimator(moe, frame, y, time=names)
    line = next(one for one in display.axes_[0].get_lines() if one.get_label() == "predicted")
    np.testing.assert_array_equal(line.get_xdata(), np.arange(200))
    dated = TimeDisplay.from_estimator(moe, frame, time=pd.date_range("2020", periods=200))
    assert dated.axes_[0].get_xlim()[0] > 18_000  # days


def test_one_base_opens_a_figure_and_holds_its_axes(fitted, ax):
    moe, frame, y = fitted
    display = GateDisplay.from_estimator(moe, frame, n_points=5)
    assert display.figure_ is not ax.figure
    assert display.ax_ is display.axes_[0]
    time = TimeDisplay.from_estimator(moe, frame, y)
    assert [one.figure for one in time.ax_] == [time.figure_] * 2
    for name in plotting.__all__:
        assert issubclass(getattr(plotting, name), Display)
    with pytest.raises(ValueError, match="ax must hold 2 axes, one for each panel"):
        time.plot(ax=ax)


def test_held_values_and_names_of_experts_are_told(fitted, ax):
    moe, frame, y = fitted
    FittedMeanDisplay.from_estimator(moe, frame, y, feature="x", n_points=5, ax=ax)
    assert ax.get_title(loc="right") == f"at w = {frame['w'].median():.3g}"
    display = GateDisplay(
        values=np.arange(2.0), share=np.full((2, 2), 0.5), name="x", names=["low", "high"]
    )
    legend = display.plot().ax_.get_legend()
    assert [one.get_text() for one in legend.get_texts()] == ["high", "low"]
    many = pd.DataFrame(np.ones((3, 6)), columns=list("abcdef"))
    assert len(along(many, "a", 3).held) == 5


def test_short_dates_do_not_collide(fitted):
    moe, frame, _ = fitted
    display = TimeDisplay.from_estimator(moe, frame, time=pd.date_range("2020", periods=200))
    axis = display.axes_[1].xaxis
    assert isinstance(axis.get_major_formatter(), mpl.dates.ConciseDateFormatter)
    assert len(axis.get_ticklocs()) <= 8


@pytest.mark.parametrize("of", ["share", "mean", "deviation", "expert"])
def test_partial_dependence_is_a_mean_over_rows(fitted, ax, of):
    moe, frame, _ = fitted
    display = PartialDependenceDisplay.from_estimator(
        moe, frame, feature="x", of=of, n_points=5, ax=ax
    )
    rows = frame.assign(x=display.values[2])
    mean, deviation = moe.predict(rows, return_std=True)
    wanted = {
        "share": moe.gate_proba(rows).mean(axis=0),
        "mean": mean.mean(),
        "deviation": deviation.mean(),
        "expert": moe.expert_means(rows)[:, :, 0].mean(axis=0),
    }
    np.testing.assert_allclose(display.curves[:, 2], wanted[of], rtol=1e-12)


def test_regions_of_the_most_probable_expert(fitted, ax):
    moe, frame, y = fitted
    experts = moe.responsibilities(frame, y).argmax(axis=1)
    display = GateRegionsDisplay.from_estimator(moe, frame, experts=experts, n_points=9, ax=ax)
    rows = pd.DataFrame({"x": display.first, "w": display.second[3]})
    np.testing.assert_allclose(display.share[:, 3], moe.gate_proba(rows).T, rtol=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "w")
    assert len(display.points[2]) == len(frame)
    with pytest.raises(ValueError, match="features must be two inputs that differ"):
        GateRegionsDisplay.from_estimator(moe, frame, features=["x", "x"])
    dated = frame.assign(day=pd.date_range("2020", periods=200))
    with pytest.raises(ValueError, match="features must be of numbers, and 'day' is not"):
        GateRegionsDisplay.from_estimator(moe, dated, features=["x", "day"])
