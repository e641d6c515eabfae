"""Scores by name in scikit-learn's tools."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.selection import scorer

QUICK: dict[str, Any] = {"gate_degree": 0, "n_init": 2, "random_state": 0}


@pytest.fixture(scope="module")
def rows():
    """Two branches, of which the mean says nothing."""
    random = np.random.default_rng(2)
    X = random.uniform(-1, 1, (90, 1))
    sign = np.where(random.random(90) < 0.5, 1.0, -1.0)
    return X, sign * (2 + X[:, 0]) + 0.3 * random.standard_normal(90)


@pytest.fixture(scope="module")
def fitted(rows):
    return MixtureOfExperts(2, **QUICK).fit(*rows)


def test_values(rows, fitted):
    X, y = rows
    weight = np.linspace(1, 2, 90)
    assert scorer("log_density")(fitted, X, y) == pytest.approx(fitted.score_samples(X, y).mean())
    crps = -np.average(fitted.crps(X, y), weights=weight)
    assert scorer("crps")(fitted, X, y, sample_weight=weight) == pytest.approx(crps)
    quantile = fitted.predict_quantile(X, 0.3)
    loss = 2 * mean_pinball_loss(y, quantile, alpha=0.3)
    assert scorer("pinball", level=0.3)(fitted, X, y) == pytest.approx(-loss)
    low, high = fitted.predict_interval(X, 0.8).T
    inside = np.mean((low <= y) & (y <= high))
    assert scorer("coverage", level=0.8)(fitted, X, y) == pytest.approx(-abs(inside - 0.8))


@pytest.mark.exhaustive
def test_many_quantiles_come_near_the_ranked_score(rows, fitted):
    levels = (np.arange(200) + 0.5) / 200
    found = scorer("pinball", level=levels)(fitted, *rows)
    assert found == pytest.approx(scorer("crps")(fitted, *rows), rel=1e-2)


def test_brier(rng):
    X = rng.uniform(-1, 1, (60, 1))
    y = np.where(rng.random(60) < 1 / (1 + np.exp(-2 * X[:, 0])), "out", "in")
    moe = MixtureOfExpertsClassifier(1, **QUICK).fit(X, y)
    loss = 2 * brier_score_loss(y, moe.predict_proba(X)[:, 1], pos_label="out")
    assert scorer("brier")(moe, X, y) == pytest.approx(-loss)
    with pytest.raises(ValueError, match="name='crps' needs a regressor, got MixtureOfExpertsC"):
        scorer("crps")(moe, X, y)


def test_search_in_one_line_sees_what_r2_does_not(rows):
    moe = MixtureOfExperts(**QUICK)
    search = GridSearchCV(moe, {"n_experts": [1, 2]}, scoring=scorer("log_density"), cv=2)
    assert search.fit(*rows).best_params_ == {"n_experts": 2}
    values = cross_val_score(moe, *rows, scoring=scorer("crps"), cv=2)
    assert values.shape == (2,)
    assert np.all(values < 0)


def test_at_the_end_of_a_pipeline(rows):
    X, y = rows
    pipe = make_pipeline(StandardScaler(), MixtureOfExperts(1, **QUICK)).fit(X, y)
    wanted = pipe[-1].crps(StandardScaler().fit_transform(X), y).mean()
    assert scorer("crps")(pipe, X, y) == pytest.approx(-wanted)


@pytest.mark.fast
def test_refusals():
    assert pickle.loads(pickle.dumps(scorer("crps"))) == scorer("crps")
    with pytest.raises(ValueError, match="estimator must be one of mixstat"):
        scorer("crps")(StandardScaler(), np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ValueError, match="level must be None for 'crps'"):
        scorer("crps", level=0.5)
