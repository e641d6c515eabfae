"""Marginal effects: equal to statsmodels for one expert, else to numerical differences."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.inference import Bootstrap
from mixstat.numerics import parameter_vector
from tests.inference.mixtures import two_lines
from tests.inference.test_delta import differences

N = 200


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(3)
    X = pd.DataFrame({"a": random.normal(size=N), "b": random.integers(0, 2, N).astype(float)})
    return random, X, (0.3 + 0.4 * X["a"] - 0.6 * X["b"]).to_numpy()


def total(effects):
    frame = effects.summary_frame()
    return frame[frame["part"] == "total"]


def assert_like_statsmodels(effects, margins):
    mine = total(effects)
    np.testing.assert_allclose(mine["estimate"], np.ravel(margins.margeff), rtol=1e-8)
    np.testing.assert_allclose(mine["std_error"], np.ravel(margins.margeff_se), rtol=1e-8)
    np.testing.assert_allclose(mine["p"], np.ravel(margins.pvalues), rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("at", ["average", "means"])
def test_counts(rows, at):
    _, X, eta = rows
    y = np.random.default_rng(8).poisson(np.exp(eta))
    moe = MixtureOfExperts(1, expert="poisson", tol=1e-11).fit(X, y)
    model = sm.Poisson(y, sm.add_constant(X)).fit(method="newton", disp=0, tol=1e-14)
    where = {"average": "overall", "means": "mean"}[at]
    margins = model.get_margeff(at=where, dummy=True)
    assert_like_statsmodels(moe.inference(X, y).marginal_effects(at), margins)


@pytest.mark.parametrize("at", ["average", "means"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes(rows, at, n_classes):
    _, X, eta = rows
    random = np.random.default_rng(9)
    scores = np.column_stack([0 * eta, 2 * eta, 0.5 - eta])[:, :n_classes]
    y = np.argmax(scores + random.gumbel(size=scores.shape), axis=1)
    # theirs are log odds against the first class, and margins of one class are those of the last
    moe = MixtureOfExpertsClassifier(1, classes=[*range(1, n_classes), 0], tol=1e-11).fit(X, y)
    kind = sm.Logit if n_classes == 2 else sm.MNLogit
    model = kind(y, sm.add_constant(X)).fit(method="newton", disp=0, tol=1e-14)
    margins = model.get_margeff(at={"average": "overall", "means": "mean"}[at], dummy=True)
    effects = moe.inference(X, y).marginal_effects(at)
    mine = total(effects).set_index(["output", "column"])
    assert set(mine["of"]) == {"probability"}
    kept = ["1"] if n_classes == 2 else ["0", "1", "2"]
    order = mine.loc[[(label, name) for name in ("a", "b") for label in kept]]
    np.testing.assert_allclose(order["estimate"], np.ravel(margins.margeff), rtol=1e-8)
    np.testing.assert_allclose(order["std_error"], np.ravel(margins.margeff_se), rtol=1e-8)


def moved(estimate, frame, name, step):
    """What is predicted, averaged over rows, where a column is moved by parameters' place."""
    table = frame.assign(**{name: frame[name] + step})
    return estimate.features(table.to_numpy())


def average(estimate, frame, name, vector):
    """Slopes of the mean by differences of its own, averaged over the rows, in the user's units."""
    model = parameter_vector.from_vector(estimate.model, vector)

    def mean(times_phi, times_z):
        Phi, Z = (
            moved(estimate, frame, name, times_phi)[0],
            moved(estimate, frame, name, times_z)[1],
        )
        share = np.exp(Z @ np.vstack([model.gate.coef, np.zeros(Z.shape[1])]).T)
        share /= share.sum(axis=1, keepdims=True)
        each = np.einsum("nl,kl->nk", Phi, model.experts.coef[:, 0])
        return estimate.scale[0] * np.mean(np.sum(share * each, axis=1))

    h = 1e-3
    near = np.array([mean(h, 0) - mean(-h, 0), mean(0, h) - mean(0, -h)])
    far = np.array([mean(2 * h, 0) - mean(-2 * h, 0), mean(0, 2 * h) - mean(0, -2 * h)])
    experts, gate = (8 * near - far) / (12 * h)
    return np.array([experts + gate, gate, experts])


