"""A new solver is a frozen record with declared needs and a walk, and works by object anywhere."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.experts import GaussianExperts
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.rates import RateStudy, Specification
from mixstat.rates.inputs import Uniform
from mixstat.rates.law import Law, make_features
from mixstat.rates.truths import Truth
from mixstat.results import Status
from mixstat.solvers import REGISTRY
from mixstat.solvers.base import Solver
from mixstat.solvers.outcome import Outcome


@dataclass(frozen=True)
class Ascent(Solver):
    """Newton's method where it rises, else halved steps along the gradient."""

    smooth: ClassVar[bool] = True
    continuous: ClassVar[bool] = True
    most_parameters: ClassVar[int | None] = 12

    shortest: float = 1e-8

    def run(self, objective, start, *, tol, max_iter):
        vector = objective.clip(parameter_vector.to_vector(start))
        known = objective.derivatives(vector)
        for n_iter in range(max_iter):
            if objective.norm(vector, known.gradient) <= tol:
                return Outcome(objective.model(vector), Status.CONVERGED, n_iter, n_iter, known)
            step = np.linalg.solve(-known.hessian, known.gradient)
            step = step if step @ known.gradient > 0 else known.gradient
            while objective.value(objective.clip(vector + step)) < known.value - 1e-12:
                step = 0.5 * step
                if np.linalg.norm(step) < self.shortest:
                    return Outcome(objective.model(vector), Status.STALLED, n_iter, n_iter, known)
            vector = objective.clip(vector + step)
            known = objective.derivatives(vector)
        return Outcome(objective.model(vector), Status.MAX_ITER, max_iter, max_iter, known)


COEF, SCALE = np.array([[[-2.0, 1.0]], [[2.0, -1.0]]]), np.array([[0.5], [0.4]])
TRUE = Mixture(
    SoftmaxGate(np.array([[0.3, 1.0]])), GaussianExperts(COEF, np.log(SCALE), np.zeros((2, 0)))
)
TRUTH = Truth(
    "two lines", Law(TRUE, make_features(1, TRUE.gate)), Uniform(-2.0, 2.0), "", "derived"
)


@pytest.fixture(scope="module")
def rows():
    return TRUTH.sample(300, 0)


def test_in_an_estimator_and_in_a_batch(rows):
    X, y = rows
    label = (y > 0).astype(int)
    moe = MixtureOfExperts(2, solver=Ascent(), init=label).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    assert moe.certificate_.gradient_norm <= 1e-8
    best = MixtureOfExperts(2, solver="auto", init=label).fit(X, y)
    assert moe.log_likelihood_ == pytest.approx(best.log_likelihood_, abs=1e-10)

    fits = fit_many(moe.problem_, [moe.model_, best.model_], solver=Ascent())
    assert fits.certified.all()
    np.testing.assert_allclose(fits.table["log_likelihood"], fits.table["log_likelihood"][0])
    assert "Ascent(shortest=1e-08)" in repr(moe)


def test_in_a_study():
    study = RateStudy(TRUTH, Specification(2, solver=Ascent(), max_iter=100), [300], 2)
    table = study.run(progress=False)
    assert (table["status"] == "CONVERGED").all()
    assert table["converged"].all()
    assert (table["n_iter"] < 100).all()
    assert study.fingerprint()["specification"]["solver"] == "Ascent(shortest=1e-08)"


def test_by_name_with_a_line_in_the_registry(rows, monkeypatch):
    monkeypatch.setitem(REGISTRY, "ascent", Ascent())
    X, y = rows
    label = (y > 0).astype(int)
    assert MixtureOfExperts(2, solver="ascent", init=label).fit(X, y).converged_


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"expert_penalty": 0.01, "l1_ratio": 1.0}, "L1 penalty, which has kinks"),
        ({"gate": "top_k"}, "Ascent needs a continuous gate, and the shares of TopKGate jump"),
        ({"degree": 4}, "Ascent takes at most 12 parameters, and the model has 14"),
    ],
)
def test_a_need_that_is_not_met_is_refused_with_words(rows, settings, words):
    X, y = rows
    moe = MixtureOfExperts(2, solver=Ascent(), n_init=2, random_state=0, **settings)
    with pytest.raises(ValueError, match=words):
        moe.fit(X, y)
    assert not moe.__sklearn_is_fitted__()


def test_needs_are_asked_of_batches_and_studies_too(rows):
    X, y = rows
    label = (y > 0).astype(int)
    large = MixtureOfExperts(2, degree=4, solver="newton", init=label).fit(X, y)
    with pytest.raises(ValueError, match="at most 12 parameters"):
        fit_many(large.problem_, [large.model_], solver=Ascent())
    study = RateStudy(TRUTH, Specification(2, degree=4, solver=Ascent()), [300], 1)
    with pytest.raises(ValueError, match="at most 12 parameters"):
        study.run(progress=False)


@pytest.mark.parametrize("estimator", [MixtureOfExperts, MixtureOfExpertsClassifier])
def test_what_is_no_solver_is_refused(rows, estimator):
    X, y = rows
    for wrong in (Ascent, lambda objective, start: start, "ascend"):
        with pytest.raises(ValueError, match="solver must be one of 'auto', 'em'"):
            estimator(2, solver=wrong).fit(X, (y > 0).astype(int))
