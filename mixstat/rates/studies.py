"""Studies by name: each truth, exact-specified and with one expert too many."""

from fnmatch import fnmatch

import numpy as np

from mixstat.arguments import Setting
from mixstat.rates.checks import check_name, check_switch
from mixstat.rates.registry import truths
from mixstat.rates.specification import Specification
from mixstat.rates.starts import NearTruth, RandomStart
from mixstat.rates.study import RateStudy

QUICK = (np.geomspace(300, 10_000, 6), 12)  # sizes and replicates: minutes on two cores
FULL = (np.geomspace(1_000, 100_000, 21), 100)
Sizes = tuple[np.ndarray, int]
# quick and full, of studies for which those say little or take too long
SIZES: dict[str, tuple[Sizes, Sizes]] = {
    "gaussian-gate-mild/over": (
        (np.geomspace(300, 3_000, 3), 6),
        (np.geomspace(1_000, 100_000, 7), 60),
    ),
    "gaussian-gate-*-?d/exact": (
        (np.geomspace(300, 3_000, 3), 6),
        (np.geomspace(1_000, 100_000, 11), 60),
    ),
    "gaussian-gate-*-?d/over": (
        (np.geomspace(300, 3_000, 3), 6),
        (np.geomspace(300, 30_000, 7), 16),
    ),
    # tables of counts, whose size costs nothing
    "multinomial-*/exact": ((np.geomspace(1e4, 1e6, 3), 16), (np.geomspace(1e4, 1e8, 9), 60)),
    "multinomial-*/over": ((np.geomspace(1e5, 1e9, 3), 10), (np.geomspace(1e5, 1e9, 9), 40)),
    "activation-*/exact": (
        (np.geomspace(2_000, 8_000, 3), 12),
        (np.geomspace(10_000, 300_000, 7), 60),
    ),
    "activation-tanh/over": (
        (np.geomspace(1_000, 4_000, 3), 12),
        (np.geomspace(2_000, 200_000, 7), 30),
    ),
    "activation-*/over": (
        (np.geomspace(1_000, 4_000, 3), 12),
        (np.geomspace(2_000, 60_000, 5), 20),
    ),
    "polynomial-*": (
        (np.array([250, 1_000, 4_000]), 6),
        (np.array([250, 1_000, 4_000, 8_000]), 10),
    ),
    "top-k/exact": ((np.geomspace(300, 4_800, 3), 10), (np.geomspace(300, 30_000, 5), 30)),
}
POLYNOMIALS = ((2, 1), (4, 1), (8, 1), (2, 3), (4, 3))  # experts and degree


def study_names() -> dict[str, str]:
    """Names of studies, and a line about each.

    Examples
    --------
    >>> from mixstat.rates import study_names
    >>> study_names()["softmax-gaussian/over"]
    '3 experts fitted to 2; Nguyen, Nguyen and Ho (2023), NeurIPS, arXiv 2305.03288'
    """
    described: dict[str, str] = {}
    for name, truth in truths().items():
        if truth.is_mixture:
            k = truth.n_experts
            described[f"{name}/exact"] = f"{k} experts fitted to {k}; {truth.citation}"
            described[f"{name}/over"] = f"{k + 1} experts fitted to {k}; {truth.citation}"
        else:
            for m, degree in POLYNOMIALS:
                words = f"{m} experts of degree {degree}; {truth.citation}"
                described[f"{name}/m{m}-k{degree}"] = words
    return described


def named_study(name: Setting, *, quick: Setting = False, seed: Setting = 0) -> RateStudy:
    """A study by name.

    Parameters
    ----------
    name : str
        One of :func:`study_names`.
    quick : bool, default=False
        Fewer and smaller data sets.
    seed : int, default=0
        Seed of the data and the starts.

    Returns
    -------
    RateStudy
        Ready to run.

    Raises
    ------
    ValueError
        If there is no such study.

    Examples
    --------
    >>> from mixstat.rates import named_study
    >>> study = named_study("softmax-gaussian-mild/over", quick=True)
    >>> study.spec.n_experts, study.truth.n_experts, study.n_replicates
    (3, 2, 12)
    >>> study.sample_sizes
    [300, 605, 1220, 2460, 4959, 10000]
    """
    known = study_names()
    name = check_name("name", name, known, " 'mixstat rates list' shows all.")
    of, _, kind = name.partition("/")
    quick = check_switch("quick", quick)
    truth = truths()[of]
    own = [both for pattern, both in SIZES.items() if fnmatch(name, pattern)]
    small, whole = own[0] if own else (QUICK, FULL)
    sizes, n_replicates = small if quick else whole
    sizes = [int(n) for n in np.round(sizes)]
    if not truth.is_mixture:
        m, _, degree = kind.removeprefix("m").partition("-k")
        spec, start = Specification(int(m), degree=int(degree)), RandomStart()
        return RateStudy(truth, spec, sizes, n_replicates, start, seed=seed)
    spec = Specification(truth.n_experts + (kind == "over"))
    # logits that bend have local maxima near the truth
    several = kind == "over" or name.startswith("activation-")
    start = NearTruth(truth.near, n_starts=3 if several else 1)
    return RateStudy(truth, spec, sizes, n_replicates, start, seed=seed)
