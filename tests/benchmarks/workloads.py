"""The workloads that every tool is timed on: data made from a seed, and the common start.

The order of the draws is part of the definition: W1 to W6 share one stream of random numbers,
so that making W3 draws W1 and W2 first. W7 has a stream of its own.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

MISLABELLED = 0.2  # share of the true labels that the common start draws anew


class Spec(NamedTuple):
    """Size of a workload, and what is known about its solution."""

    n: int
    d: int
    n_experts: int
    classes: int = 0  # of the response; 0 means a real response
    best: float | None = None  # mean log-likelihood on which independent tools agree
    rounds: int = 3  # timed fits of each tool


SPECS = {
    "W1": Spec(2_000, 1, 2, best=-1.175990473, rounds=9),
    "W2": Spec(100_000, 1, 2, best=-1.159653503, rounds=5),
    "W3": Spec(100_000, 10, 4, best=-1.362638409),
    "W4": Spec(1_000_000, 1, 3, best=-1.062118533, rounds=2),
    "W5": Spec(50_000, 50, 8, best=-1.744762842, rounds=1),
    "W6": Spec(20_000, 2, 2, classes=3, best=-0.784787885, rounds=5),
    "W7": Spec(100_000, 1, 2),  # the size of W2, with experts that overlap: slow EM
}
QUICK = ("W1", "W2", "W3", "W6", "W7")
FULL = ("W1", "W2", "W3", "W4", "W5", "W6", "W7")


class Truth(NamedTuple):
    """Parameters that made the data; the constant comes first."""

    gate: np.ndarray  # (K, p), the last row zero
    coef: np.ndarray  # (K, p), or (K, classes, p)
    sigma: np.ndarray  # (K,), or empty with classes

    @property
    def classes(self) -> int:
        """Classes of the response; 0 means a real one."""
        return 0 if self.sigma.size else self.coef.shape[1]


class Workload(NamedTuple):
    """Data, the labels every tool starts from, and the truth."""

    X: np.ndarray  # (n, d)
    y: np.ndarray  # (n,)
    labels: np.ndarray  # (n,) integers: the true expert, a fifth of them drawn anew
    truth: Truth


ONE_INPUT = {
    2: Truth(
        np.array([[0.5, 2.0], [0.0, 0.0]]),
        np.array([[1.0, 2.0], [-1.0, -1.0]]),
        np.array([0.5, 0.7]),
    ),
    3: Truth(
        np.array([[-0.5, -2.0], [0.3, 2.0], [0.0, 0.0]]),
        np.array([[2.0, 1.5], [-1.0, 1.0], [0.0, -1.5]]),
        np.array([0.5, 0.4, 0.7]),
    ),
}
OVERLAPPING = Truth(
    np.array([[0.3, 0.8], [0.0, 0.0]]),
    np.array([[0.5, 1.0], [-0.3, 0.2]]),
    np.array([0.7, 1.0]),
)
THREE_CLASSES = Truth(
    np.array([[0.5, 2.5, 0.0], [0.0, 0.0, 0.0]]),
    np.array(
        [
            [[0.0, 0.0, 0.0], [0.5, 1.0, 3.0], [-0.5, -1.0, -2.0]],
            [[0.0, 0.0, 0.0], [-0.5, 0.5, -3.0], [1.0, 2.0, 2.0]],
        ]
    ),
    np.empty(0),
)


def make(name: str) -> Workload:
    """The workload ``name``, the same on every machine."""
    for made, workload in _stream(name):
        if made == name:
            return workload
    raise ValueError(f"name must be one of {', '.join(SPECS)}, got {name!r}.")


def simulate(spec: Spec, truth: Truth, seed: int) -> Workload:
    """Other data of the same kind."""
    return _draw(spec, lambda _: truth, np.random.default_rng(seed))


def random_truth(spec: Spec, seed: int) -> Truth:
    """Parameters for several inputs."""
    return _truth("", spec, np.random.default_rng(seed))


def save(name: str, folder: Path, rows: int | None = None) -> Path:
    """Write ``name``, or its first rows, for the worker processes, once; returns the file."""
    path = folder / f"{name}{'' if rows is None else f'_{rows}'}.npz"
    if not path.exists():
        made = make(name)
        table = {"X": made.X[:rows], "y": made.y[:rows], "labels": made.labels[:rows]}
        np.savez(path, **table, **made.truth._asdict())
    return path


def load(path: Path | str) -> Workload:
    """Read what :func:`save` wrote."""
    with np.load(path) as file:
        truth = Truth(file["gate"], file["coef"], file["sigma"])
        return Workload(file["X"], file["y"], file["labels"], truth)


def _stream(name: str) -> Iterator[tuple[str, Workload]]:
    random = np.random.default_rng(0)
    for made in ("W7",) if name == "W7" else tuple(SPECS)[:-1]:
        spec = SPECS[made]
        yield made, _draw(spec, partial(_truth, made, spec), random)


def _draw(
    spec: Spec, make_truth: Callable[[np.random.Generator], Truth], random: np.random.Generator
) -> Workload:
    X = random.standard_normal((spec.n, spec.d))
    features = np.c_[np.ones(spec.n), X]
    truth = make_truth(random)
    logits = features @ truth.gate.T
    expert = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    if spec.classes:
        utility = np.einsum("np,ncp->nc", features, truth.coef[expert])
        y = (utility + random.gumbel(size=utility.shape)).argmax(axis=1).astype(float)
    else:
        mean = (features * truth.coef[expert]).sum(axis=1)
        y = mean + truth.sigma[expert] * random.standard_normal(spec.n)
    anew = random.random(spec.n) < MISLABELLED
    labels = np.where(anew, random.integers(0, spec.n_experts, spec.n), expert)
    return Workload(X, y, labels, truth)


def _truth(name: str, spec: Spec, random: np.random.Generator) -> Truth:
    k, d = spec.n_experts, spec.d
    if spec.classes:
        return THREE_CLASSES
    if name == "W7":
        return OVERLAPPING
    if d == 1:
        return ONE_INPUT[k]
    gate = random.standard_normal((k, d + 1)) * 2 / np.sqrt(d)
    gate[-1] = 0.0
    coef = random.standard_normal((k, d + 1)) * (1.0 if d <= 10 else 0.5)
    return Truth(gate, coef, random.uniform(0.4, 0.9, k))
