"""Bounds of parameters: maxima within them, by the conditions of one and by scipy."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize

import mixstat
from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier, gates
from tests.estimators.test_constraints import COUNTS, DESIGN, SETTINGS, N, X, Y, Z, log_likelihood
from tests.sweeps import rest

BOUNDS = [
    "expert0:x0 >= -0.3",
    "-1 <= expert1:x1 <= 0",
    "log_scale1 <= -0.8, gate0:x0 <= 0",
    "2 >= expert1:x0",
]
LOWER, UPPER = np.full(11, -np.inf), np.full(11, np.inf)
LOWER[[4, 8]], UPPER[[8, 10, 1, 7]] = [-0.3, -1], [0, -0.8, 0, 2]


@pytest.fixture(scope="module")
def bounded():
    return MixtureOfExperts(2, constraints=BOUNDS, init=Z, **SETTINGS).fit(X, Y)


def check_maximum(params: np.ndarray) -> np.ndarray:
    """The conditions of Karush, Kuhn and Tucker; which parameters are on a bound."""
    above, below = params - LOWER, UPPER - params
    assert min(above.min(), below.min()) > -1e-15  # rounding of units
    low, high = above < 1e-15, below < 1e-15
    on = low | high
    step = 1e-5 * np.eye(11)
    rise = [log_likelihood(params + h) - log_likelihood(params - h) for h in step]
    slopes = np.array(rise) / 2e-5
    assert np.abs(slopes[~on]).max() < 1e-8
    assert np.all(slopes[low] < -1e-3)
    assert np.all(slopes[high] > 1e-3)
    return on


def test_a_maximum_within_bounds_is_that_of_scipy(bounded):
    on = check_maximum(bounded.params)
    assert on.sum() == 2
    assert bounded.converged_
    assert bounded.n_parameters_ == 9
    # from another place, by derivatives of its own
    found = optimize.minimize(
        lambda v: -log_likelihood(v),
        np.clip(bounded.params + 0.05, LOWER, UPPER),
        jac="3-point",
        method="L-BFGS-B",
        bounds=optimize.Bounds(LOWER, UPPER),
        options={"ftol": 0, "gtol": 1e-8, "maxcor": 30},
    )
    np.testing.assert_allclose(bounded.params, found.x, atol=1e-6)
    assert bounded.log_likelihood_ == pytest.approx(-found.fun, abs=1e-10)


@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton", "newton_cg"])
def test_every_solver_keeps_bounds(bounded, solver):
    settings = SETTINGS | {"init": Z, "solver": solver, "max_iter": 5000}
    moe = MixtureOfExperts(2, constraints=BOUNDS, **settings).fit(X, Y)
    assert moe.converged_
    assert check_maximum(moe.params).sum() == 2
    assert moe.log_likelihood_ == pytest.approx(bounded.log_likelihood_, abs=1e-12)
    np.testing.assert_allclose(moe.params, bounded.params, atol=1e-6)


def test_errors_are_those_given_the_parameters_on_their_bounds(bounded):
    held = {"expert0:x0": -0.3, "log_scale1": -0.8}
    equal = MixtureOfExperts(2, constraints=held, init=Z, **SETTINGS).fit(X, Y)
    assert equal.n_parameters_ == bounded.n_parameters_
    np.testing.assert_allclose(equal.params, bounded.params, atol=1e-7)
    np.testing.assert_allclose(bounded.cov_params(), equal.cov_params(), rtol=1e-6, atol=1e-9)
    assert np.isnan(bounded.cov_params().diagonal()).sum() == 2
    summary = " ".join(str(bounded.summary()).split())
    assert "counted as parameters: expert0:x0 = -0.3, log_scale1 = -0.8;" in summary
    assert bounded.inference().estimate.unknown[4] == "it is held at its value"


@pytest.mark.exhaustive
def test_bounds_that_are_not_reached_change_nothing():
    wide = MixtureOfExperts(2, constraints=["expert0:x0 >= -9", "gate0:1 <= 9"], init=Z, **SETTINGS)
    free = MixtureOfExperts(2, init=Z, **SETTINGS).fit(X, Y)
    wide.fit(X, Y)
    assert wide.n_parameters_ == free.n_parameters_ == 11
    assert wide.log_likelihood_ == pytest.approx(free.log_likelihood_, abs=1e-12)
    np.testing.assert_allclose(wide.params, free.params, atol=1e-7)
    np.testing.assert_allclose(wide.cov_params(), free.cov_params(), rtol=1e-6, atol=1e-9)
    assert "No bound is reached" in str(wide.summary())


def test_one_expert_is_bounded_least_squares():
    # constants and lower terms of polynomials stand alone too
    bounds = ["expert0:1 >= 0.4", "expert0:x0 >= 0", "expert0:x1 <= 0.1", "0 <= expert0:x0^2 <= 2"]
    settings = SETTINGS | {"degree": 2, "interactions": False}
    moe = MixtureOfExperts(1, constraints=bounds, **settings).fit(X + 3, Y)
    names = ["1", "x0", "x1", "x0^2", "x1^2"]
    assert moe.expert_names_ == names
    a, b = (X + 3).T
    design = np.c_[np.ones(N), a, b, a**2, b**2]
    ends = [0.4, 0, -np.inf, 0, -np.inf], [np.inf, np.inf, 0.1, 2, np.inf]
    found = optimize.lsq_linear(design, Y, ends, method="bvls", tol=1e-14)
    np.testing.assert_allclose(moe.params[:5], found.x, atol=1e-8)
    on = np.sum((found.x <= ends[0]) | (found.x >= ends[1]))
    assert moe.n_parameters_ == 6 - on


@pytest.mark.exhaustive
@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_one_expert_on_its_bound_is_a_model_without_the_column(family):
    moe = MixtureOfExperts(1, expert=family, constraints="expert0:x0 <= 0", **SETTINGS)
    moe.fit(X, COUNTS)
    fewer = MixtureOfExperts(1, expert=family, **SETTINGS).fit(X[:, 1:], COUNTS)
    assert moe.log_likelihood_ == pytest.approx(fewer.log_likelihood_, abs=1e-12)
    assert moe.expert_coef_[0, 1] == 0
    assert moe.n_parameters_ == fewer.n_parameters_
    rest_of = np.delete(np.arange(len(moe.params)), 1)
    np.testing.assert_allclose(moe.params[rest_of], fewer.params, atol=1e-7)
    if family == "poisson":
        known = sm.GLM(COUNTS, DESIGN[:, [0, 2]], sm.families.Poisson()).fit(tol=1e-14)
        errors = np.sqrt(np.diag(moe.cov_params()))[[0, 2]]
        np.testing.assert_allclose(errors, known.bse, rtol=1e-6)


@pytest.mark.exhaustive
def test_classes_and_equations_beside_bounds():
    classes = np.where(Y > 0, "in", "out")
    bounds = ["expert0:x1 >= 0", "expert1:x1 <= 0"]
    moe = MixtureOfExpertsClassifier(2, constraints=bounds, **SETTINGS).fit(X, classes)
    assert moe.converged_
    assert moe.expert_coef_[0, 2] >= 0 >= moe.expert_coef_[1, 2]
    both = ["expert0:x0 + expert1:x0 = 0.3", "expert0:x1 >= 0", "gate0:x0 <= 0"]
    tied = MixtureOfExperts(2, constraints=both, init=Z, **SETTINGS).fit(X, Y)
    params = dict(zip(tied.parameter_names, tied.params, strict=True))
    assert tied.converged_
    assert params["expert0:x0"] + params["expert1:x0"] == pytest.approx(0.3, abs=1e-12)
    assert params["gate0:x0"] <= 0 <= params["expert0:x1"]


def test_a_file_keeps_bounds(bounded, tmp_path):
    mixstat.save(bounded, tmp_path / "model.npz")
    loaded = mixstat.load(tmp_path / "model.npz")
    assert str(loaded.summary()) == str(bounded.summary())
    np.testing.assert_array_equal(loaded.predict(X[:5]), bounded.predict(X[:5]))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"constraints": "expert0:x0 >= 1, expert0:x0 <= 1"}, "to hold it, write expert0:x0 = 1"),
        ({"constraints": ["expert0:x0 = 1", "expert0:x0 <= 0"]}, "is held at 1"),
        ({"constraints": "expert0:x0 <= 0", "common": "x0"}, "what equations .or common. tie"),
        ({"constraints": "log_scale0 <= -30"}, "above their floor .min_scale."),
        ({"constraints": "expert0:x0 <= 0", "gate": "gaussian"}, "gate of y given x .*Gaussian"),
        ({"constraints": "expert0:x0 <= 0", "gate": gates.TopKGate(k=1)}, "continuous, .*TopK"),
        ({"constraints": "expert0:x0 <= 0", "expert_penalty": 0.1}, "l1_ratio=0; got"),
        rest({"constraints": "expert0:x0 <= 0", "precision": "float32"}, "got 'float32'"),
    ],
)
def test_what_bounds_cannot_be(settings, match):
    with pytest.raises(ValueError, match=match):
        MixtureOfExperts(2, **settings).fit(X, Y)