def test_parts_and_their_errors_are_those_of_numerical_differences():
    random = np.random.default_rng(5)
    X = pd.DataFrame({"a": random.uniform(-2, 2, N), "b": random.uniform(-1, 1, N)})
    up = random.random(N) < 1 / (1 + np.exp(-2 * X["a"]))
    y = np.where(up, 1 + X["b"], -1 - X["a"] ** 2) + 0.4 * random.standard_normal(N)
    settings = {"degree": 2, "init": up.astype(int), "random_state": 0}
    results = MixtureOfExperts(2, **settings).fit(X, y).inference(X, y, cov_type="robust")
    estimate, matrix = results.estimate, results.covariance.matrix
    frame = results.marginal_effects().summary_frame().set_index(["column", "part"])
    for name in ("a", "b"):
        mine = frame.loc[name]
        value = average(estimate, X, name, estimate.vector)
        slopes = differences(lambda v, name=name: average(estimate, X, name, v), estimate.vector)
        errors = np.sqrt(np.diag(slopes @ matrix @ slopes.T))
        np.testing.assert_allclose(mine["estimate"], value, rtol=1e-7)
        np.testing.assert_allclose(mine["std_error"], errors, rtol=1e-7)
        np.testing.assert_allclose(mine["z"], value / errors, rtol=1e-6)
    assert list(mine.index) == ["total", "gate", "experts"]


def test_shares_and_experts_at_given_rows():
    moe, X, y = two_lines()
    results = moe.inference(X, y)
    points, h = np.array([[-1.0], [0.2], [1.5]]), 1e-5
    share = results.marginal_effects(points, of="share").summary_frame()
    slopes = (moe.gate_proba(points + h) - moe.gate_proba(points - h)) / (2 * h)
    np.testing.assert_allclose(share["estimate"], slopes.T.ravel(), atol=1e-8)
    assert list(share["row"]) == [0, 1, 2] * 2
    assert list(share["expert"]) == [0, 0, 0, 1, 1, 1]
    expert = results.marginal_effects(points, of="expert").summary_frame()
    np.testing.assert_allclose(
        expert["estimate"], np.repeat(results.params[["expert0:x0", "expert1:x0"]], 3)
    )
    np.testing.assert_allclose(
        expert["std_error"], np.repeat(results.bse[["expert0:x0", "expert1:x0"]], 3)
    )
    text = str(results.marginal_effects(points, of="expert"))
    assert "Expert 1" in text
    assert "x0 [2]" in text


@pytest.fixture(scope="module")
def categories():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": random.uniform(1, 3, N),
            "g": pd.Categorical(random.choice(list("abc"), N), list("cab")),
            "b": random.integers(0, 2, N),
        }
    )
    up = random.random(N) < 0.5
    mean = np.where(up, frame["x"] + frame["b"], -frame["x"] + (frame["g"] == "b"))
    frame["y"] = mean + 0.3 * random.standard_normal(N)
    moe = MixtureOfExperts.from_formula(
        "y ~ log(x) + g + b", gate_formula="~ x + C(b)", data=frame, init=up.astype(int)
    )
    return moe, frame, moe.inference(frame)


def test_formulas_and_categories(categories):
    moe, frame, results = categories
    effects = results.marginal_effects()
    mine = effects.summary_frame().set_index(["column", "contrast", "part"])["estimate"]
    assert [move.words for move in effects.moves] == ["dy/dx", "a - c", "b - c", "1 - 0"]
    levels = {
        level: moe.predict(frame.assign(g=pd.Categorical([level] * N, list("cab"))))
        for level in "cab"
    }
    for level in "ab":
        gap = np.mean(levels[level] - levels["c"])
        np.testing.assert_allclose(mine["g", f"{level} - c", "total"], gap, rtol=1e-10)
    gap = np.mean(moe.predict(frame.assign(b=1)) - moe.predict(frame.assign(b=0)))
    np.testing.assert_allclose(mine["b", "1 - 0", "total"], gap, rtol=1e-10)
    h = 1e-5
    slope = moe.predict(frame.assign(x=frame["x"] + h)) - moe.predict(
        frame.assign(x=frame["x"] - h)
    )
    np.testing.assert_allclose(mine["x", "dy/dx", "total"], np.mean(slope) / (2 * h), rtol=1e-7)
    parts = mine.unstack("part")
    np.testing.assert_allclose(parts["total"], parts["gate"] + parts["experts"], rtol=1e-12)
    means = results.marginal_effects("means", columns="g")
    row = pd.DataFrame({"x": [frame["x"].mean()], "b": [int(frame["b"].mean() > 0.5)]})
    both = [moe.predict(row.assign(g=pd.Categorical([level], list("cab"))))[0] for level in "ca"]
    np.testing.assert_allclose(total(means)["estimate"].iloc[0], both[1] - both[0], rtol=1e-10)


