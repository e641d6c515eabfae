"""Small fits of every kind that a file may hold, and what is compared of them."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.contextual import AlphaCertain, labels
from mixstat.estimators.base import BaseMixture

N = 60
QUICK = {"n_init": 1, "random_state": 0}


class Case(NamedTuple):
    """A fit, and the rows it was made from as its methods take them."""

    moe: BaseMixture
    X: object
    y: object
    beside: dict[str, object]  # what is told of rows beside them


def rows() -> pd.DataFrame:
    """A table of all that the cases need."""
    random = np.random.default_rng(3)
    x, w = np.linspace(-1, 1, N), random.uniform(size=N)
    y = np.where(random.random(N) < 0.5, 2 * x, 1 - 2 * x) + 0.3 * random.standard_normal(N)
    return pd.DataFrame(
        {
            "x": x,
            "w": w,
            "y": y,
            "group": np.resize(["north", "south", "west"], N),
            "count": random.poisson(np.exp(1 + x)),
            "log_e": np.log(1 + w),
            "id": np.repeat(np.arange(N // 3), 3),
        }
    )


def _formula() -> Case:
    """A formula with what it learns: centres, knots, levels, contrasts; and an offset."""
    moe = MixtureOfExperts(
        2,
        expert="poisson",
        ridge=0.01,
        formula="count ~ poly(x, 2) + group + bs(w, df=4) + np.exp(x) + offset(log_e)",
        gate_formula="~ center(x) + C(group, contr.sum)",
        **QUICK,
    )
    return Case(moe.fit(rows()), rows(), None, {})


def _named() -> Case:
    """Named columns, a column of offsets, and weights."""
    table = rows()
    X, y = table[["x", "w", "log_e"]], table[["y"]]
    weight = 0.5 + table["w"].to_numpy()
    moe = MixtureOfExperts(2, degree=[0, 1], **QUICK)
    moe.fit(X, y, sample_weight=weight, offset="log_e")
    return Case(moe, X, y, {"sample_weight": weight})


def _missing() -> Case:
    """Rows that were left out, and units of several rows."""
    table = rows()
    table.loc[[4, 7], "w"] = np.nan
    X = table[["x", "w", "id"]]
    moe = MixtureOfExperts(2, missing="drop", gate_degree=0, **QUICK)
    moe.fit(X, table["y"], groups="id")
    there = X["w"].notna()
    return Case(moe, X[there], table["y"][there], {})


def _classes() -> Case:
    table = rows()
    classes = table["group"].to_numpy(object)
    moe = MixtureOfExpertsClassifier(2, ridge=0.01, **QUICK).fit(table[["x", "w"]], classes)
    return Case(moe, table[["x", "w"]], classes, {})


def _contexts() -> Case:
    """Contexts of several kinds, on a time, a label and an input."""
    table, day = rows(), pd.date_range("2024-01-01", periods=N, freq="D")
    told = table[["group"]].assign(day=day)
    low = AlphaCertain("low", on="x", inside=(None, 0.4), alpha=0.8)
    late = AlphaCertain("late", on="day", inside=(pd.Timestamp("2024-01-20"), None), alpha=0.8)
    north = labels("group", ["north", "south", "west"], 0.7)[0]
    moe = ContextualMixtureOfExperts([low & ~north, late], ridge=0.01, **QUICK)
    X, y = table[["x", "w"]], table["y"]
    return Case(moe.fit(X, y, context_data=told), X, y, {"context_data": told})


def _penalised() -> Case:
    """Zeros of an elastic net on monomials, a start of one's own, and a seed that is an object."""
    X, y = rows()[["x", "w"]].to_numpy(), rows()["y"].to_numpy()
    moe = MixtureOfExperts(
        2,
        degree=2,
        expert_penalty=0.05,
        gate_penalty=0.05,
        scale_penalty=1.0,
        init=(y > 0.5).astype(int),
        random_state=np.random.RandomState(4),
        expert_features=slice(0, 1),
    )
    return Case(moe.fit(X, y), X, y, {})


def _restricted() -> Case:
    """Equations between parameters, and rows whose expert is known."""
    X, y = rows()[["x", "w"]], rows()["y"]
    told = np.where(np.arange(N) % 7 == 0, (y > 0.5).astype(int), -1)
    moe = MixtureOfExperts(2, common=["w"], constraints="expert1:x = 2", **QUICK)
    return Case(moe.fit(X, y, known_experts=told), X, y, {"known_experts": told})


def _updated() -> Case:
    """A fit that has learnt from more rows."""
    X, y = rows()[["x"]], rows()["y"]
    moe = MixtureOfExperts(2, **QUICK).fit(X, y)
    return Case(moe.partial_fit(X[:20], y[:20]), X, y, {})


MAKERS = {
    "formula": _formula,
    "named": _named,
    "missing": _missing,
    "classes": _classes,
    "contexts": _contexts,
    "penalised": _penalised,
    "restricted": _restricted,
    "updated": _updated,
}
KEPT = Path(__file__).parent / "kept"  # files of earlier versions, and what they answered


@cache
def case(name: str) -> Case:
    """A case, fitted once."""
    return MAKERS[name]()
