"""Where the rows come from: truths of the papers on dendrograms, and what spoils them."""

from typing import NamedTuple

import numpy as np

NOISES = ("normal", "contaminated", "t")
SHARE = 0.1  # of contaminated rows
REACH = 4.0  # deviations of y, within which they are uniform
DF = 4.0  # of the t noise, which has the deviations of the normal one
LARGE = 100_000  # rows from which mean and deviation of y are known


class Truth(NamedTuple):
    """Lines under a softmax gate; inputs are uniform on the unit cube."""

    bias: tuple[float, ...]
    """Of the gate."""
    gate: tuple[tuple[float, ...], ...]
    """Slopes of the gate, an expert after the other."""
    intercept: tuple[float, ...]
    slope: tuple[tuple[float, ...], ...]
    scale: tuple[float, ...]
    most: int
    """Experts of the largest model that the papers fit."""

    @property
    def n_experts(self) -> int:
        """Number of experts."""
        return len(self.bias)

    def clean(self, n: int, random: np.random.Generator, noise: str) -> tuple[np.ndarray, ...]:
        """Inputs and responses of n rows without contamination."""
        X = random.uniform(size=(n, len(self.gate[0])))
        logits = np.asarray(self.bias) + X @ np.asarray(self.gate).T
        expert = np.argmax(logits + random.gumbel(size=logits.shape), axis=1)
        mean = np.asarray(self.intercept)[expert] + np.sum(
            X * np.asarray(self.slope)[expert], axis=1
        )
        if noise == "t":
            drawn = random.standard_t(DF, n) * np.sqrt((DF - 2) / DF)
        else:
            drawn = random.standard_normal(n)
        return X, mean + np.asarray(self.scale)[expert] * drawn

    def sample(self, n: int, noise: str, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Inputs and responses of n rows; of contaminated ones a tenth have any response."""
        X, y = self.clean(n, random, noise)
        if noise == "contaminated":
            centre, spread = _moments(self)
            strange = random.random(n) < SHARE
            anything = random.uniform(-1, 1, n)
            y = np.where(strange, centre + REACH * spread * anything, y)
        return X, y


_known: dict[Truth, tuple[float, float]] = {}


def _moments(truth: Truth) -> tuple[float, float]:
    """Mean and deviation of the response."""
    if truth not in _known:
        _, y = truth.clean(LARGE, np.random.default_rng(0), "normal")
        _known[truth] = float(y.mean()), float(y.std())
    return _known[truth]


def _three(scale: tuple[float, ...]) -> Truth:
    return Truth(
        bias=(0.3, 0.5, 0.0),
        gate=((1.0, -1.0), (1.0, 0.5), (0.0, 0.0)),
        intercept=(0.5, 0.5, 0.5),
        slope=((1.5, 0.9), (0.6, 0.5), (1.1, -0.3)),
        scale=scale,
        most=5,
    )


TRUTHS = {
    "exp3": _three((0.9, 0.5, 1.2)),
    "exp5": Truth((-8.0, 0.0), ((25.0,), (0.0,)), (15.0, -5.0), ((-20.0,), (20.0,)), (0.3, 0.4), 4),
    "exp6": _three((0.2, 0.3, 0.2)),
}
