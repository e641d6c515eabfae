"""Gaussian gate (arXiv 2305.07572): maximum likelihood on the four published models.

    python paper_figs/gaussian_gate/simulate.py [--quick] [--only NAME ...] [--out FOLDER]

"I" and "II" are the published types (in II a true centre is zero), "1d" and "2d" the inputs;
"exact" fits three experts, "K4" and "K5" one and two too many ("K5" runs when named by --only: it
takes longest). "mild" is a truth of ours. The authors' EM made one update
from starts whose noise shrinks with n, so that the slopes they print are those of the starts;
here every fit is a certified maximum within a box, from starts whose noise does not depend on n.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mixstat.rates import NearTruth, RateStudy, find_truth, named_study

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

MODELS = ("I-1d", "II-1d", "I-2d", "II-2d")
QUICK = (np.geomspace(300, 3_000, 3), 6)
EXACT = (np.geomspace(1_000, 100_000, 11), 60)
ONE_MORE = (np.geomspace(300, 30_000, 7), 16)
TWO_MORE = (np.geomspace(300, 30_000, 5), 12)
MILD_OVER = (np.geomspace(1_000, 100_000, 7), 60)


def study(name: str, more: int, full: tuple[np.ndarray, int], quick: bool) -> RateStudy:
    """A study of a truth with so many experts more than it has."""
    truth = find_truth(name)
    sizes, n_replicates = QUICK if quick else full
    rounded = [int(n) for n in np.round(sizes)]
    start = NearTruth(truth.near, n_starts=3 if more else 1)
    return RateStudy(truth, truth.n_experts + more, rounded, n_replicates, start)


def mild_exact(quick: bool) -> RateStudy:
    """The study that ``mixstat rates run`` knows too."""
    return named_study("gaussian-gate-mild/exact", quick=quick)


STUDIES: dict[str, Callable[[bool], RateStudy]] = {
    f"{model}-exact": partial(study, f"gaussian-gate-{model}", 0, EXACT) for model in MODELS
}
STUDIES["mild-exact"] = mild_exact
STUDIES["mild-over"] = partial(study, "gaussian-gate-mild", 1, MILD_OVER)
for _model in MODELS:
    STUDIES[f"{_model}-K4"] = partial(study, f"gaussian-gate-{_model}", 1, ONE_MORE)
LONGEST: dict[str, Callable[[bool], RateStudy]] = {}
for _model in MODELS:
    LONGEST[f"{_model}-K5"] = partial(study, f"gaussian-gate-{_model}", 2, TWO_MORE)


def summaries(_results: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """How often the starts of one data set lead to one maximum."""
    return {
        "one_maximum": {
            name: float((table["starts_agreeing"] > 1).mean())
            for name, table in tables.items()
            if not name.endswith("exact")
        }
    }


if __name__ == "__main__":
    sys.exit(laboratory.main(HERE, str(__doc__), STUDIES, summaries=summaries, extra=LONGEST))
