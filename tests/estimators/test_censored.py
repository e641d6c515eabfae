"""Censored responses: tobit, lifetimes, intervals and cured shares, against scipy's maxima."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats
from statsmodels.tools.numdiff import approx_hess

from mixstat import MixtureOfExperts, Status
from mixstat.data.design import HUGE
from mixstat.experts import Censored
from tests.sweeps import first

N = 400
RANDOM = np.random.default_rng(33)
X = RANDOM.uniform(-1, 1, (N, 2))
DESIGN = np.column_stack([np.ones(N), X])
LINE = 0.8 + X @ [0.8, -0.5]
LIMIT = 0.3
REAL = LINE + 0.7 * RANDOM.standard_normal(N)
LIMITED = np.where((REAL < LIMIT)[:, None], [-np.inf, LIMIT], REAL[:, None])
TIME = np.exp(LINE) * RANDOM.weibull(1.7, N)
CURED = RANDOM.random(N) < special.expit(-0.5 + X[:, 0])
END = RANDOM.exponential(6.0, N)


def right_censored(time):
    low = np.minimum(time, END)
    return np.column_stack([low, np.where(time <= END, low, np.inf)])


LIVED = right_censored(TIME)
LEFT = right_censored(np.where(CURED, np.inf, TIME))


def fit(expert, y, k=1, **settings):
    moe = MixtureOfExperts(k, expert=expert, random_state=0, **settings).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    return moe


def agree(moe, mine, log_likelihood):
    """Ours is the maximum that scipy finds, with the errors of its curvature."""
    assert N * moe.log_likelihood_ == pytest.approx(log_likelihood(mine), rel=1e-10)
    best = optimize.minimize(lambda v: -log_likelihood(v), mine + 0.1, method="BFGS")
    assert N * moe.log_likelihood_ >= -best.fun - 1e-9
    np.testing.assert_allclose(mine, best.x, atol=2e-4)
    known = np.sqrt(np.diag(np.linalg.inv(-approx_hess(mine, log_likelihood))))
    found = np.sqrt(np.diag(moe.cov_params()))
    np.testing.assert_allclose(found[: len(known)], known, rtol=1e-3)


def test_one_limited_gaussian_expert_is_a_tobit_regression():
    moe = fit(Censored("gaussian"), LIMITED)

    def log_likelihood(v):
        law = stats.norm(DESIGN @ v[:3], np.exp(v[3]))
        return np.where(REAL < LIMIT, law.logcdf(LIMIT), law.logpdf(REAL)).sum()

    agree(moe, np.append(moe.expert_coef_[0], np.log(moe.scale_)), log_likelihood)
    # predictions are of what lies behind the limit
    assert moe.predict(X).shape == (N,)
    np.testing.assert_allclose(moe.predict(X), DESIGN @ moe.expert_coef_[0], rtol=1e-10)


def weibull(v):
    return stats.weibull_min(np.exp(-v[3]), scale=np.exp(DESIGN @ v[:3]))


def test_one_weibull_expert_with_times_censored_on_the_right():
    moe = fit(Censored("weibull"), LIVED)

    def log_likelihood(v):
        law = weibull(v)
        return np.where(TIME <= END, law.logpdf(LIVED[:, 0]), law.logsf(LIVED[:, 0])).sum()

    mine = np.append(moe.expert_coef_[0], -np.log(moe.shape_))
    agree(moe, mine, log_likelihood)
    np.testing.assert_allclose(moe.cdf(X, TIME), weibull(mine).cdf(TIME), rtol=1e-10)
    residuals = moe.inference(X, LIVED).quantile_residuals(random_state=0)
    assert stats.kstest(residuals, "norm").pvalue > 1e-3


@pytest.mark.exhaustive
def test_intervals_of_a_lognormal_response():
    """As at visits: only the whole numbers around each time are known."""
    low = np.floor(2 * TIME) / 2
    y = np.column_stack([low, low + 0.5])
    moe = fit(Censored("lognormal"), y)

    def log_likelihood(v):
        law = stats.lognorm(np.exp(v[3]), scale=np.exp(DESIGN @ v[:3]))
        return np.log(law.cdf(y[:, 1]) - law.cdf(y[:, 0])).sum()

    agree(moe, np.append(moe.expert_coef_[0], np.log(moe.scale_)), log_likelihood)


def test_a_cured_share():
    """Some never fail: a point mass at infinity, of which only times without an end can be."""
    moe = fit(["never", Censored("weibull")], LEFT, 2)

    def log_likelihood(v):
        law, cured = weibull(v[3:]), special.expit(DESIGN @ v[:3])
        seen, time = np.isfinite(LEFT[:, 1]), LEFT[:, 0]
        gone = np.log1p(-cured) + law.logpdf(time)
        return np.where(seen, gone, np.log(cured + (1 - cured) * law.sf(time))).sum()

    mine = np.concatenate([moe.gate_coef_[0], moe.expert_coef_[1], moe.params[-1:]])
    agree(moe, mine, log_likelihood)
    assert "Expert 0 is y = inf" in str(moe.summary())
    cured = moe.gate_proba(X)[:, 0]
    assert np.all(np.isinf(moe.predict(X)))
    median = moe.predict_quantile(X, 0.5)
    np.testing.assert_array_equal(np.isinf(median), cured > 0.5)
    some = np.isfinite(median)
    np.testing.assert_allclose(moe.cdf(X[some], median[some]), 0.5, rtol=1e-8)
    shares = moe.responsibilities(X, LEFT)[:, 0]
    assert np.all(shares[np.isfinite(LEFT[:, 1])] == 0)
    residuals = moe.inference(X, LEFT).quantile_residuals(random_state=0)
    assert stats.kstest(residuals, "norm").pvalue > 1e-3


def test_exact_responses_are_not_censored():
    y = np.column_stack([REAL, REAL])
    moe, plain = fit(Censored("gaussian"), y), fit("gaussian", REAL)
    np.testing.assert_allclose(moe.params, plain.params, rtol=1e-8, atol=1e-8)
    assert moe.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-12)
    np.testing.assert_allclose(moe.crps(X, y), plain.crps(X, REAL), rtol=1e-6)
    np.testing.assert_allclose(moe.cdf(X, REAL), plain.cdf(X, REAL), rtol=1e-6)
    with pytest.raises(ValueError, match="must be exact here, got a range"):
        moe.crps(X, LIMITED)


@pytest.mark.exhaustive
def test_ranges_of_counts_hold_both_ends():
    counts = RANDOM.poisson(np.exp(LINE)).astype(float)
    y = np.column_stack([np.minimum(counts, 5), np.where(counts >= 5, np.inf, counts)])
    moe = fit(Censored("poisson"), y)

    def log_likelihood(v):
        law = stats.poisson(np.exp(DESIGN @ v))
        return np.where(counts >= 5, law.logsf(4), law.logpmf(counts)).sum()

    agree(moe, moe.expert_coef_[0], log_likelihood)


def test_units_change_nothing():
    moe, scaled = fit(Censored("gaussian"), LIMITED), fit(Censored("gaussian"), 50 * LIMITED - 9)
    exact = np.mean(REAL >= LIMIT)
    jump = exact * np.log(50.0)
    assert scaled.log_likelihood_ + jump == pytest.approx(moe.log_likelihood_, rel=1e-10)
    np.testing.assert_allclose(scaled.scale_, 50 * moe.scale_, rtol=1e-7)
    np.testing.assert_allclose(scaled.predict(X), 50 * moe.predict(X) - 9, rtol=1e-7)
    rows = moe.score_samples(X, LIMITED)
    assert rows.mean() == pytest.approx(moe.log_likelihood_, rel=1e-10)


@pytest.mark.exhaustive
def test_two_limited_lines_from_a_frame():
    first = RANDOM.random(N) < special.expit(2 * X[:, 0])
    y = np.where(first, 1.5 + X[:, 1], -1.0 - X[:, 1]) + 0.3 * RANDOM.standard_normal(N)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(
        low=np.where(y > 1.5, 1.5, y), high=np.where(y > 1.5, np.inf, y)
    )
    moe = MixtureOfExperts(2, expert=Censored("gaussian"), n_init=3, random_state=0)
    moe.fit(frame[["a", "b"]], frame[["low", "high"]])
    error = np.sqrt(np.diag(moe.cov_params()))
    wanted = [-1.0, 0.0, -1.0, 1.5, 0.0, 1.0]
    names = moe.parameter_names
    at = [names.index(f"expert{k}:{f}") for k in range(2) for f in ("1", "a", "b")]
    assert np.all(np.abs(moe.params[at] - wanted) < 4 * error[at])
    again = MixtureOfExperts.from_formula(
        "low + high ~ a + b",
        data=frame,
        n_experts=2,
        expert=Censored("gaussian"),
        n_init=3,
        random_state=0,
    )
    assert again.log_likelihood_ == pytest.approx(moe.log_likelihood_, rel=1e-9)
    draws = moe.sample_y(frame[["a", "b"]].iloc[:3], 7, random_state=0)
    assert draws.shape == (3, 7)


def test_what_cannot_be_censored_by_drawing():
    results = fit(Censored("gaussian"), LIMITED).inference(X, LIMITED)
    from mixstat.inference import Bootstrap

    with pytest.raises(ValueError, match="none would be censored: draw rows"):
        fit(Censored("gaussian"), LIMITED).inference(
            X, LIMITED, cov_type=Bootstrap(3, kind="parametric", random_state=0)
        )
    assert np.all(np.isfinite(results.bse))


def ranges_of(y, law, discrete):
    """Log probabilities of ranges, in the smaller tail."""
    low, high = y[:, 0] - discrete, y[:, 1]
    below, above = law.cdf(high) - law.cdf(low), law.sf(low) - law.sf(high)
    return np.log(np.maximum(np.where(law.cdf(low) < 0.5, below, above), 1e-300))


def mixed_ends(y):
    """Exact rows, rows without a lower or an upper end, and rows between two ends."""
    kind = np.arange(N) % 4
    width = 0.3 * np.abs(y) if np.any(y % 1) else np.ceil(0.3 * y)
    low = np.where(kind == 1, -np.inf, np.where(kind == 3, y - width, y))
    return np.column_stack([low, np.where(kind == 2, np.inf, np.where(kind == 3, y + width, y))])


HEAVY = LINE + 0.5 * np.random.default_rng(1).standard_t(3, N)
MANY = np.random.default_rng(2).negative_binomial(2, 2 / (2 + np.exp(1 + LINE))).astype(float)
# a law at coefficients and other numbers, and these numbers of a fit
LAWS = {
    "gamma": (
        np.random.default_rng(3).gamma(2.0, np.exp(LINE) / 2),
        lambda line, v: stats.gamma(np.exp(v[0]), scale=np.exp(line - v[0])),
        lambda moe: [np.log(moe.shape_)],
    ),
    "negative_binomial": (
        MANY,
        lambda line, v: stats.nbinom(np.exp(-v[0]), special.expit(-v[0] - line)),
        lambda moe: [np.log(moe.dispersion_)],
    ),
    "t": (
        HEAVY,
        lambda line, v: stats.t(np.exp(v[1]), loc=line, scale=np.exp(v[0])),
        lambda moe: [np.log(moe.scale_), np.log(moe.df_)],
    ),
    "skew_normal": (
        LINE + 0.7 * stats.skewnorm(4.0).rvs(N, random_state=np.random.default_rng(4)),
        lambda line, v: stats.skewnorm(v[1], loc=line, scale=np.exp(v[0])),
        lambda moe: [np.log(moe.scale_), moe.slant_],
    ),
    "inverse_gaussian": (
        np.random.default_rng(5).wald(np.exp(LINE), 3.0),
        lambda line, v: stats.invgauss(np.exp(line - v[0]), scale=np.exp(v[0])),
        lambda moe: [np.log(moe.shape_)],
    ),
    "beta": (
        np.random.default_rng(6).beta(*(9 * special.expit(one * LINE) for one in (1, -1))),
        lambda line, v: stats.beta(*(np.exp(v[0]) * special.expit(o * line) for o in (1, -1))),
        lambda moe: [np.log(moe.precision_)],
    ),
}


@pytest.mark.parametrize("family", first(LAWS))
def test_a_family_whose_ranges_are_integrated(family):
    values, law_of, numbers = LAWS[family]
    counts = float(family == "negative_binomial")
    y = mixed_ends(values)
    moe = fit(Censored(family), y)

    def log_likelihood(v):
        law = law_of(DESIGN @ v[:3], v[3:])
        density = law.logpmf(values) if counts else law.logpdf(values)
        return np.where(y[:, 0] == y[:, 1], density, ranges_of(y, law, counts)).sum()

    agree(moe, np.concatenate([moe.expert_coef_[0], *numbers(moe)]), log_likelihood)


FAR_LAWS = [
    (
        "beta",
        [0.7, 2.0],
        lambda a: stats.beta(*(np.exp(a[1]) * special.expit(o * a[0]) for o in (1, -1))),
    ),
    ("gamma", [0.7, -3.0], lambda a: stats.gamma(np.exp(a[1]), scale=np.exp(a[0] - a[1]))),
    ("gamma", [0.7, 5.0], lambda a: stats.gamma(np.exp(a[1]), scale=np.exp(a[0] - a[1]))),
    ("t", [0.5, 0.7, -1.0], lambda a: stats.t(np.exp(a[2]), a[0], np.exp(a[1]))),
    ("t", [0.5, 0.7, 8.0], lambda a: stats.t(np.exp(a[2]), a[0], np.exp(a[1]))),
    ("skew_normal", [0.5, 0.7, -3.0], lambda a: stats.skewnorm(a[2], a[0], np.exp(a[1]))),
    (
        "inverse_gaussian",
        [0.7, 0.1],
        lambda a: stats.invgauss(np.exp(a[0] - a[1]), scale=np.exp(a[1])),
    ),
    (
        "negative_binomial",
        [3.0, -7.0],
        lambda a: stats.nbinom(np.exp(-a[1]), special.expit(-a[1] - a[0])),
    ),
    (
        "negative_binomial",
        [3.0, 1.0],
        lambda a: stats.nbinom(np.exp(-a[1]), special.expit(-a[1] - a[0])),
    ),
]


@pytest.mark.parametrize(("family", "at", "law_at"), FAR_LAWS)
def test_ranges_keep_their_digits_in_tails(family, at, law_at):
    """In NumPy, so without a program."""
    law = law_at(at)
    ends = law.ppf([1e-12, 1e-4, 0.3, 0.6, 0.999, 1 - 1e-9])
    open_end = np.full(len(ends), np.inf)
    low, high = (np.concatenate(one) for one in ((-open_end, ends), (ends, open_end)))
    experts = Censored(family).null(1, 1, 1)
    eta = np.repeat(np.array(at)[None, :, None], len(low), axis=2)
    y = experts.encode(np.column_stack([np.maximum(low, -HUGE), np.minimum(high, HUGE)])).T
    discrete = float(experts.discrete)
    known = np.where(np.isinf(low), law.logcdf(high), law.logsf(low - discrete))
    np.testing.assert_allclose(experts.link(eta, y)[0], known, rtol=1e-9, atol=1e-11)
