"""Predictions with errors: equal to statsmodels for one expert, else to numerical differences."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.inference import Bootstrap
from mixstat.inference.quantile_errors import laws
from mixstat.inference.row_functions import Features
from tests.inference.mixtures import two_lines
from tests.inference.test_delta import differences

N = 200
POINTS = np.array([[-1.0], [0.2], [1.5]])
NEW = pd.DataFrame({"a": [-1.0, 0.0, 2.0], "b": [0.5, 0.0, -1.0]}, index=["p", "q", "r"])
LEVELS = [0.05, 0.3]


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(3)
    X = pd.DataFrame(random.normal(size=(N, 2)), columns=["a", "b"])
    return random, X, (0.3 + 0.4 * X["a"] - 0.2 * X["b"]).to_numpy()


def test_mean_of_least_squares(rows):
    random, X, eta = rows
    y = eta + (0.5 + np.abs(X["a"])) * random.standard_normal(N)
    results = MixtureOfExperts(1, tol=1e-11).fit(X, y).inference(X, y, cov_type="robust")
    predicted = results.get_prediction(NEW)
    model = sm.OLS(y, sm.add_constant(X)).fit(cov_type="HC0", use_t=False)
    known = model.get_prediction(sm.add_constant(NEW)).summary_frame(alpha=0.1)
    np.testing.assert_allclose(predicted.mean, known["mean"], rtol=1e-8)
    np.testing.assert_allclose(predicted.se_mean, known["mean_se"], rtol=1e-8)
    ends = known[["mean_ci_lower", "mean_ci_upper"]]
    np.testing.assert_allclose(predicted.conf_int(0.9), ends, rtol=1e-8)
    frame = predicted.summary_frame(0.9)
    mean = frame[frame["of"] == "mean"].set_index("row")
    np.testing.assert_allclose(mean[["low", "high"]], ends, rtol=1e-8)
    assert list(mean.index) == ["p", "q", "r"]
    share = frame[frame["of"] == "share"]
    np.testing.assert_array_equal(
        share[["estimate", "std_error", "low", "high"]], [[1, 0, 1, 1]] * 3
    )


@pytest.mark.parametrize("family", ["poisson", "binomial", "gamma"])
def test_mean_of_generalised_linear_models(rows, family):
    _, X, eta = rows
    random = np.random.default_rng(8)
    laws = {
        "poisson": (random.poisson(np.exp(eta)), sm.families.Poisson()),
        "gamma": (random.gamma(3.0, np.exp(eta) / 3), sm.families.Gamma(sm.families.links.Log())),
        "binomial": (random.binomial(5, 1 / (1 + np.exp(-eta))), sm.families.Binomial()),
    }
    y, law = laws[family]
    y = np.column_stack([y, 5 - y]) if family == "binomial" else y
    moe = MixtureOfExperts(1, expert=family, tol=1e-11).fit(X, y)
    model = sm.GLM(y, sm.add_constant(X), family=law)
    known = model.fit(cov_type="HC0", tol=1e-14, maxiter=100)
    prediction = known.get_prediction(sm.add_constant(NEW))
    results = moe.inference()
    mine = results.get_prediction(NEW)
    np.testing.assert_allclose(mine.mean, prediction.predicted, rtol=1e-8)
    # theirs have the expected information, which for gamma with this link is another one
    scale = 1.0 / np.exp(results.params.get("log_shape0", 0.0))
    information = -model.hessian(known.params, scale=scale, observed=True)
    known = model.fit(tol=1e-14, maxiter=100, cov_type="nonrobust")
    known._results.normalized_cov_params = np.linalg.inv(information) / known.scale
    frame = known.get_prediction(sm.add_constant(NEW)).summary_frame()
    np.testing.assert_allclose(mine.se_mean, frame["mean_se"], rtol=1e-8)
    ends = frame[["mean_ci_lower", "mean_ci_upper"]]
    np.testing.assert_allclose(mine.conf_int(), ends, rtol=1e-8)


def in_numpy(estimate, vector, levels):
    """Mean, experts' means, shares and quantiles at the points by parameters, without JAX."""
    law = laws(estimate, vector[None], Features(*estimate.features(POINTS)))[0]
    quantiles = [law.quantile(q) for q in levels]
    return np.concatenate([law.mean(), law.marginals.mean()[:, 0], law.share, *quantiles])


def assert_errors(results, predicted):
    """Every kind of number has the errors of numerical differences."""
    estimate, matrix = results.estimate, results.covariance.matrix
    slopes = differences(lambda v: in_numpy(estimate, v, LEVELS), estimate.vector)
    wanted = np.sqrt(np.einsum("rnd,de,rne->rn", slopes, matrix, slopes))
    found = [
        predicted.se_mean[None],
        predicted.experts.std_error[:, 0],
        predicted.shares.std_error,
        predicted.quantiles.std_error[0].T,
    ]
    np.testing.assert_allclose(np.concatenate(found), wanted, rtol=2e-7)


