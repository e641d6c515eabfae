"""Slope heuristics on tables whose answer is known."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mixstat import MixtureOfExperts
from mixstat.selection import Selection, select, slope_heuristic
from mixstat.selection.slopes import _by_jump, _by_slope, _robust_slope

mpl.use("Agg")


def selection(sizes, values, regular=None, bic=None) -> Selection:
    """A grid whose fits do not matter."""
    n = len(sizes)
    table = pd.DataFrame(
        {
            "n_experts": np.arange(1, n + 1),
            "n_parameters": np.asarray(sizes, float),
            "log_likelihood": np.asarray(values, float),
            "bic": np.zeros(n) if bic is None else bic,
            "regular": np.ones(n, bool) if regular is None else regular,
        }
    )
    settings = tuple({"n_experts": k} for k in range(1, n + 1))
    return Selection(table, (None,) * n, settings, "bic", 0, ("n_experts",))


SIZES = np.arange(3, 43, 4)  # ten members
TRUE = 3  # the fourth holds the truth


def staircase(slope: float, rise: float = 200.0) -> np.ndarray:
    """Large gains up to the truth, and those of chance after it."""
    steps = np.where(np.arange(10) <= TRUE, rise, 0.0)
    return np.cumsum(steps) + slope * SIZES


@pytest.mark.fast
@pytest.mark.parametrize("method", ["slope", "jump"])
@pytest.mark.parametrize("slope", [0.5, 3.0])
def test_an_exact_line_after_the_truth(method, slope):
    """Any scale of the gains by chance: AIC, whose price is one, fails for three."""
    values = staircase(slope)
    found = slope_heuristic(selection(SIZES, values), method=method)
    assert found.minimal == pytest.approx(slope)
    assert found.price == pytest.approx(2 * slope)
    assert found.best_params_ == {"n_experts": TRUE + 1}
    aic = int(np.argmax(values - SIZES))
    assert (aic == TRUE) == (slope < 1)


@pytest.mark.fast
def test_noise_and_an_outlier():
    random = np.random.default_rng(0)
    values = staircase(1.5) + random.normal(0, 0.3, 10)
    values[-2] -= 30
    found = slope_heuristic(selection(SIZES, values))
    assert found.minimal == pytest.approx(1.5, abs=0.15)
    assert found.best_index_ == TRUE


@pytest.mark.fast
def test_the_robust_slope_is_that_of_statsmodels():
    random = np.random.default_rng(1)
    x = np.arange(12.0)
    y = 2 + 0.7 * x + random.normal(0, 1, 12)
    y[4] += 15
    family = sm.robust.norms.TukeyBiweight()
    wanted = sm.RLM(y, sm.add_constant(x), M=family).fit(maxiter=500, tol=1e-13)
    assert _robust_slope(x, y) == pytest.approx(wanted.params[1], rel=1e-7)


@pytest.mark.fast
def test_the_last_stable_choice_counts():
    """Three choices: the stable one with the fewest points wins, a short last one does not."""
    gains = np.cumsum([90, 60, 40, 25, 14, 8, 4, 1.5, 1, 1.2])
    minimal, prices, chosen, plateau, best = _by_slope(SIZES, gains, 2.0, 0.2)
    slopes = [_robust_slope(SIZES[i:].astype(float), gains[i:]) for i in range(9)]
    np.testing.assert_allclose(prices, slopes)
    runs = np.split(np.arange(9), np.flatnonzero(np.diff(chosen)) + 1)
    assert len(runs) > 2
    last = [run for run in runs if len(run) >= 0.2 * 9][-1]
    assert plateau == (last[0], last[-1])
    middle = last[len(last) // 2]
    assert (minimal, best) == (slopes[middle], np.argmax(gains - 2 * slopes[middle] * SIZES))


@pytest.mark.fast
def test_the_path_of_the_jump():
    """Prices at which the choice changes, by brute force."""
    random = np.random.default_rng(2)
    for _ in range(20):
        sizes = np.sort(random.choice(np.arange(2, 60), 8, replace=False))
        gains = np.cumsum(random.exponential(5, 8)) + np.where(np.arange(8) > 2, 60, 0)
        minimal, prices, path, (at, _), best = _by_jump(sizes, gains, 2.0, 0.15)
        for price in np.linspace(0.001, 1.2 * prices[-1], 500):
            place = path[np.flatnonzero(prices <= price)[-1]]
            assert np.max(gains - price * sizes) == pytest.approx(
                gains[place] - price * sizes[place]
            )
        jumps = -np.diff(sizes[path])
        assert jumps[at - 1] == jumps.max()
        assert minimal == prices[at]
        assert best == path[np.flatnonzero(prices <= 2 * minimal)[-1]]


@pytest.mark.fast
def test_spurious_members_are_left_out():
    values = staircase(0.5)
    values[7] += 40
    regular = np.arange(10) != 7
    with_it = slope_heuristic(selection(SIZES, values, regular), regular=False)
    without = slope_heuristic(selection(SIZES, values, regular))
    assert 7 in with_it.rows
    assert 7 not in without.rows
    assert without.best_index_ == TRUE
    assert without.minimal == pytest.approx(0.5)


@pytest.mark.fast
def test_the_best_of_equal_sizes_stands_for_them():
    sizes = np.append(SIZES, SIZES[5])
    values = np.append(staircase(0.5), staircase(0.5)[5] - 3)
    found = slope_heuristic(selection(sizes, values))
    assert 10 not in found.rows
    assert len(found.rows) == 10


@pytest.mark.fast
def test_refusals():
    with pytest.raises(ValueError, match="at least 4 different numbers of parameters, got 3"):
        slope_heuristic(selection([3, 7, 11], [0, 1, 2]))
    with pytest.raises(ValueError, match="at least 4 different numbers of parameters, got 0"):
        slope_heuristic(selection(SIZES, staircase(1), bic=np.full(10, np.nan)))
    with pytest.raises(ValueError, match="rises with their parameters"):
        slope_heuristic(selection(SIZES, -1.0 * SIZES))


def test_on_fits():
    random = np.random.default_rng(3)
    X = random.uniform(-1, 1, (120, 1))
    y = np.where(random.random(120) < 0.5, 2 * X[:, 0], 3 - X[:, 0])
    y = y + 0.3 * random.standard_normal(120)
    moe = MixtureOfExperts(gate_degree=0, n_init=1, random_state=0)
    grid = select(X, y, estimator=moe, n_experts=[2], degree=[0, 1, 2, 3, 4])
    found = slope_heuristic(grid)
    assert found.best_params_ == {"n_experts": 2, "degree": 1}
    assert 0 < found.minimal < 2  # half a unit a parameter, were they regular and normal
    assert found.best_estimator_ is grid.fits[found.best_index_]
    assert "is chosen by slope heuristics" in str(found)
    display = found.plot()
    assert display.ax_.get_xlabel() == "parameters"
