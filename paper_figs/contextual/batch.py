"""Batch process: phases recovered from labels of which one in five is wrong."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import labels
from mixstat.datasets import make_batch_process

ALPHA = 0.8  # certainty of the labels
WRONG = 0.2  # share of wrong ones
SETTINGS = {"ridge": 1e-3, "n_init": 12}


def one(seed: int):
    """Shares of rows whose phase is right: contextual, plain and stated."""
    process = make_batch_process(4, wrong_labels=WRONG, random_state=seed)
    X, y, phase = process.data, process.target, process.phase
    contexts = labels("phase", [0, 1, 2, 3], alpha=ALPHA)
    moe = ContextualMixtureOfExperts(contexts, **SETTINGS, random_state=seed)
    moe.fit(X, y, context_data={"phase": process.stated_phase})
    plain = MixtureOfExperts(4, **SETTINGS, random_state=seed).fit(X, y)
    found = moe.responsibilities(X, y).argmax(axis=1)
    row = {
        "seed": seed,
        "contextual": float(np.mean(found == phase)),
        "contextual_gate": float(np.mean(moe.predict_expert(X) == phase)),
        "plain": matched(plain.responsibilities(X, y).argmax(axis=1), phase),
        "stated": float(np.mean(process.stated_phase == phase)),
        "status": moe.status_.name,
    }
    best = row["contextual"] > max(row["plain"], row["stated"])
    return row | {"best": bool(best)}, (process, moe, plain)


def matched(found: np.ndarray, phase: np.ndarray) -> float:
    """Share of right rows under the numbering of the experts that suits them best."""
    table = np.zeros((4, 4))
    np.add.at(table, (found, phase), 1.0 / len(phase))
    return float(table[linear_sum_assignment(-table)].sum())


def run(*, quick: bool) -> tuple[dict, dict]:
    """All seeds; the first fit is drawn."""
    rows, shown = [], None
    for seed in range(3 if quick else 100):
        row, fit = one(seed)
        rows.append(row)
        shown = fit if shown is None else shown
        print(f"batch: {row}", flush=True)
    means = {f"mean_{name}": float(np.mean([row[name] for row in rows])) for name in METHODS}
    table = {"n_seeds": len(rows), "share_best": float(np.mean([row["best"] for row in rows]))}
    return table | means | {"seeds": rows}, {"fit": shown}


METHODS = ("contextual", "contextual_gate", "plain", "stated")
