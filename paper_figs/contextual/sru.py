"""Sulfur recovery unit: six methods on one split in time, every choice made before it.

The first 8,000 rows train and the others test. Inputs are lags 0, 5, 7 and 9 of five flows.
Settings are compared by the RMSE of five blocks of training rows, each left out in turn.
"""

from typing import Any

import numpy as np
from baselines import BASELINES
from sklearn.model_selection import KFold

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import Trapezoidal
from mixstat.datasets import load_sru
from mixstat.soft_sensors import input_report, lag_rows

LAGS = [0, 5, 7, 9]
TRAIN = 8000
MAPPINGS = {
    2: {"normal": 0, "peak": 1},
    3: {"normal": [0, 1], "peak": 2},
    4: {"normal": [0, 1], "peak": [2, 3]},
}
RAMPS = [(0.9, 0.97), (0.8, 0.95)]  # quantiles of y between which a row is more and more a peak
ALPHAS = [1.0, 0.8]
RIDGES = [1e-3, 1e-2]
N_INIT = 4


def tables(output: int):
    """Training and test rows; the first nine rows have no full history."""
    plant = load_sru(as_frame=True)
    X, y = lag_rows(plant.data, plant.target.iloc[:, output], lags=LAGS)
    n = TRAIN - max(LAGS)
    return X.iloc[:n], y.iloc[:n], X.iloc[n:], y.iloc[n:]


def contexts(y, ramp: tuple[float, float]) -> list[Trapezoidal]:
    """Normal operation below and peaks above a ramp between two quantiles of y."""
    low, high = np.quantile(y, ramp)
    return [
        Trapezoidal("normal", "y", (-np.inf, -np.inf, low, high)),
        Trapezoidal("peak", "y", (low, high, np.inf, np.inf)),
    ]


def contextual(y, n_experts: int, ramp: tuple[float, float], alpha: float, ridge: float):
    """The estimator of one setting."""
    return ContextualMixtureOfExperts(
        contexts(y, ramp),
        n_experts=n_experts,
        mapping=MAPPINGS[n_experts],
        alpha=alpha,
        ridge=ridge,
        n_init=N_INIT,
        random_state=0,
    )


def plain(n_experts: int, ridge: float) -> MixtureOfExperts:
    """The same without contexts."""
    return MixtureOfExperts(n_experts, ridge=ridge, n_init=N_INIT, random_state=0)


def candidates(y, quick: bool) -> dict[str, list[tuple[str, Any]]]:
    """Settings of each method, by words."""
    ramps, alphas = (RAMPS[:1], ALPHAS[1:]) if quick else (RAMPS, ALPHAS)
    counts, ridges = ([3], RIDGES[1:]) if quick else (list(MAPPINGS), RIDGES)
    knowing = [
        (f"K={k}, ramp={ramp}, alpha={alpha}, ridge={ridge}", contextual(y, k, ramp, alpha, ridge))
        for k in counts
        for ramp in ramps
        for alpha in alphas
        for ridge in ridges
    ]
    blind = [(f"K={k}, ridge={ridge}", plain(k, ridge)) for k in counts for ridge in ridges]
    others = {name: settings[:1] if quick else settings for name, settings in BASELINES.items()}
    return {"contextual": knowing, "plain mixture": blind, **others}


def rmse(model, X, y) -> float:
    """Root mean squared error of predictions."""
    return float(np.sqrt(np.mean((np.ravel(model.predict(X)) - np.asarray(y)) ** 2)))


def blocked(model, X, y, n_blocks: int) -> float:
    """RMSE over all rows, each block predicted by the others."""
    total = 0.0
    for train, test in KFold(n_blocks).split(X):
        model.fit(X.iloc[train], y.iloc[train])
        total += len(test) * rmse(model, X.iloc[test], y.iloc[test]) ** 2
    return float(np.sqrt(total / len(X)))


def choice(pairs: list):
    """The setting of the smallest blocked RMSE; of those within 1 % of it the fewest experts."""
    if len(pairs) == 1:
        return pairs[0]
    limit = 1.01 * min(row["blocked"] for row, _ in pairs)
    near = [pair for pair in pairs if pair[0]["blocked"] <= limit]
    return min(near, key=lambda pair: (getattr(pair[1], "n_experts", 0), pair[0]["blocked"]))


def one(output: int, quick: bool):
    """Every method on one output, and what is drawn of the contextual one."""
    X, y, X_test, y_test = tables(output)
    rows, tried = [], {}
    for method, settings in candidates(y, quick).items():
        for words, model in settings:
            score = blocked(model, X, y, 2 if quick else 5) if len(settings) > 1 else None
            held_out = rmse(model.fit(X, y), X_test, y_test)
            row = {"method": method, "setting": words, "blocked": score, "test": held_out}
            rows.append(row)
            print(f"sru y{output + 1}: {row}", flush=True)
            tried.setdefault(method, []).append((row, model))
    best = {method: choice(pairs) for method, pairs in tried.items()}
    model = best["contextual"][1].fit(X, y)
    report = input_report(model, X, y, n_boot=4 if quick else 50, block=50, random_state=0)
    figure = {"model": model, "report": report, "X": X_test, "y": y_test, "y_train": y}
    return [row for row, _ in best.values()], rows, figure


def run(*, quick: bool) -> tuple[dict, dict]:
    """Both outputs."""
    table, figures = {}, {}
    for output in range(2):
        chosen, rows, figures[f"y{output + 1}"] = one(output, quick)
        table[f"y{output + 1}"] = {"chosen": chosen, "all": rows}
        table[f"rmse_y{output + 1}"] = chosen[0]["test"]
    return table, figures
