"""Parameters held at values, tied by equations or common to experts; experts that are known."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, special, stats

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.inference import Bootstrap
from mixstat.numerics import parameter_vector
from tests.sweeps import first

RNG = np.random.default_rng(11)
N = 200
X = RNG.uniform(-2, 2, (N, 2))
Z = (RNG.random(N) < special.expit(1.5 * X[:, 1])).astype(int)
Y = np.where(Z, 1 + X[:, 0], -1 - 0.5 * X[:, 0]) + 0.5 * RNG.normal(size=N)
COUNTS = RNG.poisson(np.exp(np.where(Z, 1 + X[:, 0] / 2, -X[:, 0] / 2))).astype(float)
SETTINGS = {"n_init": 2, "random_state": 0}
DESIGN = sm.add_constant(X)
UNIT = np.eye(11)  # rows for equations of the parameters in the order of their names
TIED = {"constraints": ["expert0:x0 + 2*expert1:x0 = 1.3", "gate0:1 = 0"], "common": "scale"}


def log_likelihood(params: np.ndarray) -> float:
    """Of two Gaussian experts, by its definition."""
    logits = np.c_[DESIGN @ params[:3], np.zeros(N)]
    share = logits - special.logsumexp(logits, axis=1, keepdims=True)
    means = DESIGN @ params[3:9].reshape(2, 3).T
    density = stats.norm.logpdf(Y[:, None], means, np.exp(params[9:]))
    return float(special.logsumexp(share + density, axis=1).mean())


def free_directions(matrix: np.ndarray) -> np.ndarray:
    """A basis of what equations leave free."""
    return np.linalg.svd(matrix)[2][len(matrix) :].T


CASES = {
    "a frozen expert": (
        {"frozen": {1: {"coef": [1, 1, 0], "scale": 0.5}}}, UNIT[[6, 7, 8, 10]],
        [1, 1, 0, np.log(0.5)],
    ),
    "a frozen scale": ({"frozen": {0: {"scale": 0.4}}}, UNIT[[9]], [np.log(0.4)]),
    "one coefficient": ({"constraints": {"expert0:x0": -0.4}}, UNIT[[4]], [-0.4]),
    "a part of the gate": ({"constraints": "gate0:x0 = 0.2"}, UNIT[[1]], [0.2]),
    "common slopes": ({"common": ["x1"]}, UNIT[[8]] - UNIT[[5]], [0]),
    "equations": (
        TIED, np.array([UNIT[4] + 2 * UNIT[7], UNIT[0], UNIT[9] - UNIT[10]]), [1.3, 0, 0],
    ),
    "gate and experts": ({"constraints": "gate0:x1 = expert0:1"}, UNIT[[2]] - UNIT[[3]], [0]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_maximum_and_its_errors_are_those_over_the_free_parameters(case):
    settings, matrix, value = CASES[case]
    moe = MixtureOfExperts(2, **SETTINGS, **settings).fit(X, Y)
    assert moe.converged_
    assert moe.n_parameters_ == 11 - len(matrix)
    np.testing.assert_allclose(matrix @ moe.params, value, atol=1e-12)
    assert moe.log_likelihood_ == pytest.approx(log_likelihood(moe.params), rel=1e-12)
    free = free_directions(matrix)

    def loss(v: np.ndarray) -> float:
        return -log_likelihood(moe.params + free @ v)

    found = optimize.minimize(loss, np.full(free.shape[1], 0.02), options={"gtol": 1e-9})
    assert -found.fun == pytest.approx(moe.log_likelihood_, abs=1e-12)
    assert np.abs(free @ found.x).max() < 1e-6
    step = 1e-4 * np.eye(free.shape[1])
    slopes = [
        [(loss(a + b) - loss(a - b)) / 2e-4 for b in step] for one in step for a in (one, -one)
    ]
    hessian = (np.array(slopes[::2]) - slopes[1::2]) / 2e-4
    errors = np.sqrt(np.diag(free @ np.linalg.inv(N * hessian) @ free.T))
    told = np.sqrt(np.diag(moe.cov_params()))
    held = errors < 1e-12
    np.testing.assert_array_equal(np.isnan(told), held)
    np.testing.assert_allclose(told[~held], errors[~held], rtol=1e-6)


@pytest.fixture(scope="module")
def tied() -> MixtureOfExperts:
    return MixtureOfExperts(2, **SETTINGS, **TIED).fit(X, Y)


@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton", "newton_cg"])
def test_every_solver_meets_the_equations(tied, solver):
    settings = SETTINGS | {"init": Z, "solver": solver, "max_iter": 5000, "tol": 1e-7}
    moe = MixtureOfExperts(2, **settings, **TIED).fit(X, Y)
    assert moe.converged_
    assert moe.log_likelihood_ == pytest.approx(tied.log_likelihood_, abs=1e-12)
    np.testing.assert_allclose(moe.params, tied.params, atol=1e-5)
    np.testing.assert_allclose(CASES["equations"][1] @ moe.params, [1.3, 0, 0], atol=1e-12)


@pytest.mark.filterwarnings("ignore::UserWarning")  # few rows lie so close to a line
@pytest.mark.parametrize("solver", ["em", "lbfgs", "newton", "newton_cg"])
def test_every_solver_keeps_a_frozen_expert(solver):
    settings = SETTINGS | {"n_init": 1, "solver": solver, "max_iter": 5000, "tol": 1e-7}
    frozen = {1: {"coef": [1, 1, 0], "scale": 1e-5}}  # below the floor of scales that are learned
    moe = MixtureOfExperts(2, frozen=frozen, **settings)
    moe.fit(X, Y)
    np.testing.assert_allclose(moe.expert_coef_[1], [1, 1, 0], atol=1e-12)
    assert moe.scale_[1] == pytest.approx(1e-5, rel=1e-12)


def test_one_expert_is_a_constrained_glm_of_statsmodels():
    # statsmodels' own answer, with the covariance of the free parameters
    glm = sm.GLM(COUNTS, pd.DataFrame(DESIGN, columns=["one", "a", "b"]), sm.families.Poisson())
    for text, name in (
        ("a + b = 0.3", "expert0:x0 + expert0:x1 = 0.3"),
        ("b = 0.1", "expert0:x1 = 0.1"),
    ):
        known = glm.fit_constrained(text)
        moe = MixtureOfExperts(1, expert="poisson", constraints=name).fit(X, COUNTS)
        np.testing.assert_allclose(moe.params, known.params, atol=1e-8)
        errors = np.nan_to_num(np.sqrt(np.diag(moe.cov_params())))
        np.testing.assert_allclose(errors, np.asarray(known.bse), rtol=1e-6, atol=1e-8)
        assert moe.log_likelihood_ * N == pytest.approx(known.llf, rel=1e-10)
        assert moe.n_parameters_ == 2


def test_common_slopes_of_known_experts_are_one_regression_with_a_factor():
    moe = MixtureOfExperts(2, expert="poisson", common=["x0", "x1"], **SETTINGS)
    moe.fit(X, COUNTS, known_experts=Z)
    design = np.c_[Z == 0, Z == 1, X]
    known = sm.GLM(COUNTS, design, sm.families.Poisson()).fit(tol=1e-14)
    np.testing.assert_allclose(moe.expert_coef_[:, 0], known.params[:2], atol=1e-8)
    np.testing.assert_allclose(moe.expert_coef_[:, 1:], [known.params[2:]] * 2, atol=1e-8)
    errors = np.sqrt(np.diag(moe.cov_params()))[3:].reshape(2, 3)
    np.testing.assert_allclose(errors[:, 0], known.bse[:2], rtol=1e-6)
    np.testing.assert_allclose(errors[:, 1:], [known.bse[2:]] * 2, rtol=1e-6)
    assert moe.n_parameters_ == 3 + 4


def test_a_common_slope_is_that_of_flexmix():
    """R's flexmix 2.3 with FLXMRglmfix(family="poisson", fixed = ~ w), tolerance 1e-14."""
    rng = np.random.default_rng(5)
    x, w, first = rng.uniform(-2, 2, 400), rng.uniform(-1, 1, 400), rng.random(400) < 0.4
    y = rng.poisson(np.exp(np.where(first, 1.5 + 0.5 * x, -0.6 * x) + 0.4 * w))
    data = pd.DataFrame({"x": x, "w": w})
    moe = MixtureOfExperts(2, expert="poisson", gate_degree=0, common="w", **SETTINGS).fit(data, y)
    assert moe.log_likelihood_ * 400 == pytest.approx(-763.680300403946, abs=1e-8)
    assert moe.bic(data, y) == pytest.approx(1563.30938809054, abs=1e-8)
    coef = [[-0.0265108395, -0.5919715734, 0.4824096848], [1.558202993, 0.512138623, 0.4824096848]]
    np.testing.assert_allclose(moe.expert_coef_, coef, atol=1e-6)
    np.testing.assert_allclose(moe.gate_proba(data[:1])[0], [0.66159967, 0.33840033], atol=1e-6)


