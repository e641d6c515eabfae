"""Two hundred sizes of data in one process: how many programs are compiled. Runs in a worker."""

from functools import partial
from typing import Any

import numpy as np

from . import workloads
from .clocks import timed
from .compiled import counted
from .harness import Worker
from .text import Table, number

SIZES, LEAST, MOST = 200, 100, 100_000
STARTS = ("labels", "default")
SPEC = workloads.Spec(MOST, 1, 2)


def measure(sizes: int = SIZES) -> dict[str, Any]:
    """Fit the first n rows for each size, from labels and from the default starts."""
    from mixstat import MixtureOfExperts

    X, y, labels, _ = workloads.simulate(SPEC, workloads.ONE_INPUT[2], seed=1)
    each = np.unique(np.geomspace(LEAST, MOST, sizes).round().astype(int))

    def fits(start: str) -> int:
        certified = 0
        for n in each:
            init = labels[:n] if start == "labels" else "auto"
            moe = MixtureOfExperts(SPEC.n_experts, init=init, n_init=2, random_state=0)
            certified += bool(moe.fit(X[:n], y[:n]).converged_)
        return certified

    found: dict[str, Any] = {"cpu": 0.0, "fits": len(each)}
    with counted() as compiled:
        for start in STARTS:
            before = len(compiled)
            certified, spent = timed(partial(fits, start))
            found[start] = {
                **spent._asdict(),
                "certified": certified,
                "programs": len(compiled) - before,
            }
    return found


def show() -> None:
    """Print the table."""
    with Worker() as worker:
        found = worker.measure("shapes")
    table = Table(
        f"{SIZES} sizes of data from {LEAST} to {MOST:,} rows in one process, 2 experts",
        (("start", 8), ("fits", 6), ("certified", 9), ("programs", 8), ("CPU s", 8)),
    )
    for start in STARTS:
        one = found[start]
        cpu = number(one["cpu"], 1)
        table.row(start, found["fits"], one["certified"], one["programs"], cpu)
    print("\nprograms: compiled in all, the second line on top of the first; default: two starts")
