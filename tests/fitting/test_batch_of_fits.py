"""Many fits as one: each is what it would be alone, whatever the others are."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from mixstat import MixtureOfExperts
from mixstat.data import batch as batches
from mixstat.experts import GaussianExperts
from mixstat.fitting import first_models, lanes, multistart
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.fitting.members import Members
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective import objective
from mixstat.objective.strengths import Strengths
from mixstat.results import Status
from mixstat.solvers import EM, Newton, Plan, StopRule, em
from tests.solvers import problems
from tests.sweeps import first


def _starts(start: Mixture, count: int, spread: float = 0.3) -> list[Mixture]:
    random = np.random.default_rng(3)
    vector = parameter_vector.to_vector(start)
    moves = spread * random.standard_normal((count, len(vector)))
    return [parameter_vector.from_vector(start, vector + move) for move in moves]


def _alone(task, start):
    end = Plan().run(task, start, tol=1e-8, max_iter=200)
    return task.value(parameter_vector.to_vector(end.model))


@pytest.mark.parametrize("n_lanes", [1, 3, 8])
def test_queue_finishes_everybody_and_nobody_waits(n_lanes):
    """Members that need very different numbers of steps; turns follow their sum."""
    needed = np.array([1, 50, 2, 3, 1, 1, 30, 2, 2, 4, 1, 1, 9, 9, 0, 0])
    count = 14  # the last two are padding

    def begin(member):
        return {"left": member, "steps": jnp.asarray(0)}

    def step(member, state):
        return {"left": state["left"] - 1, "steps": state["steps"] + 1}

    def running(state):
        return state["left"] > 0

    out = lanes.run(begin, step, running, jnp.asarray(needed), jnp.asarray(count), n_lanes)
    np.testing.assert_array_equal(out["steps"][:count], needed[:count])


@pytest.mark.parametrize("name", first(["overlapping", "contexts", "three", "ridge", "tied"]))
def test_starts_end_where_single_fits_do(x64, name):
    task, start = problems.make(name)
    starts = _starts(start, 6)
    found = fit_many(task, starts)
    assert found.certified.all()
    assert np.all(found.table["gradient_norm"] <= 1e-8)
    alone = [_alone(task, one) for one in starts]
    np.testing.assert_allclose(found.table["objective"], alone, rtol=0, atol=1e-8)
    result = found.result(2)
    assert result.status == Status.CONVERGED
    np.testing.assert_allclose(result.log_likelihood, found.table["log_likelihood"][2], atol=1e-14)
    np.testing.assert_allclose(
        result.certificate.min_eigenvalue, found.table["min_eigenvalue"][2], rtol=1e-8
    )
    np.testing.assert_allclose(found.mass.sum(axis=1), 1.0, atol=1e-12)


def test_a_member_does_not_depend_on_the_others(x64):
    """To the last bit: a part of the batch, another order, another number of threads."""
    task, start = problems.make("overlapping")
    starts = _starts(start, 9)
    whole = fit_many(task, starts)
    part = fit_many(task, starts[3:5])
    turned = fit_many(task, starts[::-1])
    np.testing.assert_array_equal(part.vectors, whole.vectors[3:5])
    np.testing.assert_array_equal(turned.vectors[::-1], whole.vectors)
    np.testing.assert_array_equal(part.table, whole.table[3:5])


def test_weights_are_those_of_single_fits(x64):
    task, start = problems.make("separated")
    n = 400
    random = np.random.default_rng(0)
    counts = random.multinomial(n, np.full(n, 1 / n), size=5).astype(float)
    near = parameter_vector.as_numpy(em.run(task, start, StopRule(1e-4, 0.0, 50)).model)
    found = fit_many(task, [near], weights=counts)
    assert found.certified.all()
    for i, weights in enumerate(counts):
        rows = np.repeat(np.arange(n), weights.astype(int))
        Z = batches.take_rows(task.batch.rows.Z, n)[rows]
        y = batches.take_rows(task.batch.rows.y, n)[rows]
        again = objective.make(start, batches.build(Z, Z, y), min_scale=1e-4)
        alone = Plan().run(again, near, tol=1e-8, max_iter=200)
        gap = found.table["log_likelihood"][i] - again.value(
            parameter_vector.to_vector(alone.model)
        )
        assert abs(gap) < 1e-10
        np.testing.assert_allclose(
            found.vectors[i], parameter_vector.to_vector(alone.model), atol=1e-6
        )
    assert float(found.members.alone(1).batch.total_weight) == n


@pytest.mark.exhaustive
def test_each_member_has_its_own_data(x64):
    task, start = problems.make("separated")
    random = np.random.default_rng(4)
    data, sizes = [], [300, 150, 401]
    for n in sizes:
        x = random.standard_normal(n)
        Z = np.column_stack([np.ones(n), x])
        y = np.where(random.random(n) < 0.5, 2 + 2 * x, -2 - 2 * x) + random.standard_normal(n)
        data.append(batches.build(Z, Z, y[:, None], room=401))
    found = fit_many(task, [start], data=data)
    assert found.certified.all()
    for i, one in enumerate(data):
        gap = found.table["objective"][i] - _alone(task.replace(batch=one), start)
        assert abs(gap) < 1e-10
        again = fit_many(task, [start], data=[one])
        np.testing.assert_array_equal(again.vectors[0], found.vectors[i])


@pytest.mark.exhaustive
def test_a_box_holds_and_the_projected_gradient_vanishes(x64):
    task, start = problems.make("separated")
    vector = parameter_vector.to_vector(start)
    free = fit_many(task, [start]).vectors[0]
    low, high = np.minimum(vector, free) - 1.0, np.maximum(vector, free) + 1.0
    high[0], low[3] = free[0] - 0.3, free[3] + 0.2  # two bounds that bind
    boxed = task.within(low, high)
    found = fit_many(boxed, _starts(start, 4, 0.05))
    assert found.certified.all()
    np.testing.assert_allclose(found.vectors[:, 0], high[0])
    np.testing.assert_allclose(found.vectors[:, 3], low[3])
    assert np.all(found.table["gradient_norm"] <= 1e-8)

    def negative(vector):
        value, gradient = task.value_and_gradient(vector)
        return -value, -gradient

    best = minimize(negative, found.vectors[0], jac=True, bounds=list(zip(low, high, strict=True)))
    assert found.table["log_likelihood"].max() >= -best.fun - 1e-12


@pytest.mark.exhaustive
def test_em_alone_is_the_loop_of_one(x64):
    task, start = problems.make("overlapping")
    starts = _starts(start, 3)
    for options in ({"accelerate": False, "exact_gate": True}, {}):
        rule = StopRule(0.0, 1e-6, 500, gate=1e-12)
        found = fit_many(task, starts, solver=EM(stop=rule, **options), max_iter=500)
        for i, one in enumerate(starts):
            alone = em.run(task, one, rule, **options)
            assert found.table["n_iter"][i] == int(alone.n_iter)
            np.testing.assert_allclose(
                found.vectors[i],
                parameter_vector.to_vector(parameter_vector.as_numpy(alone.model)),
                atol=1e-10,
            )
    assert np.isnan(found.table["gradient_norm"]).all()


def test_members_that_do_not_fit_are_named(x64):
    task, start = problems.make("separated")
    three = Mixture(SoftmaxGate().null(3, 2), GaussianExperts().null(3, 2, 1))
    with pytest.raises(ValueError, match="Member draw 7 of the batch is not like the others"):
        fit_many(task, [start, three], names=["draw 1", "draw 7"])
    Z = np.ones((9000, 2))
    with pytest.raises(ValueError, match=r"Member 1 .* its data has tables of shape"):
        fit_many(task, [start], data=[task.batch, batches.build(Z, Z, np.ones((9000, 1)))])
    with pytest.raises(ValueError, match="got 2 starts, 3 weights"):
        fit_many(task, [start, start], weights=np.ones((3, 400)))
    with pytest.raises(ValueError, match="weights have 9000 columns for 8192 rows"):
        fit_many(task, [start], weights=np.ones((3, 9000)))
    with pytest.raises(ValueError, match="solver must be one of 'auto', 'em'"):
        fit_many(task, [start], solver="newtonn")


def test_solvers_without_queue_fit_one_by_one(x64):
    task, start = problems.make("separated")
    starts = _starts(start, 2, 0.05)
    found = fit_many(task, starts, solver=Newton())
    for i, one in enumerate(starts):
        alone = Newton().fit(task, one, max_iter=200)
        assert found.table["status"][i] == alone.status.name
        np.testing.assert_array_equal(found.vectors[i], parameter_vector.to_vector(alone.model))


def test_members_without_queue_are_fitted_one_by_one(x64):
    """An L1 penalty has kinks, which the damped Newton step does not know."""
    _, start = problems.make("separated")
    task = problems.make("separated")[0]
    kinked = objective.make(start, task.batch, min_scale=1e-4, strengths=Strengths(expert_l1=0.05))
    found = fit_many(kinked, _starts(start, 2))
    assert found.certified.all()
    alone = [_alone(kinked, one) for one in _starts(start, 2)]
    np.testing.assert_allclose(found.table["objective"], alone, rtol=0, atol=1e-12)


def test_blocks_hold_bounded_memory(x64, monkeypatch):
    task, start = problems.make("separated")
    members = Members(task, [start], np.ones((300, 400)), None, None)
    assert sum(len(block) for block in members.blocks(4)) == 300
    monkeypatch.setattr("mixstat.fitting.members.MEMBER_BYTES", 5 * members.bytes)
    assert max(len(block) for block in members.blocks(4)) == 4


@pytest.mark.exhaustive
def test_many_starts_of_an_estimator_are_those_of_a_loop(monkeypatch):
    random = np.random.default_rng(0)
    x = random.uniform(-2, 2, 300)
    y = np.where(random.random(300) < 0.5, 1 + x, -1 - 2 * x) + 0.5 * random.standard_normal(300)
    together = MixtureOfExperts(2, n_init=56, random_state=0).fit(x[:, None], y)
    for module in (first_models, multistart):
        monkeypatch.setattr(module, "TOGETHER", 1000)
    loop = MixtureOfExperts(2, n_init=56, random_state=0).fit(x[:, None], y)
    np.testing.assert_allclose(together.log_likelihood_, loop.log_likelihood_, rtol=0, atol=1e-12)
    np.testing.assert_allclose(together.expert_coef_, loop.expert_coef_, atol=1e-7)
    done = loop.starts_["finished"]
    # some starts end on a ridge to infinity, where gradients of 1e-8 leave gains of 1e-7
    np.testing.assert_allclose(
        together.starts_["log_likelihood"][done], loop.starts_["log_likelihood"][done], atol=1e-7
    )
    assert list(together.starts_["start"]) == list(loop.starts_["start"])
    assert np.array_equal(together.starts_["degenerate"][done], loop.starts_["degenerate"][done])
    assert not together.starts_["degenerate"].all()