def test_experts_that_are_all_frozen_leave_the_gate():
    frozen = {0: {"coef": [-1, -0.5, 0], "scale": 0.5}, 1: {"coef": [1, 1, 0], "scale": 0.5}}
    moe = MixtureOfExperts(2, frozen=frozen, **SETTINGS).fit(X, Y)
    assert moe.converged_
    assert moe.n_parameters_ == 3
    fixed = moe.params[3:]

    def loss(gate: np.ndarray) -> float:
        return -log_likelihood(np.r_[gate, fixed])

    found = optimize.minimize(loss, np.zeros(3), options={"gtol": 1e-9})
    np.testing.assert_allclose(moe.params[:3], found.x, atol=1e-6)


def test_redundant_equations_count_once_and_held_slopes_are_fewer_columns():
    twice = ["expert0:x1 = 0, expert1:x1 = 0", "expert0:x1 + expert1:x1 = 0"]
    moe = MixtureOfExperts(2, constraints=twice, **SETTINGS).fit(X, Y)
    fewer = MixtureOfExperts(2, expert_features=[0], **SETTINGS).fit(X, Y)
    assert moe.n_parameters_ == fewer.n_parameters_ == 9
    assert moe.log_likelihood_ == pytest.approx(fewer.log_likelihood_, abs=1e-12)
    np.testing.assert_allclose(moe.expert_coef_[:, :2], fewer.expert_coef_, atol=1e-7)
    np.testing.assert_allclose(moe.expert_coef_[:, 2], 0, atol=1e-14)


