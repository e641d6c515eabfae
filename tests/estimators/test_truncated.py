"""Continuous responses of which only some are seen, against maxima that scipy finds."""

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats
from statsmodels.tools.numdiff import approx_hess

from mixstat import MixtureOfExperts, Status
from mixstat.experts import Censored, Truncated
from tests.sweeps import rest

RANDOM = np.random.default_rng(37)
ALL = RANDOM.uniform(-1, 1, (600, 2))
LINE = 0.8 + ALL @ [0.8, -0.5]
REAL = LINE + 0.7 * RANDOM.standard_normal(600)
COUNTS = RANDOM.poisson(np.exp(LINE)).astype(float)
TIME = RANDOM.gamma(2.0, np.exp(LINE) / 2)
SHARE = RANDOM.beta(6 * special.expit(LINE), 6 * special.expit(-LINE))


def normal(v, design):
    return stats.norm(design @ v[:3], np.exp(v[3]))


def gamma(v, design):
    return stats.gamma(np.exp(v[3]), scale=np.exp(design @ v[:3] - v[3]))


def weibull(v, design):
    return stats.weibull_min(np.exp(-v[3]), scale=np.exp(design @ v[:3]))


def beta(v, design):
    line = design @ v[:3]
    return stats.beta(*(np.exp(v[3]) * special.expit(side * line) for side in (1, -1)))


CASES = [
    ("gaussian", REAL, normal, {"lower": 0.3}),
    ("gaussian", REAL, normal, {"upper": 1.2}),
    ("gaussian", REAL, normal, {"lower": 0.1, "upper": 1.5}),
    ("gamma", TIME, gamma, {"lower": 0.5, "upper": 6.0}),
    ("weibull", TIME, weibull, {"lower": 0.5}),
    ("beta", SHARE, beta, {"lower": 0.3, "upper": 0.95}),
]


def seen(values, lower=-np.inf, upper=np.inf):
    inside = (values >= lower) & (values <= upper)
    return ALL[inside], values[inside]


@pytest.mark.parametrize(
    ("family", "values", "law_of", "ends"), [CASES[0], *(rest(*one) for one in CASES[1:])]
)
def test_one_truncated_expert_is_scipys_maximum(family, values, law_of, ends):
    X, y = seen(values, **ends)
    design = np.column_stack([np.ones(len(y)), X])
    moe = MixtureOfExperts(1, expert=Truncated(family, **ends)).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    low, high = ends.get("lower", -np.inf), ends.get("upper", np.inf)

    def loss(v):
        law = law_of(v, design)
        return -(law.logpdf(y) - np.log(law.cdf(high) - law.cdf(low))).sum()

    mine = moe.params
    best = optimize.minimize(loss, mine + 0.05, method="BFGS", options={"gtol": 1e-7})
    assert len(y) * moe.log_likelihood_ == pytest.approx(-best.fun, rel=1e-10)
    np.testing.assert_allclose(mine, best.x, atol=1e-5)
    known = np.sqrt(np.diag(np.linalg.inv(approx_hess(mine, loss))))
    np.testing.assert_allclose(np.sqrt(np.diag(moe.cov_params())), known, rtol=1e-3)
    _check_predictions(moe, X[:4], y[:4], [law_of(mine, design[i]) for i in range(4)], ends)


def _check_predictions(moe, X, y, laws, ends):
    """Of what can be seen: by quadrature of SciPy's densities."""
    low, high = ends.get("lower", -np.inf), ends.get("upper", np.inf)
    mean, deviation = moe.predict(X, return_std=True)
    for i, law in enumerate(laws):
        share = float(law.cdf(high) - law.cdf(low))
        density = lambda t, law=law: float(law.pdf(t))  # noqa: E731
        moments = [
            integrate.quad(lambda t, p=p, f=density: t**p * f(t), low, high)[0] / share
            for p in (1, 2)
        ]
        assert mean[i] == pytest.approx(moments[0], rel=1e-7)
        assert deviation[i] == pytest.approx(np.sqrt(moments[1] - moments[0] ** 2), rel=1e-6)
        below = float(law.cdf(y[i]) - law.cdf(low)) / share
        assert moe.cdf(X[i : i + 1], y[i : i + 1])[0] == pytest.approx(below, rel=1e-8)
    half = moe.predict_quantile(X, 0.5)
    np.testing.assert_allclose(moe.cdf(X, half), 0.5, rtol=1e-8)
    draws = moe.sample_y(X, 50, random_state=0)
    assert np.all((draws >= low) & (draws <= high))


@pytest.mark.exhaustive
def test_units_change_nothing():
    X, y = seen(REAL, lower=0.3)
    moe = MixtureOfExperts(1, expert=Truncated("gaussian", lower=0.3)).fit(X, y)
    expert = Truncated("gaussian", upper=-50 * 0.3 - 9)
    turned = MixtureOfExperts(1, expert=expert).fit(X, -50 * y - 9)
    jump = np.log(50.0)
    assert turned.log_likelihood_ + jump == pytest.approx(moe.log_likelihood_, rel=1e-10)
    np.testing.assert_allclose(turned.scale_, 50 * moe.scale_, rtol=1e-7)
    np.testing.assert_allclose(turned.predict(X), -50 * moe.predict(X) - 9, rtol=1e-7)
    rows = moe.score_samples(X, y)
    assert rows.mean() == pytest.approx(moe.log_likelihood_, rel=1e-10)


