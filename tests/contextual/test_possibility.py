"""Possibility distributions, their algebra, and tables of them."""

import pickle

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from mixstat.contextual import (
    AlphaCertain,
    Function,
    Gaussian,
    Stated,
    Trapezoidal,
    Triangular,
    labels,
    tabulate,
)
from mixstat.plotting import PossibilityDisplay

pytestmark = pytest.mark.fast

mpl.use("Agg")
V = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        (AlphaCertain("c", 0, (0.5, 2.0), 0.7), [0.3, 0.3, 1, 1, 1, 0.3, 0.3, 0.3]),
        (AlphaCertain("c", 0, (None, 0.5)), [1, 1, 1, 0, 0, 0, 0, 0]),
        (AlphaCertain("c", 0, lambda v: v > 3, 0.9), [0.1] * 6 + [1, 1]),
        (Trapezoidal("c", 0, (0, 1, 2, 4)), [0, 0, 0.5, 1, 1, 0.5, 0, 0]),
        (Trapezoidal("c", 0, (0, 1, 2, 4), beta=1), [0, 0.5, 0.75, 1, 1, 2 / 3, 1 / 3, 0]),
        (Trapezoidal("c", 0, (-np.inf, -np.inf, 2, 4)), [1, 1, 1, 1, 1, 0.5, 0, 0]),
        (Trapezoidal("c", 0, (1, 1, 2, 2)), [0, 0, 0, 1, 1, 0, 0, 0]),
        (Triangular("c", 0, (0, 1, 3)), [0, 0, 0.5, 1, 0.5, 0, 0, 0]),
        (Gaussian("c", 0, 1.0, 2.0), np.exp(-((V - 1) ** 2) / 8)),
        (Function("c", 0, lambda v: 1 / (1 + v**2)), 1 / (1 + V**2)),
    ],
)
def test_distributions(context, wanted):
    np.testing.assert_allclose(context.at(V), wanted, rtol=1e-14, atol=1e-15)
    table = tabulate([context], V[:, None])
    np.testing.assert_array_equal(table.values[:, 0], context.at(V))


def test_algebra():
    low, high = Triangular("low", 0, (-1, 0, 3)), Triangular("high", 0, (0, 3, 6))
    a, b = low.at(V), high.at(V)
    for joined, wanted, name in (
        (low & high, np.minimum(a, b), "low & high"),
        (low | high, np.maximum(a, b), "low | high"),
        (low * high, a * b, "low * high"),
        (~low, 1 - a, "not low"),
        (~(low | high) & ~low, 1 - np.maximum(a, b), "not low | high & not low"),
    ):
        np.testing.assert_allclose(joined.at(V), wanted, rtol=1e-14)
        assert joined.name == name
        np.testing.assert_array_equal(tabulate([joined], V[:, None]).values[:, 0], joined.at(V))
    assert (low & high).named("middle").name == "middle"
    assert pickle.loads(pickle.dumps(low & ~high)) == low & ~high


def test_parts_may_be_on_different_variables():
    X = pd.DataFrame({"load": [0.0, 1.0, 1.0], "valve": [5.0, 5.0, 0.0]})
    both = AlphaCertain("busy", "load", (0.5, None)) & AlphaCertain("open", "valve", (1, None))
    np.testing.assert_array_equal(tabulate([both], X).values[:, 0], [0, 1, 0])
    with pytest.raises(ValueError, match="several variables"):
        both.at(V)
    several = Function("sum", ["load", 1], lambda v: np.minimum(v.sum(axis=1) / 10, 1))
    np.testing.assert_allclose(tabulate([several], X).values[:, 0], [0.5, 0.6, 0.1])


