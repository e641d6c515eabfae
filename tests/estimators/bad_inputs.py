"""Bad values of every public argument, as compact entries that a table of tests is made of."""

import datetime
import decimal
import itertools
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
import pandas as pd
import scipy.sparse

import mixstat
from mixstat import (
    ContextualMixtureOfExperts,
    MixtureOfExperts,
    MixtureOfExpertsClassifier,
    contextual,
    datasets,
    experts,
    gates,
    plotting,
    selection,
    soft_sensors,
    solvers,
)

RNG = np.random.default_rng(0)
N = 30
X = RNG.normal(size=(N, 2))
Y = X[:, 0] + 0.1 * RNG.normal(size=N)
LABELS = np.where(X[:, 0] + RNG.normal(size=N) > 0, "in", "out")
DATA = pd.DataFrame({"y": Y, "x": X[:, 0], "w": X[:, 1] ** 2, "g": LABELS})
DATA["when"] = pd.date_range("2024-01-01", periods=N)
COMPLEX, DATES = Y + 1j, pd.date_range("2024-01-01", periods=N)


class Case(NamedTuple):
    """A bad value with what the message tells of it."""

    value: object
    seen: str
    """A regular expression."""


class Row(NamedTuple):
    """One bad value of one argument."""

    place: str
    argument: str
    value: object
    seen: str | None
    """What the message tells of the value; None for the value itself."""
    call: Callable[[], object]
    kind: type[Exception] | tuple[type[Exception], ...]

    @property
    def name(self) -> str:
        """Of the test."""
        return f"{self.place}({self.argument}={str(self.value)[:30]!r})"


def rows(
    place: str,
    target: Callable[[], Callable[..., object]],
    good: Mapping[str, object],
    bad: Mapping[str, list[Any]],
    *,
    kind: Any = (TypeError, ValueError),
) -> Iterator[Row]:
    """A row for each bad value: a call with it in the place of a good one."""
    for argument, values in bad.items():
        for value in values:
            given, seen = value if isinstance(value, Case) else (value, None)

            def call(argument=argument, given=given):
                return target()(**{**good, argument: given})

            yield Row(place, argument, given, seen, call, kind)


