"""Every solver on every problem: each step gains, all end at the same certified point."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mixstat.data import batch as batches
from mixstat.experts import GaussianExperts
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective import objective
from mixstat.objective.objective import Derivatives
from mixstat.results import Status
from mixstat.solvers import EM, LBFGS, Newton, NewtonCG, Plan, StopRule, em, m_step
from mixstat.solvers.trust_region import Point, trust_region_step, walk
from tests.solvers import problems

FITTERS = {"em": EM(), "lbfgs": LBFGS(), "newton": Newton(), "newton_cg": NewtonCG()}


def look(task, model):
    """Objective and its derivatives at a model."""
    return task.derivatives(parameter_vector.to_vector(parameter_vector.as_numpy(model)))


def each_kind_of_em():
    """Each problem with the usual kind of step, one of them with every kind; then the rest."""
    for kinds in product((False, True), repeat=2):
        for name in problems.NAMES:
            kept = kinds == (True, False) or name == "three"
            yield pytest.param(name, *kinds, marks=() if kept else pytest.mark.exhaustive)


@pytest.mark.parametrize(("name", "accelerate", "exact_gate"), list(each_kind_of_em()))
def test_em_never_loses_likelihood(x64, name, accelerate, exact_gate):
    task, start = problems.make(name)
    kinds = {"accelerate": accelerate, "exact_gate": exact_gate}
    state = em.run(task, start, StopRule(1e-13, 0.0, 500), **kinds)
    assert float(state.smallest_gain) >= -1e-12
    # and step by step, from the objective itself
    model, last = start, -np.inf
    for _ in range(12):
        value = look(task, model)[0]
        assert value >= last - 1e-12
        model, last = em.run(task, model, StopRule(0.0, 0.0, 1), **kinds).model, value


@pytest.mark.parametrize("name", problems.NAMES)
def test_solvers_meet_at_one_certified_point(x64, name):
    task, start = problems.make(name)
    near = em.run(task, start, StopRule(1e-4, 0.0, 200)).model  # one basin for all
    ends = {name: solver.fit(task, near) for name, solver in FITTERS.items()}
    best = ends["newton"]
    for solver, end in ends.items():
        certificate = end.certificate
        assert end.status == Status.CONVERGED, solver
        assert certificate.gradient_norm <= 1e-8
        assert certificate.min_eigenvalue > 0
        assert certificate.newton_decrement < 1e-14
        value, known = (look(task, r.model)[0] for r in (end, best))
        np.testing.assert_allclose(value, known, rtol=0, atol=1e-13)
        difference = parameter_vector.to_vector(end.model) - parameter_vector.to_vector(best.model)
        assert np.max(np.abs(difference)) < 1e-6, solver


@pytest.mark.parametrize("name", problems.NAMES)
def test_auto_ends_where_newton_does(x64, name):
    task, start = problems.make(name)
    result = Plan().fit(task, start)
    assert result.status == Status.CONVERGED
    assert result.certificate.gradient_norm <= 1e-12


def test_acceleration_saves_passes_where_experts_overlap(x64):
    task, start = problems.make("overlapping")
    limits = StopRule(1e-12, 0.0, 20_000)
    fast, slow = (em.run(task, start, limits, accelerate=a) for a in (True, False))
    assert int(fast.n_passes) < int(slow.n_passes) / 2
    assert float(fast.value) >= float(slow.value) - 1e-10


def test_same_answer_from_numpy_and_jax_starts(x64):
    task, start = problems.make("three")
    one = em.run(task, start, StopRule(1e-10, 0.0, 300))
    two = em.run(task, parameter_vector.as_numpy(start), StopRule(1e-10, 0.0, 300))
    np.testing.assert_array_equal(
        parameter_vector.to_vector(one.model), parameter_vector.to_vector(two.model)
    )


def _twins(k=2):
    """Identical experts: a stationary saddle whenever two experts are better than one."""
    task, _ = problems.make("separated")
    pooled = GaussianExperts(np.zeros((1, 1, 2)), np.zeros((1, 1)), np.zeros((1, 0)), "full")
    one = Mixture(SoftmaxGate(np.zeros((0, 2))), pooled)
    alone = objective.make(one, task.batch, min_scale=1e-4)
    fitted = Newton().fit(alone, one).model.experts
    double = jax.tree.map(lambda a: np.repeat(a, k, axis=0), fitted)
    return task, Mixture(SoftmaxGate(np.zeros((k - 1, 2))), double)


def test_newton_leaves_a_saddle_where_em_cannot(x64):
    task, saddle = _twins()
    _, gradient, hessian, _ = look(task, saddle)
    assert np.max(np.abs(gradient)) < 1e-8
    assert np.linalg.eigvalsh(hessian)[-1] > 0.01
    stuck = EM().fit(task, saddle)
    assert stuck.certificate.coinciding_experts == ((0, 1),)
    assert stuck.status == Status.SADDLE
    freed = Newton().fit(task, saddle)
    assert freed.status == Status.CONVERGED
    assert freed.log_likelihood > stuck.log_likelihood + 0.1


@pytest.mark.parametrize("solver", FITTERS)
def test_iteration_limit_is_its_own_status(x64, solver):
    task, start = problems.make("overlapping")
    result = FITTERS[solver].fit(task, start, max_iter=2)
    assert result.status == Status.MAX_ITER
    assert result.certificate.gradient_norm > 1e-8
    assert "max_iter" in result.certificate.remarks()[0]


@pytest.mark.parametrize("solver", FITTERS)
def test_a_start_that_is_not_finite_is_reported(x64, solver):
    task, start = problems.make("separated")
    broken = parameter_vector.from_vector(start, np.full(parameter_vector.size(start), np.nan))
    assert FITTERS[solver].fit(task, broken).status == Status.NONFINITE


def test_separated_gate_is_named(x64):
    """Two clusters apart in x with different levels: the best gate is a step."""
    x = np.concatenate([np.linspace(-2, -1, 50), np.linspace(1, 2, 50)])
    random = np.random.default_rng(3)
    y = np.sign(x) + 0.1 * random.standard_normal(100)
    Z = np.column_stack([np.ones(100), x])
    data = batches.build(Z, np.ones((100, 1)), y[:, None])
    null = Mixture(SoftmaxGate().null(2, 2), GaussianExperts().null(2, 1, 1))
    task = objective.make(null, data, min_scale=1e-4)
    resp = batches.lay_out_like(data, np.eye(2)[(x > 0).astype(int)])
    result = Plan().fit(task, m_step.first_model(task, null, resp), max_iter=500)
    assert result.status == Status.SEPARATED
    assert result.certificate.diverging_gate == (0,)
    ridged = objective.make(null, data, min_scale=1e-4, strengths=1e-3)
    result = Plan().fit(ridged, m_step.first_model(ridged, null, resp), max_iter=500)
    assert result.status == Status.CONVERGED


def test_collapsed_expert_is_named(x64):
    """An expert that starts on two exactly aligned rows stays there, on its floor."""
    random = np.random.default_rng(4)
    x = random.standard_normal(60)
    y = x + random.standard_normal(60)
    Z = np.column_stack([np.ones(60), x])
    data = batches.build(np.ones((60, 1)), Z, y[:, None])
    null = Mixture(SoftmaxGate().null(2, 1), GaussianExperts().null(2, 2, 1))
    task = objective.make(null, data, min_scale=1e-4)
    resp = batches.lay_out_like(data, np.eye(2)[(np.arange(60) > 1).astype(int)])
    result = Plan().fit(task, m_step.first_model(task, null, resp), max_iter=500)
    assert result.status == Status.COLLAPSED
    assert len(result.certificate.binding_floors) == 1
    assert result.certificate.thin_experts == result.certificate.binding_floors
    assert not result.certificate.sound


def test_bounds_hold_and_the_gradient_is_projected(x64):
    """In a box that excludes the maximum, Newton and L-BFGS end at the same bound."""
    task, start = problems.make("separated")
    free = Newton().fit(task, em.run(task, start, StopRule(1e-4, 0.0, 200)).model)
    vector = parameter_vector.to_vector(free.model)
    upper = np.full(len(vector), np.inf)
    upper[2] = vector[2] - 0.1  # first coefficient of the first expert
    boxed = task.within(task.lower, upper)
    # values tell points apart only down to gradients of about 1e-8
    ends = [Newton().fit(boxed, free.model), LBFGS().fit(boxed, free.model, tol=1e-7)]
    for end in ends:
        assert end.status == Status.CONVERGED
        assert parameter_vector.to_vector(end.model)[2] == pytest.approx(upper[2], abs=1e-12)
        assert end.log_likelihood < free.log_likelihood - 1e-6
        assert not end.free[2]
    assert ends[0].log_likelihood == pytest.approx(ends[1].log_likelihood, abs=1e-12)


@pytest.mark.fast
@pytest.mark.parametrize("radius", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("kind", ["definite", "indefinite", "hard", "zero"])
def test_trust_region_step_is_the_best_in_the_ball(rng, radius, kind):
    values = {
        "definite": [1.0, 2.0, 5.0],
        "indefinite": [-1.0, 0.5, 3.0],
        "hard": [-1.0, 0.5, 3.0],
        "zero": [-1.0, 0.5, 3.0],
    }[kind]
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    information = turn @ np.diag(values) @ turn.T
    along = {"hard": np.array([0.0, 1.0, 1.0]), "zero": np.zeros(3)}.get(kind, np.ones(3))
    gradient = turn @ along
    step, gain = trust_region_step(gradient, information, radius)
    assert np.linalg.norm(step) <= radius * (1 + 1e-6)

    def model(s):
        return s @ gradient - 0.5 * np.einsum("...i,ij,...j", s, information, s)

    np.testing.assert_allclose(gain, model(step), rtol=1e-9, atol=1e-13)
    others = rng.standard_normal((20_000, 3))
    others *= (radius * rng.random(20_000) ** (1 / 3) / np.linalg.norm(others, axis=1))[:, None]
    assert gain >= model(others).max() - 1e-9 * radius


def test_results_do_not_depend_on_the_callers_configuration():
    """Outside any x64 context the doors compute in float64 and leave the switch alone."""
    from mixstat.numerics.precision import float64

    with float64():
        task, start = problems.make("separated")
    before = jax.config.read("jax_enable_x64")
    result = Newton().fit(task, start)
    assert result.status == Status.CONVERGED
    assert jax.config.read("jax_enable_x64") == before
    assert jnp.zeros(1).dtype == (jnp.float64 if before else jnp.float32)


class _Overflow:
    """Derivatives overflow one step ahead, though the gradient there looks smaller."""

    def look(self, vector):
        known = Derivatives(0.0, np.full(1, 1e-6), -np.eye(1), np.array([1.0]))
        if vector[0] == 0:
            return known
        return known._replace(value=-np.inf, gradient=np.zeros(1), hessian=np.full((1, 1), np.nan))

    def norm(self, point):
        return float(np.abs(point.known.gradient).max())

    def arrived(self, point, norm, tol):
        return False

    def propose(self, point, radius):
        assert np.isfinite(point.known.hessian).all()
        return point.vector + 1e-8, 0.0


def test_no_walk_goes_to_where_derivatives_overflow():
    task = _Overflow()
    start = Point(np.zeros(1), task.look(np.zeros(1)))
    end = walk(task, start, tol=1e-5, max_iter=50)
    assert end.point is start
    assert end.status == Status.CONVERGED
