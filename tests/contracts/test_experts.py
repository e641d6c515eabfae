"""What every registered family of experts must do, whatever its settings."""

import inspect
from dataclasses import replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from mixstat.data.batch import Rows
from mixstat.data.design import HUGE
from mixstat.experts import (
    REGISTRY,
    BinomialExperts,
    Censored,
    Experts,
    GammaExperts,
    GaussianExperts,
    Heteroscedastic,
    LognormalExperts,
    MixedExperts,
    MultinomialExperts,
    NegativeBinomialExperts,
    OrderedExperts,
    PointMass,
    PoissonExperts,
    StudentTExperts,
    Truncated,
)
from mixstat.experts.gaussian import COVARIANCES
from mixstat.experts.inverse_gaussian import InverseGaussianLaw
from mixstat.experts.marginal_gaussian import MarginalGaussianExperts
from mixstat.numerics import parameter_vector
from mixstat.numerics.penalty import NoPenalty, Ridge
from mixstat.predictive import expert_predictors
from tests.sweeps import rest

K, P, N = 2, 3, 120

# settings and number of outputs
CASES = {name: (family, 1) for name, family in REGISTRY.items() if family.alone}
CASES |= {f"gaussian_{c}": (GaussianExperts(covariance=c), 3) for c in COVARIANCES}
CASES |= {
    "gaussian_one_tied": (GaussianExperts(covariance="tied"), 1),
    "three_classes": (MultinomialExperts(n_classes=3), 1),
    "trials": (BinomialExperts(trials=12), 1),
    "four_levels": (OrderedExperts(n_levels=4, noise="normal"), 1),
    "fixed_df": (StudentTExperts(df=4.0), 1),
    "gaussian_and_t": (MixedExperts((GaussianExperts(), StudentTExperts())), 1),
    "two_poissons": (MixedExperts((PoissonExperts(), PoissonExperts())), 1),
    "truncated": (Truncated("poisson", lower=2), 1),
    "truncated_counts": (Truncated("negative_binomial", upper=9), 1),
    "truncated_gaussian": (Truncated("gaussian", lower=-1.0), 1),
    "truncated_t": (Truncated(StudentTExperts(df=4.0), lower=-2.0, upper=3.0), 1),
    "truncated_gamma": (Truncated("gamma", upper=6.0), 1),
    "truncated_beta": (Truncated("beta", lower=0.05), 1),
    "heteroscedastic": (Heteroscedastic("gaussian"), 1),
    "heteroscedastic_t": (Heteroscedastic("t"), 1),
    "heteroscedastic_weibull": (Heteroscedastic("weibull"), 1),
    "censored_heteroscedastic": (Censored(Heteroscedastic("lognormal")), 1),
    "hurdle": (MixedExperts((PointMass(), Truncated("poisson"))), 1),
    "zero_and_poisson": (MixedExperts((PointMass(), PoissonExperts())), 1),
    "zero_and_lognormal": (MixedExperts((PointMass(), LognormalExperts())), 1),
}
CASES |= {
    f"censored_{name}": (Censored(name), 1) for name in REGISTRY if REGISTRY[name].knows_ranges
}
CONTINUOUS = [
    n
    for n, (f, m) in CASES.items()
    if f.response in ("real", "positive")
    and not f.jumps
    and m == 1
    and not isinstance(f, Truncated)  # whose density ends between points of the grid
]


# families like others here, of which the rest of the sweep has more
REST = ("lognormal", "exponential", "inverse_gaussian", "beta", "four_levels", "skew_normal")
REST += ("censored_lognormal", "censored_exponential", "censored_poisson", "censored_t")
REST += ("censored_gamma", "censored_skew_normal", "censored_inverse_gaussian")
REST += ("censored_negative_binomial", "truncated_gaussian", "truncated_t", "truncated_gamma")
REST += ("truncated_counts", "truncated_beta", "censored_beta")


def sweep(names):
    """Cases, those of the rest marked."""
    return [pytest.param(n, marks=pytest.mark.exhaustive if n in REST else ()) for n in names]


REST += ("heteroscedastic_t", "heteroscedastic_weibull", "censored_heteroscedastic")


