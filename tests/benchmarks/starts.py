"""Five hundred starts at once beside as many fits, one after the other. Runs in a worker."""

from typing import Any

import numpy as np

from . import workloads
from .clocks import Spent, timed
from .harness import Worker
from .text import Table, number, span

STARTS, ROUNDS = 500, 3
SPEC = workloads.Spec(1_000, 1, 3)


def measure(n_starts: int = STARTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Both, warm, in turns; and how far a start's log-likelihoods are apart."""
    from mixstat import MixtureOfExperts

    X, y, _, _ = workloads.simulate(SPEC, workloads.ONE_INPUT[3], seed=2)
    together = MixtureOfExperts(SPEC.n_experts, n_init=n_starts, random_state=0)
    first = timed(lambda: together.fit(X, y))[1]
    made = _starts(X, y, n_starts)
    values = np.empty(n_starts)
    passes = np.empty(n_starts, int)

    def singles() -> None:
        for i, resp in enumerate(made):
            moe = MixtureOfExperts(SPEC.n_experts, init=resp).fit(X, y)
            values[i], passes[i] = moe.log_likelihood_, moe.result_.n_passes

    MixtureOfExperts(SPEC.n_experts, init=made[0]).fit(X, y)
    times: dict[str, list[Spent]] = {"together": [], "single": []}
    for _ in range(rounds):
        times["single"].append(timed(singles)[1])
        times["together"].append(timed(lambda: together.fit(X, y))[1])
    table = together.starts_
    apart = np.abs(table["log_likelihood"] - values)
    same = np.isfinite(apart) & (apart < 1e-8)
    done = table["status"] == "CONVERGED"
    return {
        "cpu": 0.0,
        "compile_cpu": first.cpu - min(t.cpu for t in times["together"]),
        **{name: [t.cpu for t in each] for name, each in times.items()},
        "wall": {name: min(t.wall for t in each) for name, each in times.items()},
        "n_starts": n_starts,
        "passes": {"together": int(table["n_passes"].sum()), "single": int(passes.sum())},
        "certified": int(done.sum()),
        "same": int(same.sum()),
        "largest_same": float(apart[same].max(initial=0.0)),
        "apart": [
            {
                "start": int(i),
                "status": str(table["status"][i]),
                "together": float(table["log_likelihood"][i]),
                "single": float(values[i]),
            }
            for i in np.flatnonzero(~same)
        ],
        "best_apart": float(abs(together.log_likelihood_ - np.nanmax(values))),
    }


def _starts(X: np.ndarray, y: np.ndarray, n_starts: int) -> list[np.ndarray]:
    """Responsibilities that the estimator makes for itself, in the order of the rows."""
    from mixstat import MixtureOfExperts
    from mixstat.estimators import fitting

    made: list[np.ndarray] = []
    original = fitting.made_starts

    def record(settings: Any, sample: Any, k: int, seed: int) -> list[Any]:
        found = original(settings, sample, k, seed)
        place = np.empty(len(y), int)
        place[np.argsort(y)] = np.argsort(sample.y[:, 0])  # no two responses are the same
        made.extend(one.responsibilities[place] for one in found)
        return found

    fitting.made_starts = record
    try:
        MixtureOfExperts(SPEC.n_experts, n_init=n_starts, random_state=0).fit(X, y)
    finally:
        fitting.made_starts = original
    return made


def show() -> None:
    """Print the table."""
    with Worker() as worker:
        found = worker.measure("starts")
    table = Table(
        f"{STARTS} starts, {SPEC.n:,} rows, {SPEC.n_experts} experts (one core; warm, best)",
        (("", 24), ("CPU s", 7), ("wall s", 7), ("passes", 7), ("ms a start", 10)),
    )
    for name, words in (("single", "fits one by one"), ("together", f"n_init={STARTS}")):
        cpu = min(found[name])
        each = number(1e3 * cpu / STARTS)
        table.row(words, number(cpu), number(found["wall"][name]), found["passes"][name], each)
    ratios = [one / all_ for one, all_ in zip(found["single"], found["together"], strict=True)]
    print(
        f"\none by one over together: {span(ratios, 1)} (CPU); compile apart, "
        f"{found['compile_cpu']:.1f} s"
    )
    print(
        f"{found['same']} of {STARTS} starts end at the same log-likelihood "
        f"(largest difference {found['largest_same']:.0e}); {found['certified']} certified together"
    )
    for one in found["apart"][:20]:
        alone, status = f"{one['single']:.9f}", one["status"]
        print(f"  start {one['start']}: {one['together']:.9f} ({status}), alone {alone}")
