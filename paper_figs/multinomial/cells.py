"""Losses of K + 1 experts that are fitted to K, cell by cell, where a Voronoi loss cannot decay.

Two experts without inputs are one: a mixture of two fixed distributions over classes is such a
distribution, under any gate. Where both fitted atoms of a cell are near a true expert without
inputs, only the average of their class probabilities can be estimated, not their intercepts.
The loss here takes that average in place of the intercepts, and is otherwise the Voronoi loss
with squares in shared cells. It is the smallest over all ways to deal the fitted atoms out to
the true ones, since intercepts that mean nothing must not decide which true atom is nearest.
"""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

from mixstat.numerics import parameter_vector
from mixstat.rates.losses.atoms import Measures, measures
from mixstat.rates.losses.translation import Terms, best_factor, best_shift

COLUMNS = ("by_cells", "split", "gate_shared", "slope_shared", "intercept_shared", "average")


def by_cells(truth: Any, table: pd.DataFrame) -> pd.DataFrame:
    """The table with more columns.

    - "by_cells": the loss.
    - "split": number of the true atom that several fitted ones share.
    - "gate_shared", "slope_shared", "intercept_shared": errors of the atoms that share a cell,
      averaged by their weights.
    - "average": error of the average class probabilities of the shared cell at x = 0.
    """
    true, own = measures([truth.mixture]), measures(_models(truth, table))
    total = true.weight[0].sum() / own.weight.sum(axis=1)
    own = own._replace(weight=own.weight * total[:, None])
    k, n_true = own.weight.shape[1], true.weight.shape[1]
    deals = [d for d in product(range(n_true), repeat=k) if len(set(d)) == n_true]
    found = [_dealt(true, own, np.array(deal)) for deal in deals]
    best = np.argmin([columns["by_cells"] for columns in found], axis=0)
    picked = {
        name: np.stack([columns[name] for columns in found])[best, np.arange(len(best))]
        for name in COLUMNS
    }
    return table.assign(**picked)


def _models(truth: Any, table: pd.DataFrame) -> list[Any]:
    columns = [c for c in table.columns if c.startswith("param ")]
    k = sum(c.startswith("param expert") for c in columns) // truth.mixture.experts.coef[0].size
    like = truth.mixture.permute(np.arange(k) % truth.n_experts)
    return [parameter_vector.from_vector(like, row) for row in table[columns].to_numpy()]


def _dealt(true: Measures, own: Measures, deal: np.ndarray) -> dict[str, np.ndarray]:
    """Loss and errors where fitted atom i belongs to true atom ``deal[i]``."""
    size = np.bincount(deal)[deal]
    shared = size > 1
    gaps = {name: own.blocks[name] - true.blocks[name][0][deal] for name in own.blocks}
    power = np.broadcast_to(np.where(shared, 2.0, 1.0), own.weight.shape)
    terms = Terms(own.weight, gaps["gate"], np.zeros(power.shape), power)
    gaps["gate"] = gaps["gate"] - best_shift(terms)[:, None, :]
    length = {name: np.linalg.norm(gap, axis=2) for name, gap in gaps.items()}
    mass = np.stack([own.weight[:, deal == j].sum(axis=1) for j in range(deal.max() + 1)], axis=1)
    loss = np.abs(mass - best_factor(mass, true.weight[0])[:, None] * true.weight).sum(axis=1)
    split = int(deal[np.argmax(size)])
    free = not np.any(true.blocks["slope"][0][split])
    for name, each in length.items():
        counts = ~shared if name == "intercept" and free else np.ones(len(deal), bool)
        loss = loss + np.sum(own.weight * each**power * counts, axis=1)
    share = own.weight * shared / np.sum(own.weight * shared, axis=1, keepdims=True)
    mean = np.einsum("rk,rkc->rc", share, _probabilities(own.blocks["intercept"]))
    gap = mean - _probabilities(true.blocks["intercept"])[0, split]
    average = np.linalg.norm(gap, axis=1)
    if free:
        loss = loss + mass[:, split] * average
    errors = {f"{name}_shared": np.sum(share * each, axis=1) for name, each in length.items()}
    return {"by_cells": loss, "split": np.full(len(loss), split), "average": average} | errors


def _probabilities(intercepts: np.ndarray) -> np.ndarray:
    """Class probabilities at x = 0."""
    return softmax(np.concatenate([intercepts, np.zeros((*intercepts.shape[:2], 1))], 2), axis=2)
