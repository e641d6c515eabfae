"""Inputs out of range: distances are Mahalanobis', ranks exact, regimes apart, refusals clear."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.utils.estimator_checks import estimator_checks_generator

from mixstat.soft_sensors import InputRange

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(*pair, id=pair[1].func.__name__)
        for pair in estimator_checks_generator(InputRange(), mark=None)
    ],
)
def test_sklearn(estimator, check):
    check(estimator)


@pytest.fixture
def inputs(rng):
    return rng.standard_normal((300, 3)) @ np.array([[2.0, 1, 0], [0, 0.5, 0], [0, 0, 30]]) + 7


def test_distances_are_those_of_scipy(inputs, rng):
    new = 3 * rng.standard_normal((20, 3)) + 7
    inverse = np.linalg.inv(np.cov(inputs.T, bias=True))
    wanted = cdist(new, inputs.mean(axis=0)[None], "mahalanobis", VI=inverse)[:, 0]
    told = InputRange().fit(inputs)
    np.testing.assert_allclose(-told.score_samples(new), wanted, rtol=1e-10)
    # and do not depend on units
    units = np.array([1e-3, 1.0, 1e6])
    other = InputRange().fit(inputs * units)
    np.testing.assert_allclose(other.score_samples(new * units), -wanted, rtol=1e-10)


def test_the_level_is_the_share_of_the_training_rows_within(inputs):
    for level in (0.5, 0.9, 0.99):
        inside = InputRange(level=level).fit_predict(inputs) == 1
        assert inside.sum() == np.ceil(level * 300)


def test_a_row_between_two_regimes_is_out_of_range(rng):
    first = rng.random(400) < 0.5
    X = np.where(first, -5.0, 5.0)[:, None] + 0.3 * rng.standard_normal((400, 2))
    shares = np.column_stack([first, np.zeros(400), ~first]).astype(float)
    new = [[0.0, 0.0], [5.0, 5.0]]
    assert InputRange().fit(X).predict(new).tolist() == [1, 1]
    told = InputRange().fit(X, shares=shares)
    assert told.predict(new).tolist() == [-1, 1]
    assert told.regimes_.tolist() == [0, 2]  # nothing is known of the other
    assert told.report(new)["regime"][1] == 2


def test_shares_weigh_rows(inputs, rng):
    share = rng.random(300)
    twice = np.concatenate([inputs, inputs])
    weights = np.concatenate([share, 1 - share])[:, None]
    some = InputRange().fit(twice, shares=weights).center_
    np.testing.assert_allclose(some[0], inputs.mean(axis=0), rtol=1e-12)


def test_the_report_tells_how_usual_and_which_input(inputs):
    pd = pytest.importorskip("pandas")
    names = ["flow", "valve", "heat"]
    X = pd.DataFrame(inputs, columns=names)
    told = InputRange().fit(X)
    new = X.iloc[[0, 1]].set_axis(["a", "b"])
    new.loc["b", "heat"] += 1000
    found = told.report(new)
    assert found.index.tolist() == ["a", "b"]
    assert found.loc["b", ["outside", "input"]].tolist() == [True, "heat"]
    assert found.loc["b", "p_value"] == 1 / 301
    z = (new.loc["b", "heat"] - inputs[:, 2].mean()) / inputs[:, 2].std()
    np.testing.assert_allclose(found.loc["b", "deviations"], z, rtol=1e-10)
    # the training row of rank r from outside has r + 1 of n + 1
    own = told.report(X)["p_value"].to_numpy()
    np.testing.assert_allclose(np.sort(own), np.arange(2, 302) / 301, rtol=1e-12)


def test_what_never_moved_is_out_of_range_when_it_moves(inputs):
    X = np.column_stack([inputs, np.full(300, 20.0), inputs[:, 0] - inputs[:, 1]])
    told = InputRange().fit(X)
    assert (told.predict(X) == 1).mean() >= 0.99
    moved = X[:2] + np.array([[0, 0, 0, 0.1, 0], [0, 0, 0, 0, 0.1]])
    assert told.predict(moved).tolist() == [-1, -1]


def test_refusals(inputs):
    for shares, words in (
        (np.ones((3, 1)), "a row for each of the 300 of X, got 3|300"),
        (-np.ones((300, 2)), "must not be negative"),
        (np.full((300, 1), np.nan), "negative or missing"),
        (np.zeros((300, 2)), "more than one row"),
    ):
        with pytest.raises(ValueError, match=words):
            InputRange().fit(inputs, shares=shares)
    with pytest.raises(ValueError, match="level"):
        InputRange(level=1.5).fit(inputs)
    with pytest.raises(ValueError, match="rescale"):
        InputRange().fit(inputs * 1e200)


def test_a_refused_fit_changes_nothing(inputs):
    pd = pytest.importorskip("pandas")
    told = InputRange().fit(pd.DataFrame(inputs, columns=["flow", "valve", "heat"]))
    before = dict(vars(told))
    for X, shares in ((inputs[:, :2] * 1e200, None), (inputs[:, :2], -np.ones((300, 1)))):
        with pytest.raises(ValueError, match=r"rescale|negative"):
            told.fit(X, shares=shares)
        assert vars(told).keys() == before.keys()
        assert all(vars(told)[name] is one for name, one in before.items())
    assert told.fit(inputs[:, :2]).n_features_in_ == 2
    assert not hasattr(told, "feature_names_in_")
