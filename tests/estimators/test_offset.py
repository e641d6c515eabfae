"""Offsets: known terms of the experts' predictors, such as the log of an exposure."""

import pickle
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from mixstat import (
    ContextualMixtureOfExperts,
    MixtureOfExperts,
    MixtureOfExpertsClassifier,
    experts,
)
from tests.sweeps import first

RNG = np.random.default_rng(8)
N = 400
X = RNG.uniform(-1, 1, size=(N, 1))
EXPOSURE = RNG.uniform(0.5, 20, size=N)
UP = RNG.random(N) < special.expit(2 * X[:, 0])
COUNTS = RNG.poisson(EXPOSURE * np.exp(np.where(UP, 1.5 + X[:, 0], -0.5 - X[:, 0]))).astype(float)
LOG = np.log(EXPOSURE)
DATA = pd.DataFrame({"y": COUNTS, "x": X[:, 0], "e": EXPOSURE, "log_e": LOG})
SETTINGS = {"expert": "poisson", "n_init": 2, "random_state": 0}


def responses(expert: str, offset: np.ndarray, *, two: bool = False) -> np.ndarray:
    """Of one line, or two, at a known distance from the offset."""
    eta = np.where(UP & two, 8 - 0.5 * X[:, 0], 0.3 + 0.8 * X[:, 0]) + offset
    random = np.random.default_rng(1)
    return {
        "gaussian": lambda: eta + random.normal(size=N),
        "t": lambda: eta + random.standard_t(5, size=N),
        "poisson": lambda: random.poisson(np.exp(eta)).astype(float),
        "gamma": lambda: random.gamma(3, np.exp(eta) / 3),
        "binomial": lambda: np.c_[k := random.binomial(5, special.expit(eta)), 5 - k].astype(float),
    }[expert]()


@pytest.fixture(scope="module")
def moe() -> MixtureOfExperts:
    return MixtureOfExperts(2, **SETTINGS).fit(X, COUNTS, offset=LOG)


@pytest.mark.parametrize("expert", first(["poisson", "gaussian", "binomial", "gamma"], 2))
def test_one_expert_is_the_linear_model_of_statsmodels(expert):
    import statsmodels.api as sm

    offset = 0.5 * RNG.normal(size=N) + 0.7
    y, design = responses(expert, offset), sm.add_constant(X)
    family = {
        "poisson": sm.families.Poisson(),
        "gaussian": sm.families.Gaussian(),
        "binomial": sm.families.Binomial(),
        "gamma": sm.families.Gamma(sm.families.links.Log()),
    }[expert]
    known = sm.GLM(y, design, family=family, offset=offset).fit(tol=1e-13, maxiter=100)
    one = MixtureOfExperts(1, expert=expert).fit(X, y, offset=offset)
    assert one.converged_
    assert one.expert_coef_[0] == pytest.approx(known.params, abs=1e-8)
    mean = one.predict(X[:5], offset=offset[:5])
    assert mean == pytest.approx(known.predict(design[:5], offset=offset[:5]), rel=1e-8)
    if expert in ("poisson", "binomial"):
        total = one.score_samples(X, y, offset=offset).sum()
        assert total == pytest.approx(known.llf, rel=1e-10)
        error = one.inference(X, y, offset=offset).bse[:2]
        assert np.asarray(error) == pytest.approx(known.bse, rel=1e-6)


def test_two_experts_are_at_the_maximum_of_the_mixture(moe):
    def loss(v):
        share = special.log_expit(np.array([1.0, -1.0])[:, None] * (v[0] + v[1] * X[:, 0]))
        mean = np.exp(LOG + v[2:4, None] + v[4:, None] * X[:, 0])
        return -special.logsumexp(share + stats.poisson.logpmf(COUNTS, mean), axis=0).mean()

    coef = moe.expert_coef_
    start = np.r_[moe.gate_coef_[0], coef[:, 0], coef[:, 1]]
    found = optimize.minimize(loss, start + 0.05, method="BFGS", options={"gtol": 1e-9})
    assert moe.log_likelihood_ == pytest.approx(-loss(start), rel=1e-12)
    assert -found.fun <= moe.log_likelihood_ + 1e-10
    assert found.x == pytest.approx(start, abs=1e-5)