# what takes a program of some size for each of them, beside the rest above
LIKE = ("negative_binomial", "fixed_df", "two_poissons", "zero_and_poisson", "zero_and_lognormal")
LIKE += ("gaussian_and_t", "censored_weibull", "weibull", "trials", "gaussian_tied", "hurdle")
LIKE += ("heteroscedastic", "gaussian_spherical", "gaussian_diagonal", "three_classes", "truncated")
with_programs = pytest.mark.parametrize(
    "name", [rest(n) if n in REST + LIKE else n for n in CASES], indirect=True
)


@pytest.fixture(params=sweep(CASES))
def name(request):
    return request.param


@pytest.fixture
def null(name, x64):
    family, m = CASES[name]
    return family.null(K, P, m)


@pytest.fixture
def experts(null):
    """Random parameters, but for those held fixed."""
    lower, upper = (parameter_vector.to_vector(b) for b in null.bounds(1e-4))
    vector = parameter_vector.to_vector(null)
    moved = vector + 0.5 * np.random.default_rng(1).standard_normal(len(vector))
    return parameter_vector.from_vector(null, np.where(lower < upper, moved, vector))


def draw(experts, Phi, random):
    """Responses as people give them (n, c), from the first or the second expert."""
    eta = expert_predictors(experts, Phi)
    n = len(Phi)
    if experts.response == "binomial":
        trials = experts.trials or random.integers(1, 9, n)
        hits = random.binomial(trials, special.expit(eta[random.integers(0, K, n), 0, range(n)]))
        return np.column_stack([hits, trials - hits] if experts.trials is None else [hits]) * 1.0
    each = np.stack([experts.sample(eta[k], k, random) for k in range(K)])
    y = each[random.integers(0, K, n), :, range(n)].reshape(n, -1)
    return censored(y[:, 0], experts, random) if experts.response.startswith("cens") else y


def censored(y, experts, random):
    """Half of the rows exact, of the others a range about y or one end of it."""
    below, above = (random.exponential(1.0, len(y)) for _ in range(2))
    if experts.discrete:
        below, above = np.minimum(np.round(below), y), np.round(above)
    kind = random.integers(0, 8, len(y))
    low = np.where(kind == 1, -HUGE, y - below * np.isin(kind, (2, 3)))
    high = np.where(kind == 2, HUGE, y + above * np.isin(kind, (1, 3)))
    return np.column_stack([low, high])


@pytest.fixture
def Phi(rng):
    return np.column_stack([np.ones(N), rng.standard_normal((N, P - 1))])


@pytest.fixture
def y(experts, Phi, rng):
    y = draw(experts, Phi, rng)
    experts.check(y)
    return y


def as_rows(experts, Phi, y):
    table = jnp.asarray(Phi.T)
    return Rows(table, table, jnp.asarray(experts.encode(y).T), jnp.full(len(y), 1 / len(y)))


# one program for all tests of a case, not one for each operation; densities are also tested
# as they are outside jit
log_prob = jax.jit(lambda experts, rows: experts.log_prob(rows))
start = jax.jit(
    lambda experts, rows, resp, bounds: experts.start(experts.start_statistics(rows, resp), bounds)
)


@pytest.fixture
def rows(experts, Phi, y):
    return as_rows(experts, Phi, y)


@pytest.fixture
def resp(rng):
    return jnp.asarray(rng.dirichlet(np.ones(K), N).T / N)


def at_one_place(experts, Phi, values):
    """Rows of different responses at the first row's features."""
    return as_rows(experts, np.repeat(Phi[:1], len(values), axis=0), values)


def grid(experts):
    """Responses on a line and the steps between them, for sums that converge fast."""
    if experts.response == "share":
        u = np.linspace(-36.0, 36.0, 6001)  # log odds
        return special.expit(u)[:, None], special.expit(u) * special.expit(-u) * (u[1] - u[0])
    if experts.response == "positive":
        u = np.linspace(-300.0, 12.0, 6001)
        return np.exp(u)[:, None], np.exp(u) * (u[1] - u[0])
    u = np.linspace(-40.0, 40.0, 6001)  # heavy tails too
    return np.sinh(u)[:, None], np.cosh(u) * (u[1] - u[0])


