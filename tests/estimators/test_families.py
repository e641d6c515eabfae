"""Families of experts and gates against statsmodels, scikit-learn, scipy and each other."""

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, special, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from statsmodels.miscmodels.tmodel import TLinearModel

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.experts import BinomialExperts, StudentTExperts
from mixstat.gates import HierarchicalGate, ModifiedSoftmaxGate, TopKGate, TopPGate
from mixstat.results import Status
from tests.sweeps import first, rest

N = 300
LIKE_GAMMA = ("lognormal", "exponential", "weibull")


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(3).uniform(-1, 1, (N, 2))


@pytest.fixture(scope="module")
def line(X):
    return 0.3 + X @ [0.8, -0.5]


@pytest.fixture(scope="module")
def counts(line):
    return np.random.default_rng(4).poisson(np.exp(line)).astype(float)


@pytest.fixture(scope="module")
def hits(line):
    """Successes and failures of different numbers of trials."""
    random = np.random.default_rng(5)
    trials = random.integers(1, 9, N)
    won = random.binomial(trials, special.expit(line))
    return np.column_stack([won, trials - won]).astype(float)


@pytest.fixture(scope="module")
def positive(line):
    return np.random.default_rng(6).gamma(3.0, np.exp(line) / 3)


@pytest.fixture(scope="module")
def heavy(line):
    return line + 0.5 * np.random.default_rng(7).standard_t(4, N)


def errors(moe):
    return np.sqrt(np.diag(moe.cov_params()))


def agree(moe, known, X):
    """Coefficients, log-likelihood and standard errors of one expert and a GLM."""
    np.testing.assert_allclose(moe.expert_coef_[0], known.params, rtol=1e-8, atol=1e-8)
    assert N * moe.log_likelihood_ == pytest.approx(known.llf, rel=1e-8)
    np.testing.assert_allclose(errors(moe), known.bse, rtol=1e-5)
    np.testing.assert_allclose(moe.predict(X), known.predict(sm.add_constant(X)), rtol=1e-7)


def test_one_poisson_expert_is_a_glm(X, counts):
    known = sm.GLM(counts, sm.add_constant(X), sm.families.Poisson()).fit(tol=1e-14)
    agree(MixtureOfExperts(1, expert="poisson").fit(X, counts), known, X)


def test_one_binomial_expert_is_a_glm(X, hits):
    known = sm.GLM(hits, sm.add_constant(X), sm.families.Binomial()).fit(tol=1e-14)
    moe = MixtureOfExperts(1, expert="binomial").fit(X, hits)
    agree(moe, known, X)
    share = hits[:, 0] / hits.sum(axis=1)
    assert moe.score(X, hits) == pytest.approx(
        1 - np.sum((share - moe.predict(X)) ** 2) / np.sum((share - share.mean()) ** 2)
    )


def test_equal_trials_may_be_given_once(X, line):
    won = np.random.default_rng(8).binomial(6, special.expit(line)).astype(float)
    pairs = np.column_stack([won, 6 - won])
    known = sm.GLM(pairs, sm.add_constant(X), sm.families.Binomial()).fit(tol=1e-14)
    moe = MixtureOfExperts(1, expert=BinomialExperts(trials=6)).fit(X, won)
    np.testing.assert_allclose(moe.expert_coef_[0], known.params, rtol=1e-8)
    assert N * moe.log_likelihood_ == pytest.approx(known.llf, rel=1e-8)
    np.testing.assert_allclose(moe.predict(X), 6 * known.predict(sm.add_constant(X)), rtol=1e-8)


