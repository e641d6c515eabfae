"""What is fitted: targets, numbers of experts m and degrees k, and where fits may go."""

from functools import partial

import numpy as np
from scipy.special import ndtri

from mixstat.experts.gaussian import GaussianExperts
from mixstat.rates import Box, RandomStart, RateStudy, Specification, Truth, find_truth

TARGETS = ("smooth", "rough")
NOISE = 0.3
# The paper's experts have one parameter, their mean: the noise is known, and its theory wants
# compact sets. In this box a gate may turn within about a hundredth of the range of x.
BOX = Box(gate_intercept=(-500.0, 500.0), gate_slope=(-500.0, 500.0), scale=(NOISE, NOISE))
KINDS = ("partition", "regressions", "random")  # the first for few experts, the last for many
FULL = {0: (4, 8), 1: (2, 4, 6, 8, 12), 3: (2, 4, 6, 8)}  # m by k
ROUGH = {0: (4, 8), 1: (2, 4, 6, 8), 3: (2, 4)}  # likewise: more experts take long
QUICK = {"smooth": {0: (8,), 1: (2, 6, 8), 3: (2, 4)}, "rough": {0: (8,), 1: (6,), 3: (4,)}}
POPULATION = 8192  # rows that stand for the population


def grid(*, quick: bool) -> list[tuple[str, int, int]]:
    """Target, m and k of every study."""
    chosen = QUICK if quick else {"smooth": FULL, "rough": ROUGH}
    return [(t, m, k) for t, cells in chosen.items() for k, some in cells.items() for m in some]


def label(target: str, m: int, k: int) -> str:
    """Name of a study."""
    return f"{target}-m{m}-k{k}"


def n_parameters(m: int, k: int) -> int:
    """Coefficients of the experts and of the gate."""
    return m * (k + 1) + 2 * (m - 1)


def specification(m: int, k: int) -> Specification:
    """m experts of degree k with known noise."""
    return Specification(m, degree=k, box=BOX, experts=GaussianExperts(covariance="tied"))


def start(m: int, *, quick: bool) -> RandomStart:
    """More starts for few experts, whose optima are cheap and far apart."""
    few = m <= 4
    return RandomStart((8 if few else 4) if quick else (10 if few else 6), KINDS)


def study(target: str, m: int, k: int, quick: bool) -> RateStudy:
    """KL of the best of several fits to each data set."""
    sizes, n_replicates = ([250, 1000, 4000], 6) if quick else ([250, 1000, 4000, 8000], 10)
    truth, first = find_truth(f"polynomial-{target}"), start(m, quick=quick)
    return RateStudy(truth, specification(m, k), sizes, n_replicates, first, ["kl"])


def studies(*, quick: bool) -> dict:
    """All studies by name."""
    return {label(*cell): partial(study, *cell) for cell in grid(quick=quick)}


class Population(Truth):
    """A truth whose sample is no sample: rows spread evenly over x and over the noise."""

    def sample(self, n: int, random_state: object = None) -> tuple[np.ndarray, np.ndarray]:
        """The n points of Hammersley's set, as inputs and normal quantiles."""
        X = (np.arange(n)[:, None] + 0.5) / n
        noise = ndtri(_reversed(np.arange(n)) + 0.5 / n)
        return X, self.law.at(X).eta[0, 0] + NOISE * noise


def _reversed(index: np.ndarray) -> np.ndarray:
    """Binary digits mirrored at the point: van der Corput's sequence."""
    found = np.zeros(len(index))
    share = 0.5
    while index.any():
        found += share * (index & 1)
        index, share = index >> 1, share / 2
    return found


def floor_study(target: str, m: int, k: int, quick: bool) -> RateStudy:
    """The best model of m experts of degree k, as far as the starts find it."""
    truth = find_truth(f"polynomial-{target}")
    whole = Population(f"{truth.name}-population", truth.law, truth.inputs, "", truth.mark)
    n, n_starts = (POPULATION // 4, 12) if quick else (POPULATION, 10)
    return RateStudy(whole, specification(m, k), [n], 1, RandomStart(n_starts, KINDS), ["kl"])
