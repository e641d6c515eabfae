"""Profile likelihoods against closed forms."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from scipy.stats import chi2

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.experts import StudentTExperts
from mixstat.gates import TemperatureGate
from mixstat.plotting import ProfileDisplay
from mixstat.results import Status

mpl.use("Agg")


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(5)
    X = rng.normal(3, 2, (120, 2))
    y = 1 + X @ [0.5, -1] + 0.7 * rng.standard_normal(120)
    return MixtureOfExperts(1).fit(X, y), X, y


def residuals(design, y):
    return float(np.sum((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2))


@pytest.mark.parametrize("name", ["expert0:1", "expert0:x0", "expert0:x1"])
def test_one_gaussian_expert(line, name):
    moe, X, y = line
    design = np.column_stack([np.ones(len(y)), X])
    j = ["expert0:1", "expert0:x0", "expert0:x1"].index(name)
    profile = moe.profile(name)
    full = residuals(design, y)
    others = np.delete(design, j, axis=1)
    held = [residuals(others, y - value * design[:, j]) for value in profile.values]
    np.testing.assert_allclose(profile.deviance, len(y) * np.log(np.array(held) / full), atol=1e-8)
    total = -0.5 * len(y) * (np.log(2 * np.pi * np.array(held) / len(y)) + 1)
    np.testing.assert_allclose(profile.log_likelihood, total, atol=1e-8)
    assert set(profile.statuses) == {Status.CONVERGED}
    assert profile.gain < 1e-9
    assert not profile.is_flat


def test_interval_in_closed_form(line):
    """RSS(b) = RSS (1 + (b - estimate)^2 / (RSS d)), d the entry of the inverse Gram matrix."""
    moe, X, y = line
    design = np.column_stack([np.ones(len(y)), X])
    for level in (0.9, 0.95):
        profile = moe.profile("expert0:x0", level=level)
        spread = np.linalg.inv(design.T @ design)[1, 1] * residuals(design, y)
        half = np.sqrt(spread * np.expm1(chi2.ppf(level, 1) / len(y)))
        estimate = moe.expert_coef_[0, 1]
        np.testing.assert_allclose(profile.interval, estimate + half * np.array([-1, 1]), rtol=1e-7)
        assert profile.level == level


def test_scale_of_one_gaussian_expert(line):
    moe, _, y = line
    profile = moe.profile("log_scale0", n_points=5)
    ratio = np.exp(2 * (profile.estimate - profile.values))
    expected = len(y) * (ratio - 1 - np.log(ratio))
    np.testing.assert_allclose(profile.deviance, expected, atol=1e-8)


@pytest.fixture(scope="module")
def saturated():
    """Data whose gate has tanh inside: logits stay between two plateaus."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-3, 3, (1500, 2))
    logits = (np.tanh(x * [2.0, 1.0]) + np.array([0.3, 0.0])) / 0.5
    c = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
    y = np.where(c == 0, 1 + x[:, 0], -1 - x[:, 0]) + 0.5 * rng.standard_normal(1500)
    return x, y


@pytest.mark.exhaustive
def test_temperature_is_flat_for_the_plain_gate(saturated):
    moe = MixtureOfExperts(2, gate="temperature", random_state=0).fit(*saturated)
    profile = moe.profile("temperature:log_tau", n_points=9)
    assert np.ptp(profile.log_likelihood) < 1e-8
    assert profile.is_flat
    assert profile.interval == (-np.inf, np.inf)
    assert np.ptp(profile.values) == pytest.approx(4.0)
    assert "flat" in profile.describe()
    coefficient = moe.profile("expert0:x0", n_points=9)  # others are not hindered by the ray
    assert set(coefficient.statuses) == {Status.CONVERGED}
    softmax = MixtureOfExperts(2, random_state=0).fit(*saturated)
    other = softmax.profile("expert0:x0", coefficient.values)
    np.testing.assert_allclose(coefficient.deviance, other.deviance, atol=1e-6)


