"""Numbers across studies: excess over the floor, best m, and equal numbers of parameters."""

from typing import Any

import cells
import numpy as np
import pandas as pd

DRAWS = 2000
SMOOTHNESS = {"smooth": np.inf, "rough": 0.75}  # alpha: derivatives of the target
EQUAL = ((8, 0), (6, 1), (4, 3))  # m and k with 22 parameters
Tables = dict[str, pd.DataFrame]


def summarise(results: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """All that needs more than one study, of those that have been run to their end."""
    tables = {name: table for name, table in tables.items() if name in results}
    means = {name: Means(table) for name, table in tables.items()}
    found: dict[str, Any] = {"excess": excess(results, means)}
    for target in cells.TARGETS:
        found[target] = {
            "best_m": {str(k): best_m(target, k, means) for k in (1, 3)},
            "equal_parameters": equal(target, means),
        }
    return found | {"certified": min(float(t["converged"].mean()) for t in tables.values())}


class Means:
    """Mean KL by n, with bootstrap draws that pick the same replicates in every study."""

    def __init__(self, table: pd.DataFrame) -> None:
        wide = table.pivot(index="n", columns="replicate", values="kl")
        self.sizes = wide.index.to_numpy()
        self.kl = wide.to_numpy()
        random = np.random.default_rng(0)
        count = self.kl.shape[1]
        self.draws = np.stack(
            [row[random.integers(count, size=(DRAWS, count))].mean(axis=1) for row in self.kl]
        )  # (sizes, draws)

    @property
    def mean(self) -> np.ndarray:
        """By size."""
        return self.kl.mean(axis=1)


def excess(results: dict[str, Any], means: dict[str, Means]) -> dict[str, Any]:
    """What KL exceeds its floor by: in units of p / (2n), and its slope on n.

    Any model of m experts of degree k bounds the floor from above, so it is the least KL seen,
    of the fits to the population or to data.
    """
    floors = results.get("floors", {}).get("cells", {})
    found = {}
    for name, one in means.items():
        if name not in floors:
            continue
        _, m, k = _cell(name)
        floor = min(floors[name]["kl"], float(one.kl.min()))
        half = cells.n_parameters(m, k) / (2 * one.sizes)
        units = (one.mean - floor) / half
        slope, slopes = (_slope(one.sizes, np.log(a - floor)) for a in (one.mean, one.draws))
        found[name] = {
            "floor": floor,
            "over_floor": float(one.mean[-1] / floor),
            "in_units": {str(n): float(u) for n, u in zip(one.sizes, units, strict=True)},
            "slope": float(slope),
            "low": float(np.quantile(slopes, 0.025)),
            "high": float(np.quantile(slopes, 0.975)),
        }
    return found


def _cell(name: str) -> tuple[str, int, int]:
    target, m, k = name.split("-")
    return target, int(m[1:]), int(k[1:])


def _with_degree(target: str, k: int, means: dict[str, Means]) -> dict[int, Means]:
    cell = {name: _cell(name) for name in means if name.startswith(target)}
    found = {m: means[name] for name, (_, m, degree) in cell.items() if degree == k}
    return dict(sorted(found.items()))


def best_m(target: str, k: int, means: dict[str, Means]) -> dict[str, Any]:
    """The m of least mean KL at each n, how sure that is, and the rate along the best m."""
    some = _with_degree(target, k, means)
    if len(some) < 2:
        return {}
    m, sizes = np.array(list(some)), next(iter(some.values())).sizes
    mean = np.stack([one.mean for one in some.values()])  # (m, sizes)
    draws = np.stack([one.draws for one in some.values()])  # (m, sizes, draws)
    best, drawn = m[mean.argmin(axis=0)], m[draws.argmin(axis=0)]
    slope, slopes = (_slope(sizes, np.log(a.min(axis=0))) for a in (mean, draws))
    tau = min(SMOOTHNESS[target], k + 1)
    return {
        "best": {str(n): int(b) for n, b in zip(sizes, best, strict=True)},
        "share": {
            str(n): float(np.mean(d == b)) for n, d, b in zip(sizes, drawn, best, strict=True)
        },
        "theory_grows_by": float(_growth(sizes, k, tau)),
        "grows_by": float(best[-1] / best[0]),
        "grows_share": float(np.mean(drawn[-1] > drawn[0])),
        "rate": float(slope),
        "rate_low": float(np.quantile(slopes, 0.025)),
        "rate_high": float(np.quantile(slopes, 0.975)),
        "rate_theory": float(_slope(sizes, _theory(sizes, tau))),
    }


def _growth(sizes: np.ndarray, k: int, tau: float) -> float:
    """Of m* = (n / ((k + 3) log n))^(1 / (2 tau + 1)) from the smallest to the largest n."""
    optimal = (sizes / ((k + 3) * np.log(sizes))) ** (1 / (2 * tau + 1))
    return optimal[-1] / optimal[0]


def _theory(sizes: np.ndarray, tau: float) -> np.ndarray:
    """Log of (log n / n)^(2 tau / (2 tau + 1))."""
    return 2 * tau / (2 * tau + 1) * np.log(np.log(sizes) / sizes)


def _slope(sizes: np.ndarray, logs: np.ndarray) -> np.ndarray:
    gap = np.log(sizes) - np.log(sizes).mean()
    return gap @ logs / (gap @ gap)


def equal(target: str, means: dict[str, Means]) -> dict[str, Any]:
    """Mean KL at 22 parameters; by how much, and how many times, it exceeds four cubics'."""
    some = {(m, k): means.get(cells.label(target, m, k)) for m, k in EQUAL}
    cubic = some[EQUAL[-1]]
    if cubic is None:
        return {}
    found: dict[str, Any] = {}
    for (m, k), one in some.items():
        if one is None:
            continue
        gap, draws = one.mean - cubic.mean, one.draws - cubic.draws
        low, high = np.quantile(draws, [0.025, 0.975], axis=1)
        times = one.mean / cubic.mean
        numbers = zip(one.sizes, one.mean, gap, low, high, times, strict=True)
        found[f"m{m}-k{k}"] = {
            str(n): dict(zip(("kl", "gap", "low", "high", "times"), map(float, of), strict=True))
            for n, *of in numbers
        }
    return found
