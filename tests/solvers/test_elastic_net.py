"""The elastic net: oracles with one expert, conditions of a maximum with several, exact zeros."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.preprocessing import StandardScaler

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import float64
from mixstat.objective import objective
from mixstat.objective.derivatives import derivatives
from mixstat.objective.strengths import Strengths
from mixstat.results import Status
from mixstat.solvers import EM, Newton, StopRule, em
from tests.solvers import problems
from tests.sweeps import first, rest

SOLVERS = ("auto", "em", "newton")
SMOOTH_AND_KINKED = Strengths(gate_square=0.01, gate_l1=0.02, expert_square=0.05, expert_l1=0.1)


def _inputs(random, n):
    mix = np.eye(5) + 0.4 * random.standard_normal((5, 5))
    return random.standard_normal((n, 5)) @ mix * [1, 2, 0.3, 10, 1] + [0, 5, 1, 0, -1]


@pytest.fixture(scope="module")
def two_lines():
    """Two experts that use one input each, and a gate that uses a third."""
    random = np.random.default_rng(1)
    X = random.standard_normal((400, 5)) * [1, 2, 0.3, 10, 1] + [0, 5, 1, 0, -1]
    up = random.random(400) < expit(2 * X[:, 0])
    y = np.where(up, 2 * X[:, 4] + 3, -0.5 * X[:, 1]) + 0.4 * random.standard_normal(400)
    return X, y


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("strength", [0.02, 0.2, 0.6])
def test_one_gaussian_expert_is_scikit_learns_elastic_net(strength, l1_ratio, solver):
    """At the estimated variance, in deviations of X and y."""
    random = np.random.default_rng(0)
    X = _inputs(random, 300)
    y = X[:, 0] - 0.3 * X[:, 1] + 0.5 * X[:, 4] + random.standard_normal(300)
    moe = MixtureOfExperts(
        1, expert_penalty=strength, l1_ratio=l1_ratio, solver=solver, random_state=0
    ).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    units = y.std()
    alpha = strength * (moe.scale_[0] / units) ** 2
    net = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000)
    net.fit(StandardScaler().fit_transform(X), (y - y.mean()) / units)
    ours = moe.expert_coef_[0, 1:] * X.std(axis=0) / units
    np.testing.assert_allclose(ours, net.coef_, rtol=0, atol=1e-9)
    assert np.array_equal(ours == 0, net.coef_ == 0)
    assert moe.n_parameters_ == 2 + np.count_nonzero(net.coef_)
    residual = y - moe.predict(X)
    assert moe.scale_[0] == pytest.approx(residual.std(), rel=1e-8)
    assert residual.mean() == pytest.approx(0.0, abs=1e-9)  # the constant is not shrunk


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("kind", ["classes", "binomial"])
def test_one_logistic_expert_is_scikit_learns(kind, l1_ratio):
    random = np.random.default_rng(3)
    X = _inputs(random, 250)
    y = (random.random(250) < expit(0.5 + X[:, 0] - 0.1 * X[:, 3])).astype(int)
    settings: dict[str, Any] = {"expert_penalty": 0.05, "l1_ratio": l1_ratio, "random_state": 0}
    if kind == "classes":
        moe = MixtureOfExpertsClassifier(1, **settings).fit(X, 1 - y)  # the last is the reference
    else:
        moe = MixtureOfExperts(1, expert="binomial", **settings).fit(
            X, np.stack([y, 1 - y], axis=1)
        )
    assert moe.status_ == Status.CONVERGED
    net = LogisticRegression(
        C=1 / (0.05 * 250), l1_ratio=l1_ratio, solver="saga", tol=1e-12, max_iter=100_000
    )
    net.fit(StandardScaler().fit_transform(X), y)
    ours = moe.expert_coef_[0, 1:] * X.std(axis=0)
    np.testing.assert_allclose(ours, net.coef_[0], rtol=0, atol=1e-6)
    assert np.array_equal(ours == 0, net.coef_[0] == 0)
    assert 0 < np.count_nonzero(ours) < 5


def _check_conditions(moe, tol=1e-8):
    """Karush, Kuhn and Tucker: what a maximum of the penalised likelihood must satisfy."""
    with float64():
        gradient = np.asarray(derivatives(moe.model_, moe.problem_.batch)[1])
    vector = parameter_vector.to_vector(moe.model_)
    penalty = moe.problem_.penalty
    square, l1 = penalty.ridge.square, penalty.l1
    pull = gradient - square @ vector
    zero = (vector == 0) & (l1 > 0)
    at_bound = vector >= moe.problem_.upper  # infinite degrees of freedom
    pull, vector = np.where(at_bound, 0.0, pull), np.where(at_bound, 0.0, vector)
    np.testing.assert_allclose(pull[~zero], (l1 * np.sign(vector))[~zero], rtol=0, atol=tol)
    assert np.all(np.abs(pull[zero]) <= l1[zero] + tol)
    return zero


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"l1_ratio": 0.5},
        rest({"gate_penalty": 0.0}),
        {"expert_penalty": 0.0},
        rest({"gate": "hierarchical"}),
        rest({"expert": "t"}),
        rest({"covariance": "tied"}),
        rest({"degree": 2, "gate_degree": 2}),
    ],
    ids=str,
)
def test_conditions_of_a_maximum_hold_for_every_solver(two_lines, settings):
    X, y = two_lines
    known: dict[str, Any] = {
        "expert_penalty": 0.1,
        "gate_penalty": 0.01,
        "n_init": 4,
        "random_state": 0,
    }
    ends = {}
    for solver in SOLVERS:
        moe = MixtureOfExperts(2, **known | settings, solver=solver).fit(X, y)
        assert moe.status_ == Status.CONVERGED, solver
        assert moe.certificate_.gradient_norm < 1e-8
        zero = _check_conditions(moe)
        told = [moe.expert_coef_[:, 1:], moe.gate_coef_[:1, 1:]]
        assert sum(np.sum(table == 0) for table in told) == zero.sum() > 0
        assert moe.n_parameters_ == moe.problem_.varying.sum() - zero.sum()
        ends[solver] = moe
    # a gradient of 1e-8 leaves this much open, above all in degrees of freedom
    apart = 1e-8 / ends["auto"].certificate_.min_eigenvalue
    for solver in ("em", "newton"):
        np.testing.assert_allclose(
            parameter_vector.to_vector(ends[solver].model_),
            parameter_vector.to_vector(ends["auto"].model_),
            rtol=0,
            atol=max(1e-5, apart),
        )
        assert np.array_equal(ends[solver].expert_coef_ == 0, ends["auto"].expert_coef_ == 0)


@pytest.mark.exhaustive
def test_em_for_t_experts_does_not_stall_in_rounding(two_lines):
    """Rows in other orders and last digits changed, as other machines round."""
    X, y = two_lines
    random = np.random.default_rng(1)
    settings: dict[str, Any] = {"expert_penalty": 0.1, "gate_penalty": 0.01, "n_init": 4}
    for _ in range(8):
        order = random.permutation(len(y))
        near = (X * (1 + 1e-13 * random.standard_normal(X.shape)))[order]
        moe = MixtureOfExperts(2, expert="t", solver="em", random_state=0, **settings)
        assert moe.fit(near, y[order]).status_ == Status.CONVERGED


def test_conditions_hold_for_several_outputs(two_lines):
    X, y = two_lines
    Y = np.column_stack([y, 0.5 * y + np.random.default_rng(0).standard_normal(len(y))])
    moe = MixtureOfExperts(2, expert_penalty=0.1, gate_penalty=0.01, n_init=4, random_state=0).fit(
        X, Y
    )
    assert moe.status_ == Status.CONVERGED
    assert _check_conditions(moe).sum() == np.sum(moe.expert_coef_ == 0) + np.sum(
        moe.gate_coef_[0] == 0
    )


def test_classes_under_a_penalty(two_lines):
    X, _ = two_lines
    random = np.random.default_rng(5)
    X = np.vstack([X, X[::-1]])
    side = np.where(random.random(800) < expit(2 * X[:, 0]), 2.0, -2.0)
    logits = np.column_stack([side * X[:, 4], 0.5 * X[:, 1] - 2.5, 0 * side])
    y = np.argmax(logits + random.gumbel(size=logits.shape), axis=1)
    moe = MixtureOfExpertsClassifier(
        2, expert_penalty=0.005, gate_penalty=0.005, n_init=4, random_state=0
    ).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    assert _check_conditions(moe).any()


@pytest.mark.parametrize(
    "name", first(["separated", "overlapping", "three", "two_outputs", "tied"], 3)
)
@pytest.mark.parametrize("accelerate", [False, True])
def test_em_never_loses_the_penalised_objective(x64, name, accelerate):
    task, start = problems.make(name)
    task = objective.make(start, task.batch, min_scale=1e-4, strengths=SMOOTH_AND_KINKED)
    state = em.run(task, start, StopRule(1e-13, 0.0, 500), accelerate=accelerate)
    assert float(state.smallest_gain) >= -1e-12
    end = EM().fit(task, start)
    assert end.status == Status.CONVERGED
    finish = Newton().fit(task, parameter_vector.as_numpy(state.model))
    assert finish.status == Status.CONVERGED
    np.testing.assert_allclose(
        parameter_vector.to_vector(end.model),
        parameter_vector.to_vector(finish.model),
        rtol=0,
        atol=1e-6,
    )


def test_constants_alone_are_left_by_a_large_penalty(two_lines):
    """Slopes are exact zeros and the constants those of a mixture without features."""
    X, y = two_lines
    shared: dict[str, Any] = {"n_init": 4, "random_state": 0}
    moe = MixtureOfExperts(2, expert_penalty=10.0, gate_penalty=10.0, **shared).fit(X, y)
    plain = MixtureOfExperts(2, degree=0, gate_degree=0, **shared).fit(X, y)
    assert not moe.expert_coef_[:, 1:].any()
    assert not moe.gate_coef_[:, 1:].any()
    np.testing.assert_allclose(moe.expert_coef_[:, 0], plain.expert_coef_[:, 0], rtol=1e-6)
    np.testing.assert_allclose(moe.gate_coef_[:, 0], plain.gate_coef_[:, 0], atol=1e-6)
    assert moe.n_parameters_ == plain.n_parameters_ == 5
    assert moe.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-12)


def test_newton_step_stops_at_a_kink(two_lines):
    """A slope that a step would carry through zero stops there, the others going on."""
    X, y = two_lines
    moe = MixtureOfExperts(2, expert_penalty=0.1, gate_penalty=0.01, random_state=0).fit(X, y)
    with float64():
        random = np.random.default_rng(2)
        near = parameter_vector.to_vector(moe.model_) + 1e-6 * random.standard_normal(
            len(moe.params)
        )
        end = Newton().fit(moe.problem_, parameter_vector.from_vector(moe.model_, near))
    assert end.status == Status.CONVERGED
    assert end.n_passes < 12
    np.testing.assert_allclose(
        parameter_vector.to_vector(end.model), parameter_vector.to_vector(moe.model_), atol=1e-9
    )


def test_only_the_penalised_part_keeps_its_columns_apart(two_lines):
    """One part with an L1 penalty does not give its scaling to the other, nor take it."""
    X, y = two_lines
    X = X @ (np.eye(5) + 0.5 * np.tri(5))  # correlated, so that rotations would show
    for part in ("gate", "expert"):
        settings: dict[str, Any] = {f"{part}_penalty": 0.05, "n_init": 4, "random_state": 0}
        moe = MixtureOfExperts(2, **settings).fit(X, y)
        told = moe.gate_coef_[:1] if part == "gate" else moe.expert_coef_
        assert np.sum(told[:, 1:] == 0) == _check_conditions(moe).sum() > 0


def test_standard_errors_take_zeros_as_known(two_lines):
    X, y = two_lines
    moe = MixtureOfExperts(2, expert_penalty=0.2, gate_penalty=0.05, random_state=0).fit(X, y)
    error = np.sqrt(np.diag(moe.cov_params()))
    names = np.array(moe.parameter_names)
    zero = moe.params == 0
    assert zero.sum() > 5
    assert np.array_equal(np.isnan(error), zero)
    assert "expert0:1" in names[~zero]
    text = str(moe.summary())
    assert "Elastic net (experts 0.2, gate 0.05; L1 share 1)" in text
    assert "the penalty holds it at zero" in text


def test_lbfgs_refuses_a_kinked_objective(two_lines):
    with pytest.raises(ValueError, match="solver must be 'auto', 'em' or 'newton'"):
        MixtureOfExperts(2, expert_penalty=0.1, solver="lbfgs").fit(*two_lines)
    ridge = MixtureOfExperts(
        2, expert_penalty=0.1, l1_ratio=0.0, solver="lbfgs", n_init=1, random_state=0
    ).fit(*two_lines)
    assert ridge.status_ == Status.CONVERGED
