"""Forty fits of simulated data at the stopping rule of a published simulation.

The truth is that of Nguyen, Nguyen and Ho (2023, arXiv:2305.03288): two lines, chosen by a steep
logistic gate, fitted by three experts. EM starts beside the truth, takes the gate's M-step to its
maximum (relative change 1e-7), and stops when the log-likelihood changes by less than 1e-6 of
itself. Data and starts follow the recipe of the recorded runs. Runs in a worker.
"""

from functools import partial
from typing import Any

import numpy as np

from . import reference_em
from .clocks import timed
from .harness import Worker
from .text import Table, number, span

N, K, REPLICATES = 10_000, 3, 40
TRUE_GATE = np.array([[-8.0, 25.0], [0.0, 0.0]])
TRUE_COEF = np.array([[15.0, -20.0], [-5.0, 20.0]])
TRUE_DEVIATION = np.array([0.3, 0.4])
STOP, GATE_TOL, MAX_ITER = 1e-6, 1e-7, 2000
# the maximum over three experts need not exist without limits: on constants and slopes of the
# gate, on those of the experts, and on deviations
BOX = ((-20.0, 20.0), (-60.0, 60.0), (-40.0, 40.0), (-40.0, 40.0), (0.05, 3.0))

RECORDED = 6.5  # CPU seconds of the published R and C++ code, one core of another day

Start = tuple[np.ndarray, np.ndarray, np.ndarray]


