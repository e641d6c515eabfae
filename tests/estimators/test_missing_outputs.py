"""Rows that lack some outputs count by the marginal density of those that they have."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

import mixstat
from mixstat import MixtureOfExperts, TwoLevelMixtureOfExperts
from mixstat.inference import Bootstrap

RNG = np.random.default_rng(7)
N = 240
X = RNG.uniform(-1, 1, (N, 1))
Z = (RNG.random(N) < special.expit(3 * X[:, 0])).astype(int)
NOISE = RNG.normal(size=(N, 2)) @ np.array([[0.5, 0.3], [0, 0.4]])
Y = np.where(Z[:, None] == 1, [1.0, 2.0] + X * [1, -1], [-1.0, -1.0] + X * [-1, 1]) + NOISE
HOLES = Y.copy()
HOLES[RNG.random(N) < 0.25, 0] = np.nan
HOLES[(RNG.random(N) < 0.3) & ~np.isnan(HOLES[:, 0]), 1] = np.nan
HOLES[3] = np.nan
SOME = ~np.isnan(HOLES).all(axis=1)
DESIGN = np.c_[np.ones(N), X]
SETTINGS = {"init": Z, "n_init": 1, "random_state": 0, "missing": "likelihood"}
EXHAUSTIVE = pytest.mark.exhaustive


def density(y: np.ndarray, means: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log density of the outputs that each row has, by its definition."""
    out = np.zeros(len(y))
    for pattern in np.unique(~np.isnan(y), axis=0):
        rows, there = (~np.isnan(y) == pattern).all(axis=1), np.flatnonzero(pattern)
        if len(there):
            gap = (y[rows] - means[rows])[:, there]
            law = stats.multivariate_normal(cov=covariance[np.ix_(there, there)])
            out[rows] = law.logpdf(gap)
    return out


def told_covariance(log_scale: np.ndarray, shear: float) -> np.ndarray:
    """Of two outputs, from scales and the regression of the second on the first."""
    lower = np.array([[1, 0], [-shear, 1]])
    return lower @ np.diag(np.exp(2 * log_scale)) @ lower.T


def log_likelihood(v: np.ndarray) -> float:
    """Mean over the rows that have an output, of two experts."""
    logits = np.c_[DESIGN @ v[:2], np.zeros(N)]
    share = logits - special.logsumexp(logits, axis=1, keepdims=True)
    each = [
        density(HOLES, DESIGN @ coef.T, told_covariance(scale, shear))
        for coef, scale, shear in zip(
            v[2:10].reshape(2, 2, 2), v[10:14].reshape(2, 2), v[14:], strict=True
        )
    ]
    return float(special.logsumexp(share + np.array(each).T, axis=1)[SOME].mean())


@pytest.fixture(scope="module")
def moe():
    return MixtureOfExperts(2, **SETTINGS).fit(X, HOLES)


def test_two_experts_are_at_the_maximum_of_the_likelihood(moe):
    assert moe.converged_
    assert moe.n_dropped_ == 1
    assert moe.log_likelihood_ == pytest.approx(log_likelihood(moe.params), rel=1e-12)
    step = 1e-5 * np.eye(16)
    rise = [log_likelihood(moe.params + h) - log_likelihood(moe.params - h) for h in step]
    np.testing.assert_allclose(np.array(rise) / 2e-5, 0, atol=1e-8)
    lacking = int(np.isnan(HOLES[SOME]).any(axis=1).sum())
    note = f"{lacking} of 240 rows lack some outputs and count by those that they have"
    assert note in " ".join(str(moe.summary()).split())


@EXHAUSTIVE
def test_two_experts_are_those_of_scipy(moe):
    found = optimize.minimize(
        lambda v: -log_likelihood(v),
        moe.params + 0.02,
        jac="3-point",
        method="L-BFGS-B",
        options={"ftol": 0, "gtol": 1e-9, "maxcor": 30, "maxiter": 500},
    )
    np.testing.assert_allclose(moe.params, found.x, atol=1e-6)
    assert moe.log_likelihood_ == pytest.approx(-found.fun, abs=1e-10)


def test_densities_are_of_the_outputs_that_are_there(moe):
    each = [density(HOLES, moe.expert_means(X)[:, k], moe.covariance_[k]) for k in range(2)]
    joint = np.log(moe.gate_proba(X)) + np.array(each).T
    scores = moe.score_samples(X, HOLES)
    np.testing.assert_allclose(scores, special.logsumexp(joint, axis=1), atol=1e-12)
    np.testing.assert_allclose(
        moe.responsibilities(X, HOLES), special.softmax(joint, axis=1), atol=1e-12
    )
    assert scores[SOME].mean() == pytest.approx(moe.log_likelihood_, rel=1e-12)
    # nothing is known of a row of which there is nothing
    assert scores[3] == pytest.approx(0, abs=1e-15)
    own = moe.inference(X, HOLES).estimate.log_densities
    np.testing.assert_allclose(own, scores[SOME], atol=1e-12)


