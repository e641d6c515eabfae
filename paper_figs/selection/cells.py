"""One sample: fits with one to six experts, and what each rule chooses among them."""

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import truths

import mixstat
from mixstat import MixtureOfExperts
from mixstat.files import write_at_once
from mixstat.selection import Selection, dendrogram, select, slope_heuristic

EXPERTS = range(1, 7)
STARTS = 4
HELD_OUT = 0.25  # fresh rows for the held-out density, beside one of the fit
SEED = 16
COLUMNS = ("n_experts", "log_likelihood", "n_parameters", "aic", "bic", "icl", "entropy")
RECIPE = {"experts": list(EXPERTS), "starts": STARTS, "held_out": HELD_OUT, "seed": SEED}


def cell(folder: Path, truth: str, noise: str, n: int, replicate: int) -> dict[str, Any]:
    """What was found for a sample, from the folder where it is kept or anew."""
    path = folder / f"{n}-{replicate}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        if kept["recipe"] == RECIPE:
            return kept
    found = {"recipe": RECIPE, "n": n, "replicate": replicate} | fitted(truth, noise, n, replicate)
    write_at_once(path, json.dumps(found, indent=1).encode())
    return found


def kept(folder: Path) -> list[dict[str, Any]]:
    """All samples of a folder that are finished, also while others are being made."""
    every = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [one for one in every if one["recipe"] == RECIPE]


def fitted(truth: str, noise: str, n: int, replicate: int) -> dict[str, Any]:
    """The table of all fits and the choices that need more than the table."""
    law = truths.TRUTHS[truth]
    place = [SEED, list(truths.TRUTHS).index(truth), truths.NOISES.index(noise), n, replicate]
    random = np.random.default_rng(place)
    X, y = law.sample(n, noise, random)
    fresh = law.sample(max(50, round(HELD_OUT * n)), noise, random)
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = MixtureOfExperts(n_init=STARTS, random_state=0)
        grid = select(X, y, estimator=base, n_experts=EXPERTS)
        over = grid.fits[law.most - 1]
        tree = None if over is None else dendrogram(over, X, y).best_n_experts_
        return {
            "version": mixstat.__version__,
            "table": _rows(grid, *fresh),
            "dendrogram": tree,
            "slope": _priced(grid, "slope"),
            "jump": _priced(grid, "jump"),
            "cpu": round(time.process_time() - begin, 2),
        }


def _rows(grid: Selection, X: np.ndarray, y: np.ndarray) -> list[dict[str, Any]]:
    """A row a fit, in plain types, with the mean log density of fresh rows."""
    rows = []
    for i, moe in enumerate(grid.fits):
        if moe is None:
            continue
        row = {name: float(grid.table[name][i]) for name in COLUMNS}
        row["held_out"] = float(np.mean(moe.score_samples(X, y)))
        row["regular"] = bool(grid.table["regular"][i])
        row["status"] = str(grid.table["status"][i])
        rows.append(row)
    return rows


def _priced(grid: Selection, method: str) -> int | None:
    """Choice by slope heuristics, of regular maxima where they are enough."""
    for regular in (True, False):
        try:
            found = slope_heuristic(grid, method=method, regular=regular)
        except ValueError:  # too few members, or none too large
            continue
        return int(grid.table["n_experts"][found.best_index_])
    return None
