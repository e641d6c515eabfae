"""Gates that keep the top experts, and sigmoid gates: rates of the fitted density.

Top-k sparse softmax follows arXiv 2309.13850 and the sigmoid gate arXiv 2405.13997; both fits
have as many experts as their truths, which are ours. The full run takes about a quarter of an
hour on two cores (--workers 2).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixstat.rates import NearTruth, RateStudy, named_study

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402


def sigmoid(quick: bool) -> RateStudy:
    """As the command line has it."""
    return named_study("sigmoid/exact", quick=quick)


def top_k(quick: bool) -> RateStudy:
    """Two of three experts at each input; fits search over jumps, which is slow."""
    named = named_study("top-k/exact", quick=quick)
    lowest, highest, n_replicates = (300, 4800, 10) if quick else (300, 30_000, 30)
    sizes = [int(n) for n in np.round(np.geomspace(lowest, highest, 3 if quick else 5))]
    start = NearTruth(named.truth.near, n_starts=2)
    return RateStudy(named.truth, named.spec, sizes, n_replicates, start)


def summarise(results: dict[str, Any], tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """What ended at a jump, the gradient there (the gate's too), and losses times root n."""
    return {name: _about(table) for name, table in tables.items()}


def _about(table: pd.DataFrame) -> dict[str, Any]:
    root = table["hellinger"] * np.sqrt(table["n"])
    by_size = root.groupby(table["n"]).mean()
    return {
        "at_a_jump": float(np.mean(table["status"] == "JUMP")),
        "median_gradient": float(table["gradient_norm"].median()),
        "scaled_hellinger": {str(n): float(v) for n, v in by_size.items()},
    }


def main() -> int:
    """Run what is asked for and compare with what is expected."""
    studies = {"top-k": top_k, "sigmoid": sigmoid}
    return laboratory.main(HERE, __doc__ or "", studies, summaries=summarise)


if __name__ == "__main__":
    sys.exit(main())
