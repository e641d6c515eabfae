"""Starts near an end: cuts of an input compared with enumeration, and rows given up or taken."""

from itertools import islice

import numpy as np
import pytest
import statsmodels.api as sm

from mixstat import MixtureOfExperts
from mixstat.fitting.shifts import shifts
from mixstat.fitting.starts import StartRows
from mixstat.fitting.steps import SPARE_ROWS, steps


def rows_of(X, y):
    Phi = np.column_stack([np.ones(len(y)), X])
    return StartRows(Phi, Phi, y[:, None], y[:, None], np.full(len(y), 1 / len(y)))


def two_sides(Phi, y, below):
    """Log-likelihood of normal regressions on the two sides of a cut, each with its scale."""
    total = 0.0
    for side in (below, ~below):
        coef = np.linalg.lstsq(Phi[side], y[side], rcond=None)[0]
        variance = np.mean((y[side] - Phi[side] @ coef) ** 2)
        total -= 0.5 * side.sum() * (np.log(2 * np.pi * variance) + 1)
    return total


def best_cut(x, Phi, y):
    """The same for the best cut along x, by trying all of them."""
    least = Phi.shape[1] + SPARE_ROWS
    cuts = [x <= value for value in np.unique(x)]
    fair = (below for below in cuts if least <= below.sum() <= len(y) - least)
    return max(two_sides(Phi, y, below) for below in fair)


@pytest.mark.parametrize("n", [30, 400])
@pytest.mark.parametrize("seed", range(4))
def test_the_first_step_is_the_best_of_all_cuts(n, seed):
    random = np.random.default_rng([n, seed])
    X = random.normal(size=(n, 2))
    y = np.where(X[:, 1] > 0.4, 1 + X[:, 0], -X[:, 0]) + random.normal(size=n)
    rows = rows_of(X, y)
    found = next(steps(rows, np.full((n, 2), 0.5), np.arange(2), random))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    below = found[:, 0] > 0.5
    expected = max(best_cut(x, rows.Phi, y) for x in X.T)
    assert two_sides(rows.Phi, y, below) == pytest.approx(expected, abs=1e-6)


def test_steps_of_inputs_with_few_values_and_of_none():
    random = np.random.default_rng(1)
    x = np.repeat([0.0, 1.0, 2.0, 3.0], 20)
    y = np.where(x > 1, 5.0, 0.0) + random.normal(size=80)
    half = np.full((80, 2), 0.5)
    first = next(steps(rows_of(x[:, None], y), half, np.arange(2), random))
    low = first[0].argmax()
    assert np.array_equal(first.argmax(axis=1) == low, x <= 1)
    assert not list(steps(rows_of(np.empty((80, 0)), y), half, np.arange(2), random))


def test_shifts_draw_every_expert_tighter_and_wider():
    random = np.random.default_rng(2)
    X, y = random.normal(size=(200, 1)), random.normal(size=200)
    shares = random.dirichlet(np.ones(3), size=200)
    seen = list(islice(shifts(rows_of(X, y), shares, random), 6))
    change = np.array([(moved - shares).sum(axis=0) for moved in seen])
    for moved in seen:
        np.testing.assert_allclose(moved.sum(axis=1), 1)
    tighter, wider = change[::2], change[1::2]
    assert sorted(np.argmin(tighter, axis=1)) == [0, 1, 2]
    assert sorted(np.argmax(wider, axis=1)) == [0, 1, 2]


@pytest.mark.parametrize("seed", range(3))
def test_the_break_in_the_flow_of_the_nile_is_found(seed):
    data = sm.datasets.nile.load_pandas().data.to_numpy(float)
    x, y = data.T
    moe = MixtureOfExperts(2, random_state=seed)
    with pytest.warns(match="no finite estimate|SEPARATED"):
        moe.fit(x[:, None], y)
    expected = best_cut(x, np.column_stack([np.ones(len(y)), x - x.mean()]), y)
    assert len(y) * moe.log_likelihood_ == pytest.approx(expected, abs=2e-3)
    before = moe.gate_proba(x[:, None]).round(3)
    change = np.flatnonzero(np.diff(np.argmax(before, axis=1)))
    assert list(x[change]) == [1898.0]