def test_one_gamma_expert_is_a_glm(X, positive):
    family = sm.families.Gamma(link=sm.families.links.Log())
    known = sm.GLM(positive, sm.add_constant(X), family).fit(tol=1e-15)
    moe = MixtureOfExperts(1, expert="gamma").fit(X, positive)
    np.testing.assert_allclose(moe.expert_coef_[0], known.params, rtol=1e-8, atol=1e-8)
    # their scale is not that of maximum likelihood; at ours the likelihoods are equal
    shape = moe.shape_[0]
    total = known.model.family.loglike(positive, known.mu, scale=1 / shape)
    assert N * moe.log_likelihood_ == pytest.approx(total, rel=1e-8)
    ratio = positive / known.mu
    score = np.log(shape) + 1 - special.digamma(shape) + np.mean(np.log(ratio) - ratio)
    assert abs(score) < 1e-8
    by_shape = sm.GLM(positive, sm.add_constant(X), family).fit(tol=1e-15, scale=1 / shape)
    # the observed information depends on the residuals
    hessian = -by_shape.model.hessian(by_shape.params, scale=1 / shape, observed=True)
    np.testing.assert_allclose(errors(moe)[:3], np.sqrt(np.diag(np.linalg.inv(hessian))), rtol=1e-5)


def test_one_t_expert_is_statsmodels_t_regression(X, heavy):
    known = TLinearModel(heavy, sm.add_constant(X))
    begin = np.append(np.linalg.lstsq(known.exog, heavy, rcond=None)[0], [5.0, 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its optimiser
        theirs = known.fit(start_params=begin, method="nm", maxiter=20_000, maxfun=40_000, disp=0)
    moe = MixtureOfExperts(1, expert="t").fit(X, heavy)
    assert moe.status_ == Status.CONVERGED
    assert N * moe.log_likelihood_ == pytest.approx(theirs.llf, abs=1e-6)
    assert N * moe.log_likelihood_ >= theirs.llf - 1e-9
    mine = np.concatenate([moe.expert_coef_[0], moe.df_, moe.scale_])
    # ours is a stationary point of their log-likelihood
    assert N * moe.log_likelihood_ == pytest.approx(known.loglike(mine), rel=1e-10)
    assert np.max(np.abs(optimize.approx_fprime(mine, known.loglike, 1e-6))) < 1e-2


def test_fixed_degrees_of_freedom(X, heavy):
    moe = MixtureOfExperts(1, expert=StudentTExperts(df=4.0)).fit(X, heavy)
    design = sm.add_constant(X)

    def loss(v):
        return -stats.t(4.0, design @ v[:3], np.exp(v[3])).logpdf(heavy).sum()

    best = optimize.minimize(loss, np.append(moe.expert_coef_[0] + 0.1, 0.0), tol=1e-10)
    assert N * moe.log_likelihood_ == pytest.approx(-best.fun, rel=1e-8)
    np.testing.assert_allclose(moe.expert_coef_[0], best.x[:3], atol=1e-5)
    assert moe.n_parameters_ == 4
    np.testing.assert_allclose(moe.df_, 4.0)
    assert np.isnan(errors(moe)[-1])


def test_one_multinomial_expert_is_mnlogit(X, line):
    score = np.column_stack([line, -line, np.zeros(N)])
    label = np.argmax(score + np.random.default_rng(9).gumbel(size=(N, 3)), axis=1)
    moe = MixtureOfExpertsClassifier(1).fit(X, label)
    # their reference is the first class, ours the last
    known = sm.MNLogit(2 - label, sm.add_constant(X)).fit(disp=0, method="newton", tol=1e-15)
    theirs = known.params.T[::-1]
    np.testing.assert_allclose(moe.expert_coef_[0], theirs, rtol=1e-8, atol=1e-8)
    assert N * moe.log_likelihood_ == pytest.approx(known.llf, rel=1e-8)
    np.testing.assert_allclose(errors(moe), np.ravel(known.bse.T[::-1]), rtol=1e-5)


@pytest.mark.parametrize(
    "expert",
    [
        *("poisson", "binomial", "gamma", "t", "negative_binomial"),
        *(pytest.param(one, marks=pytest.mark.exhaustive) for one in LIKE_GAMMA),
    ],
)
def test_weights_are_repeated_rows(X, counts, hits, positive, heavy, expert):
    others = {"poisson": counts, "negative_binomial": counts, "binomial": hits, "t": heavy}
    y = others.get(expert, positive)
    times = np.random.default_rng(10).integers(0, 4, N)
    weighted = MixtureOfExperts(1, expert=expert).fit(X, y, sample_weight=times)
    again = np.repeat(np.arange(N), times)
    repeated = MixtureOfExperts(1, expert=expert).fit(X[again], y[again])
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-10, atol=1e-10)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
    np.testing.assert_allclose(errors(weighted), errors(repeated), rtol=1e-6)


def test_gaussian_gate_and_experts_are_a_joint_mixture_of_gaussians():
    """Lines with Gaussian inputs: scikit-learn's full covariance mixture on (x, y)."""
    random = np.random.default_rng(11)
    label = (random.random(500) < 0.4).astype(int)
    X = np.where(label[:, None], [1.5, -0.5], [-1.0, 1.0]) + random.standard_normal((500, 2))
    y = np.where(label, 1 + X @ [1.0, -1.0], -1 + X @ [0.5, 2.0]) + 0.5 * random.standard_normal(
        500
    )
    moe = MixtureOfExperts(2, gate="gaussian", init=label).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    joint = np.column_stack([X, y])
    means = np.stack([joint[label == k].mean(axis=0) for k in range(2)])
    known = GaussianMixture(
        2, tol=1e-13, max_iter=10_000, reg_covar=0.0, means_init=means, random_state=0
    ).fit(joint)
    assert moe.log_likelihood_ == pytest.approx(known.score(joint), rel=1e-10)
    gate = moe.user_model_.gate
    order = np.abs(known.means_[:, None, :2] - gate.coefficients()[None]).sum(axis=2).argmin(axis=1)
    logit = np.append(np.ravel(gate.logit), 0.0)
    np.testing.assert_allclose(special.softmax(logit)[order], known.weights_, atol=1e-6)
    np.testing.assert_allclose(gate.coefficients()[order], known.means_[:, :2], atol=1e-5)
    own = gate.inputs.covariances()[order]
    np.testing.assert_allclose(own, known.covariances_[:, :2, :2], atol=1e-5)
    for k, covariance in zip(order, known.covariances_, strict=True):
        slope = np.linalg.solve(covariance[:2, :2], covariance[:2, 2])
        np.testing.assert_allclose(moe.expert_coef_[k, 1:], slope, atol=1e-5)
        rest = covariance[2, 2] - slope @ covariance[:2, 2]
        np.testing.assert_allclose(moe.scale_[k] ** 2, rest, atol=1e-5)
    # shares given x alone
    inputs = GaussianMixture(2).fit(X)
    inputs.weights_, inputs.means_ = known.weights_, known.means_[:, :2]
    inputs.covariances_ = known.covariances_[:, :2, :2]
    inputs.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(inputs.covariances_))
    share = inputs.predict_proba(X)[:, np.argsort(order)]
    np.testing.assert_allclose(moe.gate_proba(X), share, atol=1e-5)


