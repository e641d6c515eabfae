"""One sample: fits with one to six experts, and what each rule chooses among them."""

import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import truths

import mixstat
from mixstat import MixtureOfExperts
from mixstat.files import write_at_once
from mixstat.selection import Selection, bootstrap_test, dendrogram, select, slope_heuristic

EXPERTS = range(1, 7)
STARTS = 4
HELD_OUT = 0.25  # fresh rows for the held-out density, beside one of the fit
SEED = 16
COLUMNS = ("n_experts", "log_likelihood", "n_parameters", "aic", "bic", "icl", "entropy")
RECIPE = {"experts": list(EXPERTS), "starts": STARTS, "held_out": HELD_OUT, "seed": SEED}
MOST_ROWS = 1_000  # of samples for which rules draw data again
EIC_DRAWS, TEST_DRAWS, LEVEL = 40, 19, 0.05
DRAWN_RECIPE = RECIPE | {"eic": EIC_DRAWS, "test": TEST_DRAWS}


def cell(
    folder: Path, truth: str, noise: str, n: int, replicate: int, n_drawn: int
) -> dict[str, Any]:
    """What was found for a sample, from the folder where it is kept or anew.

    Rules that draw data again have the first ``n_drawn`` samples of a size.
    """
    place = (truth, noise, n, replicate)
    found = _once(folder, place, RECIPE, fitted)
    if n <= MOST_ROWS and replicate < n_drawn:
        more = _once(folder / "drawn", place, DRAWN_RECIPE, drawn)
        return _joined(found, more)
    return found


def _once(
    folder: Path,
    place: tuple[str, str, int, int],
    recipe: dict[str, Any],
    make: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    n, replicate = place[2:]
    path = folder / f"{n}-{replicate}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        if kept["recipe"] == recipe:
            return kept
    found = {"recipe": recipe, "n": n, "replicate": replicate} | make(*place)
    folder.mkdir(parents=True, exist_ok=True)
    write_at_once(path, json.dumps(found, indent=1).encode())
    return found


def _joined(found: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    cpu = found["cpu"] + more["cpu"]
    return found | {"eic": more["eic"], "test": more["test"], "cpu": round(cpu, 2)}


def kept(folder: Path) -> list[dict[str, Any]]:
    """All samples of a folder that are finished, also while others are being made."""
    every = _of_recipe(folder, RECIPE)
    more = _of_recipe(folder / "drawn", DRAWN_RECIPE)
    return [_joined(one, more[name]) if name in more else one for name, one in every.items()]


def _of_recipe(folder: Path, recipe: dict[str, Any]) -> dict[str, dict[str, Any]]:
    every = {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    return {name: one for name, one in every.items() if one["recipe"] == recipe}


def fitted(truth: str, noise: str, n: int, replicate: int) -> dict[str, Any]:
    """The table of all fits and the choices that need more than the table."""
    X, y, fresh = _sample(truth, noise, n, replicate)
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = select(X, y, estimator=_base(), n_experts=EXPERTS)
        over = grid.fits[truths.TRUTHS[truth].most - 1]
        tree = None if over is None else dendrogram(over, X, y).best_n_experts_
        return {
            "version": mixstat.__version__,
            "table": _rows(grid, *fresh),
            "dendrogram": tree,
            "slope": _priced(grid, "slope"),
            "jump": _priced(grid, "jump"),
            "cpu": round(time.process_time() - begin, 2),
        }


def drawn(truth: str, noise: str, n: int, replicate: int) -> dict[str, Any]:
    """Choices of the rules that draw: EIC of the same fits, and tests of one expert more."""
    X, y, _ = _sample(truth, noise, n, replicate)
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = select(X, y, estimator=_base(), n_experts=EXPERTS, eic_draws=EIC_DRAWS).table
        eic = table["eic"].where(table["regular"]).dropna()
        return {
            "version": mixstat.__version__,
            "eic": None if eic.empty else int(table["n_experts"][eic.idxmin()]),
            "test": _tested(X, y),
            "cpu": round(time.process_time() - begin, 2),
        }


def _tested(X: np.ndarray, y: np.ndarray) -> int:
    """The first number of experts that a bootstrap test does not reject."""
    for k in EXPERTS[:-1]:
        asked: dict[str, Any] = {"n_experts": k, "n_draws": TEST_DRAWS, "stop_after": 1}
        # the smallest p-value of so few draws is the level itself
        if bootstrap_test(X, y, estimator=_base(), **asked).pvalue > LEVEL + 1e-9:
            return k
    return EXPERTS[-1]


def _sample(
    truth: str, noise: str, n: int, replicate: int
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Rows of a place, and fresh ones for the held-out density."""
    place = [SEED, list(truths.TRUTHS).index(truth), truths.NOISES.index(noise), n, replicate]
    random, law = np.random.default_rng(place), truths.TRUTHS[truth]
    X, y = law.sample(n, noise, random)
    return X, y, law.sample(max(50, round(HELD_OUT * n)), noise, random)


def _base() -> MixtureOfExperts:
    return MixtureOfExperts(n_init=STARTS, random_state=0)


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
