"""Predictions far from the rows of a fit, whatever the caller makes of floating point warnings."""

import jax
import numpy as np
import pytest

from mixstat import (
    ContextualMixtureOfExperts,
    MixtureOfExperts,
    MixtureOfExpertsClassifier,
)
from mixstat.soft_sensors import contributions
from tests.sweeps import rest

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = 40
SETTINGS = {"n_init": 1, "random_state": 0, "max_iter": 50}


def _data():
    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, 2))
    second = X[:, 0] > 0
    y = np.where(second, 3 + X[:, 1], -3 - X[:, 1]) + 0.3 * random.standard_normal(ROWS)
    counts = random.poisson(np.exp(np.where(second, 1.0, 0.0) + 0.3 * X[:, 1]))
    return X, y, counts


def _fitted(kind):
    X, y, counts = _data()
    if kind == "classes":
        return MixtureOfExpertsClassifier(2, **SETTINGS).fit(X, y > 0), X, y > 0
    if kind == "contexts":
        half = np.column_stack([np.where(X[:, 0] > 0, 1.0, 0.5), np.where(X[:, 0] > 0, 0.5, 1.0)])
        moe = ContextualMixtureOfExperts(n_experts=2, **SETTINGS)
        return moe.fit(X, y, possibilities=half), X, y
    if kind == "poisson":
        return MixtureOfExperts(2, expert="poisson", **SETTINGS).fit(X, counts), X, counts
    if kind == "gamma":
        moe = MixtureOfExperts(2, expert="gamma", **SETTINGS)
        return moe.fit(X, np.exp(y / 3)), X, np.exp(y / 3)
    moe = MixtureOfExperts(2, expert="t", **SETTINGS) if kind == "t" else None
    moe = moe or MixtureOfExperts(2, gate=kind, **SETTINGS)
    return moe.fit(X, y), X, y


def _answers(moe, X, y):
    """Every prediction of an estimator, by name."""
    calls = {
        name: getattr(moe, name)
        for name in ("gate_proba", "gate_scores", "predict_expert", "predict")
    }
    both = {name: getattr(moe, name) for name in ("responsibilities", "score_samples", "bic")}
    if hasattr(moe, "predict_proba"):
        names = ("predict_proba", "predict_log_proba", "expert_proba")
        calls |= {name: getattr(moe, name) for name in names}
    else:
        calls |= {
            "deviations": lambda X: moe.predict(X, return_std=True)[1],
            "intervals": moe.predict_interval,
            "means": moe.expert_means,
            "contributions": lambda X: contributions(moe, X),
        }
        both |= {"cdf": moe.cdf, "score": moe.score}
    if hasattr(moe, "context_proba"):
        both["context_proba"] = moe.context_proba
    for name, call in calls.items():
        yield name, lambda call=call: call(X)
    for name, call in both.items():
        yield name, lambda call=call: call(X, y)


KINDS = ["softmax", "classes"]
KINDS += [rest(kind) for kind in ("gaussian", "top_k", "t", "poisson", "gamma", "contexts")]


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_do_not_hang_on_numpys_settings(kind):
    moe, X, y = _fitted(kind)
    for scale in (1.0, 30.0, 1e8):
        expected = {name: call() for name, call in _answers(moe, scale * X, y)}
        with np.errstate(all="raise"):
            found = {name: call() for name, call in _answers(moe, scale * X, y)}
        for name, value in found.items():
            assert not np.isnan(np.asarray(value, float)).any(), (name, scale)
            np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize("kind", ["softmax", "poisson", "classes"])
def test_inputs_that_cannot_be_squared_are_refused(kind):
    moe, X, y = _fitted(kind)
    for scale in (1e160, -1e160):
        for name, call in _answers(moe, scale * X, y):
            with pytest.raises(ValueError, match=r"X has values up to \d.*e\+1.*rescale"):
                pytest.fail(f"{name}: {call()}")


@pytest.mark.parametrize("kind", ["softmax", "gaussian", rest("t")])
def test_responses_that_cannot_be_squared_are_refused(kind):
    moe, X, y = _fitted(kind)
    for far in (y + 1e160, y - 1e160):
        for name in ("responsibilities", "score_samples", "bic", "score"):
            with pytest.raises(ValueError, match="y has values"):
                getattr(moe, name)(X, far)
    shares = moe.responsibilities(X, y + 1e90)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


@pytest.mark.parametrize("kind", ["softmax", "poisson", "classes"])
def test_a_fit_does_not_hang_on_numpys_settings(kind):
    expected = _fitted(kind)[0].params
    with np.errstate(all="raise"):
        found = _fitted(kind)[0]
        found.summary()
        found.cov_params()
    np.testing.assert_array_equal(found.params, expected)


def test_inference_does_not_hang_on_numpys_settings():
    """Some rows are surely an expert's: the squares of their other shares are too small."""
    moe, X, y = _fitted("softmax")
    X = X * np.array([300.0, 1.0])
    with np.errstate(all="raise"):
        results = type(moe)(2, n_init=1, random_state=0).fit(X, y).inference(X, y)
        assert results.estimate.responsibilities.min() < 1e-160
        for answer in (results.summary, results.expert_diagnostics, results.influence):
            answer()
        results.marginal_effects().summary_frame()
        results.posterior_rootogram()


@pytest.mark.parametrize("kind", KINDS)
def test_fits_and_predictions_promote_no_types(kind):
    with jax.numpy_dtype_promotion("strict"):
        moe, X, y = _fitted(kind)
        for _, call in _answers(moe, X, y):
            call()
    np.testing.assert_allclose(moe.params, _fitted(kind)[0].params, rtol=1e-9)
