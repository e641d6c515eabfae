"""Experts whose scale depends on x, against maxima that scipy finds, and by identities."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.tools.numdiff import approx_hess

from mixstat import MixtureOfExperts, Status, load, save
from mixstat.experts import Censored, GaussianExperts, Heteroscedastic, LognormalExperts

N = 400
RANDOM = np.random.default_rng(17)
X = RANDOM.uniform(-1, 1, (N, 2))
DESIGN = np.column_stack([np.ones(N), X])
NOISE = RANDOM.standard_normal(N)
Y = 1 + X @ [0.8, -0.5] + np.exp(-0.4 + 0.9 * X[:, 0]) * NOISE
FIRST = Heteroscedastic("gaussian", scale_features=[0])


@pytest.fixture(scope="module")
def one():
    """One expert, whose scale depends on the first column."""
    return MixtureOfExperts(1, expert=FIRST).fit(X, Y)


def loss(v):
    return -stats.norm(DESIGN @ v[:3], np.exp(v[3] + v[4] * X[:, 0])).logpdf(Y).sum()


def test_one_expert_is_scipys_maximum(one):
    assert one.status_ == Status.CONVERGED
    assert list(one.parameter_names[3:]) == ["log_scale0", "scale0:x0"]
    best = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-7})
    assert N * one.log_likelihood_ == pytest.approx(-best.fun, rel=1e-11)
    np.testing.assert_allclose(one.params, best.x, atol=1e-6)
    known = np.sqrt(np.diag(np.linalg.inv(approx_hess(one.params, loss))))
    np.testing.assert_allclose(np.sqrt(np.diag(one.cov_params())), known, rtol=1e-3)


def test_what_is_said_of_rows_has_the_scale_of_each(one):
    mean = DESIGN @ one.expert_coef_[0]
    scale = one.scale_[0] * np.exp(one.scale_coef_[0, 0] * X[:, 0])
    law = stats.norm(mean, scale)
    found_mean, found_scale = one.predict(X, return_std=True)
    np.testing.assert_allclose(found_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found_scale, scale, rtol=1e-12)
    np.testing.assert_allclose(one.score_samples(X, Y), law.logpdf(Y), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(one.cdf(X, Y), law.cdf(Y), rtol=1e-10)
    ends = one.predict_interval(X, coverage=0.9)
    np.testing.assert_allclose(ends, np.column_stack(law.interval(0.9)), rtol=1e-7, atol=1e-8)
    z = (Y - mean) / scale
    crps = scale * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - np.pi**-0.5)
    np.testing.assert_allclose(one.crps(X, Y), crps, rtol=1e-7, atol=1e-9)
    draws = one.sample_y(X, 2000, random_state=0)
    ratio = draws.std(axis=1) / scale
    assert np.all(np.abs(ratio - 1) < 5 / np.sqrt(2 * 2000))


def test_without_features_it_is_the_family_itself():
    plain = MixtureOfExperts(1).fit(X, Y)
    same = MixtureOfExperts(1, expert=Heteroscedastic("gaussian", scale_features=[])).fit(X, Y)
    np.testing.assert_allclose(same.params, plain.params, rtol=1e-10, atol=1e-12)
    assert same.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-12)
    assert same.parameter_names == plain.parameter_names


def test_units_of_inputs_and_response_change_nothing_else(one):
    unit, shift = np.array([1e3, 1e-4]), np.array([2e3, -3.0])
    moved = MixtureOfExperts(1, expert=FIRST).fit(X * unit + shift, 5 * Y - 7)
    jump = np.log(5.0)
    assert moved.log_likelihood_ + jump == pytest.approx(one.log_likelihood_, rel=1e-10)
    np.testing.assert_allclose(moved.scale_coef_ * unit[0], one.scale_coef_, rtol=1e-7)
    np.testing.assert_allclose(moved.predict(X * unit + shift), 5 * one.predict(X) - 7, rtol=1e-8)
    at_zero = np.log(moved.scale_) + moved.scale_coef_[:, 0] * shift[0]
    np.testing.assert_allclose(at_zero, np.log(5 * one.scale_), rtol=1e-7)


def test_weights_are_rows_that_are_there_more_often():
    often = np.where(np.arange(N) < 60, 3, 1)
    twice = np.repeat(np.arange(N), often)
    weighted = MixtureOfExperts(1, expert=FIRST).fit(X, Y, sample_weight=often)
    repeated = MixtureOfExperts(1, expert=FIRST).fit(X[twice], Y[twice])
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-8, atol=1e-10)


@pytest.fixture(scope="module")
def two():
    """Two experts with scales of their own, a frame with a category, and the truth by name."""
    n, random = 1000, np.random.default_rng(4)
    frame = pd.DataFrame({"x": random.uniform(-2, 2, n), "w": random.standard_normal(n)})
    frame["site"] = pd.Categorical(random.choice(["a", "b", "c"], n))
    second = random.random(n) < 1 / (1 + np.exp(0.3 - 1.5 * frame["w"]))
    line = np.where(second, 4 + frame["x"], -2 - 0.5 * frame["x"])
    log_scale = np.where(second, -0.7 + 0.5 * frame["x"], -0.2 - 0.4 * frame["x"])
    frame["y"] = line + np.exp(log_scale) * random.standard_normal(n)
    family = Heteroscedastic("gaussian", scale_features=["x"])
    parts = {"expert_features": ["x"], "gate_features": ["w"]}
    moe = MixtureOfExperts(2, expert=family, n_init=2, random_state=0, **parts)
    truth = {"expert0:1": -2, "expert0:x": -0.5, "expert1:1": 4, "expert1:x": 1}
    truth |= {"log_scale0": -0.2, "scale0:x": -0.4, "log_scale1": -0.7, "scale1:x": 0.5}
    return moe.fit(frame[["x", "w"]], frame["y"]), frame, truth


def test_two_experts_are_found_again(two):
    moe, _, truth = two
    assert moe.status_ == Status.CONVERGED
    names, error = list(moe.parameter_names), np.sqrt(np.diag(moe.cov_params()))
    at = [names.index(name) for name in truth]
    assert np.all(np.abs(moe.params[at] - list(truth.values())) < 4 * error[at])
    assert "Slopes of the log of the scale" in str(moe.summary())


def test_kept_in_files_and_taken_as_starts(two, tmp_path):
    moe, frame, _ = two
    save(moe, tmp_path / "two.mix")
    again = load(tmp_path / "two.mix")
    X = frame[["x", "w"]]
    np.testing.assert_array_equal(again.predict(X), moe.predict(X))
    np.testing.assert_array_equal(again.scale_coef_, moe.scale_coef_)
    begun = MixtureOfExperts(**moe.get_params(deep=False)).set_params(init=moe).fit(X, frame["y"])
    np.testing.assert_allclose(begun.params, moe.params, rtol=1e-9, atol=1e-9)


@pytest.mark.exhaustive
@pytest.mark.parametrize("solver", ["em", "newton", "lbfgs"])
def test_all_solvers_meet(two, solver):
    moe, frame, _ = two
    same = MixtureOfExperts(**moe.get_params(deep=False)).set_params(solver=solver, max_iter=3000)
    same.fit(frame[["x", "w"]], frame["y"])
    np.testing.assert_allclose(same.params, moe.params, atol=1e-6)


@pytest.mark.exhaustive
def test_features_of_formulas_and_levels_of_categories(two):
    _, frame, _ = two
    family = Heteroscedastic("gaussian", scale_features=["site", "x"])
    moe = MixtureOfExperts(1, expert=family).fit(frame[["x", "site"]], frame["y"])
    same = MixtureOfExperts.from_formula("y ~ x + site", data=frame, n_experts=1, expert=family)
    assert moe.log_likelihood_ == pytest.approx(same.log_likelihood_, rel=1e-10)
    assert [n for n in moe.parameter_names if n.startswith("scale")] == [
        "scale0:x",
        "scale0:site[b]",
        "scale0:site[c]",
    ]


@pytest.mark.exhaustive
def test_slopes_are_held_or_shared_by_name(two):
    moe, frame, _ = two
    settings = moe.get_params(deep=False) | {"constraints": ["scale0:x = 0"]}
    held = MixtureOfExperts(**settings).fit(frame[["x", "w"]], frame["y"])
    assert held.scale_coef_[0, 0] == 0
    settings |= {"constraints": None, "common": ["scale_slope"]}
    alike = MixtureOfExperts(**settings).fit(frame[["x", "w"]], frame["y"])
    np.testing.assert_allclose(*alike.scale_coef_, rtol=1e-10)
    assert max(held.log_likelihood_, alike.log_likelihood_) < moe.log_likelihood_


FAMILIES = {
    "lognormal": lambda m, s: stats.lognorm(s, scale=np.exp(m)),
    "weibull": lambda m, s: stats.weibull_min(1 / s, scale=np.exp(m)),
    "t": lambda m, s: stats.t(4.0, m, s),
    "skew_normal": lambda m, s: stats.skewnorm(3.0, m, s),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", FAMILIES)
def test_families_with_a_scale_gain_what_is_there(name):
    """Against twice the log-likelihood ratio of the truth, of as many parameters."""
    law = FAMILIES[name](0.5 + X @ [0.8, -0.5], np.exp(-0.6 + 0.7 * X[:, 0]))
    y = law.rvs(random_state=np.random.default_rng(2))
    moe = MixtureOfExperts(1, expert=Heteroscedastic(name, scale_features=[0])).fit(X, y)
    gain = 2 * (N * moe.log_likelihood_ - law.logpdf(y).sum())
    assert 0 < gain < stats.chi2(len(moe.params)).isf(1e-4)
    place = list(moe.parameter_names).index("scale0:x0")
    assert abs(moe.params[place] - 0.7) < 4 * np.sqrt(moe.cov_params()[place, place])


@pytest.mark.exhaustive
def test_inside_censored_experts():
    """Against scipy's maximum, where a fifth of the rows is cut off."""
    cut = np.quantile(Y, 0.8)
    y = np.column_stack([np.minimum(Y, cut), np.where(cut < Y, np.inf, Y)])
    moe = MixtureOfExperts(1, expert=Censored(FIRST)).fit(X, y)

    def loss(v):
        law = stats.norm(DESIGN @ v[:3], np.exp(v[3] + v[4] * X[:, 0]))
        return -np.where(cut < Y, law.logsf(cut), law.logpdf(Y)).sum()

    best = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(moe.params, best.x, atol=1e-5)


