"""The bootstrap test of one expert more: its size, its power, and what a draw costs."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .clocks import timed
from .harness import Worker
from .kept import Kept
from .text import Table, number

DRAWS, ROWS = 999, 900
WARM = 128  # draws of the call that compiles
LEVEL, FEW_DRAWS = 0.05, 19  # so few draws suffice for a test of this level, at a loss of power
SIZES = ((1, 200), (2, 300))  # experts of the hypothesis, and rows
DISTANCES = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0)  # of the two lines, in deviations
COUNT, FULL_COUNT, FULL_NULLS = 20, 200, 1_000  # data sets
BLOCK = 20  # of them that are kept together
SEARCHED = 20  # draws that are searched longer
HIGHER = 1e-3  # difference of statistics that counts

Sample = tuple[np.ndarray, np.ndarray]


def sample(n_experts: int, n: int, distance: float, seed: int) -> Sample:
    """Lines six deviations apart, of which the lowest is two lines at a distance."""
    random = np.random.default_rng([n_experts, n, seed])
    x = random.uniform(-1, 1, n)
    line = random.integers(n_experts, size=n)
    apart = np.where(line == 0, distance * (random.integers(2, size=n) - 0.5), 0.0)
    return x[:, None], x + 6.0 * line + apart + random.standard_normal(n)


def rejections(n_experts: int, n: int, distance: float, seeds: range) -> int:
    """Data sets in which the number of experts is rejected at the level.

    A test ends with the first draw that is as large as the data, since its p-value is above then.
    """
    from mixstat import MixtureOfExperts
    from mixstat.selection import bootstrap_test

    moe = MixtureOfExperts(gate_degree=0, n_init=4)
    rejected = 0
    for seed in seeds:
        X, y = sample(n_experts, n, distance, seed)
        settings = {"n_draws": FEW_DRAWS, "stop_after": 1, "random_state": seed}
        test = bootstrap_test(X, y, n_experts=n_experts, estimator=moe, **settings)
        rejected += test.pvalue <= LEVEL + 1e-9
    return rejected


def measure(n_draws: int = DRAWS, *, search: bool = False) -> dict[str, Any]:
    """A test of two against three experts, warm, or longer searches of its draws. In a worker."""
    if search:
        return _searched(n_draws)
    from mixstat import MixtureOfExperts
    from mixstat.selection import bootstrap_test

    X, y = sample(2, ROWS, 0.0, seed=0)
    moe = MixtureOfExperts(gate_degree=0)
    settings: dict[str, Any] = {"n_experts": 2, "estimator": moe}
    first = timed(lambda: bootstrap_test(X, y, n_draws=WARM, **settings))[1]
    test, spent = timed(lambda: bootstrap_test(X, y, n_draws=n_draws, **settings))
    numbers = {"certified": test.n_certified, "zero": test.n_zero, "left_out": test.n_inadmissible}
    return {"cpu": spent.cpu, "wall": spent.wall, "first": first.cpu, "n_draws": n_draws, **numbers}


def _searched(n_draws: int) -> dict[str, Any]:
    """Statistics of draws beside those of fits by default."""
    from mixstat import MixtureOfExperts
    from mixstat.fitting.draws import draw_responses
    from mixstat.selection import bootstrap_test
    from mixstat.selection.ratio_table import BLOCK

    X, y = sample(2, ROWS, 0.0, seed=0)
    moe = MixtureOfExperts(gate_degree=0)
    test = bootstrap_test(X, y, n_experts=2, estimator=moe, n_draws=n_draws)
    seed = int(np.random.RandomState(0).randint(2**31))
    drawn = draw_responses(test.null.fit_, BLOCK, np.random.default_rng([seed, 0, 0]))
    longer = [_statistic(X, y[:, 0]) for y in drawn[:n_draws]]
    return {"cpu": 0.0, "draws": list(test.draws), "longer": longer}


def _statistic(X: np.ndarray, y: np.ndarray) -> float:
    from mixstat import MixtureOfExperts

    fits = [MixtureOfExperts(k, gate_degree=0, random_state=0).fit(X, y) for k in (2, 3)]
    return 2 * len(y) * (fits[1].log_likelihood_ - fits[0].log_likelihood_)


def show(*, full: bool, keep: Path | None = None) -> None:
    """Print the tables, a line at a time; ``keep`` is a folder for what is finished."""
    _show_time()
    _show_search()
    _show_size(Kept(keep), full=full)


def _show_time() -> None:
    with Worker() as worker:
        found = worker.measure("ratio")
    n = found["n_draws"]
    print(
        f"\n{n} draws, {ROWS} rows, two experts against three: {found['cpu']:.0f} CPU s on one "
        f"core, {1e3 * found['cpu'] / n:.0f} ms a draw (compiled before: the first {WARM} draws "
        f"took {found['first']:.0f} s)\n{found['certified']} with both refits certified, "
        f"{found['zero']} where no maximum with three experts counts, {found['left_out']} left out"
    )


def _show_search() -> None:
    with Worker() as worker:
        found = worker.measure("ratio", n_draws=SEARCHED, search=True)
    draws, longer = np.array(found["draws"]), np.array(found["longer"])
    print(
        f"{len(draws)} draws beside fits by default: higher in {np.sum(draws > longer + HIGHER)}, "
        f"lower in {np.sum(draws < longer - HIGHER)}; mean statistic {draws.mean():.2f} and "
        f"{longer.mean():.2f}"
    )


def _show_size(kept: Kept, *, full: bool) -> None:
    table = Table(
        f"Rejected at {LEVEL:g} with {FEW_DRAWS} draws, by the distance of two lines in deviations",
        (("experts", 7), ("rows", 5), ("distance", 8), ("data sets", 9), ("rejected", 8), ("%", 5)),
    )
    for n_experts, n in SIZES:
        for distance in DISTANCES:
            count = COUNT if not full else FULL_COUNT if distance else FULL_NULLS
            rejected = 0
            for first in range(0, count, BLOCK):
                counted = partial(rejections, n_experts, n, distance, range(first, first + BLOCK))
                rejected += kept(f"ratio {n_experts} {n} {distance} {first}", counted)
            share = number(100 * rejected / count, 1)
            table.row(n_experts, n, distance, count, rejected, share)