def test_an_offset_of_zero_is_none():
    with_zeros = MixtureOfExperts(2, **SETTINGS).fit(X, COUNTS, offset=np.zeros(N))
    without = MixtureOfExperts(2, **SETTINGS).fit(X, COUNTS)
    assert with_zeros.params == pytest.approx(without.params, abs=1e-8)
    assert with_zeros.n_parameters_ == without.n_parameters_
    assert with_zeros.parameter_names == without.parameter_names


@pytest.mark.parametrize("expert", first(["poisson", "gaussian", "t"]))
def test_a_shift_of_the_offset_moves_the_constants_alone(expert):
    offset = RNG.normal(size=N)
    y = COUNTS if expert == "poisson" else responses(expert, offset, two=True)
    here, there = (
        MixtureOfExperts(2, expert=expert, n_init=1, gate_degree=0, random_state=0).fit(
            X, y, offset=offset + shift
        )
        for shift in (0.0, 12.5)
    )
    move = here.expert_coef_ - there.expert_coef_
    assert move == pytest.approx(np.array([[12.5, 0.0]] * 2), abs=1e-10)
    assert here.log_likelihood_ == pytest.approx(there.log_likelihood_, abs=1e-12)


def test_real_responses_less_their_offset_give_the_same_fit():
    Y = np.c_[responses("gaussian", LOG, two=True), responses("t", 2 * LOG)]
    both = np.c_[LOG, 2 * LOG]
    known = MixtureOfExperts(2, n_init=1, random_state=0).fit(X, Y - both)
    moe = MixtureOfExperts(2, n_init=1, random_state=0).fit(X, Y, offset=both)
    assert moe.params == pytest.approx(known.params, abs=1e-7)
    mean = moe.predict(X, offset=both)
    assert mean == pytest.approx(known.predict(X) + both, abs=1e-7)
    middle = moe.predict_quantile(X[:3], 0.5, offset=both[:3])
    assert middle == pytest.approx(known.predict_quantile(X[:3], 0.5) + both[:3], abs=1e-7)


@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton", "newton_cg"])
def test_every_solver_ends_at_the_same_maximum(moe, solver):
    other = MixtureOfExperts(2, solver=solver, init=moe, **SETTINGS | {"max_iter": 20000})
    other.fit(X, COUNTS, offset=LOG)
    assert other.log_likelihood_ == pytest.approx(moe.log_likelihood_, rel=1e-9)
    assert other.expert_coef_ == pytest.approx(moe.expert_coef_, abs=1e-4)


def test_weights_are_repeated_rows(moe):
    times = np.arange(N) % 3
    weighted = MixtureOfExperts(2, init=moe, expert="poisson")
    weighted.fit(X, COUNTS, sample_weight=times, offset=LOG)
    rows = np.repeat(np.arange(N), times)
    repeated = MixtureOfExperts(2, init=moe, expert="poisson")
    repeated.fit(X[rows], COUNTS[rows], offset=LOG[rows])
    assert weighted.params == pytest.approx(repeated.params, abs=1e-8)
    assert weighted.cov_params() == pytest.approx(repeated.cov_params(), abs=1e-8)


def test_formulas_and_columns_tell_the_offset(moe):
    ways = [
        MixtureOfExperts(2, formula=f"y ~ x + {term}", **SETTINGS).fit(DATA)
        for term in ("offset(log_e)", "offset(log(e))", "exposure(e)")
    ]
    ways.append(MixtureOfExperts(2, **SETTINGS).fit(DATA[["x", "log_e"]], COUNTS, offset="log_e"))
    ways.append(MixtureOfExperts(2, formula="y ~ x", **SETTINGS).fit(DATA, offset="log_e"))
    frames = [DATA, DATA, DATA, DATA[["x", "log_e"]], DATA]
    for other, frame in zip(ways, frames, strict=True):
        assert other.params == pytest.approx(moe.params, abs=1e-8)
        assert list(other.feature_names_in_) == ["x"]
        assert other.predict(frame[:4]) == pytest.approx(moe.predict(X[:4], offset=LOG[:4]))
        told = "exposure|offset|column log_e"
        assert pd.Series([str(other.summary())]).str.contains(told).all()
    for other, frame in zip(ways, frames, strict=True):
        changed = frame[:4].assign(
            **{name: {"e": 1.0, "log_e": 0.0}[name] for name in frame if "e" in name}
        )
        assert other.predict(changed) == pytest.approx(moe.predict(X[:4], offset=np.zeros(4)))


