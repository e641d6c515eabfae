"""Forty-five recorded EM fits of a softmax-gated Gaussian mixture, step for step."""

import hashlib
import json

import numpy as np
import pytest

from mixstat import MixtureOfExperts
from mixstat.data import batch as batches
from mixstat.experts import GaussianExperts
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.objective import objective
from mixstat.objective.likelihood import log_likelihood
from mixstat.results import Status
from mixstat.solvers import Newton, StopRule, em
from tests.sweeps import rest

CASES = [(n, s, k) for n in (1_000, 10_000, 100_000) for s in range(3) for k in (2, 3, 4)]


def simulate(n: int, s: int) -> tuple[np.ndarray, np.ndarray]:
    """The recorded data: two lines on an even grid, chosen by a steep logistic gate."""
    x = np.linspace(0, 1, n)
    random = np.random.default_rng([20230515, n, s])
    u, e = random.random(n), random.standard_normal(n)
    first = u < 1 / (1 + np.exp(-(-8 + 25 * x)))
    return x, np.where(first, 15 - 20 * x + 0.3 * e, -5 + 20 * x + 0.4 * e)


@pytest.fixture(scope="module")
def recorded(oracle) -> dict:
    table = json.loads((oracle / "softmax_gaussian_reference.json").read_text())["results"]
    return {(r["n"], r["s"], r["K"], r["kind"]): r for r in table}


def _model(alpha, beta, variance) -> Mixture:
    coef = np.array(beta).T[:, None, :]
    scale = 0.5 * np.log(np.array(variance))[:, None]
    experts = GaussianExperts(coef, scale, np.zeros((len(coef), 0)), "full")
    return Mixture(SoftmaxGate(np.array(alpha).T[: len(coef) - 1]), experts)


@pytest.mark.parametrize(("n", "s", "k"), CASES)
def test_plain_em_repeats_the_recorded_run(recorded, x64, n, s, k):
    run = recorded[n, s, k, "authors_tol_1e-6"]
    x, y = simulate(n, s)
    if run.get("Y_sha256"):
        assert hashlib.sha256(y.tobytes()).hexdigest() == run["Y_sha256"]
    Z = np.column_stack([np.ones(n), x])
    data = batches.build(Z, Z, y[:, None], width=12)
    start = _model(run["init_alpha"], run["init_beta"], run["init_sigma2"])
    task = objective.make(start, data, min_scale=1e-12)
    rule = StopRule(0.0, run["threshold"], 2000, gate=1e-7)
    state = em.run(task, start, rule, accelerate=False, exact_gate=True)

    assert Status(int(state.status)) == Status.CONVERGED
    assert int(state.n_iter) == run["iters"]
    np.testing.assert_allclose(n * float(state.value), run["loglik_final"], rtol=1e-12)
    coef = np.asarray(state.model.experts.coef)[:, 0].T
    np.testing.assert_allclose(coef, run["beta"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.asarray(state.model.gate.coef).T, run["alpha"], atol=1e-9)
    variance = np.exp(2 * np.asarray(state.model.experts.log_scale))[:, 0]
    np.testing.assert_allclose(variance, run["sigma2"], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("n", "s"),
    [rest(n, s) if n == 100_000 or s else (n, s) for n, s, k in CASES if k == 2],
)
def test_default_solver_meets_the_tight_two_expert_fits(recorded, n, s):
    run = next(r for key, r in recorded.items() if key[:3] == (n, s, 2) and "tight" in key[3])
    x, y = simulate(n, s)
    moe = MixtureOfExperts(2, random_state=0).fit(x[:, None], y)
    order = np.argsort(np.array(run["beta"])[1])  # slopes -20 and 20
    mine = np.argsort(moe.expert_coef_[:, 1])
    assert moe.converged_
    np.testing.assert_allclose(
        moe.expert_coef_[mine].T, np.array(run["beta"])[:, order], rtol=0, atol=1e-6
    )
    gate = np.column_stack([np.array(run["alpha"]), np.zeros(2)])[:, order]
    own = moe.gate_coef_[mine].T
    np.testing.assert_allclose(own[:, 0] - own[:, 1], gate[:, 0] - gate[:, 1], atol=1e-6, rtol=0)
    np.testing.assert_allclose(
        moe.scale_[mine] ** 2, np.array(run["sigma2"])[order], rtol=0, atol=1e-6
    )
    assert n * moe.log_likelihood_ >= run["loglik_final"] - 1e-6


def test_tight_fits_of_three_and_four_experts_are_not_beaten(recorded, x64):
    """Newton from the recorded parameters never ends below the recorded log-likelihood."""
    for (n, s, k, kind), run in recorded.items():
        if k == 2 or "tight" not in kind or n > 10_000:
            continue
        x, y = simulate(n, s)
        Z = np.column_stack([np.ones(n), x])
        data = batches.build(Z, Z, y[:, None], width=12)
        model = _model(run["alpha"], run["beta"], run["sigma2"])
        here = float(log_likelihood(model, data))
        np.testing.assert_allclose(n * here, run["loglik_final"], rtol=1e-10)
        result = Newton().fit(objective.make(model, data, min_scale=1e-4), model)
        assert result.log_likelihood >= here - 1e-12
