"""How many experts by nine rules, on the truths of the papers on dendrograms.

    python paper_figs/selection/simulate.py [--quick] [--only NAME ...] [--out FOLDER] [--workers 2]

Models with one to six experts are fitted to each sample, from 100 to 100,000 rows, of three truths
with normal noise, with a tenth of the responses from anywhere, and with t noise (arXiv 2505.13052
and 2510.12744; experiments 3, 5 and 6 of the authors' repository). All rules choose among the same
certified fits. Samples are kept one by one, so that a run may be interrupted at any time. The full
size takes under two hours on two cores (--workers 2).
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cells
import joblib
import numpy as np
import pandas as pd
import rules
import truths

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

QUICK = {100: 8, 1_000: 8, 10_000: 2}  # samples of each size
QUICK_DRAWN, FULL_DRAWN = 1, 8  # of them for which rules draw data again
FULL = {100: 40, 300: 40, 1_000: 40, 3_000: 30, 10_000: 20, 30_000: 8, 100_000: 4}


def studied(truth: str, noise: str, quick: bool, folder: Path) -> dict[str, Any]:
    """All samples of a truth and a kind of noise, largest first."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = QUICK if quick else FULL
    places = [(n, replicate) for n in sorted(sizes, reverse=True) for replicate in range(sizes[n])]
    run = joblib.Parallel(n_jobs=_workers())
    n_drawn = QUICK_DRAWN if quick else FULL_DRAWN
    asked = ((folder, truth, noise, *place, n_drawn) for place in places)
    found = run(joblib.delayed(cells.cell)(*one) for one in asked)
    every = [row for one in found for row in one["table"]]
    return {
        "samples": len(found),
        "regular": float(np.mean([row["regular"] for row in every])),
        "cpu": round(sum(one["cpu"] for one in found), 1),
        "chosen": rules.shares(found, truths.TRUTHS[truth].n_experts),
    }


def _workers() -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_known_args()[0].workers


PARTS: dict[str, Callable[[bool, Path], dict[str, Any]]] = {
    f"{truth}-{noise}": partial(studied, truth, noise)
    for truth in truths.TRUTHS
    for noise in truths.NOISES
}


def summaries(results: dict, _tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """How often one expert is chosen at the wrong end, and all that was spent."""
    parts = [results[name] for name in PARTS if name in results]
    one = {}
    for rule in rules.WRONG:
        each = [(n["one"], n["samples"]) for part in parts for n in part["chosen"][rule].values()]
        share, samples = np.array(each).T
        one[rule] = float(share @ samples / samples.sum())
    return {"one_at_the_wrong_end": one, "cpu_hours": sum(part["cpu"] for part in parts) / 3600}


def main() -> int:
    """Run the parts asked for."""
    return laboratory.main(HERE, str(__doc__), {}, PARTS, summaries)


if __name__ == "__main__":
    sys.exit(main())