def test_everything_that_is_asked_of_rows_counts_the_offset(moe):
    doubled = LOG[:4] + np.log(2)
    means = moe.expert_means(X[:4], offset=LOG[:4])
    assert moe.expert_means(X[:4], offset=doubled) == pytest.approx(2 * means)
    results = moe.inference(X, COUNTS, offset=LOG)
    predicted = results.get_prediction(X[:4], offset=doubled)
    assert predicted.mean == pytest.approx(moe.predict(X[:4], offset=doubled))
    assert results.fitted_means()[:4, 0] == pytest.approx(moe.predict(X[:4], offset=LOG[:4]))
    level = moe.cdf(X, COUNTS, offset=LOG)
    drawn = results.pit(random_state=0)
    assert np.all(drawn <= level + 1e-12)
    draws = moe.sample_y(X[:2], 4000, offset=LOG[:2])
    assert draws.mean(axis=1) == pytest.approx(moe.predict(X[:2], offset=LOG[:2]), rel=0.1)
    step = 1e-5
    ahead, behind = (moe.predict(X + s, offset=LOG) for s in (step, -step))
    effects = results.marginal_effects().summary_frame()
    total = effects.query("part == 'total'")["estimate"].iloc[0]
    assert total == pytest.approx(np.mean(ahead - behind) / (2 * step), rel=1e-6)
    again = pickle.loads(pickle.dumps(moe))
    assert again.predict(X[:4], offset=LOG[:4]) == pytest.approx(moe.predict(X[:4], offset=LOG[:4]))
    with pytest.raises(ValueError, match="offset must be the rows of the fit"):
        again.inference(X, COUNTS, offset=2 * LOG)


@pytest.mark.exhaustive
def test_scores_of_rows_have_the_derivatives_of_the_likelihood(moe):
    results = moe.inference(X, COUNTS, offset=LOG, cov_type="robust")
    assert np.abs(results.estimate.scores.mean(axis=0)).max() < 1e-8
    drawn = moe.inference(cov_type="bootstrap").params
    assert np.asarray(drawn) == pytest.approx(moe.params)


def test_parametric_draws_keep_the_offset(moe):
    from mixstat.inference import Bootstrap

    draws = Bootstrap(n_draws=40, kind="parametric", random_state=0)
    found = moe.inference(X, COUNTS, offset=LOG, cov_type=draws)
    known = moe.inference(X, COUNTS, offset=LOG)
    ratio = np.asarray(found.bse) / np.asarray(known.bse)
    assert np.all((ratio > 0.6) & (ratio < 1.6))


def test_new_rows_are_learnt_with_their_offset(moe):
    taught = pickle.loads(pickle.dumps(moe))
    taught.partial_fit(X, COUNTS, offset=LOG)  # the same rows again: nothing moves
    assert taught.params == pytest.approx(moe.params, abs=1e-5)


def test_what_does_not_suit_an_offset_is_refused(moe):
    with pytest.raises(ValueError, match="offset must be given, as it was to fit"):
        moe.predict(X)
    with pytest.raises(ValueError, match="which had none; got shape"):
        MixtureOfExperts(1).fit(X, COUNTS).predict(X, offset=LOG)
    with pytest.raises(ValueError, match=r"of shape \(400, 2\), a column for each output"):
        MixtureOfExperts(1).fit(X, np.c_[COUNTS, LOG], offset=LOG)
    with pytest.raises(ValueError, match=r"offset must be finite, got .* in row 1"):
        MixtureOfExperts(1).fit(X, LOG, offset=np.r_[0.0, np.nan, LOG[2:]])
    for formula, told in {
        "y ~ x + exposure(x)": r"log\(x\).* contains NaN or infinity",
        "y ~ x + x:offset(e)": "as a term by itself, got the product",
        "y ~ x + offset(e, x)": "one expression in offset",
        "y ~ x + log(offset(e))": "an offset is a term by itself",
        "y ~ . + offset(log(e))": "'.' makes an input too",
        "y ~ x + offset(y)": r"must not have the response in offset\(y\)",
    }.items():
        with pytest.raises(ValueError, match=told):
            MixtureOfExperts(1, formula=formula, expert="poisson").fit(DATA)
    with pytest.raises(ValueError, match="gate_formula must have no offset"):
        MixtureOfExperts(1, formula="y ~ x", gate_formula="~ offset(e)").fit(DATA)
    with pytest.raises(ValueError, match="for experts with a log link"):
        MixtureOfExperts(1, formula="y ~ x + exposure(e)").fit(DATA)
    with pytest.raises(ValueError, match="offset must be left out of a classifier"):
        MixtureOfExpertsClassifier(1, formula="y ~ x + offset(e)").fit(DATA)
    with pytest.raises(ValueError, match="offset must be left out of a Contextual"):
        ContextualMixtureOfExperts(n_experts=1, formula="y ~ x + offset(e)").fit(DATA)


