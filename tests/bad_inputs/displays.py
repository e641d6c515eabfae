"""Data sets and displays."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import mixstat
from mixstat import contextual, datasets, plotting
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import NOT_COUNTS, NOT_SEEDS, NOT_SHARES, NOT_SWITCHES, X, Y, fitted


def of_data() -> Iterator[Row]:
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
    bad = {"folder": [5, True], "megabytes": [0, 1.5, "x", None]}
    yield from rows("cache_programs", lambda: mixstat.cache_programs, {}, bad)


def of_displays() -> Iterator[Row]:
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
        (plotting.PartialDependenceDisplay, common | {"of": ["x", None]}),
        (plotting.GateRegionsDisplay, {
            "X": common["X"], "features": [[0], [0, 0], 5, None, ["zz", 0], [0, 7]],
            "experts": [Case([1, 2], "2"), Case([5] * 30, "5, 5"), Case("x", "'x'")],
            "n_points": common["n_points"], "ax": [5, "x"],
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
        "PartialDependenceDisplay.from_estimator",
        lambda: plotting.PartialDependenceDisplay.from_estimator,
        {"estimator": fitted("regressor"), "X": X, "of": "mean"},
        {"output": [1, -2, "x", None]},
    )
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
        (plotting.SelectionDisplay.from_selection, "selection"),
    ):
        name = f"{make.__self__.__name__}.{make.__name__}"  # type: ignore[attr-defined]
        yield from rows(name, lambda make=make: make, {}, {argument: [5, None, "x"]})
