"""Two levels: settings, and questions about units."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from mixstat import TwoLevelMixtureOfExperts
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.settings import OF_REGRESSORS, SETTINGS
from tests.bad_inputs.values import (
    NOT_FORMULAS,
    NOT_NUMBERS,
    NOT_TABLES,
    NOT_UNITS,
    NOT_WEIGHTS,
    N,
    X,
    Y,
)

UNIT = np.arange(N) // 3
PLACE = "TwoLevelMixtureOfExperts"
NOT_LEVELS = [0.0, 1.0, 1.5, "high", None]
OF_ROWS = (
    "degree", "interactions", "expert_features", "gate_degree", "gate_features", "gate_formula",
    "tol", "max_iter", "min_scale", "random_state",
)  # fmt: skip


def _fits(**settings: Any) -> object:
    return TwoLevelMixtureOfExperts(**{"n_init": 1, **settings}).fit(X, Y, groups=UNIT)


def _unit_formula(unit_formula: object) -> object:
    model = TwoLevelMixtureOfExperts(formula="y ~ x", unit_formula=unit_formula, n_init=1)
    import pandas as pd

    return model.fit(pd.DataFrame({"x": X[:, 0], "y": Y}), groups=UNIT)


@cache
def _fitted() -> TwoLevelMixtureOfExperts:
    settings = {"expert_features": [0], "gate_degree": 0, "n_init": 1, "random_state": 0}
    return TwoLevelMixtureOfExperts(n_classes=1, **settings).fit(X, Y, groups=UNIT)


def _ask(name: str) -> Callable[[], Callable[..., object]]:
    return lambda: getattr(_fitted(), name)


def of_two_levels() -> Iterator[Row]:
    """Settings and methods of the estimator of two levels."""
    bad = {name: SETTINGS[name] for name in OF_ROWS}
    bad |= {
        "n_experts": [1, 0, 2.5, "two", True, None, [1, 2]],
        "n_classes": [0, -1, 2.5, "two", True, None],
        "n_init": [0, -1, 2.5, "many", None, True],
        "unit_features": [["zz"], 7, 1.5, Case([0], "varies in unit 0")],
        "formula": NOT_FORMULAS[:3],
        "expert": OF_REGRESSORS["expert"][:3],
        "missing": OF_REGRESSORS["missing"],
        "unit_formula": ["~ x"],
    }
    yield from rows(PLACE, lambda: _fits, {}, bad)
    formulas = {"unit_formula": ["", "y ~ x", "~ (x", Case("~ z", "names z"), 5]}
    yield from rows(PLACE, lambda: _unit_formula, {}, formulas)
    pairs = {"X": X, "y": Y, "groups": UNIT}
    asked = {"X": NOT_TABLES[:4], "y": NOT_NUMBERS[:4], "groups": NOT_UNITS}
    fit = lambda: TwoLevelMixtureOfExperts(n_init=1).fit  # noqa: E731
    yield from rows(f"{PLACE}.fit", fit, pairs, asked | {"sample_weight": NOT_WEIGHTS[-5:]})
    for name in ("class_responsibilities", "responsibilities", "score_samples", "aic", "bic"):
        more = {"count": ["students", None, 5]} if name == "bic" else {}
        yield from rows(f"{PLACE}.{name}", _ask(name), pairs, asked | more)
    for name in ("class_gate_proba", "gate_proba"):
        yield from rows(f"{PLACE}.{name}", _ask(name), {}, {"X": NOT_TABLES[:4]})
    known = {
        "X": NOT_TABLES[:4],
        "groups": NOT_UNITS,
        "history": ["rows", 5, Case((X, Y), "2 tables"), Case((X, Y, None), "None")],
    }
    good = {"X": X, "groups": UNIT, "history": (X, Y, UNIT)}
    yield from rows(f"{PLACE}.predict", _ask("predict"), good, known)
    levels = {"q": [0.0, 1.0, [0.5, 2.0], "half", None]}
    ask = _ask("predict_quantile")
    yield from rows(f"{PLACE}.predict_quantile", ask, {"q": 0.5, **good}, known | levels)
    kinds = {"cov_type": ["hac", None, 5]}
    yield from rows(f"{PLACE}.cov_params", _ask("cov_params"), {}, kinds)
    for name in ("estimates", "summary"):
        yield from rows(f"{PLACE}.{name}", _ask(name), {}, kinds | {"level": NOT_LEVELS})
    weights = {"sample_weight": NOT_WEIGHTS[-5:], "X": NOT_TABLES[:3], "y": NOT_NUMBERS[:3]}
    yield from rows(f"{PLACE}.score", _ask("score"), {"X": X, "y": Y}, weights)