@pytest.fixture(scope="module")
def crossing():
    """Two Poisson regressions that cross."""
    random = np.random.default_rng(12)
    X = random.uniform(-2, 2, (N, 1))
    first = random.random(N) < 1 / (1 + np.exp(-0.5 - X[:, 0]))
    mean = np.exp(np.where(first, 1 + 0.6 * X[:, 0], 2.5 - 0.4 * X[:, 0]))
    return X, random.poisson(mean).astype(float)


def test_constant_shares_of_poisson_experts_against_scipy(crossing):
    X, y = crossing
    moe = MixtureOfExperts(2, expert="poisson", gate_degree=0, n_init=6, random_state=0).fit(X, y)

    def loss(v):
        mean = np.exp(v[[0, 2]][:, None] + v[[1, 3]][:, None] * X[:, 0])
        joint = stats.poisson(mean).logpmf(y) + special.log_softmax([v[4], 0.0])[:, None]
        return -special.logsumexp(joint, axis=0).sum()

    mine = np.append(np.ravel(moe.expert_coef_), moe.gate_coef_[0, 0])
    best = min(
        (
            optimize.minimize(loss, mine + start, tol=1e-10)
            for start in 0.3 * np.random.default_rng(0).standard_normal((3, 5))
        ),
        key=lambda end: end.fun,
    )
    assert N * moe.log_likelihood_ == pytest.approx(-best.fun, rel=1e-10)
    np.testing.assert_allclose(mine, best.x, atol=1e-4)


