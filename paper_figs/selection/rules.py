"""What each rule chooses from the table of a sample, at both ends of the criteria."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

WORDS = {
    "aic": "AIC",
    "bic": "BIC",
    "icl": "ICL",
    "dendrogram": "dendrogram (DSC)",
    "slope": "slope heuristics (slope)",
    "jump": "slope heuristics (jump)",
    "held_out": "held-out density",
    "eic": "EIC (bootstrap)",
    "test": "bootstrap test",
}
WRONG = {f"{name}_wrong_end": f"{WORDS[name]}, wrong end" for name in ("aic", "bic", "icl")}
RULES = (*WORDS, *WRONG)


def choices(cell: dict[str, Any]) -> dict[str, int | None]:
    """Number of experts by each rule; None where one does not apply."""
    table = [row for row in cell["table"] if row["regular"]] or cell["table"]
    found: dict[str, int | None] = {
        name: _least(table, lambda row, name=name: row[name]) for name in ("aic", "bic", "icl")
    }
    found["held_out"] = _least(table, lambda row: -row["held_out"])
    found |= {name: cell.get(name) for name in ("dendrogram", "slope", "jump", "eic", "test")}
    # log-likelihood less a price, of which large is good, minimised all the same; of all fits
    for name in ("aic", "bic", "icl"):
        key = f"{name}_wrong_end"
        found[key] = _least(cell["table"], lambda row, name=name: -0.5 * row[name])
    return found


def _least(table: Iterable[dict[str, Any]], value: Callable[[dict[str, Any]], float]) -> int:
    return int(min(table, key=value)["n_experts"])


def shares(cells: list[dict[str, Any]], right: int) -> dict[str, Any]:
    """Of each rule and size: share of the right number, of one expert, and the mean number."""
    sizes = sorted({one["n"] for one in cells})
    found: dict[str, Any] = {}
    for rule in RULES:
        found[rule] = {}
        for n in sizes:
            chosen = [choices(one)[rule] for one in cells if one["n"] == n]
            known = np.array([k for k in chosen if k is not None], float)
            if len(known):
                found[rule][str(n)] = {
                    "right": float(np.mean(known == right)),
                    "one": float(np.mean(known == 1)),
                    "mean": float(known.mean()),
                    "samples": len(known),
                }
    return found