@EXHAUSTIVE
def test_one_expert_in_closed_form():
    # the second output is missing alone: two regressions, of which one is on the first output
    y = np.where(np.isnan(HOLES[:, :1]), Y, HOLES)
    one = MixtureOfExperts(1, **SETTINGS | {"init": "auto"}).fit(X, y)
    first = np.linalg.lstsq(DESIGN, y[:, 0])[0]
    there = ~np.isnan(y[:, 1])
    both = np.c_[DESIGN, y[:, 0]][there]
    second = np.linalg.lstsq(both, y[there, 1])[0]
    np.testing.assert_allclose(one.expert_coef_[0, 0], first, atol=1e-8)
    np.testing.assert_allclose(one.expert_coef_[0, 1], second[:2] + second[2] * first, atol=1e-8)
    spread = np.mean((y[:, 0] - DESIGN @ first) ** 2)
    rest = np.mean((y[there, 1] - both @ second) ** 2)
    wanted = [[spread, second[2] * spread], [second[2] * spread, rest + second[2] ** 2 * spread]]
    np.testing.assert_allclose(one.covariance_[0], wanted, atol=1e-8)


@EXHAUSTIVE
def test_outputs_without_correlation_are_regressions_of_their_own():
    one = MixtureOfExperts(1, covariance="diagonal", **SETTINGS | {"init": "auto"}).fit(X, HOLES)
    for j, y in enumerate(HOLES.T):
        there = ~np.isnan(y)
        known = MixtureOfExperts(1).fit(X[there], y[there])
        np.testing.assert_allclose(one.expert_coef_[0, j], known.expert_coef_[0], atol=1e-8)
        assert one.scale_[0, j] == pytest.approx(known.scale_[0], abs=1e-8)
        assert one.score(X, HOLES) <= 1


@EXHAUSTIVE
@pytest.mark.parametrize("covariance", ["full", "diagonal", "spherical", "tied"])
def test_with_nothing_missing_it_is_the_ordinary_fit(covariance):
    settings = SETTINGS | {"covariance": covariance}
    same = MixtureOfExperts(2, **settings).fit(X, Y)
    known = MixtureOfExperts(2, **settings | {"missing": "raise"}).fit(X, Y)
    np.testing.assert_allclose(same.params, known.params, atol=1e-10)
    assert same.log_likelihood_ == pytest.approx(known.log_likelihood_, abs=1e-10)
    np.testing.assert_allclose(same.cov_params(), known.cov_params(), atol=1e-10)
    assert same.bic(X, Y) == pytest.approx(known.bic(X, Y), abs=1e-8)


@EXHAUSTIVE
@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton"])
def test_every_solver_ends_there(moe, solver):
    # values of this sum differ by rounding before slopes are at the default of 1e-8
    settings = SETTINGS | {"solver": solver, "max_iter": 5000, "tol": 1e-7}
    other = MixtureOfExperts(2, **settings).fit(X, HOLES)
    assert other.converged_
    np.testing.assert_allclose(other.params, moe.params, atol=1e-6)


@EXHAUSTIVE
def test_errors_are_those_of_the_observed_information(moe):
    step = 1e-4 * np.eye(16)
    hessian = np.array([
        [
            log_likelihood(moe.params + a + b) - log_likelihood(moe.params + a - b)
            - log_likelihood(moe.params - a + b) + log_likelihood(moe.params - a - b)
            for b in step
        ]
        for a in step
    ]) / 4e-8  # fmt: skip
    wanted = np.linalg.inv(-SOME.sum() * hessian)
    np.testing.assert_allclose(moe.cov_params(), wanted, rtol=1e-4, atol=1e-7)


@EXHAUSTIVE
def test_weights_count_equal_rows_and_draws_keep_what_is_missing(moe):
    weight = RNG.integers(1, 3, N)
    many = np.repeat(np.arange(N), weight)
    some = MixtureOfExperts(2, **SETTINGS).fit(X, HOLES, sample_weight=weight)
    all_of_them = MixtureOfExperts(2, **SETTINGS | {"init": Z[many]}).fit(X[many], HOLES[many])
    np.testing.assert_allclose(some.params, all_of_them.params, atol=1e-7)
    drawn = moe.inference(cov_type=Bootstrap(30, kind="parametric", random_state=0))
    known = np.sqrt(np.diag(moe.cov_params()))
    assert np.all(np.abs(np.log(np.asarray(drawn.bse) / known)) < 0.6)


