"""Answers about rows, a million and one, beside the plain formula in NumPy. Runs in a worker."""

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import workloads
from .clocks import timed
from .harness import Worker
from .text import Table, number, span

SPEC = workloads.Spec(1_000_000, 10, 4)
TRAINED = 3_000  # rows of the fit, which need not be a good one
CALLS, REPEATS = 300, 7  # for one row
# of other models, what a prediction of one row costs
OTHERS: dict[str, dict[str, Any]] = {
    "expert='t'": {"expert": "t"},
    "expert='poisson'": {"expert": "poisson"},
    "degree=2": {"degree": 2},
    "gate='gaussian'": {"gate": "gaussian"},
    "gate='activation'": {"gate": "activation"},
}


class Plain(NamedTuple):
    """The formulas as one writes them down: whole tables, and nothing checked."""

    gate: np.ndarray
    coef: np.ndarray
    scale: np.ndarray

    def log_gate(self, X: np.ndarray) -> np.ndarray:
        """Logs of shares."""
        logits = self.gate[:, 0] + X @ self.gate[:, 1:].T
        fall = logits - logits.max(axis=1, keepdims=True)
        return fall - np.log(np.exp(fall).sum(axis=1, keepdims=True))

    def gate_proba(self, X: np.ndarray) -> np.ndarray:
        """Shares."""
        logits = self.gate[:, 0] + X @ self.gate[:, 1:].T
        power = np.exp(logits - logits.max(axis=1, keepdims=True))
        return power / power.sum(axis=1, keepdims=True)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Means."""
        return np.sum(self.gate_proba(X) * (self.coef[:, 0] + X @ self.coef[:, 1:].T), axis=1)

    def log_joint(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Logs of share times density."""
        z = (y[:, None] - self.coef[:, 0] - X @ self.coef[:, 1:].T) / self.scale
        return self.log_gate(X) - 0.5 * z**2 - np.log(self.scale) - 0.5 * np.log(2 * np.pi)

    def score_samples(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Log densities."""
        joint = self.log_joint(X, y)
        top = joint.max(axis=1, keepdims=True)
        return top[:, 0] + np.log(np.exp(joint - top).sum(axis=1))

    def responsibilities(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Probabilities of the experts given x and y."""
        joint = self.log_joint(X, y)
        power = np.exp(joint - joint.max(axis=1, keepdims=True))
        return power / power.sum(axis=1, keepdims=True)


QUESTIONS = ("predict", "gate_proba", "score_samples", "responsibilities")


def measure(n: int = SPEC.n, rounds: int = 5) -> dict[str, Any]:
    """Both, warm, in turns; and one row by itself."""
    from mixstat import MixtureOfExperts

    spec = SPEC._replace(n=n)
    X, y, labels, _ = workloads.simulate(spec, workloads.random_truth(spec, seed=3), seed=4)
    few, start = slice(TRAINED), labels[:TRAINED]

    def fitted(response: np.ndarray, **settings: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            moe = MixtureOfExperts(spec.n_experts, init=start, max_iter=5, **settings)
            return moe.fit(X[few], response[few])

    moe = fitted(y)
    plain = Plain(moe.gate_coef_, moe.expert_coef_, moe.scale_)
    answers = {}
    for question in QUESTIONS:
        tables = (X, y) if question in QUESTIONS[2:] else (X,)
        pair = tuple(getattr(one, question) for one in (moe, plain))
        answers[question] = _in_turns(pair, tables, rounds)
    models = {"": (moe, y)}
    counts = np.random.default_rng(0).poisson(2.0, len(y)).astype(float)
    for name, settings in OTHERS.items():
        response = counts if "poisson" in name else y
        models[name] = (fitted(response, **settings), response)
    alone = {
        name: {q: _one_row(getattr(one, q), (X, response), q) for q in QUESTIONS}
        for name, (one, response) in models.items()
    }
    return {"cpu": 0.0, "rows": n, "answers": answers, "one_row": alone}


def _in_turns(pair: tuple[Callable, ...], tables: tuple[np.ndarray, ...], rounds: int) -> Any:
    """CPU seconds of the package and of the formula, and how far they are apart."""
    found = [function(*tables) for function in pair]
    cpu = [[timed(lambda f=f: f(*tables))[1].cpu for f in pair] for _ in range(rounds)]
    return {
        "mixstat": [one for one, _ in cpu],
        "plain": [other for _, other in cpu],
        "apart": float(np.max(np.abs(found[0] - found[1]))),
    }


def _one_row(function: Callable, tables: tuple[np.ndarray, ...], question: str) -> float:
    """CPU milliseconds of a call, best of several rounds of many."""
    rows = [table[:1] for table in tables[: 1 + (question in QUESTIONS[2:])]]
    best = np.inf
    for _ in range(REPEATS):
        before = time.process_time()
        for _ in range(CALLS):
            function(*rows)
        best = min(best, (time.process_time() - before) / CALLS)
    return 1e3 * best


def show() -> None:
    """Print the tables."""
    with Worker() as worker:
        found = worker.measure("predict")
    table = Table(
        f"{found['rows']:,} rows, {SPEC.d} inputs, {SPEC.n_experts} Gaussian experts (one core; "
        "warm, best)",
        (("", 16), ("CPU s", 7), ("NumPy s", 7), ("ratio", 5), ("spread", 10), ("apart", 5)),
    )
    for question, one in found["answers"].items():
        ratios = [a / b for a, b in zip(one["mixstat"], one["plain"], strict=True)]
        cpu, plain = min(one["mixstat"]), min(one["plain"])
        table.row(
            *(question, number(cpu, 3), number(plain, 3), number(cpu / plain)),
            *(span(ratios), f"{one['apart']:.0e}"),
        )
    print("\nratio: over the plain formula of the same round; apart: largest difference")
    table = Table("One row, ms of a call", (("", 17), *((q, 16) for q in QUESTIONS)))
    for name, each in found["one_row"].items():
        table.row(name or "by default", *(number(each[q], 3) for q in QUESTIONS))