def simulate(s: int, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Data set number ``s``: an even grid, and which line by the gate."""
    x = np.linspace(0, 1, n)
    random = np.random.default_rng([20230515, n, s])
    u, e = random.random(n), random.standard_normal(n)
    first = u < 1 / (1 + np.exp(-(TRUE_GATE[0, 0] + TRUE_GATE[0, 1] * x)))
    lines = TRUE_COEF @ np.stack([np.ones(n), x])
    return x[:, None], np.where(first, *(lines + TRUE_DEVIATION[:, None] * e))


def start(s: int, n: int = N, n_experts: int = K) -> Start:
    """Its start: every atom copies a true one, all of which are used, the reference last."""
    random = np.random.default_rng([7, n, s, n_experts])
    labels = np.zeros(n_experts, int)
    while len(set(labels)) < 2:
        labels = random.integers(0, 2, n_experts)
        labels[-1] = 1
    truth = TRUE_GATE, TRUE_COEF, TRUE_DEVIATION
    gate, coef, variance = (np.take(part, labels, axis=0) for part in truth)
    for k in range(n_experts):
        if k < n_experts - 1:
            gate[k] += random.normal(0, 0.005 * n**-0.083)
        coef[k] += random.normal(0, 0.05 * n**-0.083)
        variance[k] += abs(random.normal(0, 0.005 * n**-0.25))
    return gate, coef, np.sqrt(variance)


def measure(rounds: int = 5) -> dict[str, Any]:
    """The NumPy loop and the same rule by mixstat in turns, then certified fits; all warm."""
    data, starts = [simulate(s) for s in range(REPLICATES)], [start(s) for s in range(REPLICATES)]
    ours = Ours(data, starts)
    loop = partial(run_loop, data, starts)
    first = timed(ours.same_rule)[1], timed(ours.certified)[1]
    cpu: dict[str, list[float]] = {"loop": [], "same": [], "certified": [], "layout": []}
    laid_out = timed(ours.lay_out)[1].cpu
    for _ in range(rounds):
        ends, spent = timed(loop)
        cpu["loop"].append(spent.cpu)
        same, spent = timed(ours.same_rule)
        cpu["same"].append(spent.cpu)
    for _ in range(2):
        sure, spent = timed(ours.certified)
        cpu["certified"].append(spent.cpu)
    values = [reference_em.mean_log_likelihood(*d, *e[:3]) for d, e in zip(data, ends, strict=True)]
    return {
        "cpu": 0.0,
        "seconds": cpu,
        "layout": laid_out,
        "compile": {
            "same": first[0].cpu - min(cpu["same"]),
            "certified": first[1].cpu - min(cpu["certified"]),
        },
        "iterations": {
            "loop": [end.n_passes for end in ends],
            "same": same.table["n_iter"].tolist(),
            "certified": sure.table["n_passes"].tolist(),
        },
        "apart": float(np.max(np.abs(same.table["log_likelihood"] - values))),
        "certified": int(sure.certified.sum()),
        "gradient_norm": float(sure.table["gradient_norm"].max()),
        "least_gain": float(np.min(sure.table["log_likelihood"] - values)),
    }


def run_loop(
    data: list[tuple[np.ndarray, np.ndarray]], starts: list[Start]
) -> list[reference_em.Fit]:
    rule = {"tol": STOP, "gate_tol": GATE_TOL, "max_iter": MAX_ITER}
    return [reference_em.fit_from(*d, s, **rule) for d, s in zip(data, starts, strict=True)]


class Ours:
    """The same by mixstat, on tables laid out before the clock starts."""

    def __init__(self, data: list[tuple[np.ndarray, np.ndarray]], starts: list[Start]) -> None:
        from mixstat.experts import GaussianExperts
        from mixstat.gates import SoftmaxGate
        from mixstat.model import Mixture
        from mixstat.objective import objective
        from mixstat.rates.box import Box

        self._data = data
        self._models = [
            Mixture(
                SoftmaxGate(gate[:-1]),
                GaussianExperts(
                    coef[:, None], np.log(sigma)[:, None], np.zeros((len(coef), 0)), "full"
                ),
            )
            for gate, coef, sigma in starts
        ]
        self.lay_out()
        self._objective = objective.make(self._models[0], self._batches[0], min_scale=1e-12)
        self._boxed = Box(*BOX).within(self._objective)

    def lay_out(self) -> None:
        from mixstat.data import batch as batches
        from mixstat.fitting.tables import table_width
        from mixstat.numerics import precision

        n_experts = self._models[0].n_experts
        width = table_width(3 * n_experts - 1, 2, 2)
        with precision.float64():
            self._batches = []
            for X, y in self._data:
                Z = np.c_[np.ones(len(X)), X]
                one = batches.build(Z, Z, y[:, None], width=width, compact=True)
                self._batches.append(one)

    def same_rule(self) -> Any:
        from mixstat.fitting.batch_of_fits import fit_many
        from mixstat.solvers import EM, StopRule

        rule = StopRule(0.0, STOP, MAX_ITER, gate=GATE_TOL)
        solver = EM(accelerate=False, exact_gate=True, stop=rule)
        return fit_many(
            self._objective,
            self._models,
            data=self._batches,
            solver=solver,
            max_iter=MAX_ITER,
            lasting=True,
        )

    def certified(self) -> Any:
        from mixstat.fitting.batch_of_fits import fit_many

        return fit_many(self._boxed, self._models, data=self._batches, max_iter=MAX_ITER)


def show() -> None:
    """Print the table."""
    with Worker() as worker:
        found = worker.measure("replicates")
    table = Table(
        f"{REPLICATES} replicates, {N:,} rows, {K} experts for a truth of two "
        "(CPU seconds in all, one core; warm, best of rounds)",
        (("", 34), ("CPU s", 7), ("steps", 6), ("ratio", 12), ("compile s", 9)),
    )
    seconds, steps = found["seconds"], found["iterations"]
    table.row("R and C++ code, recorded", number(RECORDED), None, None, None)
    table.row("NumPy loop", number(min(seconds["loop"])), sum(steps["loop"]), "1", None)
    ratio = span(a / b for a, b in zip(seconds["same"], seconds["loop"], strict=True))
    compile_ = {name: number(value) for name, value in found["compile"].items()}
    own = number(min(seconds["same"]))
    table.row("fit_many, same rule", own, sum(steps["same"]), ratio, compile_["same"])
    sure = number(min(seconds["certified"]))
    told = f"fit_many, {found['certified']} of {REPLICATES} certified"
    table.row(told, sure, sum(steps["certified"]), None, compile_["certified"])
    equal = sum(a == b for a, b in zip(steps["loop"], steps["same"], strict=True))
    print(
        f"\nratio: over the NumPy loop of the same round; laying out the tables takes "
        f"{found['layout']:.3f} s more\nsame rule: iteration counts equal in {equal} of "
        f"{REPLICATES}, values to {found['apart']:.0e}\ncertified: gradient at most "
        f"{found['gradient_norm']:.0e}, within the box (gate constants 20, gate slopes 60, expert "
        "coefficients 40, deviations .05 to 3)"
    )
