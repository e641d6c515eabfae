"""Counts that vary more than Poisson's, and values that come too often, against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special, stats
from statsmodels.discrete.count_model import ZeroInflatedNegativeBinomialP, ZeroInflatedPoisson
from statsmodels.discrete.discrete_model import NegativeBinomial
from statsmodels.discrete.truncated_model import TruncatedLFNegativeBinomialP, TruncatedLFPoisson
from statsmodels.tools.numdiff import approx_fprime

from mixstat import MixtureOfExperts, Status
from mixstat.experts import PointMass, Truncated
from tests.sweeps import first, rest

N = 400
RANDOM = np.random.default_rng(31)
X = RANDOM.uniform(-1, 1, (N, 2))
DESIGN = sm.add_constant(X)
LINE = 0.8 + X @ [0.8, -0.5]
WIDE = RANDOM.poisson(np.exp(LINE) * RANDOM.gamma(2.0, 0.5, N)).astype(float)
NEVER = RANDOM.random(N) < special.expit(-0.5 + X[:, 0])
INFLATED = np.where(NEVER, 0.0, RANDOM.poisson(np.exp(LINE)))
WIDE_INFLATED = np.where(NEVER, 0.0, WIDE)
SKEWED = np.exp(LINE) * RANDOM.weibull(1.7, N)
PARTLY = np.where(NEVER, 0.0, RANDOM.gamma(3.0, np.exp(LINE) / 3))
BEGIN = NEVER.astype(int)


def errors(moe):
    return np.sqrt(np.diag(moe.cov_params()))


def fit(expert, y, k=1, **settings):
    moe = MixtureOfExperts(k, expert=expert, random_state=0, **settings).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    return moe


def agree(moe, known, mine, begin, slopes):
    """Our estimates are a maximum of their likelihood, which they find too, with our errors."""
    assert N * moe.log_likelihood_ == pytest.approx(known.loglike(mine), rel=1e-10)
    assert np.max(np.abs(known.score(mine))) < 1e-6
    # their score is exact, the Hessian of their zero-inflated models is not
    theirs = np.linalg.inv(-approx_fprime(mine, known.score, centered=True))
    np.testing.assert_allclose(errors(moe)[:slopes], np.sqrt(np.diag(theirs))[:slopes], rtol=1e-5)
    limits = {"xtol": 1e-10, "ftol": 1e-13, "maxiter": 20_000, "maxfun": 20_000}
    found = known.fit(begin + 0.02, disp=0, method="nm", **limits)
    np.testing.assert_allclose(mine[:slopes], found.params[:slopes], atol=2e-4)
    assert N * moe.log_likelihood_ >= found.llf - 1e-9


def test_one_negative_binomial_expert_is_statsmodels():
    moe = fit("negative_binomial", WIDE)
    # until it is fitted, its last parameter is a log, as ours
    begin = np.append(moe.expert_coef_[0], moe.dispersion_)
    agree(moe, NegativeBinomial(WIDE, DESIGN), moe.params, begin, 3)
    assert moe.dispersion_[0] == pytest.approx(np.exp(moe.params[3]))


def test_counts_of_equal_mean_and_variance_are_poisson():
    """The dispersion of counts that vary too little is on its bound, and no collapse."""
    y = np.round(np.exp(LINE))
    moe = fit("negative_binomial", y)
    plain = fit("poisson", y)
    assert moe.dispersion_[0] <= 1e-5
    np.testing.assert_allclose(moe.expert_coef_, plain.expert_coef_, rtol=1e-4, atol=1e-5)
    assert moe.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-5)
    assert moe.certificate_.binding_floors == ()


@pytest.mark.parametrize(
    ("family", "model", "y"),
    [
        ("poisson", ZeroInflatedPoisson, INFLATED),
        rest("negative_binomial", ZeroInflatedNegativeBinomialP, WIDE_INFLATED),
    ],
)
def test_zero_inflation_is_statsmodels(family, model, y):
    moe = fit(["zero", family], y, 2, init=1 - BEGIN)
    assert moe.certificate_.is_regular
    mine = np.concatenate([moe.gate_coef_[0], moe.expert_coef_[1]])
    mine = mine if family == "poisson" else np.append(mine, np.exp(moe.params[-1]))
    agree(moe, model(y, DESIGN, exog_infl=DESIGN), mine, mine, 6)
    share = special.expit(DESIGN @ mine[:3])
    np.testing.assert_allclose(moe.predict(X), (1 - share) * np.exp(DESIGN @ mine[3:6]))


@pytest.mark.exhaustive
def test_a_two_part_model_is_two_models():
    """Every zero is the point's; the others are a gamma regression."""
    moe = fit(["zero", "gamma"], PARTLY, 2)
    some = PARTLY > 0
    gate = sm.Logit(1.0 - some, DESIGN).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(moe.gate_coef_[0], gate.params, rtol=1e-7, atol=1e-8)
    alone = MixtureOfExperts(1, expert="gamma").fit(X[some], PARTLY[some])
    np.testing.assert_allclose(moe.expert_coef_[1], alone.expert_coef_[0], rtol=1e-7)
    total = gate.llf + some.sum() * alone.log_likelihood_
    assert N * moe.log_likelihood_ == pytest.approx(total, rel=1e-10)
    assert moe.score_samples(X, PARTLY).sum() == pytest.approx(total, rel=1e-10)
    np.testing.assert_allclose(moe.responsibilities(X, PARTLY)[:, 0], 1.0 - some)


