"""Softmax gate with Gaussian experts (arXiv 2305.03288): the theory's fits and the authors'.

    python paper_figs/softmax_gaussian/simulate.py [--quick] [--only NAME ...] [--out FOLDER]

"steep" is the published truth, "mild" one of ours, on which the rates show at sizes that can be
had. "protocol" are the authors' starts, stopping rule and losses at some of their sizes, beside
certified maxima within a box from the same starts on the same data. All of the authors' sizes,
which take hours, run by "--only authors-K3" and the like and may be interrupted at any time, and
two experts too many on the mild truth by "--only mild-over4".
"recorded" repeats 27 recorded fits of the authors' programs; it needs MIXSTAT_ORACLE.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import recorded
from atoms import LEAST, in_reference_cell, lighter_share

from mixstat.rates import (
    Box,
    NearTruth,
    PublishedStart,
    RateStudy,
    Specification,
    find_truth,
    named_study,
)

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

LOSSES = ["voronoi_code", "voronoi_code_untranslated", "density"]
EXPERTS = (2, 3, 4)


def named(name: str, quick: bool) -> RateStudy:
    """A study that ``mixstat rates run`` knows too."""
    return named_study(name, quick=quick)


def mild_over4(quick: bool) -> RateStudy:
    """Two experts too many on the mild truth."""
    sizes = np.geomspace(300, 10_000, 4) if quick else np.geomspace(1_000, 100_000, 9)
    truth, rounded = find_truth("softmax-gaussian-mild"), [int(n) for n in np.round(sizes)]
    start = NearTruth(truth.near, n_starts=3)
    return RateStudy(truth, 4, rounded, 8 if quick else 50, start)


def protocol(k: int, solver: str, quick: bool) -> RateStudy:
    """The authors' starts at some of their sizes; they stop early and know no box."""
    few, many = ([300, 1_000, 3_000], 8), ([1_000, 3_000, 10_000, 30_000, 100_000], 40)
    if k > 2:
        few, many = ([10_000, 50_000], 6), ([10_000, 20_000, 50_000, 100_000], 40)
    sizes, n_replicates = few if quick else many
    return _protocol(k, solver, sizes, n_replicates)


def authors(k: int, _quick: bool) -> RateStudy:
    """The authors' protocol at all of their sizes, 8,000 data sets."""
    sizes = np.linspace(10_000, 100_000, 200)
    if k == 2:
        sizes = np.concatenate([np.linspace(100, 900, 5), np.linspace(1_000, 100_000, 195)])
    return _protocol(k, "published", [int(n) for n in sizes], 40)


def _protocol(k: int, solver: str, sizes: list[int], n_replicates: int) -> RateStudy:
    truth = find_truth("softmax-gaussian")
    box = Box() if solver == "published" else truth.box
    spec = Specification(k, box=box, solver=solver)
    start = PublishedStart(1 if k == 2 else 5)
    return RateStudy(truth, spec, sizes, n_replicates, start, LOSSES)


STUDIES: dict[str, Callable[[bool], RateStudy]] = {
    "steep-exact": partial(named, "softmax-gaussian/exact"),
    "mild-exact": partial(named, "softmax-gaussian-mild/exact"),
    "mild-over3": partial(named, "softmax-gaussian-mild/over"),
}
for _k in EXPERTS:
    STUDIES[f"protocol-K{_k}"] = partial(protocol, _k, "published")
    STUDIES[f"maximum-K{_k}"] = partial(protocol, _k, "auto")
WHOLE: dict[str, Callable[[bool], RateStudy]] = {
    f"authors-K{k}": partial(authors, k) for k in EXPERTS
}
WHOLE["mild-over4"] = mild_over4


def summaries(_results: dict, tables: dict[str, pd.DataFrame]) -> dict:
    """What the missing translation does, what stopping early does, and raw errors."""
    found = {}
    if "mild-over3" in tables:
        found["raw-K3"] = _raw(tables["mild-over3"])
    for k in EXPERTS:
        early, done = tables.get(f"protocol-K{k}"), tables.get(f"maximum-K{k}")
        if early is not None and k > 2:
            found[f"split-K{k}"] = _split(early, k)
        if early is not None and done is not None:
            found[f"stopping-K{k}"] = _stopping(early, done)
    return found


def _raw(table: pd.DataFrame) -> dict:
    """Slopes of raw errors in the shared cell where its lighter atom keeps some weight."""
    share = lighter_share(table, 3)
    full = table[share > LEAST]
    if full["n"].nunique() < 3:
        return {"share": float((share > LEAST).mean())}
    return {
        "share": float((share > LEAST).mean()),
        "median_lighter_share_at_first_n": float(share[table["n"] == table["n"].min()].median()),
        "median_lighter_share_at_last_n": float(share[table["n"] == table["n"].max()].median()),
    } | {
        block: laboratory.rates_of(full, f"error_{block}_shared")
        for block in ("gate", "intercept", "slope", "variance")
    }


def _split(table: pd.DataFrame, k: int) -> dict:
    """Losses at the largest n, apart by whether several atoms share the reference's cell."""
    split = in_reference_cell(table, k) > 1
    last = table["n"] == table["n"].max()
    found: dict = {"share": float(split.mean())}
    for word, rows in (("split", last & split), ("alone", last & ~split)):
        for name in LOSSES[:2] if rows.any() else ():
            values = table.loc[rows, name]
            found[f"{word}_{name}"] = {
                "median": float(values.median()),
                "near_one_or_more": float((values > 0.9).mean()),
            }
    return found


def _stopping(early: pd.DataFrame, done: pd.DataFrame) -> dict:
    """Fits of the same data from the same starts, stopped and finished."""
    both = early.merge(done, on=["n", "replicate"], suffixes=("_early", "_done"))
    gain = both["n"] * (both["log_likelihood_done"] - both["log_likelihood_early"])
    gap = (both["voronoi_code_done"] - both["voronoi_code_early"]).abs()
    return {
        "fits": len(both),
        "median_iterations": float(both["n_iter_early"].median()),
        "median_gain_of_log_likelihood": float(gain.median()),
        "lowest_gain_of_log_likelihood": float(gain.min()),
        "median_gradient": float(both["gradient_norm_early"].median()),
        "median_loss_early": float(both["voronoi_code_early"].median()),
        "median_loss_done": float(both["voronoi_code_done"].median()),
        "median_change_of_loss": float(gap.median()),
        "largest_change_of_loss": float(gap.max()),
    }


def main() -> int:
    """Run the parts asked for."""
    more = {"recorded": recorded.run}
    return laboratory.main(HERE, str(__doc__), STUDIES, more, summaries, WHOLE)


if __name__ == "__main__":
    sys.exit(main())
