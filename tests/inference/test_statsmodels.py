"""One expert is a regression: errors and tests equal those of statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.inference import HAC, Clustered, Sandwich

N = 200
TIGHT = {"tol": 1e-11}


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(3)
    X = pd.DataFrame(random.normal(size=(N, 2)), columns=["a", "b"])
    groups = np.repeat(np.arange(20), 10)
    shift = random.normal(size=20)[groups]
    return random, X, groups, shift


@pytest.fixture(scope="module")
def line(rows):
    random, X, groups, shift = rows
    noise = (0.5 + np.abs(X["a"])) * random.standard_normal(N)
    y = 1 + 0.5 * X["a"] - X["b"] + 0.3 * shift + noise
    return MixtureOfExperts(1, **TIGHT).fit(X, y), sm.OLS(y, sm.add_constant(X)), groups


NAMES = ["expert0:1", "expert0:a", "expert0:b"]


def kinds(groups):
    """Ours, and what statsmodels calls it."""
    second = {"groups": np.column_stack([groups, np.arange(N) % 7])}
    regression = Clustered(small_sample="regression")
    return {
        "HC0": ("robust", {}, "HC0", {}),
        "HC1": (Sandwich(small_sample="regression"), {}, "HC1", {}),
        "cluster": (regression, {"groups": groups}, "cluster", {"groups": groups}),
        "two clusters": (regression, second, "cluster", second),
        "HAC": (HAC(lags=4), {}, "HAC", {"maxlags": 4}),
        "HAC corrected": (
            HAC(lags=4, small_sample="regression"),
            {},
            "HAC",
            {"maxlags": 4, "use_correction": True},
        ),
    }


@pytest.mark.parametrize("name", kinds(np.arange(N)))
def test_errors_and_tests_of_least_squares(line, name):
    moe, model, groups = line
    mine, given, theirs, settings = kinds(groups)[name]
    results = moe.inference(cov_type=mine, **given)
    known = model.fit(cov_type=theirs, cov_kwds=settings, use_t=False)
    np.testing.assert_allclose(results.bse[NAMES], known.bse, rtol=1e-8)
    np.testing.assert_allclose(results.zvalues[NAMES], known.tvalues, rtol=1e-8)
    np.testing.assert_allclose(results.pvalues[NAMES], known.pvalues, rtol=1e-7)
    np.testing.assert_allclose(
        results.conf_int(0.9).loc[NAMES], known.conf_int(0.1), rtol=1e-8, atol=1e-10
    )
    both = results.wald_test("expert0:a = 0.4, expert0:a + 2 * expert0:b = -1")
    same = known.wald_test("a = 0.4, a + 2 * b = -1", scalar=True, use_f=False)
    np.testing.assert_allclose(both.statistic, same.statistic, rtol=1e-8)
    np.testing.assert_allclose(both.pvalue, same.pvalue, rtol=1e-7)
    one, other = results.t_test("expert0:a = -expert0:b"), known.t_test("a = -b", use_t=False)
    np.testing.assert_allclose(one.std_error, other.sd.ravel(), rtol=1e-8)
    np.testing.assert_allclose(one.zvalues, other.tvalue.ravel(), rtol=1e-8)
    np.testing.assert_allclose(one.conf_int(), other.conf_int(), rtol=1e-8)


def test_information_of_least_squares(line):
    """Least squares divides by n - p where the likelihood divides by n."""
    moe, model, _ = line
    results, known = moe.inference(), model.fit()
    np.testing.assert_allclose(np.sqrt(N / (N - 3)) * results.bse[NAMES], known.bse, rtol=1e-8)
    np.testing.assert_allclose(results.llf, known.llf, rtol=1e-12)
    # statsmodels does not count the scale
    np.testing.assert_allclose(results.aic, known.aic + 2, rtol=1e-12)
    np.testing.assert_allclose(results.bic, known.bic + np.log(N), rtol=1e-12)
    assert results.icl == results.bic


@pytest.mark.parametrize("family", ["poisson", "binomial"])
@pytest.mark.parametrize("name", ["information", "HC0", "cluster", "HAC"])
def test_errors_of_generalised_linear_models(rows, family, name):
    _, X, groups, shift = rows
    random = np.random.default_rng(8)
    eta = (0.3 + 0.4 * X["a"] - 0.2 * X["b"] + 0.3 * shift).to_numpy()
    if family == "poisson":
        y, law = random.poisson(np.exp(eta)), sm.families.Poisson()
    else:
        hits = random.binomial(5, 1 / (1 + np.exp(-eta)))
        y, law = np.column_stack([hits, 5 - hits]), sm.families.Binomial()
    moe = MixtureOfExperts(1, expert=family, **TIGHT).fit(X, y)
    model = sm.GLM(y, sm.add_constant(X.to_numpy()), family=law)
    mine, given, theirs, settings = {
        "information": ("observed", {}, "nonrobust", {})
    }.get(name, kinds(groups).get(name))  # fmt: skip
    known = model.fit(cov_type=theirs, cov_kwds=settings, tol=1e-14, maxiter=100)
    results = moe.inference(cov_type=mine, **given)
    np.testing.assert_allclose(results.params[NAMES], known.params, rtol=1e-8)
    np.testing.assert_allclose(results.bse[NAMES], known.bse, rtol=1e-8)


@pytest.mark.parametrize("theirs", ["nonrobust", "HC0", "cluster"])
def test_errors_of_classes(rows, theirs):
    _, X, groups, shift = rows
    random = np.random.default_rng(9)
    eta = np.column_stack([np.zeros(N), X["a"] + shift, 0.5 - X["b"]])
    y = np.argmax(eta + random.gumbel(size=eta.shape), axis=1)
    # theirs are log odds against the first class
    moe = MixtureOfExpertsClassifier(1, classes=[1, 2, 0], **TIGHT).fit(X, y)
    settings = {"groups": groups} if theirs == "cluster" else {}
    mine = {
        "nonrobust": "observed",
        "HC0": "robust",
        "cluster": Clustered(small_sample="regression"),
    }
    results = moe.inference(cov_type=mine[theirs], **settings)
    model = sm.MNLogit(y, sm.add_constant(X.to_numpy()))
    robust = {"cov_type": theirs} | ({"cov_kwds": settings} if settings else {})
    known = model.fit(method="newton", disp=0, tol=1e-14, **robust)
    names = [f"expert0:y={c}:{f}" for c in (1, 2) for f in ("1", "a", "b")]
    np.testing.assert_allclose(results.params[names], known.params.ravel("F"), rtol=1e-8)
    np.testing.assert_allclose(results.bse[names], known.bse.ravel("F"), rtol=1e-8)
