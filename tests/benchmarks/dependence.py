"""How often intervals hold the truth where rows depend on each other: clusters and series."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .coverage import HEADS, LEVEL, TRUTHS, Truth, inside, mean_and_least, row_start
from .tally import Inside, Tally, counted
from .text import Table

SIZES = (500, 2_000)
CLUSTER, SHARED = (
    10,
    0.5,
)  # rows of a cluster, and the share of the variance that they have in common
MEMORY = 0.7  # correlation of neighbours

Draws = Callable[[np.random.Generator, int], np.ndarray]  # of variance one


class Dependence(NamedTuple):
    """How inputs and errors of neighbouring rows depend on each other."""

    words: str
    draw: Draws
    cov_type: str
    """What is to be right about it."""


def clustered(random: np.random.Generator, n: int) -> np.ndarray:
    """An intercept for each cluster, and what is each row's own."""
    common = np.repeat(random.standard_normal(n // CLUSTER), CLUSTER)
    return np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * random.standard_normal(n)


def autoregressive(random: np.random.Generator, n: int) -> np.ndarray:
    """An autoregression of the first order."""
    out = random.standard_normal(n)
    for t in range(1, n):
        out[t] = MEMORY * out[t - 1] + np.sqrt(1 - MEMORY**2) * out[t]
    return out


CASES = {
    "clusters": Dependence("random intercepts", clustered, "cluster"),
    "series": Dependence("AR(1) errors and input", autoregressive, "hac"),
}
TRUTH = TRUTHS["K2 well"]


def covered(case: Dependence, n: int, seed: int, truth: Truth = TRUTH) -> Inside | None:
    """Which parameters each kind of interval holds in one data set; None for an unsound fit.

    Errors of a row are normal whatever its neighbours are, so that the model is right of each row.
    """
    from mixstat import MixtureOfExperts

    random = np.random.default_rng([seed, n])
    x = case.draw(random, n)
    expert = truth.experts(x, random)
    y = truth.responses(x, expert, case.draw(random, n))
    moe = MixtureOfExperts(truth.n_experts, init=expert).fit(x[:, None], y)
    if not moe.certificate_.is_regular:
        return None
    groups = {"cluster": np.arange(n) // CLUSTER}
    return {
        kind: inside(moe.inference(cov_type=kind, groups=groups.get(kind)).intervals(LEVEL), truth)
        for kind in ("observed", "robust", case.cov_type)
    }


def coverage(case: Dependence, n: int, replicates: int, path: Path | None = None) -> Tally:
    """How often the intervals of sound fits hold each parameter."""
    return counted(partial(covered, case, n), replicates, path)


def show(*, replicates: int, folder: Path | None = None) -> None:
    """Print the table; counts are kept in a folder, where one is given."""
    tallies: dict[tuple[str, int], Tally] = {}
    for name, case in CASES.items():
        for n in SIZES:
            path = None if folder is None else folder / f"{name}_{n}.json"
            tallies[name, n] = coverage(case, n, replicates, path)
    table = Table(
        f"The same of rows that depend on each other: {TRUTH.words}",
        [*HEADS, *((head, 14) for head in ("observed", "robust", "cluster or hac"))],
    )
    for (name, n), tally in tallies.items():
        kinds = ("observed", "robust", CASES[name].cov_type)
        shares = [mean_and_least(tally.shares[kind]) for kind in kinds]
        table.row(*row_start(CASES[name].words, n, tally), *shares)
