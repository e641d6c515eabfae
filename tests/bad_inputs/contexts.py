"""Contexts, their tables and what is asked of them."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mixstat import contextual
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import DATES, NOT_SHARES, NOT_SWITCHES, X, Y

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
