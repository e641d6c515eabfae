"""A bootstrap as one batch beside fits by default, one for each draw. Runs in a worker."""

from typing import Any

import numpy as np

from . import workloads
from .clocks import timed
from .harness import Worker
from .text import Table, number

DRAWS, SINGLES = 1_000, 25
SPEC = workloads.Spec(1_000, 1, 2)
SAME = 1e-6


def measure(n_draws: int = DRAWS, singles: int = SINGLES) -> dict[str, Any]:
    """Both, warm; and how far estimates of the same weights are apart."""
    from mixstat import MixtureOfExperts
    from mixstat.fitting.refits import refit
    from mixstat.inference import Bootstrap
    from mixstat.inference.covariances.resampling import of_rows

    X, y, _, _ = workloads.simulate(SPEC, workloads.ONE_INPUT[2], seed=2)
    moe = MixtureOfExperts(SPEC.n_experts, random_state=0).fit(X, y)
    kind = Bootstrap(n_draws, random_state=0)
    first = timed(lambda: moe.inference(cov_type=kind))[1]
    together = timed(lambda: moe.inference(cov_type=kind))[1]
    weights = of_rows(np.ones(len(y)), singles, np.random.default_rng(1))
    estimate = moe.inference().estimate
    draws = estimate.in_user_units(refit(moe.fit_, weights).vectors)
    found: list[np.ndarray] = []

    def one_by_one() -> None:
        for weight in weights:
            again = MixtureOfExperts(SPEC.n_experts, random_state=0)
            found.append(again.fit(X, y, sample_weight=weight).params)

    MixtureOfExperts(SPEC.n_experts, random_state=0).fit(X, y, sample_weight=weights[0])
    apart = timed(one_by_one)[1]
    gaps = np.max(np.abs(np.array(found) - draws) / (1 + np.abs(draws)), axis=1)
    return {
        "cpu": 0.0,
        "compile_cpu": first.cpu - together.cpu,
        "together": together.cpu / n_draws,
        "single": apart.cpu / singles,
        "wall": {"together": together.wall, "single": apart.wall / singles * n_draws},
        "n_draws": n_draws,
        "singles": singles,
        "same": int(np.sum(gaps < SAME)),
        "largest": float(gaps.max()),
    }


def show() -> None:
    """Print the table."""
    with Worker() as worker:
        found = worker.measure("bootstrap")
    table = Table(
        f"{found['n_draws']:,} draws, {SPEC.n:,} rows, {SPEC.n_experts} experts (one core; warm)",
        (("", 28), ("ms a draw", 10), ("CPU s in all", 12)),
    )
    for name, words in (
        ("single", f"fits by default ({found['singles']} taken)"),
        ("together", "Bootstrap, one batch"),
    ):
        each = found[name]
        table.row(words, number(1e3 * each), number(each * found["n_draws"]))
    ratio = found["single"] / found["together"]
    print(
        f"\none by one over together: {ratio:.0f} (CPU); compile apart, "
        f"{found['compile_cpu']:.1f} s"
    )
    print(
        f"{found['same']} of {found['singles']} draws have the estimates of a fit by default "
        f"(largest relative difference {found['largest']:.0e})"
    )
