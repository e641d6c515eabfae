"""How often intervals hold the truth: Wald, sandwich, profile and bootstrap."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .tally import Inside, Tally, counted
from .text import Table, number

LEVEL = 0.95
SIZES = (200, 500, 2_000)
DRAWS = 199
HEADS = [("", 25), ("n", 4), ("replicates", 10), ("error", 5), ("unsound", 7)]
INTERVALS = {"bc": "bootstrap", **{one: one for one in ("percentile", "basic", "normal")}}
WAYS = ("wald", "sandwich", "profile", "bootstrap")


class Truth(NamedTuple):
    """Lines under a softmax gate of one input, uniform on (-2, 2)."""

    words: str
    gate: tuple[tuple[float, float], ...]  # logits against the last expert
    lines: tuple[tuple[float, float], ...]
    scale: float

    @property
    def n_experts(self) -> int:
        """Number of experts."""
        return len(self.lines)

    @property
    def params(self) -> np.ndarray:
        """In the order of ``parameter_names``."""
        scales = np.full(self.n_experts, np.log(self.scale))
        return np.concatenate([np.ravel(self.gate), np.ravel(self.lines), scales])

    def draw(self, n: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Inputs, responses and experts of rows."""
        x = random.uniform(-2, 2, size=n)
        expert = self.experts(x, random)
        return x[:, None], self.responses(x, expert, random.standard_normal(n)), expert

    def experts(self, x: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draws of the gate."""
        logits = np.array([a + b * x for a, b in (*self.gate, (0.0, 0.0))])
        return np.argmax(logits + random.gumbel(size=logits.shape), axis=0)

    def responses(self, x: np.ndarray, expert: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """On the lines of the experts, with noise of variance one in units of their scale."""
        a, b = np.array(self.lines)[expert].T
        return a + b * x + self.scale * noise


TRUTHS = {
    "K2 well": Truth("2 experts, well separated", ((0.3, 1.0),), ((-2, -1), (2, 1)), 0.5),
    "K2 weak": Truth("2 experts, weakly", ((0.3, 1.0),), ((-0.4, -0.5), (0.4, 0.5)), 0.5),
    "K3 well": Truth(
        "3 experts, well separated", ((0.3, 1.0), (0.2, -1.0)), ((-4, 1), (0, -1), (4, 0.5)), 0.5
    ),
    "K3 weak": Truth(
        "3 experts, weakly", ((0.3, 1.0), (0.2, -1.0)), ((-1, 0.5), (0, -0.5), (1, 0.5)), 0.4
    ),
}


def covered(truth: Truth, n: int, ways: tuple[str, ...], seed: int) -> Inside | None:
    """Which parameters each kind of interval holds in one data set; None for an unsound fit."""
    from mixstat import MixtureOfExperts
    from mixstat.inference import Bootstrap

    X, y, expert = truth.draw(n, np.random.default_rng([seed, n, truth.n_experts]))
    moe = MixtureOfExperts(truth.n_experts, init=expert).fit(X, y)
    if not moe.certificate_.is_regular:
        return None
    found: dict[str, np.ndarray] = {}
    for way, cov_type in (("wald", "observed"), ("sandwich", "robust")):
        if way in ways:
            found[way] = inside(moe.inference(cov_type=cov_type).intervals(LEVEL), truth)
    if "bootstrap" in ways:
        results = moe.inference(cov_type=Bootstrap(DRAWS, random_state=seed))
        found["bootstrap"] = inside(results.intervals(LEVEL), truth)
        for interval in list(INTERVALS)[1:]:  # of the same draws
            other = replace(results, covariance=replace(results.covariance, interval=interval))
            found[interval] = inside(other.intervals(LEVEL), truth)
    if "profile" in ways:  # an interval holds a value that the likelihood ratio does not reject
        results = moe.inference()
        pairs = zip(results.names, truth.params, strict=True)
        tests = [results.signed_root_test(name, float(value)) for name, value in pairs]
        found["profile"] = np.array([test.pvalue >= 1 - LEVEL for test in tests])
    return found


def inside(ends: np.ndarray, truth: Truth) -> np.ndarray:
    """Which parameters of the truth lie in their intervals."""
    return (ends[:, 0] <= truth.params) & (truth.params <= ends[:, 1])


def coverage(
    truth: Truth,
    n: int,
    replicates: int,
    ways: tuple[str, ...] = WAYS,
    path: Path | None = None,
) -> Tally:
    """How often the intervals of sound fits hold each parameter."""
    return counted(partial(covered, truth, n, ways), replicates, path)


def show(*, replicates: int, folder: Path | None = None) -> None:
    """Print the table; counts are kept in a folder, where one is given."""
    tallies: dict[tuple[str, int], Tally] = {}
    for name, truth in TRUTHS.items():
        for n in SIZES:
            path = None if folder is None else folder / f"{name.replace(' ', '_')}_{n}.json"
            tallies[name, n] = coverage(truth, n, replicates, path=path)
    table = Table(
        f"Coverage of {LEVEL:.0%} intervals; mean and least over the parameters ({DRAWS} draws of "
        "the\nbootstrap); error is that of one parameter",
        [*HEADS, *((way, 14) for way in WAYS)],
    )
    for (name, n), tally in tallies.items():
        shares = [mean_and_least(tally.shares[way]) for way in WAYS]
        table.row(*row_start(TRUTHS[name].words, n, tally), *shares)

    table = Table(
        "The four kinds of intervals of these draws",
        [*HEADS[:2], *((interval, 14) for interval in INTERVALS)],
    )
    for (name, n), tally in tallies.items():
        shares = [mean_and_least(tally.shares[way]) for way in INTERVALS.values()]
        table.row(TRUTHS[name].words, n, *shares)


def row_start(words: str, n: int, tally: Tally) -> list[object]:
    """What a row says before shares, under ``HEADS``."""
    error = np.sqrt(LEVEL * (1 - LEVEL) / tally.replicates)
    return [words, n, tally.replicates, number(float(error), 3), tally.unsound]


def mean_and_least(share: np.ndarray) -> str:
    """Over parameters."""
    return f"{number(float(share.mean()), 3)} ({number(float(share.min()), 3)})"