@pytest.mark.fast
def test_registry_is_complete():
    def below(cls):
        return {cls}.union(*(below(c) for c in cls.__subclasses__()))

    ours = {c for c in below(Experts) if c.__module__.startswith("mixstat.")}
    concrete = {c for c in ours if not inspect.isabstract(c)}
    assert concrete == {type(family) for family in REGISTRY.values()} | {
        MixedExperts,
        Censored,
        Truncated,
        Heteroscedastic,
        MarginalGaussianExperts,  # what Gaussian experts become where outputs are missing
    }


def test_density_equals_scipy(experts, Phi, y, rows):
    logs = np.asarray(experts.log_prob(rows))
    eta = expert_predictors(experts, Phi)
    if experts.several_outputs and y.shape[1] > 1:
        known = [
            [stats.multivariate_normal(eta[k, :3, i], covariance).logpdf(y[i]) for i in range(N)]
            for k, covariance in enumerate(experts.covariances())
        ]
    elif experts.response == "binomial" and experts.trials is None:
        known = stats.binom(y.sum(axis=1), special.expit(eta[:, 0])).logpmf(y[:, 0])
    elif experts.response.startswith("censored"):
        low, high = y[:, 0] - experts.discrete, y[:, 1]
        law = experts.marginals(eta)
        by_cdf = law.cdf(high) - law.cdf(low)
        with np.errstate(divide="ignore"):  # in SciPy, far out
            by_tail = law.sf(low) - law.sf(high)
        inside = np.log(np.maximum(np.where(law.cdf(low) < 0.5, by_cdf, by_tail), 1e-300))[:, 0]
        exact = _log_density(experts, eta, y[:, :1])
        known = np.where(y[:, 0] == y[:, 1], exact, inside)
    elif isinstance(experts, MixedExperts):
        parts = zip(experts.parts, eta, strict=True)
        widths = [sum(g.coef.shape[1] for g in part.groups()) for part in experts.parts]
        known = np.concatenate(
            [
                _log_density(part, one[None, :width], y)
                for (part, one), width in zip(parts, widths, strict=True)
            ]
        )
        known[np.ix_(~_points(experts), ~experts.has_density(y))] = -np.inf
    else:
        known = _log_density(experts, eta, y)
    np.testing.assert_allclose(logs, known, rtol=1e-10, atol=1e-10)


def _points(experts):
    """Which of the experts are point masses."""
    return np.array([isinstance(part, PointMass) for part in getattr(experts, "parts", [None] * K)])


def _log_density(experts, eta, y):
    marginals = experts.marginals(eta)
    if experts.response in ("class", "ordered"):
        return marginals.logpmf(y[:, 0])
    known = marginals.logpmf if experts.discrete else marginals.logpdf
    return known(y.T[None])[:, 0]


def with_slope(experts, slope):
    """The same experts with larger coefficients of the second feature."""
    outputs = experts.groups()[0].coef.shape[1]
    index = experts.coefficient_index()[:, np.arange(outputs) * P + 1]
    vector = parameter_vector.to_vector(experts)
    vector[index[index >= 0]] += slope  # a point mass has none
    return parameter_vector.from_vector(experts, vector)


step = jax.jit(
    lambda experts, rows, resp, bounds: experts.m_step(
        experts.statistics(rows, resp), bounds, NoPenalty()
    )
)


