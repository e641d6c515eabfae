"""Passes over the data to a certified maximum beside those of plain EM. Runs in a worker.

Plain EM starts from the same model, takes one Newton step for the gate, and stops once it is within
1e-8 (relative) of the best log-likelihood, which it is told; it makes no certificate. A pass
over a sample counts as the sample's share of the rows.
"""

from typing import Any, NamedTuple

import numpy as np

from . import workloads
from .harness import Worker
from .text import Table, number

CLOSE = 1e-8  # relative to the best log-likelihood
MOST = 20_000  # passes after which plain EM is stopped


class IllSeparated(NamedTuple):
    """A problem whose experts overlap nearly everywhere."""

    spec: workloads.Spec
    truth: workloads.Truth
    seed: int
    words: str


PROBLEMS = {
    "O1": IllSeparated(
        workloads.Spec(100_000, 1, 2),
        workloads.Truth(
            np.array([[0.2, 0.5], [0.0, 0.0]]),
            np.array([[0.4, 0.6], [-0.4, 0.2]]),
            np.array([0.8, 1.0]),
        ),
        11,
        "two lines at a distance of .8 where deviations are .8 and 1",
    ),
    "O2": IllSeparated(
        workloads.Spec(50_000, 2, 3),
        workloads.Truth(
            np.array([[0.3, 1.0, -0.5], [-0.2, -0.5, 1.0], [0.0, 0.0, 0.0]]),
            np.array([[1.0, 0.8, 0.0], [-1.0, 0.2, 0.6], [0.0, -0.6, -0.6]]),
            np.array([0.7, 0.8, 0.9]),
        ),
        12,
        "three planes through one another",
    ),
    "O3": IllSeparated(
        workloads.Spec(20_000, 1, 3),
        workloads.Truth(
            np.array([[0.0, 1.5], [0.5, 0.0], [0.0, 0.0]]),
            np.array([[1.0, 0.5], [0.0, 0.3], [-1.0, 0.1]]),
            np.array([0.6, 0.7, 0.6]),
        ),
        13,
        "three nearly parallel lines at distances of 1, deviations of .6 and .7",
    ),
}


def make(name: str) -> tuple[workloads.Spec, workloads.Workload]:
    """W7, or one of the problems above."""
    if name == "W7":
        return workloads.SPECS[name], workloads.make(name)
    problem = PROBLEMS[name]
    return problem.spec, workloads.simulate(problem.spec, problem.truth, problem.seed)


def measure(name: str) -> dict[str, Any]:
    """A fit by default from the labels, and plain EM from the same first model."""
    from mixstat import MixtureOfExperts

    spec, (X, y, labels, _) = make(name)
    moe = MixtureOfExperts(spec.n_experts, init=labels).fit(X, y)
    best = moe.result_.log_likelihood
    passes, value = _plain_em(moe, labels, best - CLOSE * abs(best))
    return {
        "cpu": 0.0,
        "n": spec.n,
        "n_experts": spec.n_experts,
        "n_passes": int(moe.result_.n_passes),
        "plain": passes,
        "gap": best - value,
        "certified": moe.status_.name == "CONVERGED",
        "gradient_norm": moe.certificate_.gradient_norm,
    }


def _plain_em(moe: Any, labels: np.ndarray, target: float) -> tuple[int, float]:
    """Passes until the model that a pass evaluates is good enough, and its log-likelihood."""
    import jax

    from mixstat.data import batch as batches
    from mixstat.experts import GaussianExperts
    from mixstat.fitting.starts import one_hot
    from mixstat.gates import SoftmaxGate
    from mixstat.model import Mixture
    from mixstat.numerics import precision
    from mixstat.solvers import StopRule, em, m_step

    objective, k = moe.problem_, moe.n_experts
    q = objective.batch.rows.Z.shape[1]
    null = Mixture(SoftmaxGate().null(k, q), GaussianExperts().null(k, q, 1))
    rule = StopRule(0.0, 0.0, MOST)
    step = jax.jit(lambda p, s: em.advance(p, s, rule, accelerate=False))
    with precision.float64():
        resp = batches.lay_out_like(objective.batch, one_hot(labels, k))
        state = em.begin(m_step.first_model(objective, null, resp))
        while float(state.value) < target and int(state.n_passes) < MOST:
            state = step(objective, state)
    return int(state.n_passes), float(state.value)


def show() -> None:
    """Print the table."""
    table = Table(
        f"Passes to a certified maximum, and of plain EM to {CLOSE:.0e} of it (relative)",
        (
            *(("problem", 8), ("rows", 8), ("experts", 7), ("default", 8), ("plain EM", 8)),
            *(("ratio", 6), ("gradient", 9)),
        ),
    )
    for name in ("W7", *PROBLEMS):
        with Worker() as worker:
            found = worker.measure("passes", name=name)
        sure = f"{found['gradient_norm']:.0e}" if found["certified"] else "no maximum"
        counts = found["n"], found["n_experts"], found["n_passes"], found["plain"]
        table.row(name, *counts, number(found["n_passes"] / found["plain"], 3), sure)
    for name, problem in PROBLEMS.items():
        print(f"{name}: {problem.words}" if name != "O1" else f"\n{name}: {problem.words}")
