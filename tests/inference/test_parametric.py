"""Data drawn from fits: inputs of a joint model, units that share experts, numbers of trials."""

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts
from mixstat.data.batch import take_rows, unit_numbers
from mixstat.inference import Bootstrap
from tests.sweeps import first

N = 200
RNG = np.random.default_rng(3)
LEFT = RNG.random(N) < 0.4
X = RNG.normal(np.where(LEFT, -2.0, 1.5), np.where(LEFT, 0.5, 1.0))[:, None]
Y = np.where(LEFT, 1 + X[:, 0], 3 - 2 * X[:, 0]) + RNG.normal(0, 0.4, N)


@pytest.fixture(scope="module")
def joint():
    return MixtureOfExperts(2, gate="gaussian", init=~LEFT * 1).fit(X, Y)


def drawn(moe, count, what):
    """Tables of data sets drawn from a fit, (count, n, k)."""
    data = moe.inference().estimate.simulate(count, np.random.default_rng(0))
    return np.stack([take_rows(np.asarray(getattr(one.rows, what)), N) for one in data])


@pytest.mark.parametrize("kind", first(["parametric", "rows"]))
def test_a_joint_model_has_errors_of_its_inputs_too(joint, kind):
    results = joint.inference(cov_type=Bootstrap(64, kind=kind, random_state=1))
    ratio = results.bse / joint.inference().bse
    assert len(ratio) == len(joint.params)
    assert [name for name in results.names if name.startswith(("centre", "spread"))]
    # of a deviation from 64 draws: four of its errors, and what the kinds differ by
    assert np.all((ratio > 0.5) & (ratio < 1.8))


def test_inputs_and_responses_are_drawn_from_the_joint_density(joint):
    many = 200
    Z, y = drawn(joint, many, "Z"), drawn(joint, many, "y")
    estimate = joint.inference().estimate
    inner = np.linalg.inv(np.asarray(estimate.gate_design.to_user))
    x = (Z @ inner.T)[:, :, 1]
    response = estimate.location + estimate.scale * y[:, :, 0]
    table = np.column_stack([x.ravel(), x.ravel() ** 2, response.ravel(), (x * response).ravel()])
    share = joint.expert_share_
    centre, spread = joint.gate_coef_[:, 0], joint.gate_covariance_[:, 0, 0]
    a, b = joint.expert_coef_.T
    square = spread + centre**2
    each = np.array([centre, square, a + b * centre, a * centre + b * square])
    error = table.std(axis=0) / np.sqrt(len(table))
    assert np.all(np.abs(table.mean(axis=0) - each @ share) < 4 * error)


def test_features_of_experts_follow_the_drawn_inputs():
    both = np.column_stack([X[:, 0], RNG.normal(size=N)])
    moe = MixtureOfExperts(
        2, gate="gaussian", gate_features=[0], degree=2, init=~LEFT * 1, n_init=1
    ).fit(both, Y)  # fmt: skip
    designs = moe.fit_.designs
    raw = drawn(moe, 1, "Phi")[0] @ np.linalg.inv(np.asarray(designs.experts.to_user)).T
    column = dict(zip(designs.experts.names, raw.T, strict=True))
    gate = drawn(moe, 1, "Z")[0] @ np.linalg.inv(np.asarray(designs.gate.to_user)).T
    np.testing.assert_allclose(column["x0"], gate[:, 1], atol=1e-10)
    np.testing.assert_allclose(column["x0^2"], gate[:, 1] ** 2, atol=1e-9)
    np.testing.assert_allclose(column["x1"], both[:, 1], atol=1e-10)  # no part of the model
    assert np.abs(column["x0"] - X[:, 0]).max() > 1


def test_rows_of_a_unit_are_drawn_from_one_expert():
    unit = np.repeat(np.arange(N // 4), 4)
    own = np.repeat(LEFT[::4], 4)
    y = np.where(own, -5 + X[:, 0], 5 - X[:, 0]) + RNG.normal(0, 0.4, N)
    moe = MixtureOfExperts(2, gate_degree=0, init=own * 1).fit(X, y, groups=unit)
    estimate = moe.inference().estimate
    far = estimate.location + estimate.scale * drawn(moe, 50, "y")[:, :, 0] > 0
    units = far.reshape(50, -1, 4)
    assert np.all(units == units[:, :, :1])
    share = units[:, :, 0].mean()
    wanted = moe.expert_share_[moe.expert_coef_[:, 0] > 0][0]
    assert abs(share - wanted) < 4 * np.sqrt(0.25 / units[:, :, 0].size)
    assert unit_numbers(estimate.simulate(1, RNG)[0]).tolist() == unit.tolist()


def test_draws_have_the_trials_of_their_rows():
    trials = RNG.integers(1, 9, N)
    hits = RNG.binomial(trials, 1 / (1 + np.exp(-X[:, 0])))
    moe = MixtureOfExperts(1, expert="binomial").fit(X, np.column_stack([hits, trials - hits]))
    told = drawn(moe, 200, "y")
    assert np.all(told[:, :, 1] == trials)
    chance = moe.predict(X)
    error = np.sqrt(chance * (1 - chance) / (200 * trials))
    assert np.abs((told[:, :, 0] / trials).mean(axis=0) - chance).max() < 5 * error.max()
    results = moe.inference(cov_type=Bootstrap(64, kind="parametric", random_state=0))
    ratio = results.bse / moe.inference().bse
    assert np.all((ratio > 0.6) & (ratio < 1.5))


@pytest.mark.exhaustive
def test_features_that_do_not_follow_are_refused():
    frame = pd.DataFrame({"x": X[:, 0], "y": Y})
    moe = MixtureOfExperts(
        2, formula="y ~ x + I(x ** 2)", gate="gaussian", gate_formula="~ x", init=~LEFT * 1
    ).fit(frame)  # fmt: skip
    with pytest.raises(ValueError, match="give both the same formula"):
        moe.inference(cov_type=Bootstrap(5, kind="parametric", random_state=0))