def test_what_is_missing_rules_nothing_out():
    data = pd.DataFrame({"phase": ["heat", None, "cool"], "lab": [1.0, np.nan, np.nan]})
    heat, cool = labels("phase", ["heat", "cool"], alpha=0.8)
    pure = AlphaCertain("pure", "lab", (0.5, None))
    contexts = [heat, ~heat, cool, pure, heat & pure, heat | pure, heat * pure]
    table = tabulate(contexts, np.zeros((3, 1)), context_data=data)
    wanted = [
        [1, 0, 0.2, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1],
        [0.2, 0.8, 1, 1, 0.2, 1, 0.2],
    ]
    np.testing.assert_allclose(table.values, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("stated", "column", "told"),
    [
        (["0", "1"], [0, 1, 1], "numbers such as 1; got strings, '0'"),
        ([0, 1], ["0", "1", None], "strings such as '1'; got numbers, 0"),
        (["2024-01-01"], pd.date_range("2024-01-01", periods=3), "times such as"),
    ],
)
def test_labels_are_of_the_kind_of_the_variable(stated, column, told):
    data = pd.DataFrame({"phase": column})
    with pytest.raises(ValueError, match=f"on='phase' has, {told}"):
        tabulate(labels("phase", stated, 0.8), np.zeros((3, 1)), context_data=data)
    days = pd.DataFrame({"phase": pd.date_range("2024-01-01", periods=3)})
    table = tabulate(labels("phase", days["phase"][:2], 0.8), np.zeros((3, 1)), context_data=days)
    np.testing.assert_allclose(table.values, [[1, 0.2], [0.2, 1], [0.2, 0.2]], rtol=1e-12)
    mixed = pd.DataFrame({"phase": pd.array([1, None, 0], dtype="Int64")})
    table = tabulate(labels("phase", [0, 1], 0.8), np.zeros((3, 1)), context_data=mixed)
    np.testing.assert_allclose(table.values, [[0.2, 1], [1, 1], [1, 0.2]], rtol=1e-12)


@pytest.mark.parametrize("zone", [None, "Europe/Lisbon"])
def test_time_is_the_index_or_a_column(zone):
    index = pd.date_range("2024-01-01", periods=10, freq="D", tz=zone)
    X = pd.DataFrame({"a": np.arange(10.0)}, index=index)
    stamps = pd.DataFrame({"stamp": index})
    first = ("2024-01-03", None) if zone is None else (index[2], None)
    for on in ("time", "stamp"):
        late = AlphaCertain("late", on, first)
        ramp = Trapezoidal("ramp", on, (index[2], index[4], index[6], index[8]))
        bell = Gaussian("bell", on, index[3], np.timedelta64(48, "h"))
        table = tabulate([late, ramp, bell], X, context_data=stamps)
        days = np.arange(10.0)
        np.testing.assert_array_equal(table.values[:, 0], days >= 2)
        np.testing.assert_allclose(
            table.values[:, 1], np.clip(np.minimum((days - 2) / 2, (8 - days) / 2), 0, 1)
        )
        np.testing.assert_allclose(table.values[:, 2], np.exp(-((days - 3) ** 2) / 8))
    rows = tabulate([AlphaCertain("late", "time", (7, None))], X.to_numpy())
    np.testing.assert_array_equal(rows.values[:, 0], np.arange(10) >= 7)


def test_response_and_several_responses():
    y = np.array([[0.0, 1.0], [1.0, 0.0]])
    X = np.zeros((2, 1))
    peak = [AlphaCertain("a", "y0", (0.5, None)), AlphaCertain("b", "y1", (0.5, None))]
    np.testing.assert_array_equal(tabulate(peak, X, y).values, [[0, 1], [1, 0]])
    one = tabulate([AlphaCertain("a", "y", (0.5, None))], X, y[:, 0])
    np.testing.assert_array_equal(one.values[:, 0], [0, 1])