@pytest.mark.exhaustive
def test_temperature_is_peaked_with_tanh(saturated):
    moe = MixtureOfExperts(2, gate="activation", random_state=0).fit(*saturated)
    profile = moe.profile("temperature:log_tau", n_points=9)
    low, high = profile.interval
    assert low < np.log(0.5) < high
    assert high - low < 1.0
    assert profile.deviance.min() > -1e-9
    assert profile.deviance[[0, -1]].min() > profile.cut
    assert set(profile.statuses) == {Status.CONVERGED}


@pytest.mark.exhaustive
def test_degrees_of_freedom(saturated):
    x, _ = saturated
    rng = np.random.default_rng(2)
    y = x[:, 0] + rng.standard_t(4, len(x))
    moe = MixtureOfExperts(1, expert="t").fit(x, y)
    profile = moe.profile("log_df0", n_points=9)
    assert profile.interval[0] < np.log(4) < profile.interval[1]
    held = moe.profile("log_df0", [np.log(4.0)])
    four: Any = StudentTExperts(df=4.0)
    fixed = MixtureOfExperts(1, expert=four).fit(x, y)
    expected = fixed.log_likelihood_ * len(x)
    assert held.log_likelihood[0] == pytest.approx(expected, abs=1e-8)
    # the normal distribution is the end of the scale
    far = moe.profile("log_df0", [np.log(1e6)])
    assert far.deviance[0] > profile.cut
    with pytest.raises(ValueError, match="grid must lie between"):
        moe.profile("log_df0", [50.0])


def test_classifier(saturated):
    x, y = saturated
    one = MixtureOfExpertsClassifier(1).fit(x[:300], np.digitize(y[:300], [-1, 1]))
    name = one.parameter_names[-1]
    profile = one.profile(name, n_points=5)
    assert profile.deviance[2] == pytest.approx(0, abs=1e-9)
    quadratic = ((profile.values - profile.estimate) / profile.std_error) ** 2
    np.testing.assert_allclose(profile.deviance, quadratic, rtol=0.5)


def test_a_better_maximum_is_told(saturated):
    x, y = saturated
    poor = MixtureOfExperts(2, random_state=0, max_iter=3, solver="em", n_init=1)
    with pytest.warns(match="limit"):
        poor.fit(x, y)
    profile = poor.profile("expert0:x0", n_points=3)
    assert profile.gain > 0.01
    assert "better maximum" in profile.describe()


def test_bad_arguments(line, saturated):
    moe, _, _ = line
    with pytest.raises(ValueError, match=r"name must be one of expert0:1, .*; got 'slope'"):
        moe.profile("slope")
    with pytest.raises(ValueError, match="grid must be finite"):
        moe.profile("expert0:1", [np.nan])
    with pytest.raises(ValueError, match=r"level must lie strictly between 0 and 1, got 1\.5"):
        moe.profile("expert0:1", level=1.5)
    with pytest.raises(ValueError, match="n_points must"):
        moe.profile("expert0:1", n_points=1)
    gate: Any = TemperatureGate(temperature=0.5)
    held = MixtureOfExperts(2, gate=gate, random_state=0)
    with pytest.raises(ValueError, match="temperature:log_tau is held fixed"):
        held.fit(*saturated).profile("temperature:log_tau")


def test_display(line):
    import matplotlib.pyplot as plt

    moe, _, _ = line
    figure, ax = plt.subplots()
    display = ProfileDisplay.from_estimator(moe, "expert0:x0", n_points=7, ax=ax)
    assert display.ax_ is ax
    drawn = {one.get_label(): one for one in ax.get_lines()}
    np.testing.assert_array_equal(drawn["profile"].get_ydata(), display.profile.deviance)
    assert any(np.allclose(one.get_ydata(), display.profile.cut) for one in ax.get_lines())
    assert ax.get_xlabel() == "expert0:x0"
    plt.close(figure)