def test_each_part_of_a_difference_is_the_mean_of_its_two_orders(categories):
    moe, frame, results = categories
    few = frame.iloc[:3]
    mine = results.marginal_effects(few, columns=["b"]).summary_frame()
    old, new = few.assign(b=0), few.assign(b=1)
    share = [moe.gate_proba(one) for one in (old, new)]
    each = [moe.expert_means(one)[:, :, 0] for one in (old, new)]
    gate = np.sum((share[1] - share[0]) * (each[0] + each[1]) / 2, axis=1)
    np.testing.assert_allclose(mine[mine["part"] == "gate"]["estimate"], gate, rtol=1e-9)
    assert list(mine["row"]) == [0, 1, 2] * 3


@pytest.mark.exhaustive
def test_weights_and_draws():
    moe, X, y = two_lines()
    kind = Bootstrap(n_draws=20, interval="percentile", random_state=0)
    results = moe.inference(X, y, cov_type=kind)
    effect = results.marginal_effects().effects[0]
    assert effect.draws.shape == (20, 3, 1, 1)
    ends = np.quantile(effect.draws, [0.025, 0.975], axis=0, method="weibull")
    np.testing.assert_allclose(np.moveaxis(effect.conf_int(), -1, 0), ends)
    np.testing.assert_allclose(effect.std_error, effect.draws.std(axis=0, ddof=1))
    weight = np.where(np.arange(N) < 20, 0.0, 1.0 + (np.arange(N) % 2))
    weighted = MixtureOfExperts(2, init=moe, n_init=1).fit(X, y, sample_weight=weight)
    mine = weighted.inference(X, y, sample_weight=weight)
    value = total(mine.marginal_effects())["estimate"].iloc[0]
    rows = total(mine.marginal_effects(X))["estimate"]
    np.testing.assert_allclose(value, np.average(rows, weights=weight), rtol=1e-10)


def test_what_is_asked_must_be_known():
    results = two_lines()[0].inference()
    with pytest.raises(ValueError, match="X must be given to inference"):
        results.marginal_effects()


def test_features_that_end_where_the_rows_do(categories):
    """Splines are not defined beyond the rows of the fit."""
    frame = categories[1]
    settings = {"data": frame, "n_experts": 1, "gate_formula": "~ 1"}
    moe = MixtureOfExperts.from_formula("y ~ bs(x, df=4) + poly(x, 2):b", **settings)
    results, h = moe.inference(frame), 1e-5
    inner = frame[frame["x"].between(1.1, 2.9)].iloc[:5]
    last = frame.loc[[frame["x"].idxmax()]]
    rows = pd.concat([inner, last])
    slopes = total(results.marginal_effects(rows, columns="x"))["estimate"]
    below, above = (moe.predict(inner.assign(x=inner["x"] + s)) for s in (-h, h))
    np.testing.assert_allclose(slopes.iloc[:5], (above - below) / (2 * h), rtol=1e-6, atol=1e-6)
    near, far = (moe.predict(last.assign(x=last["x"] - s)) for s in (h, 2 * h))
    aside = (3 * moe.predict(last) - 4 * near + far) / (2 * h)
    np.testing.assert_allclose(slopes.iloc[5], aside[0], rtol=1e-5)
    assert np.isfinite(total(results.marginal_effects())["std_error"]).all()


def test_what_to_mind_is_told(categories):
    moe, X, y = two_lines()
    weighted = MixtureOfExperts(2, init=moe, n_init=1).fit(X, y, sample_weight=np.full(N, 2.0))
    results = weighted.inference(X, y, sample_weight=np.full(N, 2.0))
    text = str(results.marginal_effects())
    assert "Weights count as numbers of rows, 400 in all" in text
    assert "add up to the total" in text
    text = str(categories[2].marginal_effects("means"))
    assert "differences between levels" in text
    # what is not in the gate has no line there
    gate = text.partition("Through the gate")[2].partition("Through the experts")[0]
    assert "g: a - c" not in gate
    assert "b: 1 - 0" in gate


def test_one_expert_has_no_parts_to_tell(rows):
    _, X, eta = rows
    labels = np.where(np.random.default_rng(1).logistic(size=N) < eta, "HDL", "ldl")
    results = MixtureOfExpertsClassifier(1).fit(X, labels).inference(X, labels)
    text = str(results.marginal_effects())
    assert "HDL" in text
    assert "Ldl" not in text
    assert "through" not in text.partition("add up")[0].partition("The parts")[0]