@pytest.mark.exhaustive
def test_experts_of_different_families_share_an_offset():
    settings = {"n_init": 1, "random_state": 0}
    two = MixtureOfExperts(2, expert=["gaussian", "t"], **settings)
    y = responses("gaussian", LOG, two=True)
    two.fit(X, y, offset=LOG)
    known = MixtureOfExperts(2, expert=["gaussian", "t"], **settings).fit(X, y - LOG)
    assert two.log_likelihood_ == pytest.approx(known.log_likelihood_, abs=1e-9)
    trials = MixtureOfExperts(2, expert=experts.BinomialExperts(trials=60), **settings)
    hits = np.minimum(COUNTS, 60)
    trials.fit(X, hits, offset=LOG)
    assert trials.converged_


FLEXMIX = """
suppressMessages(library(flexmix))
d <- read.csv(commandArgs(TRUE)[1])
model <- FLXMRglm(cbind(y) ~ x, family = "poisson", offset = d$log_e)
found <- flexmix(y ~ x, data = d, model = model, concomitant = FLXPmultinom(~ x),
                 cluster = d$first, control = list(tolerance = 1e-14, iter.max = 20000))
cat(format(as.numeric(logLik(found)), digits = 15))
"""


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_flexmix_finds_the_same_maximum(moe, tmp_path):
    shares = moe.responsibilities(X, COUNTS, offset=LOG)
    DATA.assign(first=shares.argmax(axis=1) + 1).to_csv(tmp_path / "rows.csv")
    script = tmp_path / "fit.R"
    script.write_text(FLEXMIX)
    run = subprocess.run(
        ["Rscript", script, tmp_path / "rows.csv"], capture_output=True, text=True, check=False
    )
    if "there is no package" in run.stderr:
        pytest.skip("needs flexmix")
    assert N * moe.log_likelihood_ == pytest.approx(float(run.stdout), abs=1e-4)


def test_scikit_learn_hands_offsets_to_folds():
    import sklearn
    from sklearn.model_selection import cross_val_score

    one = MixtureOfExperts(1, expert="poisson")
    with sklearn.config_context(enable_metadata_routing=True):
        one.set_fit_request(offset=True).set_score_request(offset=True)
        scores = cross_val_score(one, X, COUNTS, cv=3, params={"offset": LOG})
    by_column = cross_val_score(
        MixtureOfExperts(1, expert="poisson", formula="y ~ x + exposure(e)"), DATA, COUNTS, cv=3
    )
    assert scores == pytest.approx(by_column, abs=1e-8)


@pytest.mark.exhaustive
@pytest.mark.parametrize("family", first(["gaussian", "poisson"]))
def test_exact_values_of_censored_experts_take_the_same_offset(family):
    y, known = (COUNTS, LOG) if family == "poisson" else (5 * UP + 3 * LOG, 3 * LOG)
    plain = MixtureOfExperts(1, expert=family).fit(X, y, offset=known)
    ends = np.column_stack([y, y])
    exact = MixtureOfExperts(1, expert=experts.Censored(family)).fit(X, ends, offset=known)
    np.testing.assert_allclose(exact.params, plain.params, rtol=1e-8)
    assert exact.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-10)
    predicted = (moe.predict(X, offset=known) for moe in (exact, plain))
    np.testing.assert_allclose(*predicted, rtol=1e-8)
