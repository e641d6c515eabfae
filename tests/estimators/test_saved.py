"""A saved model is small: it has no training rows, and says so where they are needed."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import AlphaCertain, labels
from mixstat.soft_sensors import input_report


def _rows(n):
    random = np.random.default_rng(0)
    X = random.standard_normal((n, 2))
    y = np.where(random.random(n) < 0.5, 3 + X[:, 0], -3 - X[:, 1]) + random.standard_normal(n)
    return X, y


@pytest.fixture(scope="module")
def fitted():
    X, y = _rows(400)
    weight = np.random.default_rng(1).random(400) + 0.5
    moe = MixtureOfExperts(2, n_init=1, random_state=0).fit(X, y, sample_weight=weight)
    return moe, X, y, weight


def test_a_saved_model_is_small_however_many_rows_there_were():
    sizes = []
    for n in (400, 40_000):
        moe = MixtureOfExperts(2, n_init=1, random_state=0).fit(*_rows(n))
        sizes.append(len(pickle.dumps(moe)))
    assert max(sizes) < 60_000
    assert abs(sizes[1] - sizes[0]) < 2_000


def test_a_loaded_model_tells_the_same(fitted):
    moe, X, y, _ = fitted
    loaded = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(moe))))
    np.testing.assert_array_equal(loaded.predict(X), moe.predict(X))
    assert str(loaded.summary()) == str(moe.summary())
    assert str(loaded.certificate_) == str(moe.certificate_)
    np.testing.assert_array_equal(loaded.cov_params(), moe.cov_params())
    updated = [one.partial_fit(X[:50], y[:50]).params for one in (loaded, copy.deepcopy(moe))]
    np.testing.assert_allclose(*updated, rtol=1e-10)


def test_a_profile_of_a_loaded_model_wants_its_rows(fitted):
    moe, X, y, weight = fitted
    name = moe.parameter_names[-1]
    loaded = pickle.loads(pickle.dumps(moe))
    with pytest.raises(ValueError, match=r"not saved with a model.*X=X, y=y"):
        loaded.profile(name)
    settings = {"n_points": 3, "X": X, "y": y}
    there = loaded.profile(name, sample_weight=weight, **settings)
    here = moe.profile(name, n_points=3)
    np.testing.assert_allclose(there.log_likelihood, here.log_likelihood, rtol=1e-12)
    for wrong in ({"y": y[::-1]}, {"sample_weight": None}, {"X": X[::-1]}):
        with pytest.raises(ValueError, match="must be the rows of the fit"):
            loaded.profile(name, **settings | {"sample_weight": weight} | wrong)


@pytest.fixture(scope="module")
def contextual():
    """A model for each way to tell of contexts, and what it was told."""
    X, y = _rows(300)
    weight = np.random.default_rng(1).random(300) + 0.5
    stated = np.where(y[:, None] > 0, [1.0, 0.3], [0.3, 1.0])
    records = pd.DataFrame({"g": np.where(y > 0, "up", "down")})
    settings = {"n_init": 1, "random_state": 0}
    fits = [
        ({"possibilities": stated}, ContextualMixtureOfExperts(**settings)),
        (
            {"context_data": records},
            ContextualMixtureOfExperts(labels("g", ["up", "down"], 0.7), **settings),
        ),
        (
            {},
            ContextualMixtureOfExperts(
                [
                    AlphaCertain("low", on="y", inside=(None, 1), alpha=0.8),
                    AlphaCertain("high", on="y", inside=(-1, None), alpha=0.8),
                ],
                **settings,
            ),
        ),
    ]
    return X, y, weight, [(told, m.fit(X, y, sample_weight=weight, **told)) for told, m in fits]


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", [0, 1, 2])
def test_a_saved_contextual_model_takes_its_rows_again(contextual, way):
    X, y, weight, fits = contextual
    told, moe = fits[way]
    loaded = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(moe))))
    name = moe.parameter_names[-1]
    here = moe.profile(name, n_points=3)
    with pytest.raises(ValueError, match="not saved with a model"):
        loaded.profile(name)
    rows = {"X": X, "y": y, "sample_weight": weight}
    there = loaded.profile(name, n_points=3, **rows, **told)
    np.testing.assert_allclose(there.log_likelihood, here.log_likelihood, rtol=1e-12)
    settings = {"n_boot": 2, "random_state": 0}
    here = input_report(moe, **rows, **settings)
    there = input_report(loaded, **rows, **settings, params=told)
    np.testing.assert_allclose(there.low, here.low, rtol=1e-8)
    with pytest.raises(ValueError, match="must be the rows of the fit"):
        loaded.profile(name, **rows | {"y": y + 1e-3}, **told)
    for argument, value in told.items():
        turned = {argument: value[::-1].reset_index(drop=True) if way == 1 else value[::-1]}
        for one in (moe, loaded):
            with pytest.raises(ValueError, match="possibilities, or contexts and context_data"):
                one.profile(name, **rows, **turned)
            with pytest.raises(ValueError, match="possibilities, or contexts and context_data"):
                input_report(one, **rows, **settings, params=turned)
    if way == 0:
        with pytest.raises(ValueError, match="possibilities, or contexts and context_data"):
            loaded.profile(name, **rows)


def test_a_copy_in_this_process_keeps_its_rows(fitted):
    moe = fitted[0]
    for twin in (copy.copy(moe), copy.deepcopy(moe)):
        assert twin.fit_.maximum.batch is moe.fit_.maximum.batch


@pytest.mark.exhaustive
def test_an_input_report_wants_the_rows_of_the_fit(fitted):
    moe, X, y, weight = fitted
    settings = {"n_boot": 2, "random_state": 0}
    one_off = y.copy()
    one_off[7] += 1e-3
    for rows in ((X[::-1], y[::-1]), (X, one_off), (X + 1, y), (X[:100], y[:100])):
        with pytest.raises(ValueError, match="must be the rows of the fit"):
            input_report(moe, *rows, sample_weight=weight[: len(rows[1])], **settings)
    here = input_report(moe, X, y, sample_weight=weight, **settings)
    loaded = pickle.loads(pickle.dumps(moe))
    there = input_report(loaded, X, y, sample_weight=weight, **settings)
    np.testing.assert_allclose(there.low, here.low, rtol=1e-8)
