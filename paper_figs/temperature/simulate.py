"""Dense-to-sparse gates with Gaussian experts (arXiv 2401.13875): plain, and with an activation.

    python paper_figs/temperature/simulate.py [--quick] [--only NAME ...] [--out FOLDER]

A plain gate divides w . x + b by a temperature: only w / temperature can be estimated, and w and
the temperature alone stay where a fit happened to start. With an activation inside, all of them
converge; "exact" fits as many experts as the truth has, "over" one more.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mixstat.rates import NearTruth, RateStudy, find_truth, fit_rate, named_study

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

ACTIVATIONS = ("tanh", "sigmoid", "sin")
ALONE = ("error_gate_single", "error_temperature_single")
RATIO = "error_ratio_single"


def plain(quick: bool) -> RateStudy:
    """The study that ``mixstat rates run temperature/exact`` knows too."""
    return named_study("temperature/exact", quick=quick)


def activation(name: str, extra: int, quick: bool) -> RateStudy:
    """Fits of the truth's two experts, and ``extra`` more, with an activation."""
    if extra == 0:
        sizes = np.geomspace(2_000, 8_000, 3) if quick else np.geomspace(3_000, 100_000, 7)
    else:
        sizes = np.geomspace(1_000, 4_000, 3) if quick else np.geomspace(1_000, 100_000, 7)
    truth, rounded = find_truth(f"activation-{name}"), [int(n) for n in np.round(sizes)]
    start = NearTruth(truth.near, n_starts=1 + 2 * extra)
    replicates = 12 if quick else (60, 40)[extra]
    return RateStudy(truth, 2 + extra, rounded, replicates, start)


STUDIES: dict[str, Callable[[bool], RateStudy]] = {"plain": plain}
for _name in ACTIVATIONS:
    STUDIES[f"{_name}-exact"] = partial(activation, _name, 0)
for _name in ACTIVATIONS:
    STUDIES[f"{_name}-over"] = partial(activation, _name, 1)


def summaries(_results: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """Whether the slopes of w and of the temperature differ from that of their ratio."""
    if "plain" not in tables:
        return {}
    ratio = fit_rate(tables["plain"], RATIO)
    found = {}
    for column in ALONE:
        alone = fit_rate(tables["plain"], column)
        against = alone.compare(ratio)
        found[column] = {
            "slope": alone.slope,
            "difference": against.estimate,
            "low": against.interval[0],
            "high": against.interval[1],
            "p_value": against.p_value,
            "last_over_first": float(alone.centre[-1] / alone.centre[0]),
        }
    return {"plain": found}


def main() -> int:
    """Run the parts asked for."""
    return laboratory.main(HERE, str(__doc__), STUDIES, summaries=summaries)


if __name__ == "__main__":
    sys.exit(main())