def fault(row: Row) -> str:
    """What is wrong with the answer to a bad value; empty if nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row.call()
    except row.kind as error:
        message = str(error)
    except Exception as error:
        return f"{row.name} raises {type(error).__name__}: {error}"
    else:
        return f"{row.name} is accepted"
    if TYPE_CHECK in message:
        return TYPE_CHECK
    told = re.search(TOLD_AS.get(row.argument, "$^"), message)
    if not told and row.argument not in message:
        return f"{row.name} is not told by name: {message}"
    if not _seen_in(message, row):
        return f"{row.name} is not shown: {message}"
    if not WANTED.search(message):
        return f"{row.name} does not tell what is wanted: {message}"
    return ""


def _seen_in(message: str, row: Row) -> bool:
    """Whether a message tells what was seen."""
    if row.seen is not None:
        return re.search(row.seen, message) is not None
    texts = [repr(row.value), str(row.value), type(row.value).__name__]
    if isinstance(row.value, list | tuple | dict):  # one of what it holds may be told
        texts += [repr(one) for one in row.value] + [repr(list(row.value))]
    return any(text in message for text in texts)


WANTED = re.compile(
    r"must|wanted|needs?\b|did you mean|has no|not supported|contains|require|one of|cannot be|"
    r"names|could not|not fitted|give|inconsistent|expect|asks for .* but|rescale|is not among|"
    r"stated in|closes|not part of|impossible|reach"
)
# arguments that are told by what they stand for
TOLD_AS = {
    "gate_kind": "^gate must",
    "settings": "degree|'k'",
    "data": "^formula",
    "values": "on=|^context",
    "possibilities": "contexts",
    "params": r"fit\(\)",
    "model": "not fitted",
    "formula": "^y must",
    "gate": "^gate_formula",
}
# where fields are declared with their types, which tests check before anything else
DECLARED = {
    *("AlphaCertain", "Complement", "Context", "Function", "Gaussian", "Joined", "Stated"),
    *("Trapezoidal", "Triangular", "EM", "LBFGS", "GaussianExperts", "MixedExperts"),
    *("MultinomialExperts", "ModifiedSoftmaxGate", "TemperatureGate"),
}
TYPE_CHECK = "Type-check error"


# kinds of values

NOT_COUNTS = [0, -1, 2.5, "two", True, None, [1, 2]]
NOT_POSITIVE = [0.0, -1.0, np.nan, np.inf, "small", None, True]
NOT_SHARES = [-0.1, 1.5, np.nan, "half", None]
NOT_SWITCHES = ["yes", 1, None]
NOT_SEEDS = ["seed", -1, 1.5, Case(np.random.default_rng(0), "Generator")]
NOT_COLUMNS = [["zz"], 7, 1.5, [0.5], None.__class__]
NOT_TABLES = [
    Case(Y, "1D array"),
    Case(np.where(X > 0, np.nan, X), "NaN"),
    Case(np.where(X > 0, np.inf, X), "infinity"),
    Case(X + 1j, "complex"),
    Case(X.astype(str), "'"),
    Case(np.where(X > 0, None, X), "None"),
    Case(pd.DataFrame({"a": DATES, "b": Y}), "datetime64"),
    Case(pd.DataFrame({"a": LABELS, "b": Y}), "'(in|out)'"),
    Case(pd.DataFrame({"a": pd.array([None, *Y[1:]], dtype="Float64"), "b": Y}), "NA|NaN"),
    Case(scipy.sparse.csr_matrix(X), "[sS]parse"),
    Case(np.ma.masked_where(X > 0, X), "masked"),
    Case([[1.0, 2.0], [3.0]] * 15, "rows have|rows that"),
    Case("table", "'table'"),
    Case(np.zeros((0, 2)), "0 sample"),
]
NOT_NUMBERS = [
    Case(np.where(Y > 0, np.nan, Y), "NaN"),
    Case(np.where(Y > 0, np.inf, Y), "infinity"),
    Case(np.where(Y > 0, None, Y), "None"),
    Case(np.where(Y > 0, pd.NA, Y), "<NA>"),
    Case(pd.Series([None, *Y[1:]], dtype="Float64"), "NA|NaN"),
    Case(COMPLEX, "complex128"),
    Case(COMPLEX.astype(object), "j"),
    Case(DATES, "datetime64"),
    Case(list(DATES), "Timestamp"),
    Case(DATES - DATES[0], "timedelta64"),
    Case([datetime.date(2024, 1, 1)] * N, "datetime.date"),
    Case(LABELS, "'(in|out)'"),
    Case(LABELS.astype(object), "'(in|out)'"),
    Case(np.ma.masked_where(Y > 0, Y), "masked"),
    Case(scipy.sparse.csr_matrix(Y), "[sS]parse"),
    Case([decimal.Decimal("NaN"), *Y[1:]], "NaN"),
    Case("y", "'y'"),
]
NOT_RESPONSES = [
    *NOT_NUMBERS,
    Case(Y[:-1], "29"),
    Case(Y > 0, "True and False"),
    Case((Y > 0).astype(object), "True|False"),
    Case(Y * 1e300, r"e\+"),
]
NOT_LABELS = [
    Case(np.where(Y > 0, None, LABELS), "None"),
    Case(np.where(Y > 0, pd.NA, LABELS), "<NA>"),
    Case(np.where(Y > 0, np.nan, 1.0), "NaN"),
    Case(np.where(Y > 0, np.nan, LABELS.astype(object)), "nan"),
    Case(np.where(Y > 0, 1, LABELS.astype(object)), "1, '(in|out)'|'(in|out)', 1"),
    Case(COMPLEX, "complex128"),
    Case(DATES, "datetime64"),
    Case(np.ma.masked_where(Y > 0, LABELS), "masked"),
    Case(scipy.sparse.csr_matrix(Y > 0), "[sS]parse"),
    Case(LABELS[:-1], "29"),
    Case(np.full(N, "in"), "'in'"),
    Case(Y, "continuous"),
    Case("in", "'in'"),
]
NOT_WEIGHTS = [
    *NOT_NUMBERS[1:],
    Case(np.full(N, np.nan), "NaN"),
    Case(-np.ones(N), "-1"),
    Case(np.zeros(N), "zeros"),
    Case(np.ones(N - 1), "29"),
    Case(np.ones((N, 2)), r"\(30, 2\)"),
]
NOT_FORMULAS = [
    "", "  ", "y", "~ x", "y ~", "y ~ x ~ w", "y ~ (x", "y ~ x)", "y ~ x | w", "y ~ .", "y > 0 ~ x",
    "y = x", "y ~ x +", "y ~ x w", "y ~ x @ w", "y ~ 'x'", "1 + y ~ x", "y ~ x, w", "y ~ `x",
    5, ["y ~ x"], "y ~ (x + w",
]  # fmt: skip
NOT_EVALUATED = {  # what a formula must tell of
    "y ~ z": "names z, .*data has y, x, w, g, when",
    "y ~ xx": "did you mean x",
    "y ~ offset(log(w))": "offset.*there are no offsets",
    "y ~ ns(x, 3)": r"ns.*cr\(x",
    "y ~ pd.cut(x, 3)": "pd.*make a column",
    "y ~ sqt(x)": "did you mean sqrt",
    "y ~ factor(g)": r"C\(x\)",
    "cbind(y, w) ~ x": r"y1 \+ y2",
    "y ~ lag(x)": "lag_rows",
    "y ~ f(x)": "no function of formulas",
    "y ~ when": "when must hold numbers or categories",
    "when ~ x": "when must hold numbers or categories",
    "g ~ x": "the response must be numeric",
    "y ~ log(x)": r"log\(x\) contains NaN or infinity",
    "y ~ x.mean()": "made of each row by itself",
    "scale(y) ~ x": "made of each row by itself",
    "y ~ y": "must not have the response y",
    "y ~ poly(x)*log(y)": "must not have the response y",
}
NOT_FRAMES = [
    Case(None, "NoneType"),
    Case({"y": Y}, "dict"),
    Case(X, "ndarray"),
    Case(DATA["y"], "Series"),
    Case(DATA[:0], "0 rows"),
    Case(DATA[:1], "1 row"),
    Case(DATA.drop(columns="x"), "names x"),
    Case(DATA.assign(x=np.nan), "null"),
    Case(DATA.assign(y=None), "y has a null"),
    Case(DATA.assign(x=np.inf), "infinity"),
    Case(DATA.assign(x=DATES), "datetime64"),
    Case(DATA.assign(x=1j), "complex128"),
    Case(pd.concat([DATA, DATA[["x"]]], axis=1), "several columns"),
]


@cache
def fitted(kind: str) -> Any:
    """One model of each kind, fitted once."""
    if kind == "regressor":
        return MixtureOfExperts(1).fit(X, Y)
    if kind == "classifier":
        return MixtureOfExpertsClassifier(1, ridge=1e-2).fit(X, LABELS)
    if kind == "formula":
        return MixtureOfExperts(1, formula="y ~ x + g").fit(DATA)
    known = np.where(np.arange(2) == (LABELS == "in")[:, None], 1.0, 0.5)
    return ContextualMixtureOfExperts(n_init=1, ridge=1e-2, max_iter=3, tol=0.01).fit(X, Y, known)


def method(kind: str, name: str) -> Callable[[], Callable[..., object]]:
    """A method of the fitted model of a kind."""
    return lambda: getattr(fitted(kind), name)


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
    "warm_start": ["x", 1, None],
    "random_state": NOT_SEEDS,
    "verbose": ["x", -1, None, 1.5],
}  # fmt: skip
OF_REGRESSORS: dict[str, list[Any]] = {
    "expert": [
        "normal", None, 3, Case(["gaussian", "poisson"], "poisson|Poisson"), Case([], "empty"),
        "multinomial", experts.PoissonExperts, Case(["gaussian"] * 3, "3"),
    ],
    "covariance": ["round", None, 2],
}  # fmt: skip
OF_CLASSIFIERS: dict[str, list[Any]] = {
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
    kinds = [
        ("regressor", MixtureOfExperts, Y, SETTINGS | OF_REGRESSORS, {}),
        ("classifier", MixtureOfExpertsClassifier, LABELS, SETTINGS | OF_CLASSIFIERS, {}),
        ("contextual", ContextualMixtureOfExperts, Y, SETTINGS | OF_REGRESSORS, known),
    ]
    for kind, cls, y, settings, others in kinds:
        name = cls.__name__
        yield from rows(name, _fits(cls, y, **others), {}, settings)
        yield from _methods(kind, name, cls, y)
    yield from rows(
        "ContextualMixtureOfExperts", _fits(ContextualMixtureOfExperts, Y), {}, OF_CONTEXTS
    )
    yield from _unknown()
    yield from _of_formulas()
    yield from _of_prediction()


def _methods(kind: str, name: str, cls: type, y: np.ndarray) -> Iterator[Row]:
    """Methods that all estimators have."""
    responses = NOT_LABELS if kind == "classifier" else NOT_RESPONSES
    pairs = {"X": X, "y": y}
    yield from rows(
        f"{name}.fit",
        lambda: cls(n_experts=1).fit,
        pairs,
        {"X": NOT_TABLES, "y": [*responses, Case(None, "None")], "sample_weight": NOT_WEIGHTS},
    )
    # those of the fit may be one class, or have any size
    asked = [one for one in responses if one.seen not in ("'in'", "continuous", "True and False")]
    asked = [one for one in asked if one.seen not in (r"e\+", "True|False") and one.value is not Y]
    for question in ("score", "aic", "bic", "partial_fit"):
        yield from rows(
            f"{name}.{question}",
            method(kind, question),
            pairs,
            {"X": NOT_TABLES[:3], "y": asked[:6], "sample_weight": NOT_WEIGHTS[-5:]},
        )
    for question in ("score_samples", "responsibilities"):
        bad = {"X": NOT_TABLES[:3], "y": [*asked, Case(None, "y must be given")]}
        yield from rows(f"{name}.{question}", method(kind, question), pairs, bad)
    for question in ("gate_proba", "gate_scores", "predict", "predict_expert"):
        bad = {"X": [*NOT_TABLES, Case(np.zeros((3, 5)), "5 features")]}
        yield from rows(f"{name}.{question}", method(kind, question), {}, bad)
    yield from rows(
        f"{name}.partial_fit",
        method(kind, "partial_fit"),
        pairs,
        {"forgetting": [*NOT_POSITIVE, 2]},
    )
    yield from rows(
        f"{name}.profile",
        method(kind, "profile"),
        {"name": _parameter(kind)},
        {
            "name": ["nobody", None, 3],
            "grid": ["low", Case([np.nan], "nan"), [], Case([[1.0]], r"\(1, 1\)")],
            "n_points": [1, 2.5, "many", None],
            "level": [0.0, 1.0, 1.5, "high", None],
        },
    )


def _parameter(kind: str) -> str:
    return "expert0:in:x0" if kind == "classifier_of_three" else "expert0:x0"


def _of_prediction() -> Iterator[Row]:
    """Methods that only some estimators have."""
    for kind, name in (
        ("regressor", "MixtureOfExperts"),
        ("contextual", "ContextualMixtureOfExperts"),
    ):
        of_x = {"X": X}
        yield from rows(
            f"{name}.predict_interval",
            method(kind, "predict_interval"),
            of_x,
            {
                "X": NOT_TABLES[:4],
                "coverage": [0.0, 1.0, 1.5, "most", None, Case([0.5], r"\[0.5\]")],
            },
        )
        yield from rows(
            f"{name}.predict_quantile",
            method(kind, "predict_quantile"),
            {"X": X, "q": 0.5},
            {"X": NOT_TABLES[:4], "q": [0.0, 1.0, [0.5, 2.0], "half", None, [[0.5]], [], np.nan]},
        )
        yield from rows(
            f"{name}.sample_y",
            method(kind, "sample_y"),
            of_x,
            {"X": NOT_TABLES[:4], "n_samples": NOT_COUNTS, "random_state": NOT_SEEDS},
        )
        bad = {"X": NOT_TABLES[:4], "return_std": NOT_SWITCHES}
        yield from rows(f"{name}.predict", method(kind, "predict"), of_x, bad)
        bad = {"X": NOT_TABLES}
        yield from rows(f"{name}.expert_means", method(kind, "expert_means"), {}, bad)
        bad = {"X": NOT_TABLES[:4], "y": NOT_NUMBERS}
        yield from rows(f"{name}.cdf", method(kind, "cdf"), {"X": X, "y": Y}, bad)
    for question in ("predict_proba", "predict_log_proba", "expert_proba"):
        name = f"MixtureOfExpertsClassifier.{question}"
        yield from rows(name, method("classifier", question), {}, {"X": NOT_TABLES})
    yield from rows(
        "MixtureOfExpertsClassifier.partial_fit",
        method("classifier", "partial_fit"),
        {"X": X, "y": LABELS},
        {"classes": [["in"], ["in", "on"], "in", 5]},
    )
    knowledge = {
        "possibilities": [
            Case(np.full((N, 2), 2.0), "2 in row 0"), Case(np.full((N, 2), -1.0), "-1"),
            Case(np.ones(N), r"\(30,\)"), Case(np.ones((3, 2)), r"\(3, 2\)"),
            Case(np.full((N, 2), np.nan), "nan"), Case(np.full((N, 2), "a"), "'a'"),
            Case(np.zeros((N, 2)), "impossible"), Case("table", "'table'"),
            Case(np.ones((N, 3)), "3 contexts"), Case(DATA[["when", "g"]], "datetime64"),
        ],
        "context_data": [5, "log", Case({"a": [1, 2]}, r"\(2,\)"), Case(X, "ndarray")],
    }  # fmt: skip
    name = "ContextualMixtureOfExperts"
    good = {"X": X, "y": Y}
    yield from rows(
        f"{name}.fit", lambda: ContextualMixtureOfExperts(n_experts=2).fit, good, knowledge
    )
    for question in ("context_proba", "conflict"):
        bad = {"X": NOT_TABLES[:4], "y": NOT_NUMBERS[:4], **knowledge}
        yield from rows(f"{name}.{question}", method("contextual", question), good, bad)
    bad = {"sample_weight": NOT_WEIGHTS[-5:]}
    yield from rows(f"{name}.conflict", method("contextual", "conflict"), good, bad)


def _of_formulas() -> Iterator[Row]:
    """Everything that a person may type as a formula, or hand in as its table."""
    for cls in (MixtureOfExperts, MixtureOfExpertsClassifier, ContextualMixtureOfExperts):
        made = _from_formula(cls)
        left = "g" if cls is MixtureOfExpertsClassifier else "y"
        frames = [one for one in NOT_FRAMES if left == "y" or one.seen != "y has a null"]
        yield from rows(
            f"{cls.__name__}.from_formula",
            made,
            {"formula": f"{left} ~ x", "data": DATA},
            {
                "formula": [_with_response(one, left) for one in NOT_FORMULAS],
                "gate_formula": [
                    "",
                    "y ~ x",
                    "~",
                    "~ (x",
                    Case("~ z", "names z"),
                    "~ x | w",
                    5,
                    Case("~ 0", "no columns"),
                    f"~ {left}",
                ],
                "gate": [Case("softmx", "names softmx"), 5, Case("~ z", "names z")],
                "gate_kind": ["softmx", 5],
                "sample_weight": ["v", Case(-np.ones(N), "-1"), Case("g", "'(in|out)'")],
                "settings": [Case({"degree": 2}, "degree"), Case({"k": 2}, "k")],
                "data": frames,
            },
        )
    for formula, told in NOT_EVALUATED.items():
        call = lambda f=formula: MixtureOfExperts(1, formula=f).fit(DATA)  # noqa: E731
        yield Row("MixtureOfExperts", "formula", formula, told, call, ValueError)
    new = [one for one in NOT_FRAMES if one.seen not in ("1 row", "y has a null")]
    new.append(Case(DATA.assign(g="on"), "category on.*it saw"))
    for row in rows("MixtureOfExperts.predict", method("formula", "predict"), {}, {"X": new}):
        yield row._replace(argument="formula")


def _with_response(formula: object, left: str) -> object:
    """A bad formula with another response than y."""
    return formula.replace("y", left) if isinstance(formula, str) else formula


def _from_formula(cls: type) -> Callable[[], Callable[..., object]]:
    def made(settings: Mapping[str, object] | None = None, **given: object) -> object:
        return cls.from_formula(**given, **(settings or {}))

    return lambda: made


# gates, experts and solvers

PARTS: list[tuple[str, Callable[..., object], dict[str, list[Any]]]] = [
    ("SoftmaxGate", gates.SoftmaxGate, {"coef": ["abc", None]}),
    ("SigmoidGate", gates.SigmoidGate, {"coef": ["abc", None]}),
    ("ModifiedSoftmaxGate", gates.ModifiedSoftmaxGate,
     {"coef": ["abc"], "function": ["x", None, 5]}),
    ("TopKGate", gates.TopKGate, {"coef": ["abc"], "k": [0, 3, 1.5, "two", True]}),
    ("TopPGate", gates.TopPGate, {"coef": ["abc"], "mass": [0.0, 1.5, "most", None, True]}),
    ("HierarchicalGate", gates.HierarchicalGate,
     {"coef": ["abc"], "tree": ["abc", (0, 2), (0,), 5, (0, 1, 1), ((0, "a"), 1)]}),
    ("GaussianGate", gates.GaussianGate, {"logit": ["abc"], "inputs": ["abc"]}),
    ("TemperatureGate", gates.TemperatureGate,
     {"coef": ["abc"], "bias": ["abc"], "log_tau": ["abc"], "activation": ["x", 5],
      "temperature": [0.0, -1.0, "warm", (1.0, 2.0), np.nan, None, True]}),
    ("BinomialExperts", experts.BinomialExperts, {"coef": ["abc"], "trials": [0, -1, 1.5, "two"]}),
    ("GammaExperts", experts.GammaExperts, {"coef": ["abc"], "log_shape": ["abc"]}),
    ("PoissonExperts", experts.PoissonExperts, {"coef": ["abc"]}),
    ("GaussianExperts", experts.GaussianExperts,
     {"coef": ["abc"], "log_scale": ["abc"], "shear": ["abc"], "covariance": ["round", None]}),
    ("StudentTExperts", experts.StudentTExperts,
     {"coef": ["abc"], "log_scale": ["abc"], "log_df": ["abc"],
      "df": [0.0, -1.0, "few", np.nan, np.inf, True]}),
    ("MixedExperts", experts.MixedExperts, {"parts": [5, ("gaussian",), "ab"]}),
    ("EM", solvers.EM, {"accelerate": NOT_SWITCHES, "exact_gate": NOT_SWITCHES, "stop": [5, "x"]}),
    ("LBFGS", solvers.LBFGS, {"history": [0, 1.5, "x", None]}),
]  # fmt: skip


PARAMETERS = (
    "coef",
    "bias",
    "log_tau",
    "logit",
    "inputs",
    "log_shape",
    "log_scale",
    "shear",
    "log_df",
)


def _made(make: Callable[..., Any], given: dict[str, Any]) -> object:
    """A part of some settings; parameters are replaced in one that was made without them."""
    ((name, value),) = given.items()
    if name not in PARAMETERS:
        return make(**given)
    return eqx.tree_at(lambda part: getattr(part, name), make(), value)


def of_parts() -> Iterator[Row]:
    """Settings of gates, experts and solvers."""
    for name, make, bad in PARTS:
        if name.endswith("Gate"):
            setting = "gate"
        else:
            setting = "expert" if name.endswith("Experts") else "solver"
        y = np.abs(np.round(Y)) + 1 if name in ("BinomialExperts", "PoissonExperts") else Y**2 + 1

        def fit(make=make, setting=setting, y=y, **given):
            return MixtureOfExperts(2, **{setting: _made(make, given)}).fit(X, y)

        yield from rows(name, lambda fit=fit: fit, {}, bad)
    bad = {"n_classes": [1, "two", 2.5]}
    yield from rows("MultinomialExperts", lambda: experts.MultinomialExperts, {}, bad)
    rules = {
        "absolute": [-1.0, "x", np.nan], "relative": [-1.0, "x", np.nan],
        "max_iter": [0, "x", 1.5], "gate": [-1.0, "x"],
    }  # fmt: skip

    def fit(**given):
        return MixtureOfExperts(2, solver=solvers.EM(stop=solvers.StopRule(**given))).fit(X, Y)

    yield from rows("StopRule", lambda: fit, {}, rules)
    bad = {"solver": ["adam", None, 1]}
    yield from rows("find_solver", lambda: solvers.find_solver, {}, bad)


# contexts

NOT_PLACES = [("x", 3), (np.nan, 3), ("2024-01-01", 3), (3, 1), (None.__class__, 1), (True, 3)]
CONTEXTS: list[tuple[str, Callable[..., object], dict[str, object], dict[str, list[Any]]]] = [
    ("AlphaCertain", contextual.AlphaCertain, {"inside": (0, 1)},
     {"inside": [5, "ab", (1, -1), (1, 2, 3), [], None, *NOT_PLACES],
      "alpha": [*NOT_SHARES, True]}),
    ("Trapezoidal", contextual.Trapezoidal, {"corners": (0, 1, 2, 3)},
     {"corners": [5, (0, 1), (0, 2, 1, 3), (0, 1, 2, np.nan), (0, 1, 2, "x"), (0, 1, 2, None)],
      "beta": [-1.0, "x", np.nan, None, datetime.timedelta(1)]}),
    ("Triangular", contextual.Triangular, {"corners": (0, 1, 2)},
     {"corners": [5, (0, 1), (0, 2, 1), (0, 1, np.nan), (0, 1, "x"), "abc"]}),
    ("Gaussian", contextual.Gaussian, {"centre": 0.0, "width": 1.0},
     {"centre": ["x", np.nan, None, np.inf, True],
      "width": [0.0, -1.0, "x", np.nan, np.inf, None]}),
    ("Function", contextual.Function, {"function": np.abs}, {"function": [5, "x", None]}),
    ("Stated", contextual.Stated, {}, {}),
]  # fmt: skip


def of_contexts() -> Iterator[Row]:
    """Contexts, their tables and what is asked of them."""
    for name, make, good, bad in CONTEXTS:
        good = {"name": "c", "on": 0, **good}
        yield from rows(name, lambda make=make: make, good, {"name": ["", 5, None], **bad})

        def told(make=make, good=good, on=0):
            return contextual.tabulate([make(**{**good, "on": on})], X)

        bad = {"on": ["zz", 7, None, 1.5, True]}
        yield from rows(name, lambda told=told: told, {}, bad)
    up = contextual.AlphaCertain("up", 0, (0, None))
    yield from rows(
        "Complement", lambda: contextual.Complement, {"name": "c", "of": up},
        {"name": ["", 5], "of": [5, "up", None]},
    )  # fmt: skip
    yield from rows(
        "Joined", lambda: contextual.Joined, {"name": "c", "parts": (up, up), "rule": "min"},
        {"name": ["", 5], "parts": [5, (), ("up", "down"), None], "rule": ["mean", None, 5]},
    )  # fmt: skip
    yield from rows("Context", lambda: contextual.Context, {}, {"name": ["", 5, None]})
    yield from rows("Context.named", lambda: up.named, {}, {"name": ["", 5, None]})
    values = [Case(["a"], "'a'"), Case(DATES, "times"), Case([[1.0, 2.0]], r"\(1, 2\)")]
    for question in ("at", "plot"):
        yield from rows(
            f"Context.{question}", lambda q=question: getattr(up, q), {}, {"values": values}
        )
    yield from rows(
        "labels", lambda: contextual.labels, {"on": 0, "values": ["a"]},
        {"values": ["ab", 5, None], "alpha": NOT_SHARES},
    )  # fmt: skip
    yield from rows(
        "tabulate", lambda: contextual.tabulate, {"contexts": [up], "X": X},
        {"contexts": [5, [], ["up"], Case([up, up], "up twice"), None],
         "X": [Case(Y, r"\(30,\)"), Case("x", "'x'")],
         "y": [Case(Y[:3], r"3|\(3,\)"), Case("y", "'y'")],
         "context_data": [5, Case({"a": [1]}, r"\(1,\)"), Case(X, "ndarray")]},
    )  # fmt: skip
    table = contextual.tabulate([up], X)
    yield from rows(
        "PossibilityTable.unexplained", lambda: table.unexplained, {}, {"below": NOT_SHARES}
    )
    yield from rows(
        "PossibilityTable.normalised", lambda: table.normalised, {}, {"scale": NOT_SWITCHES}
    )
    yield from rows(
        "PossibilityTable.discounted", lambda: table.discounted, {}, {"alpha": NOT_SHARES}
    )
    bad = {"time": [Case([1, 2], "2")]}
    yield from rows("PossibilityTable.plot", lambda: table.plot, {}, bad)


# selection, soft sensors, data sets, displays


def of_tools() -> Iterator[Row]:
    """Functions beside the estimators."""
    pairs = {"X": X, "y": Y}
    rest = {
        "X": NOT_TABLES[:4],
        "y": NOT_NUMBERS[:5],
        "sample_weight": NOT_WEIGHTS[-5:],
        "params": [5, "x", Case({"nonsense": 1}, "nonsense")],
    }
    folds = [1, 100, "five", None, 2.5, True]
    yield from rows(
        "penalty_path",
        lambda: selection.penalty_path,
        {"estimator": MixtureOfExperts(1), **pairs, "n_strengths": 2},
        rest
        | {
            "estimator": [5, None, "moe", MixtureOfExperts],
            "strengths": ["x", [], [-1.0], [np.nan], Case([[1.0]], r"\(1, 1\)")],
            "n_strengths": [1, 2.5, "x", None],
            "ratio": [0.0, 1.0, -1.0, "x", None],
            "part": ["all", None],
            "criterion": ["hqc", None],
        },
    )
    yield from rows(
        "penalty_path",
        lambda: selection.penalty_path,
        {"estimator": MixtureOfExperts(1), **pairs, "criterion": "cv"},
        {"cv": folds},
    )
    contexts = contextual.labels("g", ["in", "out"], 0.8)
    known = {"context_data": DATA}
    yield from rows(
        "alpha_path",
        lambda: selection.alpha_path,
        {"estimator": ContextualMixtureOfExperts(contexts), **pairs, "params": known},
        rest
        | {
            "estimator": [5, None, Case(MixtureOfExperts(), "MixtureOfExperts")],
            "alphas": ["x", [], [-1.0], [2.0], [np.nan], [[1.0]], None],
            "criterion": ["bic", None],
        },
    )
    bad = {"path": [5, None, Case(fitted_later, "function")], "X": [], "y": [], "params": []}
    yield from rows("relax", lambda: selection.relax, pairs, bad)
    yield from _of_sensors()
    yield from _of_data()
    yield from _of_displays()


def fitted_later() -> None:
    """No path of penalties."""


def _of_sensors() -> Iterator[Row]:
    yield from rows(
        "input_report",
        lambda: soft_sensors.input_report,
        {"model": None, "X": X, "y": Y},
        {"model": [5, None, "moe"]},
    )

    def report(**given):
        return soft_sensors.input_report(fitted("regressor"), **given)

    yield from rows(
        "input_report",
        lambda: report,
        {"X": X, "y": Y},
        {
            "X": NOT_TABLES[:4], "y": NOT_NUMBERS[:5], "sample_weight": NOT_WEIGHTS[-5:],
            "n_boot": [1, 2.5, "x", None], "level": [0.0, 1.0, "x", None, [0.5]],
            "block": NOT_COUNTS, "random_state": NOT_SEEDS,
        },
    )  # fmt: skip
    bad = {"model": [5, None, Case(MixtureOfExperts(), "not fitted")]}
    yield from rows("contributions", lambda: soft_sensors.contributions, {"X": X}, bad)
    bad = {"X": NOT_TABLES[:4]}

    def parts(**given):
        return soft_sensors.contributions(fitted("regressor"), **given)

    yield from rows("contributions", lambda: parts, {}, bad)
    lags = [[-1], [0, 0], [1.5], "x", None, [], {"zz": [1]}, {0: [-1]}, [100]]

    def lagged(**settings):
        return soft_sensors.LaggedFeatures(**settings).fit(X)

    bad = {"lags": lags[:-1], "fill": ["zero", None]}
    yield from rows("LaggedFeatures", lambda: lagged, {}, bad)
    bad = {"X": NOT_TABLES}
    yield from rows("LaggedFeatures.fit", lambda: soft_sensors.LaggedFeatures().fit, {}, bad)

    def transformer():
        return soft_sensors.LaggedFeatures().fit(X)

    yield from rows("LaggedFeatures.transform", lambda: transformer().transform, {}, bad)
    named = {"input_features": [Case(["a"], "got a"), 5, "x0"]}
    yield from rows(
        "LaggedFeatures.get_feature_names_out",
        lambda: transformer().get_feature_names_out,
        {},
        named,
    )
    bad = {"X": NOT_TABLES, "lags": lags, "groups": [Case([1, 2], "2"), Case(X, r"\(30, 2\)")]}
    yield from rows("lag_rows", lambda: soft_sensors.lag_rows, {"X": X}, bad)


def _of_data() -> Iterator[Row]:
    noise = [-1.0, np.nan, "x", None]
    yield from rows(
        "make_tent",
        lambda: datasets.make_tent,
        {},
        {
            "n_samples": NOT_COUNTS, "n_irrelevant": [-1, 1.5, "x", None], "noise": noise,
            "random_state": NOT_SEEDS,
        },
    )  # fmt: skip
    yield from rows(
        "make_batch_process",
        lambda: datasets.make_batch_process,
        {},
        {
            "n_batches": NOT_COUNTS, "noise": noise, "wrong_labels": NOT_SHARES,
            "as_frame": NOT_SWITCHES, "random_state": NOT_SEEDS,
        },
    )  # fmt: skip
    for name in ("load_sru", "load_debutanizer"):
        load = getattr(datasets, name)
        bad: dict[str, list[Any]] = {"path": ["/no/such/file", 5]}
        wrong = (TypeError, ValueError, FileNotFoundError)
        yield from rows(name, lambda load=load: load, {}, bad, kind=wrong)
        bad = {"return_X_y": NOT_SWITCHES, "as_frame": NOT_SWITCHES}
        bad |= {"verify": NOT_SWITCHES} if name == "load_sru" else {}
        yield from rows(name, lambda load=load: load, {"path": "/no/such/file"}, bad)
    bad = {"folder": [5]}
    yield from rows("cache_programs", lambda: mixstat.cache_programs, {}, bad)


def _of_displays() -> Iterator[Row]:
    common: dict[str, list[Any]] = {
        "X": [Case(Y, r"\(30,\)|1D array"), Case("x", "'x'")],
        "feature": ["zz", 5, -3, 1.5, None],
        "n_points": [1, 2.5, "x", None],
        "ax": [5, "x"],
    }
    displays = [
        (plotting.GateDisplay, common),
        (plotting.FittedMeanDisplay, common | {
            "y": [Case(Y[:3], "3"), Case("y", "'y'")], "output": [1, -2, "x", None],
            "coverage": [0.0, 2.0, "x", None],
        }),
        (plotting.TimeDisplay, {
            "X": common["X"], "y": [Case(Y[:3], "3"), Case("y", "'y'")], "output": [1, "x", None],
            "coverage": [0.0, 2.0, "x", None], "contributions": NOT_SWITCHES,
            "time": [Case([1, 2], "2")], "ax": [5, "x"],
        }),
        (plotting.ProfileDisplay, {"name": ["nobody", None], "ax": [5, "x"]}),
    ]  # fmt: skip
    for display, bad in displays:
        name = f"{display.__name__}.from_estimator"

        def drawn(make=display.from_estimator, **given):
            return make(fitted("regressor"), **given)

        good: dict[str, object] = {"X": X}
        if display is plotting.ProfileDisplay:
            good = {"name": "expert0:x0", "n_points": 2}
        yield from rows(name, lambda drawn=drawn: drawn, good, bad)
        bad = {"estimator": [5, None, "moe"]}
        yield from rows(name, lambda make=display.from_estimator: make, good, bad)
    yield from rows(
        "PossibilityDisplay.from_context",
        lambda: plotting.PossibilityDisplay.from_context,
        {"context": contextual.AlphaCertain("up", 0, (0, 1))},
        {"context": [5, None, "up"], "values": [Case(["a"], "'a'")], "ax": [5, "x"]},
    )
    table = contextual.tabulate([contextual.AlphaCertain("up", 0, (0, 1))], X)
    yield from rows(
        "PossibilityDisplay.from_table",
        lambda: plotting.PossibilityDisplay.from_table,
        {"table": table},
        {"table": [5, None], "time": [Case([1], "1")], "ax": [5, "x"]},
    )
    for make, argument in (
        (plotting.PenaltyPathDisplay.from_path, "path"),
        (plotting.InputReportDisplay.from_report, "report"),
    ):
        name = f"{make.__self__.__name__}.{make.__name__}"  # type: ignore[attr-defined]
        yield from rows(name, lambda make=make: make, {}, {argument: [5, None, "x"]})


def table() -> list[Row]:
    """All rows."""
    return list(itertools.chain(of_estimators(), of_parts(), of_contexts(), of_tools()))


def declared_faults() -> list[str]:
    """What is wrong with fields whose types tests check, for a process that does not."""
    return [told for row in table() if row.place in DECLARED and (told := fault(row))]
