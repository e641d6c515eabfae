"""Settings of the three estimators."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mixstat import (
    ContextualMixtureOfExperts,
    MixtureOfExperts,
    MixtureOfExpertsClassifier,
    experts,
    gates,
    solvers,
)
from tests.bad_inputs.formulas import of_formulas
from tests.bad_inputs.methods import of_groups, of_known, of_methods, of_offsets, of_prediction
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import (
    LABELS,
    NOT_COLUMNS,
    NOT_COUNTS,
    NOT_FORMULAS,
    NOT_POSITIVE,
    NOT_SEEDS,
    NOT_SHARES,
    NOT_SWITCHES,
    N,
    X,
    Y,
)

# settings of estimators

SETTINGS: dict[str, list[Any]] = {
    "n_experts": [*NOT_COUNTS[:5], [1, 2]],
    "degree": [-1, 1.5, "one", True, None, Case([1, 2, 3], "3 of them"), [1, -1]],
    "interactions": NOT_SWITCHES,
    "expert_features": [*NOT_COLUMNS[:4], True],
    "gate": ["softmx", 3, None, gates.SoftmaxGate],
    "gate_degree": [-1, 1.5, "one", True, None],
    "gate_features": [*NOT_COLUMNS[:4], True],
    "formula": NOT_FORMULAS[:3],
    "gate_formula": ["~ x"],
    "solver": ["adam", None, 1, solvers.EM],
    "init": [
        "magic", ("kmeans", "magic"), Case([], r"\(0,\)"), Case(np.full(N, 2), "2..2"),
        Case(np.zeros((N, 3)), r"\(30, 3\)"), Case(None, r"\(\)"), Case(LABELS, "'(in|out)'"),
        Case(np.full((N, 2), -1.0), "-1"), Case(np.full((N, 2), np.nan), "nan"),
        Case(np.zeros((N, 2)), "row 0"), Case(MixtureOfExperts(), "not fitted"),
    ],
    "n_init": [0, -1, 2.5, "many", None, True],
    "tol": [*NOT_POSITIVE, 1.0],
    "max_iter": NOT_COUNTS,
    "min_scale": [*NOT_POSITIVE, 1.0, 10],
    "min_share": [-0.1, 0.6, "some", None, np.nan],
    "precision": ["float16", None, 64, np.float32],
    "ridge": [-1.0, np.nan, np.inf, "some", True],
    "expert_penalty": [-1.0, np.nan, np.inf, "some", None, True],
    "gate_penalty": [-1.0, np.nan, np.inf, "some", None, True],
    "l1_ratio": NOT_SHARES,
    "constraints": [
        5, Case(["expert0:x0 = 1", 3], "3"), "expert0:zz = 1", "expert0:x0 > 1", "1 = 0",
        "expert0:x0 * expert1:x0 = 1", Case({"zz": 1}, "'zz'"), Case({"gate0:x0": "a"}, "'a'"),
        Case({"gate0:x0": np.nan}, "nan"), Case({"gate0:x0": True}, "True"),
        Case(["gate0:x0 = 1", "gate0:x0 = 2"], "gate0:x0 = 2"), "0 < expert0:x0 <= 1",
        "expert0:x0 <= expert1:x0", "expert0:zz >= 0", "1 <= 0", "expert0:x0 >=",
        "0 <= gate0:x0 = 1", "expert0:x0 >= 1e999",
        Case(["gate0:x0 >= 1", "gate0:x0 <= 0"], "gate0:x0 <= 0"),
    ],
    "common": [5, "zz", Case([1], "1"), Case(["x0", "zz"], "'zz'"), "gate0:x0"],
    "frozen": [
        "all", 0, Case({5: {}}, "5"), Case({0: 1.5}, "1.5"), Case({0: {"zz": 1}}, "'zz'"),
        Case({0: {"coef": [1, 2]}}, "2"), Case({0: {"coef": np.nan}}, "nan"),
        Case({0: {"coef": "a"}}, "'a'"), Case({True: {}}, "True"),
    ],
    "warm_start": ["x", 1, None],
    "random_state": NOT_SEEDS,
    "verbose": ["x", -1, None, 1.5],
}  # fmt: skip
NOT_NAMES = [
    "ab", 5, [1, 2], ["a", ""], Case([], r"\[\]"), Case(["a"], "1 of them"),
    Case(["a", "a"], "'a', 'a'"), Case(["a", "b", "c"], "3 of them"), Case(["a", None], "None"),
]  # fmt: skip
OF_REGRESSORS: dict[str, list[Any]] = {
    "expert": [
        "normal", None, 3, Case(["gaussian", "poisson"], "poisson|Poisson"), Case([], "empty"),
        "multinomial", experts.PoissonExperts, Case(["gaussian"] * 3, "3"), "zero",
        Case(["zero", "zero"], "PointMass"),
    ],
    "covariance": ["round", None, 2],
    "missing": ["omit", None, True],
    "expert_names": NOT_NAMES,
    "max_scale_ratio": [0.5, 0, -1, np.nan, np.inf, "some", True],
    "scale_penalty": [-1.0, np.nan, np.inf, "some", None, True],
}  # fmt: skip
OF_CLASSIFIERS: dict[str, list[Any]] = {
    "missing": ["omit", None, True, "likelihood"],
    "expert_names": NOT_NAMES,
    "classes": [["in", "in"], Case(["in", "out", "on"], "on"), ["in"], "in", Case(5, "5")],
}
OF_CONTEXTS: dict[str, list[Any]] = {
    "contexts": [Case([], "at least one"), "up", [1], 5],
    "mapping": ["up", 5],
    "alpha": [*NOT_SHARES, True],
    "normalise": NOT_SWITCHES,
}
UNKNOWN = ["k", "n_components", "n_clusters", "weights", "seed", "maxiter", "degre"]


def _unknown() -> Iterator[Row]:
    for cls in (MixtureOfExperts, MixtureOfExpertsClassifier, ContextualMixtureOfExperts):
        for name in UNKNOWN:
            yield Row(cls.__name__, name, 2, "has no argument", _settled(cls, name), TypeError)


def _settled(cls: type, name: str) -> Callable[[], object]:
    return lambda: cls(**{name: 2})


def _fits(cls: type, y: np.ndarray, **others: object) -> Callable[[], Callable[..., object]]:
    """A fit to the rows with settings."""
    return lambda: lambda **settings: cls(**settings).fit(X, y, **others)


def of_estimators() -> Iterator[Row]:
    """Settings and methods of the three estimators."""
    known = {"possibilities": np.ones((N, 2))}
    others = ("missing", "expert_names")  # contexts name their experts
    of_contexts = {name: bad for name, bad in OF_REGRESSORS.items() if name not in others}
    kinds = [
        ("regressor", MixtureOfExperts, Y, SETTINGS | OF_REGRESSORS, {}),
        ("classifier", MixtureOfExpertsClassifier, LABELS, SETTINGS | OF_CLASSIFIERS, {}),
        ("contextual", ContextualMixtureOfExperts, Y, SETTINGS | of_contexts, known),
    ]
    for kind, cls, y, settings, others in kinds:
        name = cls.__name__
        yield from rows(name, _fits(cls, y, **others), {}, settings)
        yield from of_methods(kind, name, cls, y)
    yield from rows(
        "ContextualMixtureOfExperts", _fits(ContextualMixtureOfExperts, Y), {}, OF_CONTEXTS
    )
    yield from _unknown()
    yield from of_formulas()
    yield from of_prediction()
    yield from of_offsets()
    yield from of_groups()
    yield from of_known()
