"""Displays draw what the estimator says."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts
from mixstat.plotting import FittedMeanDisplay, GateDisplay

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