@pytest.mark.exhaustive
def test_two_truncated_lines():
    first_line = RANDOM.random(600) < 1 / (1 + np.exp(-2 * ALL[:, 0]))
    values = np.where(first_line, 1.5 + ALL[:, 1], -1.0 - ALL[:, 1])
    X, y = seen(values + 0.4 * RANDOM.standard_normal(600), lower=-1.5)
    expert = Truncated("gaussian", lower=-1.5)
    moe = MixtureOfExperts(2, expert=expert, n_init=3, random_state=0).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    error = np.sqrt(np.diag(moe.cov_params()))
    at = [moe.parameter_names.index(f"expert{k}:{f}") for k in (0, 1) for f in ("1", "x0", "x1")]
    assert np.all(np.abs(moe.params[at] - [-1.0, 0.0, -1.0, 1.5, 0.0, 1.0]) < 4 * error[at])


@pytest.mark.fast
def test_what_cannot_be_truncated():
    with pytest.raises(ValueError, match=r"lower or upper must be given .* got neither"):
        Truncated("gaussian")
    with pytest.raises(ValueError, match=r"lower must be below upper=1.0, got 2.0"):
        Truncated("gaussian", lower=2.0, upper=1.0)
    with pytest.raises(ValueError, match=r"upper must be > 0 for a positive response, got -1.0"):
        Truncated("gamma", upper=-1.0)
    with pytest.raises(ValueError, match=r"upper must lie between 0 and 1 for a share, got 1.5"):
        Truncated("beta", upper=1.5)
    with pytest.raises(ValueError, match=r"upper must be at most lower \+ 100 = 103 for counts"):
        Truncated("poisson", lower=3, upper=104)
    for family in ("ordered", Censored("gaussian"), "binomial"):
        with pytest.raises(ValueError, match="expert must be a family of counts"):
            Truncated(family, lower=1.0)


@pytest.mark.fast
def test_rows_that_cannot_have_been_seen_are_refused():
    X, y = seen(REAL, lower=0.3)
    with pytest.raises(ValueError, match=r"y must be at most upper=1 for truncated .* in row"):
        MixtureOfExperts(1, expert=Truncated("gaussian", upper=1.0)).fit(X, y)
    both = ["gaussian", Truncated("gaussian", lower=0.3)]
    with pytest.raises(ValueError, match="must not name truncated families of a continuous y"):
        MixtureOfExperts(2, expert=both).fit(X, y)
    one = MixtureOfExperts(1, expert=Truncated("gaussian", lower=0.3))
    with pytest.raises(ValueError, match="y must have one column for Truncated, got 2"):
        one.fit(X, np.column_stack([y, y]))


@pytest.mark.parametrize("ends", [{"lower": 1, "upper": 6}, rest({"upper": 4})])
def test_counts_between_ends_are_those_of_scipy(ends):
    """As many are never seen as there are beyond the largest count."""
    X, y = seen(COUNTS, **ends)
    moe = MixtureOfExperts(1, expert=Truncated("poisson", **ends)).fit(X, y)
    design = np.column_stack([np.ones(len(X)), X])
    low = ends.get("lower", 0)

    def loss(v):
        law = stats.poisson(np.exp(design @ v))
        return -np.sum(law.logpmf(y) - np.log(law.cdf(ends["upper"]) - law.cdf(low - 1)))

    best = optimize.minimize(loss, moe.params, method="Nelder-Mead", options={"xatol": 1e-9})
    assert len(y) * moe.log_likelihood_ == pytest.approx(-best.fun, abs=1e-8)
    np.testing.assert_allclose(moe.params, best.x, atol=1e-4)
    hessian = approx_hess(moe.params, loss)
    np.testing.assert_allclose(moe.cov_params(), np.linalg.inv(hessian), rtol=1e-4)
    counts = np.arange(low, ends["upper"] + 1.0)
    shares = stats.poisson.pmf(counts[:, None], np.exp(design @ moe.params))
    shares /= shares.sum(axis=0)
    np.testing.assert_allclose(moe.predict(X), counts @ shares, rtol=1e-10)
    law = moe.fit_.model.experts.marginals(np.log(np.array([[[2.5, 0.3]]])))
    of_scipy = stats.poisson(np.array([2.5, 0.3]))
    mass = of_scipy.pmf(counts[:, None]) / of_scipy.pmf(counts[:, None]).sum(axis=0)
    for place, count in enumerate(counts):
        np.testing.assert_allclose(law.cdf(count)[0, 0], mass[: place + 1].sum(axis=0), rtol=1e-12)
        np.testing.assert_allclose(law.sf(count)[0, 0], mass[place + 1 :].sum(axis=0), atol=1e-15)
        inside = np.cumsum(mass, axis=0)[place] - 1e-9
        assert np.all(law.ppf(inside[None, None]) == count)
        assert np.all(law.isf(1 - inside[None, None]) == count)
    np.testing.assert_allclose(law.var()[0, 0], counts**2 @ mass - (counts @ mass) ** 2, rtol=1e-10)
