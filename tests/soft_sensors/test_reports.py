"""Contributions add up; the report of inputs finds those that matter; displays draw."""

import matplotlib as mpl
import numpy as np
import pytest

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import AlphaCertain
from mixstat.datasets import make_tent
from mixstat.plotting import TimeDisplay
from mixstat.soft_sensors import contributions, input_report

mpl.use("Agg")


@pytest.fixture(scope="module")
def tent():
    X, y = make_tent(400, random_state=2)
    order = np.argsort(X[:, 0])
    return X[order], y[order]


@pytest.fixture(scope="module")
def model(tent):
    up = AlphaCertain("rising", 0, (None, 0.5), alpha=0.9)
    down = AlphaCertain("falling", 0, (0.5, None), alpha=0.9)
    moe = ContextualMixtureOfExperts([up, down], ridge=1e-4, n_init=2, random_state=0)
    return moe.fit(*tent)


def test_contributions_add_up(tent, model):
    X, y = tent
    parts = contributions(model, X)
    assert parts.shape == (400, 2)
    np.testing.assert_allclose(parts.sum(axis=1), model.predict(X), rtol=1e-12)
    Y = np.column_stack([y, np.cos(7 * X[:, 1])])
    several = MixtureOfExperts(2, n_init=1, random_state=0, ridge=1e-3).fit(X, Y)
    np.testing.assert_allclose(
        contributions(several, X).sum(axis=1), several.predict(X), rtol=1e-12, atol=1e-14
    )


@pytest.mark.exhaustive
def test_inputs_that_matter(tent, model):
    before = model.expert_coef_.copy()
    report = input_report(model, *tent, n_boot=20, random_state=0)
    assert report.contexts == ["rising", "falling"]
    assert report.features == ["x0", "x1", "x2"]
    assert report.matters[:, 0].all()
    np.testing.assert_allclose(report.coef[:, 0], [2, -2], atol=0.2)
    assert np.all((report.low <= report.coef) & (report.coef <= report.high))
    # an interval of 90 % has the spread of the standard error
    error = np.sqrt(np.diag(model.cov_params()))
    place = [model.parameter_names.index(f"expert{k}:x1") for k in range(2)]
    np.testing.assert_allclose(
        (report.high - report.low)[:, 1] / (2 * 1.645), error[place], rtol=0.5
    )
    # half of the rows are each side's, whose x spreads like a uniform of length 1/2
    np.testing.assert_allclose(report.deviation[:, 0], 0.5 / np.sqrt(12), rtol=0.15)
    np.testing.assert_array_equal(model.expert_coef_, before)
    again = input_report(model, *tent, n_boot=20, random_state=0)
    np.testing.assert_array_equal(report.low, again.low)


@pytest.mark.exhaustive
def test_report_as_table_and_figure(tent, model):
    pytest.importorskip("pandas")
    report = input_report(model, *tent, n_boot=4, block=20, random_state=0)
    frame = report.to_frame()
    assert frame.index[0] == ("rising", "x0")
    assert list(frame.columns) == ["coef", "low", "high", "effect", "selected"]
    drawn = report.plot(n_inputs=2)
    assert len(drawn.axes_) == 2
    assert drawn.features[0] == "x0"
    assert drawn.axes_[1].get_title().startswith("falling")
    mpl.pyplot.close("all")


@pytest.mark.exhaustive
def test_experts_that_swap_names_are_matched():
    X, y = make_tent(400, random_state=1)
    moe = MixtureOfExperts(2, n_init=3, ridge=1e-4, random_state=0).fit(X, y)
    report = input_report(moe, X, y, n_boot=10, random_state=1)
    assert np.all((report.low[:, 0] > 0) | (report.high[:, 0] < 0))
    np.testing.assert_allclose(0.5 * (report.low + report.high)[:, 0], report.coef[:, 0], atol=0.2)


def test_bad_reports(tent, model):
    with pytest.raises(ValueError, match="model must be an estimator of mixstat"):
        input_report("moe", *tent)
    with pytest.raises(ValueError, match="n_boot must be an integer >= 2"):
        input_report(model, *tent, n_boot=1)
    with pytest.raises(ValueError, match="block must be an integer >= 1"):
        input_report(model, *tent, block=0)


@pytest.mark.parametrize("parts", [False, True])
def test_time_display(tent, model, parts):
    X, y = tent
    drawn = TimeDisplay.from_estimator(model, X, y, contributions=parts)
    upper, lower = drawn.axes_
    assert drawn.names == ["rising", "falling"]
    np.testing.assert_allclose(upper.lines[-1].get_ydata(), model.predict(X))
    assert [t.get_text() for t in lower.get_legend().get_texts()] == drawn.names
    if parts:
        np.testing.assert_allclose(lower.lines[0].get_ydata(), contributions(model, X)[:, 0])
    with pytest.raises(ValueError, match="ax must hold 2 axes"):
        drawn.plot(ax=[upper])
    mpl.pyplot.close("all")
