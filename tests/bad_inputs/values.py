"""Values that arguments must not take, by kind; and models to ask."""

import datetime
import decimal
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from tests.bad_inputs.rows import Case

RNG = np.random.default_rng(0)
N = 30
X = RNG.normal(size=(N, 2))
Y = X[:, 0] + 0.1 * RNG.normal(size=N)
LABELS = np.where(X[:, 0] + RNG.normal(size=N) > 0, "in", "out")
DATA = pd.DataFrame({"y": Y, "x": X[:, 0], "w": X[:, 1] ** 2, "g": LABELS})
DATA["when"] = pd.date_range("2024-01-01", periods=N)
COMPLEX, DATES = Y + 1j, pd.date_range("2024-01-01", periods=N)
PERIODS = pd.period_range("2024-01-01", periods=N)

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
    Case(np.zeros((N, 0)), "0 feature"),
    Case(pd.DataFrame(np.c_[X, Y], columns=["a", "b", "a"]), "'a'"),
    Case(pd.DataFrame(X, columns=["a", 1]), "int, str"),
    Case(pd.DataFrame({"a": PERIODS, "b": Y}), "Period"),
    Case(pd.DataFrame(X).astype(pd.SparseDtype(float)), "[sS]parse"),
    Case({"a": Y, "b": Y}, "dict"),
    Case((row for row in X), "generator"),
]
TEXT = pd.DataFrame({"a": LABELS, "b": Y})
NOT_MIXED = [
    Case(TEXT.assign(when=DATES), "datetime64.*unit"),
    Case(TEXT.assign(when=DATES.date), "datetime.date"),
    Case(TEXT.assign(a=np.where(Y > 0, LABELS.astype(object), 1.5)), "beside 1.5"),
    Case(TEXT.assign(a=np.where(Y > 0, LABELS, None)), "missing value"),
    Case(TEXT.assign(b=np.where(Y > 0, np.nan, Y)), "NaN"),
    Case(TEXT.assign(a=[f"row {i}" for i in range(N)]), "each of the 30 rows"),
    Case(TEXT.set_axis(["a", 1], axis=1), "the name 1"),
    Case(TEXT.assign(b=COMPLEX), "complex"),
    Case(TEXT.set_axis(["a", "a"], axis=1), "'a'"),
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
    Case(set(Y), "set"),
    Case(dict(enumerate(Y)), "dict"),
    Case((value for value in Y), "generator"),
    Case(pd.Series(PERIODS), "Period"),
    Case(pd.Series(Y).astype(pd.SparseDtype(float)), "[sS]parse"),
]
NOT_RESPONSES = [
    *NOT_NUMBERS,
    Case(Y[:-1], "29"),
    Case(Y > 0, "True and False"),
    Case((Y > 0).astype(object), "True|False"),
    Case(Y * 1e300, r"e\+"),
    Case(Y * 1e-200, "e-200|e-199"),
    Case(Y[:, None, None], r"\(30, 1, 1\)"),
    Case(Y[:, None][:, :0], r"\(30, 0\)"),
    Case(pd.DataFrame(X, columns=["a", "a"]), "'a'"),
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
    Case(LABELS.astype("S"), r"\|S3"),
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
NOT_OFFSETS = [
    Case(None, "None"), Case("w", "'w'"), Case(Y[:-1], "29|28"), Case(np.full(N, np.nan), "nan"),
    Case(np.ones((N, 2)), r"\(30, 2\)"), Case(np.full(N, "a"), "'a'"), Case(5, "5"),
    Case(Y + 1j, "complex"), Case(Y > 0, "True"), Case(np.full(N, 1e200), r"e\+"),
    Case(np.ones((N, 1, 1)), r"\(30, 1, 1\)"),
]  # fmt: skip
NOT_UNITS = [
    Case(None, "None"), Case("w", "'w'"), Case(np.arange(N - 1), "29"), Case(5, "5"),
    Case(np.where(Y > 0, np.nan, Y), "nan"), Case([None, *LABELS[1:]], "None"),
    Case(np.zeros((N, 2)), r"\(30, 2\)"),
]  # fmt: skip
NOT_KNOWN = [
    Case("w", "'w'"), Case(np.zeros(N - 1), "29"), Case(5, "5"), Case(np.full(N, 2), "2 in row 0"),
    Case(np.full(N, -2), "-2 in row 0"), Case(np.full(N, 0.5), "0.5 in row 0"),
    Case(Y > 0, "True|False"), Case(LABELS, "'(in|out)'"), Case(np.zeros((N, 1)), r"\(30, 1\)"),
    Case(np.zeros((N, 2)), "only zeros in row 0"), Case(np.full((N, 2), 1.5), "1.5 in row 0"),
    Case(np.full((N, 2), [1.0, np.nan]), "nan in row 0, column 1"),
    Case(np.full((N, 2), "a"), "'a'"), Case(np.zeros((N, 2, 1)), r"\(30, 2, 1\)"),
    Case(np.ones((N, 2)) * 1j, "complex"),
]  # fmt: skip
NOT_FORMULAS = [
    "", "  ", "y", "~ x", "y ~", "y ~ x ~ w", "y ~ (x", "y ~ x)", "y ~ x | w", "y ~ log(.)",
    ". ~ x", "y > 0 ~ x", "y = x", "y ~ x +", "y ~ x w", "y ~ x @ w", "y ~ 'x'", "1 + y ~ x",
    "y ~ x, w", "y ~ `x", 5, ["y ~ x"], "y ~ (x + w",
]  # fmt: skip
NOT_EVALUATED = {  # what a formula must tell of
    "y ~ z": "names z, .*data has y, x, w, g, when",
    "y ~ xx": "did you mean x",
    "y ~ x + log(offset(w))": "offset.*by itself",
    "y ~ x + offset(g)": "numbers",
    "y ~ x + offset(z)": "names z",
    "y ~ x + exposure(w)": "exposure.*log link",
    "y ~ x + x:offset(w)": "by itself",
    "y ~ x + offset(w, x)": "one expression",
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
    "y ~ `1`": "names the column '1', which formulas take for the constant",
    "y ~ Intercept": "names the column 'Intercept', which formulas take for the constant",
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
    if kind == "offset":
        return MixtureOfExperts(1).fit(X, Y, offset=X[:, 1])
    if kind == "groups":
        return MixtureOfExperts(1, gate_degree=0).fit(X, Y, groups=np.arange(N) // 3)
    if kind == "formula":
        return MixtureOfExperts(1, formula="y ~ x + g").fit(DATA)
    if kind == "known":
        return MixtureOfExperts(2, n_init=1, ridge=1e-2, max_iter=3, tol=0.01).fit(
            X, Y, known_experts=np.where(Y > 0, 1.0, np.nan)
        )
    known = np.where(np.arange(2) == (LABELS == "in")[:, None], 1.0, 0.5)
    return ContextualMixtureOfExperts(n_init=1, ridge=1e-2, max_iter=3, tol=0.01).fit(X, Y, known)


def method(kind: str, name: str) -> Callable[[], Callable[..., object]]:
    """A method of the fitted model of a kind."""
    return lambda: getattr(fitted(kind), name)
