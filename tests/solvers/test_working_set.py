"""Elastic nets of wide tables: the conditions of the maximum, and the same maxima as elsewhere."""

import pickle
from functools import cache

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression

import mixstat
from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.gates import SoftmaxGate
from mixstat.numerics.sparse_ridge import SparseRidge
from mixstat.objective.narrow import WideObjective
from mixstat.results import Status
from mixstat.selection import penalty_path
from tests.sweeps import rest

N, P = 300, 90
SETTINGS = {"expert_penalty": 0.3, "gate_penalty": 0.05, "n_init": 2, "random_state": 0}


def table(p: int = P, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Two lines in other inputs, and a gate in a third one."""
    random = np.random.default_rng(0)
    X = random.normal(size=(n, p))
    first = random.random(n) < 1 / (1 + np.exp(-3 * X[:, 0]))
    y = np.where(first, 1.5 + 2 * X[:, 1], -1.5 - 2 * X[:, 2]) + 0.7 * random.normal(size=n)
    return 2 + 3 * X, 1 + 5 * y


@cache
def fitted(**settings: float) -> MixtureOfExperts:
    X, y = table()
    return MixtureOfExperts(2, **(SETTINGS | settings)).fit(X, y)


def conditions(moe: MixtureOfExperts, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """How far a Gaussian fit of two experts is from the conditions of a maximum, in NumPy alone.

    From the coefficients that are reported, with penalties on standardised slopes.
    """
    share = weight / weight.sum()
    Z = (X - share @ X) / (spread := np.sqrt(share @ (X - share @ X) ** 2))
    scale = np.sqrt(share @ (y - share @ y) ** 2)
    u = (y - share @ y) / scale
    experts, gate = np.asarray(moe.expert_coef_), np.asarray(moe.gate_coef_)
    slopes = experts[:, 1:] * spread / scale
    constants = (experts[:, 0] + experts[:, 1:] @ (share @ X) - share @ y) / scale
    sigma = np.asarray(moe.scale_) / scale
    of_gate = gate[:, 1:] * spread
    logits = gate[:, 0] + gate[:, 1:] @ (share @ X) + Z @ of_gate.T
    rest = u[:, None] - constants - Z @ slopes.T
    joint = log_softmax(logits, axis=1) - 0.5 * (rest / sigma) ** 2 - np.log(sigma)
    resp = softmax(joint, axis=1) * share[:, None]
    prior = softmax(logits, axis=1) * share[:, None]
    steep = Z.T @ (resp * rest / sigma**2)
    ratio, strength = moe.l1_ratio, moe.expert_penalty
    off = [
        np.sum(resp * rest / sigma**2, axis=0),
        np.sum(resp * ((rest / sigma) ** 2 - 1), axis=0),
        np.sum(resp - prior, axis=0),
        _off(steep.T - (1 - ratio) * strength * slopes, slopes, ratio * strength),
        # the other expert of the gate is the reference
        _off(
            (Z.T @ (resp - prior))[:, :1].T - 0.5 * (1 - ratio) * moe.gate_penalty * of_gate[:1],
            of_gate[:1],
            ratio * moe.gate_penalty,
        ),
    ]
    return float(max(np.max(np.abs(one)) for one in off))


def _off(slope: np.ndarray, coef: np.ndarray, strength: float) -> np.ndarray:
    """How far gradients of slopes are from what an L1 penalty of some strength lets them be."""
    beyond = np.maximum(np.abs(slope) - strength, 0.0)
    return np.where(coef == 0, beyond, slope - strength * np.sign(coef))


@pytest.mark.parametrize("settings", [{}, *map(rest, ({"l1_ratio": 0.7}, {"expert_penalty": 0.2}))])
def test_conditions_of_the_maximum_hold_in_all_columns(settings):
    moe = fitted(**settings)
    X, y = table()
    assert isinstance(moe.fit_.maximum.objective, WideObjective)
    assert moe.status_ == Status.CONVERGED
    assert conditions(moe, X, y, np.ones(N)) < 1e-8
    assert moe.certificate_.gradient_norm < 1e-8
    assert 2 <= np.count_nonzero(np.asarray(moe.expert_coef_)[:, 1:]) < P


def test_weights_are_numbers_of_rows():
    X, y = table()
    weight = np.random.default_rng(1).integers(1, 3, N)
    moe = MixtureOfExperts(2, **SETTINGS).fit(X, y, sample_weight=weight)
    assert conditions(moe, X, y, weight) < 1e-8
    rows = np.repeat(np.arange(N), weight)
    again = MixtureOfExperts(2, **SETTINGS).fit(X[rows], y[rows])
    np.testing.assert_allclose(moe.expert_coef_, again.expert_coef_, rtol=0, atol=1e-8)


@pytest.mark.exhaustive
def test_the_solver_of_narrow_tables_ends_in_the_same_place(monkeypatch):
    X, y = table(p=61)
    wide = MixtureOfExperts(2, **SETTINGS).fit(X, y)
    start = wide.responsibilities(X, y)
    monkeypatch.setattr("mixstat.fitting.task.wide_if_it_pays", lambda objective: objective)
    full = MixtureOfExperts(2, **(SETTINGS | {"init": start})).fit(X, y)
    assert isinstance(wide.fit_.maximum.objective, WideObjective)
    assert not isinstance(full.fit_.maximum.objective, WideObjective)
    assert full.converged_
    assert wide.converged_
    assert abs(full.fit_.maximum.value - wide.fit_.maximum.value) < 1e-10
    np.testing.assert_allclose(wide.expert_coef_, full.expert_coef_, rtol=0, atol=1e-7)
    np.testing.assert_allclose(wide.gate_coef_, full.gate_coef_, rtol=0, atol=1e-7)


def test_a_wide_fit_is_kept_in_files_and_pickles(tmp_path):
    moe, X = fitted(), table()[0]
    mixstat.save(moe, tmp_path / "wide.mixstat")
    for kept in (mixstat.load(tmp_path / "wide.mixstat"), pickle.loads(pickle.dumps(moe))):
        np.testing.assert_array_equal(kept.predict(X), moe.predict(X))
        np.testing.assert_array_equal(kept.fit_.cov_params(), moe.fit_.cov_params())
        assert str(kept.certificate_) == str(moe.certificate_)


def test_one_expert_is_the_lasso_of_others():
    X, y = table()
    moe = MixtureOfExperts(1, expert_penalty=0.1).fit(X, y)
    spread, scale = X.std(axis=0), y.std()
    # a penalty beside the log-likelihood is one of the variance beside the squared residuals
    strength = 0.1 * (moe.scale_[0] / scale) ** 2
    lasso = Lasso(alpha=strength, tol=1e-12, max_iter=100_000)
    lasso.fit((X - X.mean(axis=0)) / spread, (y - y.mean()) / scale)
    slopes = moe.expert_coef_[0, 1:] * spread / scale
    assert 2 <= np.count_nonzero(slopes) < P
    np.testing.assert_allclose(slopes, lasso.coef_, rtol=0, atol=1e-8)


def test_one_expert_for_classes_is_the_logistic_lasso_of_others():
    X, y = table()
    label, spread = y > np.median(y), X.std(axis=0)
    moe = MixtureOfExpertsClassifier(1, expert_penalty=0.03).fit(X, label)
    Z = (X - X.mean(axis=0)) / spread
    other = LogisticRegression(l1_ratio=1.0, C=1 / (0.03 * N), solver="saga", tol=1e-10)
    other.set_params(max_iter=20_000).fit(Z, label)
    slopes = np.ravel(moe.expert_coef_)[1:] * spread
    assert isinstance(moe.fit_.maximum.objective, WideObjective)
    assert 2 <= np.count_nonzero(slopes) < P
    np.testing.assert_allclose(np.abs(slopes), np.abs(other.coef_[0]), rtol=0, atol=1e-6)


@pytest.mark.exhaustive
def test_classes_are_told_by_few_columns():
    X, y = table()
    settings = SETTINGS | {"expert_penalty": 0.02, "gate_penalty": 0.05}
    moe = MixtureOfExpertsClassifier(2, **settings).fit(
        X, np.digitize(y, np.quantile(y, [0.3, 0.6]))
    )
    assert moe.status_ == Status.CONVERGED
    assert moe.certificate_.gradient_norm < 1e-8


def test_a_path_of_penalties_walks_on_working_sets():
    X, y = table()
    moe = MixtureOfExperts(2, expert_penalty=1.0, gate_penalty=0.2, n_init=2, random_state=0)
    path = penalty_path(moe, X, y, n_strengths=4, ratio=0.3)
    assert path.status == (Status.CONVERGED,) * 4
    assert (np.diff(path.n_parameters) >= 0).all()
    assert path.n_parameters[0] == 5
    assert conditions(path.best_estimator_, X, y, np.ones(N)) < 1e-8


def test_three_experts_share_a_ridge_of_the_gate():
    """Its quadratic form ties the rows of the gate, and no matrix of it is made."""
    gate = SoftmaxGate().null(3, P)
    random = np.random.default_rng(0)
    vector, form = random.normal(size=2 * P), gate.penalty(True)
    sparse = gate.form(True)
    assert isinstance(sparse, SparseRidge)
    assert abs(sparse.value(vector) - 0.5 * vector @ form @ vector) < 1e-12 * vector @ vector
    np.testing.assert_allclose(sparse.curve(vector, vector), form @ vector, rtol=0, atol=1e-13)
    some = np.array([0, 3, 4, P + 3, P + 5])
    np.testing.assert_array_equal(sparse.among(some).square, form[np.ix_(some, some)])
    np.testing.assert_array_equal(sparse.squares(2 * P), np.diag(form))


def test_a_penalty_too_weak_for_any_maximum_is_said_so():
    X, y = table(p=300, n=60)
    with pytest.warns(ConvergenceWarning, match="floor"):
        moe = MixtureOfExperts(2, expert_penalty=0.05, gate_penalty=0.02, n_init=1).fit(X, y)
    assert moe.status_ == Status.COLLAPSED
