"""Displays of inference draw what its results say."""

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats

from mixstat import MixtureOfExpertsClassifier
from mixstat.plotting import (
    CoefficientDisplay,
    EffectsDisplay,
    GateReliabilityDisplay,
    InfluenceDisplay,
    QuantileResidualDisplay,
    RootogramDisplay,
)
from mixstat.plotting.forest import ForestDisplay, Panel, Series
from tests.inference.mixtures import two_lines

mpl.use("Agg")


@pytest.fixture(scope="module")
def results():
    moe, X, y = two_lines()
    return moe.inference(X, y)


def dots(ax, label):
    """Positions and heights of what a label names."""
    line = next(one for one in ax.get_lines() if one.get_label() == label)
    return np.array(line.get_data())


def test_coefficients(results):
    display = CoefficientDisplay.from_results(results)
    assert [panel.title for panel in display.panels] == ["Experts", "Gate"]
    experts, gate = display.axes_
    assert [label.get_text() for label in experts.get_yticklabels()] == ["x0"]
    for k in range(2):
        np.testing.assert_allclose(dots(experts, f"expert {k}")[0], results.params[f"expert{k}:x0"])
    np.testing.assert_allclose(dots(gate, "equation 0")[0], results.params["gate0:x0"])
    ends = display.panels[1].series[0].values[0, 1:]
    np.testing.assert_allclose(ends, results.conf_int().loc["gate0:x0"])
    every = CoefficientDisplay.from_results(results, constants=True)
    assert every.panels[0].rows == ["1", "x0"]
    assert every.axes_[0].get_legend() is not None


def test_effects(results):
    effects = results.marginal_effects()
    display = EffectsDisplay.from_effects(effects)
    frame = effects.summary_frame().set_index("part")
    (ax,) = display.axes_
    for part, word in (("total", "total"), ("gate", "through the gate")):
        np.testing.assert_allclose(dots(ax, word)[0], frame.loc[part, "estimate"])
    shares = EffectsDisplay.from_effects(results.marginal_effects(of="share"))
    assert [series.name for series in shares.panels[0].series] == ["expert 0", "expert 1"]
    with pytest.raises(ValueError, match="single rows"):
        EffectsDisplay.from_effects(results.marginal_effects([[0.5]]))


def test_effects_of_classes_share_a_legend():
    _, X, y = two_lines()
    labels = np.digitize(y, [-1, 1])
    results = MixtureOfExpertsClassifier(1).fit(X, labels).inference(X, labels)
    display = EffectsDisplay.from_effects(results.marginal_effects())
    assert [panel.title for panel in display.panels] == ["P(y = 0)", "P(y = 1)", "P(y = 2)"]
    # one expert: there is nothing to part
    assert [series.name for series in display.panels[0].series] == ["total"]
    series = [Series(name, "C0", np.zeros((1, 3))) for name in ("one", "other")]
    panels = [Panel(title, ["x"], series, "effect") for title in "ab"]
    both = ForestDisplay(panels=panels, level=0.9).plot()
    assert [ax.get_legend() is None for ax in both.axes_] == [True, False]


def test_residuals_and_worm(results):
    moe, X, _ = two_lines()
    display = QuantileResidualDisplay.from_results(results)
    np.testing.assert_allclose(display.fitted, moe.predict(X), rtol=1e-10)
    np.testing.assert_array_equal(display.residuals, results.quantile_residuals())
    points = display.axes_[1].get_lines()[-1]
    n = len(display.residuals)
    expected = stats.norm.ppf((np.arange(n) + 0.5) / n)
    np.testing.assert_allclose(points.get_xdata(), expected)
    np.testing.assert_allclose(points.get_ydata(), np.sort(display.residuals) - expected)


def test_influence(results):
    influence = results.influence()
    display = InfluenceDisplay.from_influence(influence, n_named=2)
    named = [text.get_text() for text in display.ax_.texts]
    assert named == [str(i) for i in np.argsort(-influence.cooks_distance)[:2]]
    both = display.ax_.get_lines()
    np.testing.assert_array_equal(both[0].get_xdata(), influence.leverage)
    endless = InfluenceDisplay(
        leverage=np.array([0.1, 1.0]), distance=np.array([0.2, np.inf]), names=["a", "b"], n_named=1
    ).plot()
    assert [text.get_text() for text in endless.ax_.texts] == ["b"]


def test_certainty(results):
    display = RootogramDisplay.from_results(results, n_bins=5)
    heights = [[patch.get_height() for patch in ax.patches] for ax in display.axes_]
    table = results.posterior_rootogram(5)
    np.testing.assert_allclose(np.ravel(heights), np.sqrt(table["count"]))
    gate = GateReliabilityDisplay.from_results(results, n_bins=4)
    first = gate.ax_.containers[0].lines[0]
    own = results.gate_reliability(4).query("expert == 0")
    np.testing.assert_allclose(first.get_xydata(), own[["share", "responsibility"]])