FAMILIES = {
    "t": (
        {"expert": "t", "common": ["df", "x1"]}, ["log_df0 - log_df1", "expert0:x1 - expert1:x1"],
    ),
    "mixed": (
        {"expert": ["gaussian", "t"], "constraints": "expert0:x1 = expert1:x1",
         "frozen": {1: {"scale": 0.5, "df": 5}}},
        ["expert0:x1 - expert1:x1", "log_scale1 + 0.6931471805599453"],
    ),
    "temperature": ({"gate": "temperature", "common": "x1"}, ["expert0:x1 - expert1:x1"]),
    "units": ({"gate_degree": 0, "common": "x1"}, ["expert0:x1 - expert1:x1"]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", first(FAMILIES))
def test_other_families_and_gates(kind):
    settings, equations = FAMILIES[kind]
    more = {"groups": np.arange(N) // 2} if kind == "units" else {}
    moe = MixtureOfExperts(2, **SETTINGS, **settings).fit(X, Y, **more)
    assert moe.certificate_.gradient_norm < 1e-8
    named = dict(zip(moe.parameter_names, moe.params, strict=True))
    for equation in equations:
        for name in sorted(named, key=len, reverse=True):
            equation = equation.replace(name, f"({float(named[name])!r})")
        assert eval(equation) == pytest.approx(0, abs=1e-12)


@pytest.mark.exhaustive
def test_several_outputs_and_a_classifier():
    both = np.c_[Y, 0.3 * Y + RNG.normal(size=N)]
    two = MixtureOfExperts(2, common="x1", **SETTINGS).fit(X, both)
    np.testing.assert_allclose(two.expert_coef_[0, :, 2], two.expert_coef_[1, :, 2], atol=1e-12)
    coef = [[-1, -0.5, 0], [-0.3, -0.15, 0]]
    one = MixtureOfExperts(2, frozen={0: {"coef": coef}}, **SETTINGS).fit(X, both)
    np.testing.assert_allclose(one.expert_coef_[0], coef, atol=1e-12)
    labels = np.where(RNG.random(N) < special.expit(np.where(Z, 2, -2) * X[:, 0]), "in", "out")
    moe = MixtureOfExpertsClassifier(2, common="x1", ridge=1e-3, **SETTINGS).fit(X, labels)
    assert moe.expert_coef_[0, 2] == pytest.approx(moe.expert_coef_[1, 2], abs=1e-12)
    contextual = ContextualMixtureOfExperts(n_experts=2, common="x1", **SETTINGS).fit(X, Y)
    assert contextual.expert_coef_[0, 2] == pytest.approx(contextual.expert_coef_[1, 2], abs=1e-12)


@pytest.mark.exhaustive
def test_inference_knows_what_is_tied(tied):
    results = tied.inference(X, Y)
    matrix, value, _ = CASES["equations"][1], CASES["equations"][2], None
    assert np.abs(results.estimate.scores.mean(axis=0) @ free_of(tied)).max() < 1e-8
    drawn = tied.inference(cov_type=Bootstrap(n_draws=10, random_state=0))
    vectors = drawn.estimate.refit(weights=RNG.multinomial(N, np.full(N, 1 / N), 2).astype(float))
    users = drawn.estimate.in_user_units(vectors.vectors)
    np.testing.assert_allclose(users @ matrix.T, [value] * len(users), atol=1e-10)
    robust = tied.inference(X, Y, cov_type="robust")
    assert np.isnan(np.asarray(robust.bse)).sum() == 1  # the constant of the gate alone is held
    profile = tied.profile("expert0:x0", grid=[tied.params[4] + 0.1])

    def loss(v: np.ndarray) -> float:
        return -log_likelihood(tied.params + 0.1 * (UNIT[4] - UNIT[7] / 2) + other @ v)

    other = free_directions(np.vstack([matrix, UNIT[[4]]]))
    found = optimize.minimize(loss, np.zeros(other.shape[1]), options={"gtol": 1e-9})
    assert profile.log_likelihood[0] / N == pytest.approx(-found.fun, abs=1e-10)
    again = pickle.loads(pickle.dumps(tied))
    np.testing.assert_array_equal(again.cov_params(), tied.cov_params())
    text = str(tied.summary())
    assert "Held: expert0:x0 + 2*expert1:x0 = 1.3; gate0:1 = 0; scale common to all" in text
    assert "Experts keep the numbers that constraints, or frozen, give them" in text


def free_of(moe: MixtureOfExperts) -> np.ndarray:
    """Internal directions that equations leave free."""
    plane = moe.problem_.plane
    assert plane is not None
    assert plane.contains(parameter_vector.to_vector(moe.model_))
    return free_directions(np.asarray(plane.normal).T)


def test_units_and_columns_do_not_matter():
    """Equations are of reported parameters, whatever the data are measured in."""
    first = MixtureOfExperts(2, constraints="expert0:x0 = -0.5", **SETTINGS).fit(X, Y)
    moved = MixtureOfExperts(2, constraints="expert0:x0 = -5", **SETTINGS)
    moved.fit(X * [20, 1] + [3, 100], Y * 200 + 7)
    assert moved.log_likelihood_ + np.log(200) == pytest.approx(first.log_likelihood_, abs=1e-9)


def test_experts_with_something_in_common_are_numbered_as_ever():
    moe = MixtureOfExperts(3, common="scale", n_init=3, random_state=0).fit(X, Y)
    means = moe.expert_means(X)[:, :, 0].mean(axis=0)
    assert list(means) == sorted(means)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"constraints": ["expert0:x1 = 1", "2*expert0:x1 = 4"]}, "'2\\*expert0:x1 = 4' contrad"),
        ({"constraints": "expert0:x2 = 1"}, "constraints must leave columns that are dropped at 0"),
        ({"common": "x1", "gate": "gaussian"}, "need a gate of y given x .* GaussianGate"),
        ({"constraints": "centre0:x0 = 1", "gate": "gaussian"}, "must be on parameters of experts"),
        ({"common": "x1", "gate": "top_k", "n_experts": 3}, "need a gate .* TopKGate"),
        ({"common": "x1", "expert_penalty": 0.1}, "give l1_ratio=0"),
        ({"common": "x1", "precision": "float32"}, "need precision='float64'"),
        ({"frozen": {0: {"scale": -1}}}, "frozen.0...scale.. must be positive, got -1"),
        ({"common": "x1", "solver": "exact"}, "no constraints tie"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_be_is_refused(settings, told):
    from mixstat.solvers import EM

    if settings.get("solver") == "exact":
        settings = settings | {"solver": EM(exact_gate=True)}
    table = np.c_[X, X[:, 0]] if "x2" in str(settings) else X
    with pytest.raises(ValueError, match=told):
        MixtureOfExperts(**{"n_experts": 2} | settings).fit(table, Y)


def test_updates_are_refused(tied):
    with pytest.raises(ValueError, match="constraints: a fit with constraints"):
        tied.partial_fit(X, Y)


def test_what_the_model_imposes_is_no_hypothesis():
    results = MixtureOfExperts(2, **SETTINGS, common=["x1"]).fit(X, Y).inference()
    imposed = results.wald_test("expert0:x1 = expert1:x1")
    assert "the model fixes it" in str(imposed)
    assert np.isnan(results.t_test("expert0:x1 - expert1:x1").pvalues).all()
    assert results.wald_test("expert0:x0 = expert1:x0").pvalue < 0.01
    held = MixtureOfExperts(2, **SETTINGS, constraints={"expert0:x0": -0.4}).fit(X, Y).inference()
    assert "cannot be made" in str(held.wald_test("expert0:x0 = 0"))