def test_frames_and_files(moe, tmp_path):
    frame = pd.DataFrame(HOLES, columns=["a", "b"]).astype("Float64")
    inputs = pd.DataFrame(X, columns=["x"])
    again = MixtureOfExperts(2, **SETTINGS).fit(inputs, frame)
    np.testing.assert_allclose(again.params, moe.params, atol=1e-12)
    assert "expert0:a:x" in again.parameter_names
    # outputs may be named in a frame that has them, and are then no inputs
    whole = frame.assign(x=X[:, 0])
    named = MixtureOfExperts(2, **SETTINGS).fit(whole, ["a", "b"])
    assert named.params.tolist() == again.params.tolist()
    assert list(named.feature_names_in_) == ["x"]
    for asked in ((whole,), (whole, ["a", "b"]), (inputs, frame)):
        assert named.score(*asked) == moe.score(X, HOLES)
        np.testing.assert_array_equal(named.score_samples(*asked), moe.score_samples(X, HOLES))
    assert named.bic(whole) == pytest.approx(moe.bic(X, HOLES))
    np.testing.assert_array_equal(named.predict(whole), moe.predict(X))
    np.testing.assert_allclose(named.inference(whole).bse, moe.inference().bse, rtol=1e-10)
    mixstat.save(named, tmp_path / "named.npz")
    assert mixstat.load(tmp_path / "named.npz").score(whole) == moe.score(X, HOLES)
    mixstat.save(moe, tmp_path / "model.npz")
    loaded = mixstat.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.score_samples(X, HOLES), moe.score_samples(X, HOLES))
    assert str(loaded.summary()) == str(moe.summary())


@pytest.fixture(scope="module")
def laboratory():
    """Inputs of all rows and a response of some."""
    y = np.where(np.random.default_rng(1).random(N) < 0.3, np.nan, Y[:, 0])
    return MixtureOfExperts(2, gate="gaussian", **SETTINGS).fit(X, y), y


def joint_log_likelihood(v: np.ndarray, y: np.ndarray) -> float:
    """Of inputs, and of the response where there is one."""
    share = np.log([special.expit(v[0]), special.expit(-v[0])])
    means = DESIGN @ v[5:9].reshape(2, 2).T
    of_y = stats.norm.logpdf(y[:, None], means, np.exp(v[9:]))
    of_x = stats.norm.logpdf(X, v[1:3], np.exp(v[3:5]))
    return float(special.logsumexp(share + of_x + np.nan_to_num(of_y), axis=1).mean())


def test_a_gate_of_inputs_learns_from_rows_without_a_response(laboratory):
    moe, y = laboratory
    assert moe.converged_
    assert moe.n_dropped_ == 0
    assert moe.log_likelihood_ == pytest.approx(joint_log_likelihood(moe.params, y), rel=1e-12)
    step = 1e-5 * np.eye(len(moe.params))
    ends = [[joint_log_likelihood(moe.params + sign * h, y) for sign in (1, -1)] for h in step]
    np.testing.assert_allclose(-np.diff(ends) / 2e-5, 0, atol=1e-8)
    none = np.isnan(y)
    told = moe.responsibilities(X, y)
    np.testing.assert_allclose(told[none], moe.gate_proba(X)[none], atol=1e-14)
    note = f"{none.sum()} of 240 rows have no response and count by the density of their inputs."
    assert note in " ".join(str(moe.summary()).split())
    assert moe.score(X, y) == pytest.approx(moe.score(X[~none], y[~none]), abs=1e-14)


def test_other_gates_leave_rows_without_a_response_out_and_tell():
    y = np.where(np.arange(N) % 4 == 1, np.nan, Y[:, 0])
    moe = MixtureOfExperts(1, missing="likelihood").fit(X, y)
    known = MixtureOfExperts(1).fit(X[~np.isnan(y)], y[~np.isnan(y)])
    np.testing.assert_allclose(moe.params, known.params, atol=1e-12)
    assert moe.n_dropped_ == 60
    assert "60 of 240 rows have missing values and were left out, 60 of them without" in (
        " ".join(str(moe.summary()).split())
    )


def test_an_output_that_no_row_has_is_refused():
    with pytest.raises(ValueError, match="output 1 is in none"):
        MixtureOfExperts(1, missing="likelihood").fit(X, np.c_[Y[:, 0], np.full(N, np.nan)])


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"expert": "t"}, "needs Gaussian experts.*StudentT"),
        ({"expert": ["gaussian", "gaussian"]}, "needs Gaussian experts.*Mixed"),
        ({"formula": "a + b ~ x"}, "outputs in y, beside no formula"),
        ({"missing": "raise"}, "y contains NaN in row"),
    ],
)
def test_what_cannot_lack_outputs(settings, match):
    with pytest.raises(ValueError, match=match):
        MixtureOfExperts(2, **{"missing": "likelihood"} | settings).fit(X, HOLES)


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["a", "zz"], "y names 'zz', which is not a column of X"),
        (["a", "a"], "y must name different columns of X"),
        (["a", 2], "y must hold numbers, got 'a'|y must"),
        ([], "y must|Expected|samples"),
    ],
)
def test_names_of_outputs_that_are_none(names, match):
    frame = pd.DataFrame(Y, columns=["a", "b"]).assign(x=X[:, 0])
    with pytest.raises(ValueError, match=match):
        MixtureOfExperts(1).fit(frame, names)


def test_updates_and_two_levels_are_refused(moe):
    with pytest.raises(ValueError, match="missing: a fit to rows that lack outputs"):
        moe.partial_fit(X, Y)
    with pytest.raises(ValueError, match="missing must be one of 'raise', 'drop'"):
        TwoLevelMixtureOfExperts(2, missing="likelihood").fit(X, Y[:, 0], groups=np.arange(N) // 4)
