"""Softmax gates with multinomial experts (arXiv 2310.14188): with inputs in all experts, or not.

    python paper_figs/multinomial/simulate.py [--quick] [--only NAME ...] [--out FOLDER]

In regime 1 all experts depend on the inputs, in regime 2 one does not. The modified gate sees
tanh(x). "exact" fits as many experts as the truth has, "over" one more. Inputs lie on a lattice,
so that data sets are tables of counts: two atoms in a cell tell their intercepts apart only by
how curved a logistic function is, and sizes below a hundred thousand say nothing about rates.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from cells import by_cells

from mixstat.rates import NearTruth, Rate, RateStudy, find_truth, fit_rate

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

TRUTHS = {
    "regime1": "multinomial-1",
    "regime2": "multinomial-2",
    "regime2-modified": "multinomial-2-modified",
}
LOSSES = {0: ["voronoi", "density", "errors"], 1: ["voronoi", "density", "functions"]}
ERRORS = ("by_cells", "gate_shared", "slope_shared", "intercept_shared", "average")
INPUT_FREE = 1  # the true expert without inputs in regime 2


def study(name: str, extra: int, quick: bool) -> RateStudy:
    """Fits of the truth's two experts, and ``extra`` more."""
    truth = find_truth(TRUTHS[name])
    low, high, count = [(4, 8, 9), (5, 9, 9)][extra]
    if quick:
        low, high, count = [(4, 6, 3), (5, 9, 3)][extra]
    sizes = [int(n) for n in np.round(np.logspace(low, high, count))]
    start = NearTruth(truth.near, n_starts=1 + 2 * extra)
    replicates = (16, 10)[extra] if quick else (60, 40)[extra]
    return RateStudy(truth, 2 + extra, sizes, replicates, start, LOSSES[extra])


STUDIES: dict[str, Callable[[bool], RateStudy]] = {}
for _kind, _extra in (("exact", 0), ("over", 1)):
    for _name in TRUTHS:
        STUDIES[f"{_name}-{_kind}"] = partial(study, _name, _extra)


def with_cells(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables of over-specified fits with the columns of :func:`cells.by_cells`."""
    return {
        name: by_cells(find_truth(TRUTHS[of]), tables[f"{of}-over"])
        for of in TRUTHS
        if (name := f"{of}-over") in tables
    }


def summaries(_results: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """Rates cell by cell, and the two gates of regime 2 against each other."""
    over = with_cells(tables)
    found: dict = {name: _about(table) for name, table in over.items()}
    if {"regime2-over", "regime2-modified-over"} <= set(over):
        plain, modified = over["regime2-over"], over["regime2-modified-over"]
        split = [t[t["split"] == INPUT_FREE] for t in (plain, modified)]
        found["gates"] = {"all": _against(plain, modified)}
        if all(map(_enough, split)):
            found["gates"]["input_free"] = _against(*split)
    return found


def _about(table: pd.DataFrame) -> dict:
    """Slopes over all fits, and apart by the true atom that was split."""
    parts = {"all": table} | {f"split{j}": table[table["split"] == j] for j in (0, 1)}
    found: dict = {"share_split1": float((table["split"] == INPUT_FREE).mean())}
    for part, rows in parts.items():
        if not _enough(rows):
            continue
        found[part] = {
            column: {s: _told(_rate(rows, column, s)) for s in ("mean", "median")}
            for column in ERRORS
        }
    return found


def _enough(rows: pd.DataFrame) -> bool:
    return rows["n"].nunique() > 1


def _rate(rows: pd.DataFrame, column: str, statistic: str = "mean") -> Rate:
    return fit_rate(rows, column, statistic=statistic)


def _told(rate: Rate) -> dict[str, float]:
    return {"slope": rate.slope, "low": rate.interval[0], "high": rate.interval[1]}


def _against(plain: pd.DataFrame, modified: pd.DataFrame) -> dict:
    """Slopes of the gate's errors in shared cells: standard minus modified."""
    one, other = _rate(plain, "gate_shared"), _rate(modified, "gate_shared")
    test = one.compare(other)
    return {
        "standard": _told(one),
        "modified": _told(other),
        "difference": test.estimate,
        "low": test.interval[0],
        "high": test.interval[1],
        "p_value": test.p_value,
    }


def main() -> int:
    """Run the parts asked for."""
    return laboratory.main(HERE, str(__doc__), STUDIES, summaries=summaries)


if __name__ == "__main__":
    sys.exit(main())
