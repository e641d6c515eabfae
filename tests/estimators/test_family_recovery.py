"""Every family recovers a stated truth, and its intervals hold it as often as they say.

Inputs are uniform on (-3, 3); estimates from 4,000 rows are within 4 standard errors. Seeds are
fixed.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from mixstat import MixtureOfExperts
from mixstat.experts import (
    BetaExperts,
    BinomialExperts,
    Censored,
    Experts,
    ExponentialExperts,
    GammaExperts,
    GaussianExperts,
    Heteroscedastic,
    InverseGaussianExperts,
    LognormalExperts,
    MixedExperts,
    NegativeBinomialExperts,
    OrderedExperts,
    PointMass,
    PoissonExperts,
    SkewNormalExperts,
    StudentTExperts,
    Truncated,
    WeibullExperts,
)
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from tests.estimators.truths import LINES, LOGITS, NOISE, draw, standard_distances
from tests.sweeps import first

N = 4_000
LEVEL, FEW, MANY = 0.95, 24, 200


def as_drawn(y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """All that can be seen."""
    return y


def until(y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Times of which only is known that they are later, for a fifth of rows or so."""
    limit = np.exp(random.uniform(0, 9, len(y)))
    return np.column_stack([np.minimum(y, limit), np.where(y < limit, y, np.inf)])


class Family(NamedTuple):
    """Experts, how their responses are seen, and the gate."""

    experts: Experts
    seen: Callable[[np.ndarray, np.random.Generator], np.ndarray] = as_drawn
    logits: np.ndarray = LOGITS
    n: int = 800  # rows from which on its intervals are symmetric enough

    def rows(self, n: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Inputs, what is seen of responses, and experts."""
        X = random.uniform(-3, 3, (n, 2))
        y, label = draw(self.gate, self.experts, X, random)
        return X, self.seen(y, random), label

    @property
    def gate(self) -> SoftmaxGate:
        return SoftmaxGate(self.logits)

    @property
    def truth(self) -> Mixture:
        return Mixture(self.gate, self.experts)


def lines(*rows: tuple[float, float, float]) -> np.ndarray:
    """Coefficients of (1, x0, x1), a row for each expert."""
    return np.array(rows, float)[:, None, :]


def logs(*values: float) -> np.ndarray:
    """Logs of a parameter of each expert."""
    return np.log(values)[:, None, None]


GAUSSIAN = GaussianExperts(LINES[:, None, :], np.log(NOISE)[:, None], np.zeros((3, 0)))
APART = lines((-2, 0.2, 0.1), (1, -0.2, 0.1), (4, 0.1, 0.1))  # of logs
COUNTS = PoissonExperts(lines((0.2, 0.3, 0), (2, -0.2, 0.1), (3.5, 0.1, 0.1)))
LIFETIMES = WeibullExperts(APART, logs(0.3, 0.25, 0.2))

FAMILIES = {
    "poisson": Family(COUNTS),
    "gamma": Family(
        GammaExperts(lines((-1, 0.2, 0.1), (1, -0.2, 0.1), (3, 0.1, 0.1)), logs(8, 15, 10))
    ),
    "binomial": Family(
        BinomialExperts(lines((-2.5, 0.3, 0), (0, -0.4, 0.2), (2.5, 0.3, 0.3)), trials=20)
    ),
    "t": Family(StudentTExperts(LINES[:, None, :], logs(*NOISE), logs(3, 5, 4)), n=4_000),
    "skew normal": Family(
        SkewNormalExperts(
            LINES[:, None, :], logs(*NOISE), np.array([4.0, -5.0, 6.0])[:, None, None]
        ),
        n=4_000,
    ),
    "negative binomial": Family(
        NegativeBinomialExperts(
            lines((0.2, 0.3, 0), (2.2, -0.2, 0.1), (4.5, 0.1, 0.1)), logs(0.2, 0.1, 0.05)
        )
    ),
    "weibull": Family(LIFETIMES),
    "lognormal": Family(LognormalExperts(APART, logs(0.4, 0.3, 0.3))),
    "inverse gaussian": Family(InverseGaussianExperts(APART, logs(2, 30, 600))),
    "exponential": Family(
        ExponentialExperts(lines((-3, 0.3, 0.2), (3, -0.3, 0.2))), logits=LOGITS[:1]
    ),
    "beta": Family(
        BetaExperts(lines((-2.5, 0.2, 0.1), (0, -0.2, 0.1), (2.5, 0.1, 0.2)), logs(60, 50, 70))
    ),
    "ordered": Family(
        OrderedExperts(
            lines((-1, 3, 0), (3, -3, 1)),
            np.log([[[1.5], [2.0], [1.5]], [[2.0], [1.0], [2.0]]]),
            n_levels=5,
        ),
        logits=LOGITS[:1],
    ),
    "ordered probit": Family(
        OrderedExperts(
            lines((-1, 2, 0), (2, -2, 1)),
            np.log([[[1.0], [1.5]], [[1.5], [1.0]]]),
            n_levels=4,
            noise="normal",
        ),
        logits=LOGITS[:1],
    ),
    "zero, poisson and negative binomial": Family(
        MixedExperts(
            (
                PointMass(places=(1, 3)),
                PoissonExperts(lines((1, 0.3, 0))),
                NegativeBinomialExperts(lines((3.5, -0.1, 0.1)), logs(0.1)),
            )
        )
    ),
    "censored weibull": Family(Censored(LIFETIMES), until),
    "truncated poisson": Family(Truncated(COUNTS)),
    "truncated gaussian": Family(Truncated(GAUSSIAN, lower=-5.0)),
    "gaussian with a scale of x": Family(
        Heteroscedastic(
            GAUSSIAN, np.array([[[0.2, -0.1]], [[-0.1, 0.2]], [[0.1, 0.1]]]), columns=(1, 2)
        )
    ),
}


@pytest.mark.parametrize("name", first(FAMILIES, 2))
def test_family_is_recovered(name):
    family = FAMILIES[name]
    X, y, _ = family.rows(N, np.random.default_rng(14))
    k = family.experts.n_experts
    moe = MixtureOfExperts(k, expert=family.experts, n_init=3, random_state=0).fit(X, y)
    assert moe.converged_
    assert np.max(standard_distances(moe, family.truth)) < 4


def held(family: Family, replicates: int) -> tuple[np.ndarray, int]:
    """How often intervals of sound fits hold each parameter, and how many fits are not sound."""
    half, k, inside, unsound = norm.ppf((1 + LEVEL) / 2), family.experts.n_experts, [], 0
    for seed in range(replicates):
        X, y, label = family.rows(family.n, np.random.default_rng([seed, family.n]))
        moe = MixtureOfExperts(k, expert=family.experts, init=label).fit(X, y)
        if moe.certificate_.is_regular:
            inside.append(standard_distances(moe, family.truth) < half)
        else:
            unsound += 1
    return np.mean(inside, axis=0), unsound


@pytest.mark.parametrize("name", first(FAMILIES))
def test_intervals_hold_the_truth(name):
    check_shares(name, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_intervals_hold_the_truth_in_many_data_sets(name):
    check_shares(name, MANY)


def check_shares(name: str, replicates: int) -> None:
    shares, unsound = held(FAMILIES[name], replicates)
    assert unsound <= replicates // 10
    error = np.sqrt(LEVEL * (1 - LEVEL) / (replicates - unsound))
    assert np.min(shares) > LEVEL - 4 * error
    assert abs(np.mean(shares) - LEVEL) < 4 * error