def test_errors_are_those_of_numerical_differences():
    moe, X, y = two_lines()
    results = moe.inference(X, y, cov_type="robust")
    predicted = results.get_prediction(POINTS, LEVELS)
    assert_errors(results, predicted)
    np.testing.assert_allclose(predicted.mean, moe.predict(POINTS), rtol=1e-10)
    np.testing.assert_allclose(predicted.shares.value, moe.gate_proba(POINTS).T, rtol=1e-10)
    known = moe.predict_quantile(POINTS, LEVELS)
    np.testing.assert_allclose(predicted.quantiles.value[0], known, rtol=1e-8)
    frame = predicted.summary_frame()
    assert len(frame) == 3 * (1 + 2 + 2 + 2)
    assert not frame[["estimate", "std_error", "low", "high"]].isna().any(axis=None)
    share = frame[frame["of"] == "share"]
    assert share["low"].gt(0).all()
    assert share["high"].lt(1).all()


@pytest.mark.exhaustive
def test_student_quantiles_have_errors_of_their_degrees_of_freedom():
    moe, X, y = two_lines()
    up = (moe.responsibilities(X, y)[:, 1] > 0.5).astype(int)
    settings = {"init": up, "expert": "t", "random_state": 0}
    results = MixtureOfExperts(2, **settings).fit(X, y + 1e-4 * np.sinh(3 * y)).inference()
    predicted = results.get_prediction(POINTS, LEVELS)
    assert_errors(results, predicted)


def test_classes_have_errors_of_their_probabilities(rows):
    _, X, eta = rows
    random = np.random.default_rng(9)
    y = np.argmax(
        np.column_stack([0 * eta, np.where(X["b"] > 0, 2, -2) * X["a"], eta])
        + random.gumbel(size=(N, 3)),
        axis=1,
    )
    moe = MixtureOfExpertsClassifier(
        2, ridge=1e-2, gate_features=["b"], expert_features=["a"], n_init=1, random_state=0
    )
    results = moe.fit(X, y).inference(X, y)
    predicted = results.get_prediction(NEW)
    np.testing.assert_allclose(predicted.mean, moe.predict_proba(NEW), rtol=1e-10)
    np.testing.assert_allclose(
        np.swapaxes(predicted.experts.value, 1, 2), moe.expert_proba(NEW).swapaxes(0, 1)
    )
    ends = predicted.conf_int()
    assert ends.shape == (3, 3, 2)
    assert np.all((ends > 0) & (ends < 1))
    assert set(predicted.summary_frame()["output"]) == {"0", "1", "2", ""}
    with pytest.raises(ValueError, match="quantiles must be None for classes"):
        results.get_prediction(NEW, quantiles=0.5)


def test_draws_give_errors_and_quantiles_of_their_own():
    moe, X, y = two_lines()
    drawn = Bootstrap(n_draws=20, interval="percentile", random_state=0)
    results = moe.inference(X, y, cov_type=drawn)
    predicted = results.get_prediction(POINTS, LEVELS[1])
    each = [in_numpy(results.estimate, v, LEVELS[1:2]) for v in results.covariance.draws]
    draws = np.stack(each)
    for row, found in ((0, predicted.means), (-1, predicted.quantiles)):
        errors, ends = found.std_error.ravel(), found.conf_int(0.9).reshape(-1, 2)
        np.testing.assert_allclose(errors, draws[:, row].std(axis=0, ddof=1), rtol=1e-8)
        known = np.quantile(draws[:, row], [0.05, 0.95], axis=0, method="weibull")
        np.testing.assert_allclose(ends.T, known)


def test_many_rows_come_in_pieces_and_counts_have_no_delta_errors_of_quantiles(rows):
    _, X, eta = rows
    y = np.random.default_rng(8).poisson(np.exp(eta))
    results = MixtureOfExperts(1, expert="poisson", tol=1e-11).fit(X, y).inference(X, y)
    many = pd.concat([NEW] * 500)
    predicted = results.get_prediction(many)
    few = results.get_prediction(NEW, 0.5)
    np.testing.assert_allclose(predicted.se_mean, np.tile(few.se_mean, 500), rtol=1e-12)
    assert np.isnan(few.quantiles.std_error).all()
    assert few.quantiles.value.shape == (1, 3, 1)
    np.testing.assert_array_equal(results.get_prediction().mean, results.get_prediction(X).mean)


def test_rows_must_be_given_somewhere():
    with pytest.raises(ValueError, match="X must be given"):
        two_lines()[0].inference().get_prediction()