@pytest.mark.parametrize(
    ("family", "model"),
    [("poisson", TruncatedLFPoisson), rest("negative_binomial", TruncatedLFNegativeBinomialP)],
)
def test_a_hurdle_is_two_models(family, model):
    """Every zero is the point's; the others are statsmodels' truncated regression."""
    moe = fit(["zero", Truncated(family)], WIDE_INFLATED, 2)
    some = WIDE_INFLATED > 0
    gate = sm.Logit(1.0 - some, DESIGN).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(moe.gate_coef_[0], gate.params, rtol=1e-7, atol=1e-8)
    known = model(WIDE_INFLATED[some], DESIGN[some])
    mine = moe.expert_coef_[1]
    mine = mine if family == "poisson" else np.append(mine, np.exp(moe.params[-1]))
    total = gate.llf + known.loglike(mine)
    assert N * moe.log_likelihood_ == pytest.approx(total, rel=1e-9)
    assert np.max(np.abs(approx_fprime(mine, known.loglike, centered=True))) < 1e-3
    share = moe.gate_proba(X)[:, 1]
    mean = np.exp(DESIGN @ mine[:3])
    none = np.exp(-mean) if family == "poisson" else (1 + mine[3] * mean) ** (-1 / mine[3])
    np.testing.assert_allclose(moe.predict(X), share * mean / (1 - none), rtol=1e-8)


@pytest.mark.parametrize("expert", first([["zero", "gamma"], ["zero", "gaussian"], "weibull"]))
def test_units_change_nothing(expert):
    """A density is per unit of y, a probability of zero is not."""
    y = SKEWED if expert == "weibull" else PARTLY
    k = 1 if expert == "weibull" else 2
    moe, scaled = fit(expert, y, k), fit(expert, 250.0 * y, k)
    dense = np.mean(y > 0)
    jump = dense * np.log(250.0)
    assert scaled.log_likelihood_ + jump == pytest.approx(moe.log_likelihood_, rel=1e-10)
    np.testing.assert_allclose(
        scaled.score_samples(X, 250.0 * y) + np.log(250.0) * (y > 0),
        moe.score_samples(X, y),
        rtol=1e-8,
        atol=1e-8,
    )
    np.testing.assert_allclose(scaled.predict(X), 250.0 * moe.predict(X), rtol=1e-8)
    np.testing.assert_allclose(scaled.gate_proba(X), moe.gate_proba(X), atol=1e-8)


@pytest.mark.exhaustive
def test_quantiles_and_scores_of_a_law_with_a_jump():
    moe = fit(["zero", "gamma"], PARTLY, 2)
    rows = X[:6]
    share = moe.gate_proba(rows)[:, 0]
    for level in (0.1, 0.4, 0.9):
        value = moe.predict_quantile(rows, level)
        np.testing.assert_array_equal(value[level < share], 0.0)
        reached = moe.cdf(rows, value)
        np.testing.assert_allclose(reached[level > share], level, rtol=1e-8)
        np.testing.assert_allclose(reached[level < share], share[level < share], rtol=1e-8)
    draws = moe.sample_y(rows, 4000, random_state=1)
    assert np.all(np.abs(np.mean(draws == 0, axis=1) - share) < 4 * np.sqrt(0.25 / 4000))
    pairs = moe.sample_y(rows, 4000, random_state=2)
    y = PARTLY[:6]
    # mean distance from y less half that of two draws
    by_draws = np.abs(draws - y[:, None]) - 0.5 * np.abs(draws - pairs)
    error = by_draws.std(axis=1) / np.sqrt(4000)
    assert np.all(np.abs(moe.crps(rows, y) - by_draws.mean(axis=1)) < 4 * error)
    told = moe.inference(X, PARTLY).get_prediction(rows, quantiles=[0.05, 0.9]).quantiles
    assert np.all(np.isnan(told.std_error[..., 0]))  # at zero, where it stays
    assert np.all(told.std_error[..., 1] > 0)
    residuals = moe.inference(X, PARTLY).quantile_residuals(random_state=0)
    assert stats.kstest(residuals, "norm").pvalue > 1e-3


def test_points_elsewhere():
    """Ones are counted too often: they belong to the point or to the counts."""
    y = np.where(NEVER, 1.0, INFLATED)
    moe = fit([PointMass(at=1), "poisson"], y, 2, init=1 - BEGIN)
    assert moe.n_parameters_ == 6
    assert moe.parameter_names[3:] == ["expert1:1", "expert1:x0", "expert1:x1"]
    assert np.all(moe.responsibilities(X, y)[y != 1, 0] == 0)
    assert "Expert 0 is y = 1" in str(moe.summary())
    np.testing.assert_allclose(moe.expert_means(X)[:, 0, 0], 1.0)


@pytest.mark.exhaustive
def test_zeros_are_learned_from_new_rows():
    first = slice(0, 300)
    moe = MixtureOfExperts(2, expert=["zero", "gamma"], random_state=0).fit(X[first], PARTLY[first])
    before = moe.params.copy()
    moe.partial_fit(X[300:], PARTLY[300:])
    whole = fit(["zero", "gamma"], PARTLY, 2)
    assert np.max(np.abs(moe.params - whole.params)) < 0.5 * np.max(np.abs(before - whole.params))