@pytest.mark.fast
def test_settings_read_well():
    assert (
        repr(Heteroscedastic("gaussian")) == "Heteroscedastic(GaussianExperts(covariance='full'))"
    )
    assert repr(FIRST).endswith("scale_features=[0])")
    changed = Heteroscedastic("t").set_params(scale_features=["x"], expert__df=4.0)
    assert changed.scale_features == ("x",)
    assert changed.expert.df == 4.0


@pytest.mark.fast
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"expert": Heteroscedastic("gaussian", scale_features=["z"])},
            "scale_features names column 'z'; the experts have x0, x1",
        ),
        (
            {"expert": Heteroscedastic("gaussian", scale_features=[5])},
            "scale_features asks for column 5, but X has 2 columns",
        ),
        (
            {"expert": Heteroscedastic(GaussianExperts(covariance="tied"))},
            "covariance must not be 'tied' for heteroscedastic experts",
        ),
        (
            {"expert": [FIRST, "gaussian"]},
            "expert must be one family for all experts where the scale depends on features",
        ),
        ({"expert": Heteroscedastic(LognormalExperts())}, "y must be positive for lognormal"),
    ],
)
def test_what_cannot_be_fitted_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        MixtureOfExperts(2, **settings).fit(X, Y)


@pytest.mark.fast
def test_a_constant_is_asked_for():
    frame = pd.DataFrame({"x": X[:, 0], "y": Y})
    settings = {"data": frame, "n_experts": 1, "expert": Heteroscedastic("gaussian")}
    with pytest.raises(ValueError, match="must have a constant for heteroscedastic experts"):
        MixtureOfExperts.from_formula("y ~ 0 + x", **settings)