def test_counts_are_predicted_as_counts(crossing):
    X, y = crossing
    moe = MixtureOfExperts(2, expert="poisson", n_init=4, random_state=0).fit(X, y)
    rows = X[:20]
    for level in (0.05, 0.5, 0.95):
        count = moe.predict_quantile(rows, level)
        np.testing.assert_array_equal(count, np.round(count))
        assert np.all(moe.cdf(rows, count) >= level)
        below = np.where(count > 0, moe.cdf(rows, np.maximum(count - 1, 0)), 0.0)
        assert np.all(below < level)
    ends = moe.predict_interval(rows, 0.9)
    np.testing.assert_array_equal(ends, moe.predict_quantile(rows, [0.05, 0.95]))
    draws = moe.sample_y(rows, 500, random_state=0)
    np.testing.assert_array_equal(draws, np.round(draws))
    mean, std = moe.predict(rows, return_std=True)
    assert np.all(np.abs(draws.mean(axis=1) - mean) < 5 * std / np.sqrt(500))
    assert draws.min() >= 0


@pytest.fixture(scope="module")
def lines():
    """Two or three Gaussian lines under a gate that overlaps."""
    random = np.random.default_rng(13)
    X = random.uniform(-2, 2, (400, 1))
    first = random.random(400) < 1 / (1 + np.exp(-0.3 - 1.5 * X[:, 0]))
    y = np.where(first, 1.5 + X[:, 0], -1.5 - X[:, 0]) + 0.5 * random.standard_normal(400)
    return X, y, (~first).astype(int)


@pytest.fixture(scope="module")
def plain(lines):
    X, y, label = lines
    return MixtureOfExperts(2, init=label).fit(X, y)


@pytest.mark.parametrize(
    "gate",
    [
        "temperature",
        "hierarchical",
        rest(HierarchicalGate(tree=(1, 0))),
        rest(TopKGate(k=2)),
        rest(TopPGate(mass=1.0)),
        rest(ModifiedSoftmaxGate(function=lambda x: x)),
    ],
    ids=repr,
)
def test_gates_that_are_a_softmax_gate(lines, plain, gate):
    X, y, label = lines
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a temperature is not determined
        moe = MixtureOfExperts(2, gate=gate, init=label).fit(X, y)
    assert moe.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-9)
    np.testing.assert_allclose(moe.gate_proba(X), plain.gate_proba(X), atol=1e-5)


def test_families_in_a_list(lines, plain):
    X, y, label = lines
    same = MixtureOfExperts(2, expert=["gaussian", "gaussian"], init=label).fit(X, y)
    assert same.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-9)
    moe = MixtureOfExperts(2, expert=["gaussian", "t"], init=label).fit(X, y)
    assert moe.n_parameters_ == plain.n_parameters_ + 1
    # noise is normal, and degrees of freedom stop at a million
    assert moe.log_likelihood_ >= plain.log_likelihood_ - 1e-6
    told = str(moe.summary())
    assert "Log of degrees of freedom" in told
    assert "Log of standard deviation / Log of scale" in told
    assert np.all(np.isfinite(moe.predict_interval(X[:5])))