def test_tables_are_scaled_discounted_and_say_what_no_context_explains():
    X = np.arange(4.0)[:, None]
    contexts = [Triangular("a", 0, (-1, 0, 2)), Triangular("b", 0, (0, 1, 2))]
    table = tabulate(contexts, X)
    np.testing.assert_allclose(table.values, [[1, 0], [0.5, 1], [0, 0], [0, 0]])
    np.testing.assert_array_equal(table.unexplained(), [2, 3])
    with pytest.raises(ValueError, match=r"every context is impossible for 2 rows \(2, 3\)"):
        table.normalised()
    loose = tabulate([AlphaCertain("a", 0, (0, 1), 0.5), AlphaCertain("b", 0, (1, 2), 0.8)], X)
    np.testing.assert_allclose(loose.values, [[1, 0.2], [1, 1], [0.5, 1], [0.5, 0.2]])
    np.testing.assert_allclose(loose.normalised().values[3], [1, 0.4])
    with pytest.raises(ValueError, match="no context has possibility 1 for row 3"):
        loose.normalised(scale=False)
    np.testing.assert_allclose(loose.discounted(0.6).values[:, 1], [0.4, 1, 1, 0.4])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AlphaCertain("c", 0, (0, 1), 1.2), "alpha must lie between 0 and 1, got 1.2"),
        (lambda: AlphaCertain("c", 0, 3), "inside must be a pair"),
        (lambda: Trapezoidal("c", 0, (0, 2, 1, 3)), "corners must be 4 values in increasing"),
        (lambda: Triangular("c", 0, (0, 1)), "corners must be 3 values"),
        (lambda: Trapezoidal("c", 0, (0, 1, 2, 3), beta=-1), "beta must be >= 0"),
        (lambda: Gaussian("c", 0, 0, 0), "width must be > 0"),
        (lambda: AlphaCertain("", 0, (0, 1)), "name must be"),
    ],
)
def test_bad_distributions(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("contexts", "message"),
    [
        ([Gaussian("a", 0, 0, 1), Gaussian("a", 1, 0, 1)], "different names, got a twice"),
        ([Gaussian("a", "z", 0, 1)], "on='z' is not among the variables of the fit: u, v, k, y, t"),
        ([Gaussian("a", 5, 0, 1)], "asks for column 5, but X has 2 columns"),
        (
            [Function("a", 0, lambda v: 2 * v)],
            "must give possibilities between 0 and 1, got 2",
        ),
        ([Function("a", 0, lambda v: 1.0)], r"one possibility for each of 3 values"),
        ([Stated("a", "v")], "between 0 and 1, got 7"),
        ([Gaussian("a", "k", 0, 1)], "must hold numbers or times, got 'p'"),
        ([Gaussian("a", "both", 0, 1)], "not among"),
        ([], "at least one context"),
        ([lambda v: v], "must be a list of contexts"),
    ],
)
def test_bad_tables(contexts, message):
    X = pd.DataFrame({"u": [0.0, 1.0, 2.0], "v": [0.5, 7.0, 1.0]})
    with pytest.raises(ValueError, match=message):
        tabulate(contexts, X, np.zeros(3), {"k": ["p", "q", "p"]})


def test_a_name_that_means_two_things():
    X = pd.DataFrame({"u": [0.0, 1.0], "y": [3.0, 4.0]})
    for on, more in (("u", {"u": [1, 2]}), ("y", None)):
        with pytest.raises(ValueError, match="may mean column"):
            tabulate([Gaussian("a", on, 0, 1)], X, [0.0, 1.0], more)
    tabulate([Gaussian("a", "y", 0, 1)], X, X["y"])  # the same values: one thing
    with pytest.raises(ValueError, match=r"context_data\['k'\] must have one entry"):
        tabulate([Gaussian("a", "u", 0, 1)], X, None, {"k": [1, 2, 3]})


def test_plots_show_the_possibilities():
    peak = AlphaCertain("peak", "y", (0.6, None), 0.9)
    display = peak.plot()
    line = display.ax_.lines[0]
    np.testing.assert_array_equal(line.get_ydata(), peak.at(line.get_xdata()))
    assert set(line.get_ydata()) == {1.0, 1.0 - 0.9}
    assert display.ax_.get_xlabel() == "y"
    for context in (
        Trapezoidal("t", "u", (0, 1, 2, 3), beta=0.5),
        Triangular("t", "u", (0, 1, 2)),
        Gaussian("g", 0, 0, 1),
        ~Triangular("t", "u", (0, 1, 2)) & Gaussian("g", "u", 0, 1),
        Triangular("d", "time", ("2024-01-01", "2024-02-01", "2024-03-01")),
    ):
        ends = context.plot().ax_.lines[0].get_ydata()
        assert ends.min() < 0.05
        assert ends.max() > 0.5
    bars = labels("phase", ["heat", "cool"], 0.8)[0].plot().ax_.patches
    np.testing.assert_allclose([bar.get_height() for bar in bars], [1, 0.2])
    with pytest.raises(ValueError, match="values must be given"):
        Function("f", 0, np.square).plot()
    assert len(Function("f", 0, np.square).plot(np.linspace(0, 1, 5)).ax_.lines[0].get_xdata()) == 5
    table = tabulate([Gaussian("a", 0, 0, 1), Gaussian("b", 0, 1, 1)], V[:, None])
    shown = table.plot()
    assert isinstance(shown, PossibilityDisplay)
    np.testing.assert_array_equal(shown.ax_.lines[1].get_ydata(), table.values[:, 1])
    mpl.pyplot.close("all")
