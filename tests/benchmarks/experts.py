"""How many experts: how often BIC is right, and how often the bound is, and how much it says."""

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from .kept import Kept
from .text import Table, number

BLOCK = 20  # data sets that are kept together
COUNT, FULL_COUNT = 20, 200  # data sets of a row, but for those of one expert under the bound
FULL_NULLS = 2_000 // 3 + 1  # of each family
FULL_CHOICES = 67  # of each number of experts among which BIC chooses

MOST = 3  # experts of the truths among which BIC chooses, of which there is one more
ROWS, APART = 500, 4.0  # of these truths, in deviations of the noise
FEW, MORE = 60, 200  # rows under the bound, of one expert and of two
DISTANCES = (2.0, 2.5, 3.0, 3.5, 4.5)

Sample = tuple[np.ndarray, np.ndarray]


def lines(k: int, seed: int) -> Sample:
    """Lines of random slopes under a random softmax gate, in the order of their heights."""
    random = np.random.default_rng([ROWS, k, seed])
    x = random.uniform(-1, 1, ROWS)
    logits = random.normal(size=k) + np.outer(x, random.normal(size=k))
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    share = 0.1 + (1 - 0.1 * k) * share / share.sum(axis=1, keepdims=True)  # none is rare
    label = (random.random((ROWS, 1)) > np.cumsum(share, axis=1)).sum(axis=1).clip(0, k - 1)
    slope = random.normal(size=k)
    return x[:, None], APART * label + slope[label] * x + random.standard_normal(ROWS)


def one(family: str, seed: int) -> Sample:
    """One expert."""
    random = np.random.default_rng([FEW, seed])
    x = random.uniform(-1, 1, FEW)
    y = {
        "gaussian": lambda: x + random.standard_normal(FEW),
        "poisson": lambda: random.poisson(np.exp(1 + x)).astype(float),
        "gamma": lambda: random.gamma(2.0, np.exp(x) / 2),
    }[family]()
    return x[:, None], y


def two(distance: float, seed: int) -> Sample:
    """Two parallel lines at a distance, in deviations."""
    random = np.random.default_rng([MORE, seed])
    x = random.uniform(-1, 1, MORE)
    apart = distance * (random.integers(2, size=MORE) - 0.5)
    return x[:, None], x + apart + random.standard_normal(MORE)


def chosen(k: int, seeds: range) -> list[int]:
    """The numbers that BIC chooses, among regular fits by default."""
    from mixstat import MixtureOfExperts
    from mixstat.selection import select

    numbers = []
    for seed in seeds:
        grid = select(
            *lines(k, seed),
            n_experts=range(1, MOST + 2),
            estimator=MixtureOfExperts(random_state=seed),
        )
        numbers.append(int(grid.best_params_["n_experts"]))
    return numbers


def bounds(make: Callable[[int], Sample], family: str, seeds: range) -> list[int]:
    """The least number of experts that is stated, of one and two."""
    from mixstat import MixtureOfExperts
    from mixstat.selection import fewest_experts

    moe = MixtureOfExperts(expert=family, gate_degree=0, n_init=2)
    return [
        fewest_experts(*make(seed), estimator=moe, most=2, random_state=seed).bound
        for seed in seeds
    ]


def show(*, full: bool, keep: Path | None = None) -> None:
    """Print the tables, a line at a time; ``keep`` is a folder for what is finished."""
    warnings.simplefilter("ignore")
    kept = Kept(keep)
    _show_bic(kept, FULL_CHOICES if full else COUNT)
    _show_false(kept, FULL_NULLS if full else COUNT)
    _show_power(kept, FULL_COUNT if full else COUNT)


def _show_bic(kept: Kept, count: int) -> None:
    table = Table(
        f"BIC among one to {MOST + 1} experts, {ROWS} rows, lines {APART:g} deviations apart",
        (("experts", 7), ("data sets", 9), ("right", 5), ("%", 5)),
    )
    for k in range(1, MOST + 1):
        found = _in_blocks(kept, f"bic {k}", partial(chosen, k), count)
        right = sum(each == k for each in found)
        table.row(k, count, right, number(100 * right / count, 1))


def _show_false(kept: Kept, count: int) -> None:
    table = Table(
        f'"At least 2 experts" at 95 % of one expert, {FEW} rows',
        (("family", 8), ("data sets", 9), ("said", 5), ("%", 5)),
    )
    for family in ("gaussian", "poisson", "gamma"):
        said = _said(kept, f"false {family}", partial(one, family), family, count)
        table.row(family, count, said, number(100 * said / count, 1))


def _show_power(kept: Kept, count: int) -> None:
    table = Table(
        f"The same of two lines, {MORE} rows, by their distance in deviations",
        (("distance", 8), ("data sets", 9), ("said", 5), ("%", 5)),
    )
    for distance in DISTANCES:
        said = _said(kept, f"power {distance}", partial(two, distance), "gaussian", count)
        table.row(distance, count, said, number(100 * said / count, 1))


def _said(kept: Kept, name: str, make: Callable[[int], Sample], family: str, count: int) -> int:
    found = _in_blocks(kept, name, partial(bounds, make, family), count)
    return sum(each > 1 for each in found)


def _in_blocks(
    kept: Kept, name: str, compute: Callable[[range], list[int]], count: int
) -> list[int]:
    found: list[int] = []
    for first in range(0, count, BLOCK):
        seeds = range(first, min(first + BLOCK, count))
        found += kept(f"{name} {first} {len(seeds)}", partial(compute, seeds))
    return found