@with_programs
def test_an_offset_is_a_feature_whose_coefficient_is_known(null, experts, rows, resp):
    known = replace(rows, offset=0.7 * rows.Z[1:2])
    more, bounds = with_slope(experts, 0.7), null.bounds(1e-4)
    logs = log_prob(experts, known), log_prob(more, rows)
    np.testing.assert_allclose(*logs, rtol=1e-11, atol=1e-15)  # some are of nearly one
    pairs = [
        (start(null, known, resp, bounds), start(null, rows, resp, bounds)),
        (step(experts, known, resp, bounds), step(more, rows, resp, bounds)),
    ]
    for found, whole in pairs:
        found = parameter_vector.to_vector(with_slope(parameter_vector.as_numpy(found), 0.7))
        whole = parameter_vector.to_vector(parameter_vector.as_numpy(whole))
        np.testing.assert_allclose(found, whole, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", sweep(CONTINUOUS))
def test_density_integrates_to_one(experts, Phi):
    values, width = grid(experts)
    density = np.exp(log_prob(experts, at_one_place(experts, Phi, values)))
    np.testing.assert_allclose(np.sum(density * width, axis=1), 1.0, rtol=1e-9)


def test_traced_functions_are_the_functions(experts, Phi):
    eta = expert_predictors(experts, Phi)
    traced = experts.traced_functions(jnp.asarray(eta))
    np.testing.assert_allclose(traced, experts.functions(eta), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", sweep(n for n in CASES if CASES[n][0].discrete))
def test_one_less_is_the_next_smaller_value(experts, Phi, y, rows):
    eta = expert_predictors(experts, Phi)
    below, at = (experts.cdf(eta, one.T)[:, 0] for one in (experts.one_less(y), y))
    np.testing.assert_allclose(at - below, np.exp(log_prob(experts, rows)), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", sweep(n for n in CASES if CASES[n][0].discrete))
def test_probabilities_sum_to_one(experts, Phi):
    trials = getattr(experts, "trials", None) or 7
    most = {"class": getattr(experts, "n_classes", 0) - 1, "binomial": trials}
    most |= {"ordered": getattr(experts, "n_levels", 0) - 1}
    values = np.arange(most.get(experts.response, 400) + 1.0)[:, None]
    if experts.response == "binomial" and experts.trials is None:
        values = np.hstack([values, trials - values])
    share = np.exp(log_prob(experts, at_one_place(experts, Phi, values)))
    np.testing.assert_allclose(share.sum(axis=1), 1.0, rtol=1e-12)


def test_samples_follow_the_marginals(experts, Phi):
    n = 20_000
    eta = expert_predictors(experts, np.repeat(Phi[:1], n, axis=0))
    random = np.random.default_rng(5)
    marginals = experts.marginals(eta[:, :, :1])
    for k in np.flatnonzero(~_points(experts)).tolist():
        draws = experts.sample(eta[k], k, random)
        if experts.discrete:
            counts = np.bincount(draws[0].astype(int))
            steps = np.arange(len(counts))
            below = marginals.cdf(steps[None, None, :].astype(float))[k, 0]
            expected = n * np.diff(below, prepend=0.0)
            often = expected > 5
            rare = n - expected[often].sum()
            seen = np.append(counts[often], n - counts[often].sum())[: None if rare > 5 else -1]
            wanted = np.append(expected[often], rare)[: None if rare > 5 else -1]
            assert stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue > 1e-3
        else:
            for output in marginals.cdf(draws[None])[k]:
                assert stats.kstest(output, "uniform").pvalue > 1e-3
        mean = np.broadcast_to(marginals.mean()[k], draws.shape)[:, 0]
        error = 5 * draws.std(axis=1) / np.sqrt(n)
        heavy = not np.all(np.isfinite(marginals.var()))
        assert heavy or np.all(np.abs(draws.mean(axis=1) - mean) < error)


def test_correlated_outputs_are_sampled_so(rng, x64):
    null = GaussianExperts().null(K, P, 3)
    experts = parameter_vector.from_vector(
        null, 0.5 * rng.standard_normal(parameter_vector.size(null))
    )
    eta = expert_predictors(experts, np.ones((20_000, P)))
    for k, covariance in enumerate(experts.covariances()):
        draws = experts.sample(eta[k], k, rng)
        error = 4 * np.sqrt(2 / draws.shape[1]) * np.abs(covariance).max()
        np.testing.assert_allclose(np.cov(draws), covariance, atol=error)


# what is seen of a truncated response may be likelier, the farther its centre lies beyond an end
@pytest.mark.parametrize("name", sweep(n for n in CASES if not n.startswith("truncated")))
@pytest.mark.parametrize("side", [-1, 1])
def test_no_density_rises_again_far_out(experts, Phi, rows, side):
    """A guard against overflow may flatten a tail, and never lift it."""
    eta = expert_predictors(experts, Phi)
    far = eta[None].repeat(3, axis=0)
    far[:, :, 0] += side * np.array([40.0, 400.0, 4_000.0])[:, None, None]
    near, further, furthest = jax.jit(jax.vmap(experts.link, (0, None)))(far, rows.y)
    for a, b in ((near, further), (further, furthest)):
        assert np.all(b <= np.maximum(a, -1e300) + 1e-6)


def test_derivatives_of_the_link_equal_autodiff(experts, Phi, rows):
    eta = jnp.asarray(expert_predictors(experts, Phi))
    own = jax.jit(lambda e, y: experts.derivatives(e, y))(eta, rows.y)
    slow = jax.jit(lambda e, y: Experts.derivatives(experts, e, y))(eta, rows.y)
    for a, b in zip(own, slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


# experts with a closed form need no information
@pytest.mark.parametrize(
    "name", sweep(n for n in CASES if not n.startswith(("gaussian", "zero", "hurdle")))
)
def test_information_is_positive_semidefinite(experts, Phi, rows):
    eta = jnp.asarray(expert_predictors(experts, Phi))
    blocks = np.moveaxis(np.asarray(experts.information(eta, rows.y)), -1, 1)
    values = np.linalg.eigvalsh(blocks)
    assert np.all(values[..., 0] >= -1e-12 * values[..., -1])


LAST = {"gamma": "log_shape", "t": "log_df", "fixed_df": "log_df"}
LAST |= {"lognormal": "log_scale", "weibull": "log_scale", "beta": "log_precision"}
LAST |= {"inverse_gaussian": "log_shape", "skew_normal": "slant"}


@pytest.mark.parametrize("name", sweep(LAST))
@pytest.mark.parametrize("log_shape", [-0.5, 1.0, 2.0, 3.5])
def test_information_is_minus_the_mean_hessian(name, experts, Phi, log_shape):
    if LAST[name] == "log_scale":
        log_shape = -0.5 * log_shape
    if name == "beta":  # much of the rest lies where y is zero or one to the last digit
        log_shape += 1.5
    experts = eqx.tree_at(lambda e: getattr(e, LAST[name]), experts, np.full((K, 1, 1), log_shape))
    values, width = grid(experts)
    rows = at_one_place(experts, Phi, values)
    eta = jnp.asarray(expert_predictors(experts, np.asarray(rows.Phi).T))
    chance = np.exp(log_prob(experts, rows)) * width
    hessian = jax.jit(lambda e, y: experts.derivatives(e, y)[1])(eta, rows.y)
    mean = -np.sum(np.where(chance > 0, chance, 0.0)[:, None, None, :] * hessian, axis=-1)
    own = np.asarray(experts.information(eta[..., :1], rows.y[:, :1]))[..., 0]
    np.testing.assert_allclose(own, mean, rtol=1e-6, atol=1e-9)


UNPENALISED = NoPenalty()


def surrogates(experts, vector, rows, resp):
    log = parameter_vector.from_vector(experts, vector).log_prob(rows)
    return jnp.sum(resp * jnp.where(jnp.isfinite(log), log, 0.0), axis=1)  # of what is possible


@jax.jit
def look(experts, vector, rows, resp, bounds, penalty):
    """Each expert's surrogate at ``vector``, and where the M-step leads."""
    one = parameter_vector.from_vector(experts, vector)
    target = one.m_step(one.statistics(rows, resp), bounds, penalty)
    return surrogates(experts, vector, rows, resp), parameter_vector.traced_vector(target)


def m_step(experts, rows, resp, bounds):
    target = look(experts, parameter_vector.to_vector(experts), rows, resp, bounds, NoPenalty())[1]
    return parameter_vector.from_vector(experts, np.asarray(target))


@jax.jit
@partial(jax.grad, argnums=1)
def slope(experts, vector, rows, resp, penalty):
    """Gradient of the penalised surrogate."""
    taken = 0.0
    if not penalty.absent:
        own = vector[experts.coefficient_index()]
        taken = 0.5 * jnp.sum(own * (penalty.square @ own[:, :, None])[:, :, 0])
    return jnp.sum(surrogates(experts, vector, rows, resp)) - taken


def climb(experts, rows, resp, steps, penalty=UNPENALISED):
    """M-steps, each expert's halved until it gains; the last experts and their gradient."""
    bounds = experts.bounds(1e-4)
    shared = parameter_vector.size(experts) != np.size(experts.coefficient_index())
    vector = parameter_vector.to_vector(experts)
    now, target = map(np.asarray, look(experts, vector, rows, resp, bounds, penalty))
    for _ in range(steps):
        move = target - vector
        for _ in range(40):
            new, aim = map(np.asarray, look(experts, vector + move, rows, resp, bounds, penalty))
            worse = new < now - 1e-14
            if not penalty.absent or shared or not worse.any():
                break
            move[experts.coefficient_index()[worse]] *= 0.5
        vector, now, target = vector + move, new, aim
    best = parameter_vector.from_vector(experts, vector)
    return best, np.asarray(slope(experts, vector, rows, resp, penalty))


def free(experts):
    """Parameters that are not held, nor on a bound."""
    lower, upper = (parameter_vector.to_vector(b) for b in experts.bounds(1e-4))
    vector = parameter_vector.to_vector(experts)
    return (lower < vector) & (vector < upper)


@with_programs
def test_m_steps_zero_their_own_gradient(null, rows, resp):
    begun = start(null, rows, resp, null.bounds(1e-4))
    assert np.all(np.isfinite(parameter_vector.to_vector(begun)))
    steps = 1 if null.exact_step else 200 if isinstance(null, (Censored, Truncated)) else 60
    best, gradient = climb(begun, rows, resp, steps)
    assert np.max(np.abs(gradient[free(best)])) < 1e-11
    again = m_step(best, rows, resp, best.bounds(1e-4))
    np.testing.assert_allclose(
        parameter_vector.to_vector(again), parameter_vector.to_vector(best), atol=1e-8
    )


@with_programs
def test_ridge_steps_maximise_the_penalised_surrogate(name, null, rows, resp):
    slopes = parameter_vector.to_vector(null.slopes(True))
    index = null.coefficient_index()
    marked = np.where(index >= 0, slopes[index], 0.0)
    penalty = Ridge(0.05 * marked[:, :, None] * np.eye(index.shape[1])[None])
    begun = start(null, rows, resp, null.bounds(1e-4))
    best, gradient = climb(begun, rows, resp, 100, penalty)
    assert np.max(np.abs(gradient[free(best)])) < 1e-9
    coefficients = null.coefficients()[~_points(null)]
    assert marked.sum() == np.size(coefficients) * (P - 1) / P


def test_an_empty_expert_stays_finite(experts, rows):
    resp = jnp.stack([rows.weight, jnp.zeros(N)])
    bounds = experts.bounds(1e-4)
    kept = m_step(experts, rows, resp, bounds)
    for moved in (kept, start(experts, rows, resp, bounds)):
        assert np.all(np.isfinite(parameter_vector.to_vector(moved)))
    np.testing.assert_allclose(kept.coefficients()[1], experts.coefficients()[1], atol=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        *("gaussian", "gaussian_one_tied", "t", "fixed_df", "gamma", "gaussian_and_t"),
        *("lognormal", "weibull"),
    ],
)
def test_floors_hold(null, Phi, resp):
    """Responses on one line: without a floor the likelihood has no limit."""
    line = Phi @ np.array([0.3, 1.0, -0.5])
    y = (np.exp(line) if null.response == "positive" else line)[:, None]
    rows = as_rows(null, Phi, y)
    bounds = null.bounds(1e-3)
    best = start(null, rows, resp, bounds)
    for _ in range(30):
        best = m_step(best, rows, resp, bounds)
    lower, vector, upper = (
        parameter_vector.to_vector(part) for part in (bounds[0], best, bounds[1])
    )
    assert np.all((lower <= vector) & (vector <= upper))
    for part in getattr(best, "parts", [best]):
        if isinstance(part, GammaExperts):
            np.testing.assert_allclose(np.exp(-0.5 * part.log_shape), 1e-3, rtol=1e-12)
        else:
            np.testing.assert_allclose(np.exp(part.log_scale), 1e-3, rtol=1e-12)


def test_gaussian_floor_holds_for_the_exact_expert_alone(rng, x64, Phi):
    null = GaussianExperts().null(K, P, 2)
    experts = parameter_vector.from_vector(
        null, 0.5 * rng.standard_normal(parameter_vector.size(null))
    )
    exact = as_rows(experts, Phi, Phi @ np.asarray(experts.coef[0]).T)
    resp = jnp.stack([exact.weight, jnp.zeros(N)])
    best = m_step(experts, exact, resp, experts.bounds(1e-3))
    np.testing.assert_allclose(np.exp(best.log_scale[0]), 1e-3, rtol=1e-12)
    np.testing.assert_allclose(best.coef[1], experts.coef[1], rtol=1e-14)


def test_permute(experts, rows):
    order = np.array([1, 0])
    np.testing.assert_allclose(
        log_prob(experts.permute(order), rows), log_prob(experts, rows)[order], rtol=1e-12
    )


def test_user_units(experts, Phi, y, rows, rng):
    known = experts.response.startswith("censored")  # both ends are of one output
    m = 1 if known else y.shape[1]
    location, scale = np.zeros(m), np.ones(m)
    kind = experts.response.removeprefix("censored ")
    if kind in ("real", "positive"):
        same = getattr(experts, "covariance", "") == "spherical"  # stays one scale
        scale = np.full(m, 2.5) if same else rng.uniform(0.5, 3, m)
    if kind == "real":
        location = rng.standard_normal(m)
    to_user = np.eye(P) + 0.5 * np.tril(rng.standard_normal((P, P)), -1)
    moved = experts.in_units(location, scale, to_user)
    other = as_rows(experts, np.linalg.solve(to_user, Phi.T).T, location + scale * y)
    jump = (0.0 if experts.discrete else np.log(scale).sum()) * experts.has_density(y)
    np.testing.assert_allclose(
        log_prob(moved, other), np.asarray(log_prob(experts, rows)) - jump, rtol=1e-10, atol=1e-10
    )


@pytest.mark.fast
def test_parameters_have_names_and_tables_titles(experts, y):
    classes = getattr(experts, "n_classes", 0)
    m = 1 if experts.paired else y.shape[1]
    outputs = [f"y{o}" for o in range(classes or m)] if classes or m > 1 else [""]
    names = experts.parameter_names(["1", "a", "b"], outputs)
    assert len(names) == len(set(names)) == parameter_vector.size(experts)
    known = tuple([f"expert{k}:" for k in range(K)] + list(experts.titles()))
    assert all(name.startswith(known) for name in names)
    for k in np.flatnonzero(~_points(experts)).tolist():
        assert sum(n.startswith(f"expert{k}:") for n in names) == experts.coefficients()[k].size


@pytest.mark.fast
@pytest.mark.parametrize(
    ("family", "words"),
    [
        (PoissonExperts(), "PoissonExperts()"),
        (BinomialExperts(trials=5), "BinomialExperts(trials=5)"),
        (StudentTExperts(df=3), "StudentTExperts(df=3)"),
        (PointMass(at=1), "PointMass(at=1)"),
        (Censored("poisson"), "Censored(PoissonExperts())"),
        (Truncated("poisson", lower=2), "Truncated(PoissonExperts(), lower=2)"),
        (Truncated("gamma", upper=0.5), "Truncated(GammaExperts(), upper=0.5)"),
        (
            MixedExperts((GaussianExperts(), StudentTExperts())),
            "MixedExperts(GaussianExperts(covariance='full'), StudentTExperts(df=None))",
        ),
    ],
)
def test_settings_read_well(family, words):
    assert repr(family) == words


@pytest.mark.parametrize("df", [0.3, 32.0, 1e4, 1e15, *map(rest, (31.0, 33.0, 1e10))])
def test_t_density_keeps_its_digits_for_any_degrees_of_freedom(x64, df):
    """Its constant, against a form without a difference of large numbers; its slope, too."""
    eta = np.array([0.0, 0.0, np.log(df)])[None, :, None]
    y = np.zeros((1, 1))
    experts = StudentTExperts().null(1, 1, 1)
    got = float(experts.link(eta, y)[0, 0])
    exact = -special.betaln(0.5, 0.5 * df) - 0.5 * np.log(df)
    assert got == pytest.approx(exact, abs=1e-14 if df < 1e3 else 1e-11)
    if df > 1e9:
        assert got == pytest.approx(-0.5 * np.log(2 * np.pi), abs=1e-10)
    slope = float(experts.derivatives(eta, y)[0][0, 2, 0])
    known = 0.5 * df * (special.digamma(0.5 * (df + 1)) - special.digamma(0.5 * df) - 1 / df)
    assert slope == pytest.approx(known if df < 1e3 else 0.25 / df, rel=1e-4, abs=1e-15)


@pytest.mark.parametrize("dispersion", [1e-6, 0.032, 1.0, 1e4, *map(rest, (1e-3, 0.03, 30.0))])
def test_negative_binomial_keeps_its_digits_for_any_dispersion(x64, dispersion):
    """The density and its slopes, against sums over the counts below, without cancellation."""
    counts = np.array([0.0, 1.0, 2.0, 30.0, 31.0, 32.0, 500.0])
    experts = NegativeBinomialExperts().null(1, 1, 1)
    eta = np.tile(np.array([np.log(20.0), np.log(dispersion)])[None, :, None], (1, 1, len(counts)))
    y = experts.encode(counts[:, None]).T
    size, rate = 1 / dispersion, 20.0
    below = [np.arange(count) for count in counts]
    rises = np.array([np.sum(np.log1p(dispersion * j)) for j in below])
    odds = dispersion * rate
    fall = (size + counts) * np.log1p(odds)
    known = rises + counts * np.log(rate) - fall - special.gammaln(counts + 1)
    np.testing.assert_allclose(experts.link(eta, y)[0], known, rtol=1e-13, atol=2e-12)
    first, second = experts.derivatives(eta, y)
    slopes = np.array([np.sum(dispersion * j / (1 + dispersion * j)) for j in below])
    slopes += size * (np.log1p(odds) - odds / (1 + odds)) - counts * odds / (1 + odds)
    np.testing.assert_allclose(first[0, 1], slopes, rtol=1e-10, atol=1e-11)
    slow = Experts.derivatives(experts, jnp.asarray(eta), jnp.asarray(y))
    np.testing.assert_allclose(second, slow[1], rtol=1e-8, atol=1e-10)


@pytest.mark.fast
def test_points_need_a_family_beside_them():
    both = MixedExperts((PointMass(), PointMass(at=1)))
    with pytest.raises(ValueError, match="a family beside point masses"):
        both.check(np.zeros((3, 1)))
    shifted = MixedExperts((PointMass(at=2), GaussianExperts()))
    with pytest.raises(ValueError, match=r"at must be 0 .* got 2: subtract it"):
        shifted.check(np.zeros((3, 1)))
    with pytest.raises(ValueError, match="at must be a finite number, got 'x'"):
        PointMass(at="x").null(2, 1, 1)


@pytest.mark.fast
@pytest.mark.parametrize("share", [1e-19, 1e-6, 0.3, 0.5])
def test_inverse_gaussian_quantiles_hold_far_out(share):
    """SciPy's own are of the order of 1e52 at some of these, or an error."""
    law = InverseGaussianLaw(np.array([1e-6, 1e-3, 0.33, 1.0, 50.0, 1e4]), np.full(6, 2.0))
    np.testing.assert_allclose(law.cdf(law.ppf(share)), share, rtol=1e-9)
    np.testing.assert_allclose(law.sf(law.isf(share)), share, rtol=1e-7)
    np.testing.assert_array_equal(law.ppf(0.0), np.zeros(6))
    np.testing.assert_array_equal(law.isf(0.0), np.full(6, np.inf))