def test_degrees_of_each_expert(lines, plain):
    X, y, label = lines
    same = MixtureOfExperts(2, degree=[1, 1], init=label).fit(X, y)
    assert same.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-12)
    third = np.where(np.arange(400) % 3 == 0, 2, label)
    moe = MixtureOfExperts(3, degree=[0, 1, 3], init=third).fit(X, y)
    assert moe.n_parameters_ == 2 * 2 + (1 + 2 + 4) + 3
    rows = np.linspace(-2, 2, 9)[:, None]
    means = moe.expert_means(rows)[:, :, 0]
    np.testing.assert_allclose(means[:, 0], means[0, 0])
    np.testing.assert_allclose(np.diff(means[:, 1], 2), 0.0, atol=1e-10)
    np.testing.assert_allclose(np.diff(means[:, 2], 4), 0.0, atol=1e-9)
    np.testing.assert_allclose(moe.expert_coef_[0, 1:], 0.0, atol=1e-12)
    np.testing.assert_allclose(moe.expert_coef_[1, 2:], 0.0, atol=1e-12)
    assert np.all(np.abs(moe.expert_coef_[2]) > 1e-6)


def test_sigmoids_are_told_without_competition(rng):
    X = rng.uniform(-2, 2, (500, 1))
    y = np.where(rng.random(500) < special.expit(2 * X[:, 0]), X[:, 0], -X[:, 0])
    y = y + 0.3 * rng.standard_normal(500)
    moe = MixtureOfExperts(2, gate="sigmoid", init="kmeans", n_init=2, random_state=0)
    with warnings.catch_warnings():  # two sigmoids for one contrast may be barely determined
        warnings.simplefilter("ignore", ConvergenceWarning)
        moe.fit(X, y)
    scores = moe.gate_scores(X)
    known = special.expit(moe.gate_coef_[:, 0] + X @ moe.gate_coef_[:, 1:].T)
    np.testing.assert_allclose(scores, known, rtol=1e-9)
    shares = scores / scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(moe.gate_proba(X), shares, rtol=1e-9)


@pytest.mark.exhaustive
@pytest.mark.parametrize("gate", first([TopPGate(mass=0.9), TopPGate(mass=0.7)]))
def test_a_gate_that_jumps_is_not_worse_than_what_it_contains(gate):
    """Zero slopes are constant shares: a fit may not stay below them."""
    random = np.random.default_rng(5)
    X = np.column_stack([random.normal(size=300), random.uniform(-2, 2, 300)])
    up = random.random(300) < special.expit(2 * X[:, 0])
    y = np.where(up, 1 + X[:, 1], -1 - X[:, 1]) + 0.3 * random.normal(size=300)
    moe = MixtureOfExperts(2, gate=gate, n_init=3, random_state=0)
    with warnings.catch_warnings():  # a hard gate may separate the experts
        warnings.simplefilter("ignore", ConvergenceWarning)
        moe.fit(X, y)
    constant = MixtureOfExperts(2, gate_degree=0, n_init=3, random_state=0).fit(X, y)
    assert moe.log_likelihood_ > constant.log_likelihood_


def test_top_k_by_name_keeps_no_more_than_there_are(X, line):
    moe = MixtureOfExperts(1, gate="top_k").fit(X, line + X[:, 0] ** 2)
    assert moe.converged_


def test_criteria_of_a_gaussian_gate_are_of_what_its_parameters_belong_to(X, line):
    y = line + 0.1 * np.random.default_rng(9).standard_normal(N)
    moe = MixtureOfExperts(2, gate="gaussian", init="kmeans", n_init=1, random_state=0).fit(X, y)
    joint = -2 * N * moe.log_likelihood_ + moe.n_parameters_ * np.log(N)
    assert moe.bic(X, y) == pytest.approx(joint, rel=1e-10)
    assert f"{joint:.4f}" in str(moe.summary())
    assert "The joint density of inputs and response was maximised" in str(moe.summary())
    halves = [moe.aic(X[part], y[part]) for part in (slice(0, 50), slice(50, N))]
    assert moe.aic(X, y) == pytest.approx(sum(halves) - 2 * moe.n_parameters_, rel=1e-10)
    np.testing.assert_allclose(
        moe.conditional_log_likelihood_, moe.score_samples(X, y).mean(), rtol=1e-10
    )
    assert moe.gate_covariance_.shape == (2, 2, 2)
