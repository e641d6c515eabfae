"""How often intervals hold the truth: Wald, sandwich, profile and bootstrap."""

from typing import Any, NamedTuple

import numpy as np

from .text import Table, number

LEVEL = 0.95
SIZES = (200, 500, 2_000)
REPLICATES, FULL_REPLICATES, DRAWS = 40, 1_000, 199
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
        logits = np.array([a + b * x for a, b in (*self.gate, (0.0, 0.0))])
        expert = np.argmax(logits + random.gumbel(size=logits.shape), axis=0)
        a, b = np.array(self.lines)[expert].T
        return x[:, None], a + b * x + self.scale * random.standard_normal(n), expert


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


def covered(truth: Truth, n: int, seed: int, ways: tuple[str, ...]) -> dict[str, np.ndarray] | None:
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
            found[way] = _inside(moe.inference(cov_type=cov_type).intervals(LEVEL), truth)
    if "bootstrap" in ways:
        kind = Bootstrap(DRAWS, random_state=seed)
        found["bootstrap"] = _inside(moe.inference(cov_type=kind).intervals(LEVEL), truth)
    if "profile" in ways:  # an interval holds a value that the likelihood ratio does not reject
        results = moe.inference()
        pairs = zip(results.names, truth.params, strict=True)
        tests = [results.signed_root_test(name, float(value)) for name, value in pairs]
        found["profile"] = np.array([test.pvalue >= 1 - LEVEL for test in tests])
    return found


def _inside(ends: np.ndarray, truth: Truth) -> np.ndarray:
    return (ends[:, 0] <= truth.params) & (truth.params <= ends[:, 1])


def coverage(
    truth: Truth, n: int, replicates: int, ways: tuple[str, ...] = WAYS
) -> tuple[dict[str, np.ndarray], int]:
    """Share of the sound fits whose intervals hold each parameter, and how many were not sound."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = [covered(truth, n, seed, ways) for seed in range(replicates)]
    sound = [one for one in every if one is not None]
    shares = {way: np.mean([one[way] for one in sound], axis=0) for way in ways}
    return shares, replicates - len(sound)


def show(*, full: bool) -> None:
    """Print the table."""
    replicates = FULL_REPLICATES if full else REPLICATES
    error = np.sqrt(LEVEL * (1 - LEVEL) / replicates)
    heads: list[tuple[str, int]] = [("", 26), ("n", 6), ("unsound", 8)]
    heads += [(way, 14) for way in WAYS]
    table = Table(
        f"Coverage of {LEVEL:.0%} intervals, {replicates:,} replicates (error {error:.3f} of one "
        f"parameter); mean and least over the parameters, {DRAWS} draws of the bootstrap",
        heads,
    )
    for truth in TRUTHS.values():
        for n in SIZES:
            shares, unsound = coverage(truth, n, replicates)
            cells: list[Any] = [truth.words, n, unsound]
            table.row(*cells, *(_mean_and_least(shares[way]) for way in WAYS))


def _mean_and_least(share: np.ndarray) -> str:
    return f"{number(float(share.mean()), 3)} ({number(float(share.min()), 3)})"
