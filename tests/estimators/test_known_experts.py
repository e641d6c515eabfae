"""Rows whose expert is known, or of which some experts are impossible or less possible."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, special, stats

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.estimators.known_experts import possibilities
from mixstat.inference import Bootstrap
from mixstat.selection import merge, prune, select

RNG = np.random.default_rng(7)
N, K = 150, 3
X = RNG.uniform(-2, 2, (N, 2))
Z = np.argmax(X[:, 1:] * np.arange(-1, 2) + RNG.gumbel(size=(N, K)), axis=1)
Y = np.array([2.0, 0.0, 1.0])[Z] + np.array([-1.0, 0.3, 1.0])[Z] * X[:, 0] + RNG.normal(size=N) / 2
LABELS = np.where(np.arange(N) < 60, Z, np.nan)
SETTINGS = {"n_init": 2, "random_state": 0}


@pytest.fixture(scope="module")
def moe() -> MixtureOfExperts:
    return MixtureOfExperts(K, **SETTINGS).fit(X, Y, known_experts=LABELS)


def joint(params: np.ndarray) -> np.ndarray:
    """Log of share times density of each row and expert, from reported parameters."""
    gate, coef = params[:6].reshape(2, 3), params[6:15].reshape(3, 3)
    design = sm.add_constant(X)
    logits = np.c_[design @ gate.T, np.zeros(N)]
    log_share = logits - special.logsumexp(logits, axis=1, keepdims=True)
    return log_share + stats.norm.logpdf(Y[:, None], design @ coef.T, np.exp(params[15:]))


def log_likelihood(params: np.ndarray, possible: np.ndarray) -> float:
    """What is said to be maximised, by its definition."""
    return float(special.logsumexp(joint(params), b=possible, axis=1).mean())


def test_all_known_are_separate_regressions_and_a_multinomial_logit():
    fit = MixtureOfExperts(K, **SETTINGS).fit(X, Y, known_experts=Z)
    design = sm.add_constant(X)
    for k in range(K):
        mine = k == Z
        line = sm.OLS(Y[mine], design[mine]).fit()
        np.testing.assert_allclose(fit.expert_coef_[k], line.params, rtol=1e-10, atol=1e-10)
        deviation = np.sqrt(np.mean(line.resid**2))
        assert fit.scale_[k] == pytest.approx(deviation, rel=1e-10)
    logit = sm.MNLogit((Z + 1) % K, design).fit(disp=0, method="newton", tol=1e-14)
    np.testing.assert_allclose(fit.gate_coef_[:2], np.asarray(logit.params).T, atol=1e-8)
    errors = np.sqrt(np.diag(fit.cov_params()))[:6]
    np.testing.assert_allclose(errors, np.asarray(logit.bse).T.ravel(), rtol=1e-8)
    assert fit.converged_
    assert fit.log_likelihood_ == pytest.approx(log_likelihood(fit.params, np.eye(K)[Z]), rel=1e-12)


@pytest.mark.parametrize(
    "nothing", [np.full(N, np.nan), np.full(N, -1), [None] * N, np.full((N, 2), 0.4)]
)
def test_no_row_known_is_the_ordinary_fit(nothing):
    settings = SETTINGS | {"n_init": 1, "expert_features": [0]}
    plain = MixtureOfExperts(2, **settings).fit(X, Y)
    same = MixtureOfExperts(2, **settings).fit(X, Y, known_experts=nothing)
    np.testing.assert_array_equal(same.params, plain.params)
    assert same.problem_.batch.rows.log_possibility is None


def test_the_maximum_is_that_of_the_likelihood_by_another_route(moe):
    possible = np.where(np.isnan(LABELS)[:, None], 1.0, np.eye(K)[Z])
    assert moe.converged_
    assert moe.log_likelihood_ == pytest.approx(log_likelihood(moe.params, possible), rel=1e-12)
    found = optimize.minimize(
        lambda v: -log_likelihood(v, possible), moe.params + 0.05, options={"gtol": 1e-8}
    )
    np.testing.assert_allclose(moe.params, found.x, atol=1e-5)
    assert moe.log_likelihood_ == pytest.approx(-found.fun, abs=1e-10)
    # experts have the numbers of the labels, and the summary says so
    assert np.all(np.abs(moe.expert_coef_[:, 1] - [-1.0, 0.3, 1.0]) < 0.4)
    assert "Of 60 of 150 rows something is known of the" in str(moe.summary())
    assert moe.conditional_log_likelihood_ == pytest.approx(
        log_likelihood(moe.params, np.ones((N, K)))
    )
    assert moe.score_samples(X, Y).mean() == pytest.approx(moe.conditional_log_likelihood_)


@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton", "newton_cg"])
def test_every_solver_ends_at_the_same_maximum(moe, solver):
    settings = {"solver": solver, "init": moe, "max_iter": 20000}
    other = MixtureOfExperts(K, **settings).fit(X, Y, known_experts=LABELS)
    np.testing.assert_allclose(other.params, moe.params, atol=1e-4)
    assert other.log_likelihood_ == pytest.approx(moe.log_likelihood_, rel=1e-10)


@pytest.mark.exhaustive
def test_information_is_that_of_the_likelihood(moe):
    possible = np.where(np.isnan(LABELS)[:, None], 1.0, np.eye(K)[Z])
    size = len(moe.params)
    step = 1e-4 * np.eye(size)

    def slope(at: np.ndarray) -> np.ndarray:
        ends = [[log_likelihood(at + s * one, possible) for s in (1, -1)] for one in step]
        return np.array([a - b for a, b in ends]) / 2e-4

    hessian = np.array([slope(moe.params + one) - slope(moe.params - one) for one in step]) / 2e-4
    np.testing.assert_allclose(np.linalg.inv(-N * hessian), moe.cov_params(), rtol=1e-3, atol=1e-6)
    scores = moe.inference().estimate.scores
    assert np.abs(scores.mean(axis=0)).max() < 1e-8
    robust = moe.inference(cov_type=Bootstrap(n_draws=10, random_state=0))
    with pytest.raises(ValueError, match=r"none of how possibilities .* come about"):
        moe.inference(cov_type=Bootstrap(n_draws=10, kind="parametric", random_state=0))
    assert np.all(np.asarray(robust.bse) > 0)


def test_a_label_takes_a_row_out_of_other_experts_only():
    """Not expert 2: the row may be of either other one."""
    possible = np.ones((N, K), bool)
    possible[:50, 2] = Z[:50] == 2
    possible[:50, :2] = (Z[:50] != 2)[:, None]
    fit = MixtureOfExperts(K, **SETTINGS).fit(X, Y, known_experts=possible)
    assert fit.log_likelihood_ == pytest.approx(log_likelihood(fit.params, possible), rel=1e-12)
    assert fit.converged_


def test_degrees_are_told_from_the_largest_of_their_row():
    soft = RNG.uniform(0.2, 1, (N, 2))
    soft[5] = np.nan
    fits = [
        MixtureOfExperts(2, expert_features=[0], **SETTINGS).fit(X, Y, known_experts=table)
        for table in (soft, soft / soft.sum(axis=1, keepdims=True))
    ]
    np.testing.assert_allclose(fits[0].params, fits[1].params, atol=1e-8)
    known = possibilities(X, soft, 2)
    np.testing.assert_allclose(known[5], [1, 1])
    assert np.all(known.max(axis=1) == 1)
    contextual = ContextualMixtureOfExperts(n_experts=2, expert_features=[0], **SETTINGS)
    contextual.fit(X, Y, possibilities=known)
    np.testing.assert_allclose(fits[0].params, contextual.params, atol=1e-8)


def test_weights_are_repeated_rows(moe):
    times = RNG.integers(0, 3, N)
    rows = np.repeat(np.arange(N), times)
    weighted = MixtureOfExperts(K, init=moe)
    weighted.fit(X, Y, sample_weight=times, known_experts=LABELS)
    repeated = MixtureOfExperts(K, init=moe).fit(X[rows], Y[rows], known_experts=LABELS[rows])
    np.testing.assert_allclose(weighted.params, repeated.params, atol=1e-7)


def test_a_column_of_a_frame_names_them(moe):
    data = pd.DataFrame(X, columns=["a", "b"]).assign(y=Y)
    data["who"] = pd.array([None if np.isnan(one) else int(one) for one in LABELS], dtype="Int64")
    data.loc[149, "y"] = np.nan
    settings = SETTINGS | {"missing": "drop"}
    inputs, left = data.drop(columns="y"), slice(0, 149)
    ways = [
        MixtureOfExperts(K, **settings).fit(inputs, data.y, known_experts="who"),
        MixtureOfExperts(K, formula="y ~ a + b", **settings).fit(data, known_experts="who"),
        MixtureOfExperts.from_formula("y ~ . - who", data, n_experts=K, known_experts="who",
                                      **settings),
    ]  # fmt: skip
    known = MixtureOfExperts(K, **SETTINGS).fit(X[left], Y[left], known_experts=LABELS[left])
    for fit, frame in zip(ways, (inputs, data, data), strict=True):
        np.testing.assert_allclose(fit.params, known.params, atol=1e-8)
        np.testing.assert_allclose(fit.predict(frame[:5]), known.predict(X[:5]), atol=1e-8)
        assert fit.n_dropped_ == 1
    assert ways[0].score(inputs, data.y) == pytest.approx(known.score(X[left], Y[left]))
    errors = np.asarray(ways[0].inference(inputs, data.y).bse)
    np.testing.assert_allclose(errors, np.asarray(known.inference().bse), rtol=1e-6)
    masked = np.ma.masked_invalid(LABELS)
    np.testing.assert_array_equal(possibilities(X, masked, K), possibilities(X, LABELS, K))


def test_one_row_of_a_unit_tells_of_all():
    unit = np.repeat(np.arange(30), 5)
    one, every = np.full(N, np.nan), np.full(N, np.nan)
    z = np.repeat(RNG.integers(0, 2, 30), 5)
    y = np.where(z, 1 + X[:, 0], -X[:, 0]) + RNG.normal(size=N)
    one[:50:5], every[:50] = z[:50:5], z[:50]
    settings = SETTINGS | {"gate_degree": 0, "expert_features": [0]}
    fits = [
        MixtureOfExperts(2, **settings).fit(X, y, groups=unit, known_experts=known)
        for known in (one, every)
    ]
    np.testing.assert_allclose(fits[0].params, fits[1].params, atol=1e-10)
    shares = fits[0].gate_proba(X[:1])[0]
    logs = stats.norm.logpdf(
        y[:, None],
        fits[0].expert_coef_[:, 0] + X[:, :1] * fits[0].expert_coef_[:, 1],
        fits[0].scale_,
    )
    sums = np.log(shares) + np.add.reduceat(logs, np.arange(0, N, 5))
    possible = np.where(np.arange(30)[:, None] < 10, np.eye(2)[z[::5]], 1.0)
    mean = special.logsumexp(sums, b=possible, axis=1).mean()
    assert fits[0].log_likelihood_ == pytest.approx(mean, rel=1e-12)
    with pytest.raises(ValueError, match=r"known_experts .* those of unit 0 contradict"):
        MixtureOfExperts(2, **settings).fit(X, y, groups=unit, known_experts=np.arange(N) % 2)


def test_a_classifier_takes_them_too():
    labels = np.where(RNG.random(N) < special.expit(np.where(Z > 0, 2, -2) * X[:, 0]), "in", "out")
    z = (Z > 0).astype(int)
    fit = MixtureOfExpertsClassifier(2, **SETTINGS).fit(X, labels, known_experts=z)
    design = sm.add_constant(X)
    for k in range(2):
        mine = z == k
        logit = sm.Logit(labels[mine] == "in", design[mine]).fit(disp=0, method="newton", tol=1e-13)
        np.testing.assert_allclose(fit.expert_coef_[k], logit.params, rtol=1e-7, atol=1e-8)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(z=z)
    same = MixtureOfExpertsClassifier(2, **SETTINGS).fit(frame, labels, known_experts="z")
    np.testing.assert_allclose(same.params, fit.params, atol=1e-10)
    np.testing.assert_allclose(same.predict_proba(frame), fit.predict_proba(X), atol=1e-10)


def test_a_saved_model_is_told_again(moe):
    again = pickle.loads(pickle.dumps(moe))
    found = again.inference(X, Y, known_experts=LABELS)
    np.testing.assert_allclose(np.asarray(found.bse), np.sqrt(np.diag(moe.cov_params())))
    assert "numbers of known_experts" in str(again.summary())
    for wrong in (None, np.roll(LABELS, 1)):
        with pytest.raises(ValueError, match="known_experts, must be those of the fit"):
            again.inference(X, Y, known_experts=wrong)
    name = "expert0:x0"
    profile = again.profile(name, n_points=3, X=X, y=Y, known_experts=LABELS)
    assert profile.log_likelihood.max() == pytest.approx(N * moe.log_likelihood_)


def test_folds_take_the_labels_of_their_rows(moe):
    found = select(
        X, Y, estimator=MixtureOfExperts(**SETTINGS | {"n_init": 1}), n_experts=[K], cv=2,
        params={"known_experts": LABELS},
    )  # fmt: skip
    assert found.fits[0].log_likelihood_ == pytest.approx(moe.log_likelihood_, rel=1e-8)


def test_what_cannot_be_is_refused(moe):
    counts = RNG.poisson(2.0, N)
    inflated = MixtureOfExperts(2, expert=["zero", "poisson"], n_init=1)
    row = int(np.argmax(counts > 0))
    with pytest.raises(ValueError, match=f"known_experts .* in row {row} y has probability zero"):
        inflated.fit(X, counts, known_experts=np.zeros(N))
    series = pd.Series(LABELS, index=np.arange(N)[::-1])
    with pytest.raises(ValueError, match="known_experts must have the index of X"):
        MixtureOfExperts(K).fit(pd.DataFrame(X), Y, known_experts=series)
    data = pd.DataFrame(X, columns=["a", "b"]).assign(y=Y, who=Z)
    with pytest.raises(
        ValueError, match=r"known_experts names 'who', which '\.' makes an input too"
    ):
        MixtureOfExperts(K, formula="y ~ .").fit(data, known_experts="who")
    for change in (merge, lambda fit, *rows: prune(fit, *rows[1:])):
        with pytest.raises(ValueError, match=r"estimator must be .* without known experts"):
            change(moe, [0, 0, 1], X, Y)
    with pytest.raises(TypeError, match="has no argument 'known'; did you mean known_experts"):
        MixtureOfExperts(K).fit(X, Y, known=LABELS)
