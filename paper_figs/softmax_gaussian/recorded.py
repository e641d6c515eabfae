"""Recorded fits of the authors' programs, repeated from their starts on their data."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from mixstat.data import batch as batches
from mixstat.model import Mixture
from mixstat.numerics.precision import in_float64
from mixstat.rates import PublishedStart, Specification, find_truth
from mixstat.rates.engine import Ended, solve_all
from mixstat.rates.losses import stated
from mixstat.solvers import problem as problems

FILE = "softmax_gaussian_reference.json"
KIND = "authors_tol_1e-6"
SEED_OF_DATA, SEED_OF_STARTS = 20230515, 7


def run(quick: bool, _folder: Path) -> dict[str, Any]:
    """Largest differences from the recorded fits; a quick run leaves out n = 100,000."""
    where = os.environ.get("MIXSTAT_ORACLE")
    path = Path(where or ".") / FILE
    if where is None or not path.is_file():
        return {"skipped": f"MIXSTAT_ORACLE names no folder with {FILE}: nothing to repeat"}
    runs = [r for r in json.loads(path.read_text())["results"] if r["kind"] == KIND]
    runs = [r for r in runs if not (quick and r["n"] > 10_000)]
    each = [compare(one, repeat(one)) for one in runs]
    return {"fits": len(each)} | {name: max(row[name] for row in each) for name in each[0]}


@in_float64
def repeat(run: dict[str, Any]) -> Ended:
    """The fit of one recorded run, by its recipe."""
    n, s, k = run["n"], run["s"], run["K"]
    truth = find_truth("softmax-gaussian").mixture
    x, y = data(n, s)
    random = np.random.default_rng([SEED_OF_STARTS, n, s, k])
    first = PublishedStart().at(truth, n, k, random)
    Z = np.column_stack([np.ones(n), x])
    task = problems.make(first, batches.build(Z, Z, y[:, None], width=12), min_scale=1e-12)
    return solve_all([task], [first], Specification(k, solver="published"))[0]


def data(n: int, s: int) -> tuple[np.ndarray, np.ndarray]:
    """Two lines on an even grid, chosen by a steep logistic gate."""
    x = np.linspace(0, 1, n)
    random = np.random.default_rng([SEED_OF_DATA, n, s])
    u, e = random.random(n), random.standard_normal(n)
    first = u < 1 / (1 + np.exp(-(-8 + 25 * x)))
    return x, np.where(first, 15 - 20 * x + 0.3 * e, -5 + 20 * x + 0.4 * e)


def compare(run: dict[str, Any], end: Ended) -> dict[str, float]:
    """Differences in parameters, log-likelihood, iterations and losses."""
    truth, model = find_truth("softmax-gaussian").mixture, end.model
    found = end.log_likelihood * run["n"]
    losses = (stated.SOFTMAX_CODE.plain(truth, model)[0], stated.SOFTMAX_CODE(truth, model)[0])
    kept = (run["authors_loss"], run["own_loss_inf_translation"])
    return {
        "parameters": float(np.max(np.abs(parameters(model) - _kept(run)))),
        "log_likelihood": abs(found / run["loglik_final"] - 1),
        "iterations": float(abs(end.n_iter - run["iters"])),
        "losses": float(max(abs(a - b) / abs(b) for a, b in zip(losses, kept, strict=True))),
    }


def parameters(model: Mixture) -> np.ndarray:
    """Gate, experts and variances in the order of the records."""
    gate, experts = model.gate.groups()[0].coef, model.experts.groups()
    variance = np.exp(2 * np.asarray(experts[1].coef))
    parts = (np.asarray(gate).T, np.asarray(experts[0].coef)[:, 0].T, variance)
    return np.concatenate([np.ravel(part) for part in parts])


def _kept(run: dict[str, Any]) -> np.ndarray:
    parts = (run["alpha"], run["beta"], run["sigma2"])
    return np.concatenate([np.ravel(np.array(part)) for part in parts])
