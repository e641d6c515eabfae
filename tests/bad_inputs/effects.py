"""Inference at rows: predictions, effects, diagnostics, and their displays."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from mixstat import plotting
from mixstat.inference import InferenceResults
from tests.bad_inputs.inference import NOT_LEVELS
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import (
    LABELS,
    NOT_COUNTS,
    NOT_SEEDS,
    NOT_SHARES,
    NOT_SWITCHES,
    NOT_TABLES,
    X,
    Y,
    fitted,
)

LEVELS = {"level": NOT_LEVELS}


@cache
def results() -> InferenceResults:
    """Of a line."""
    return fitted("regressor").inference(X, Y)


def of_effects() -> Iterator[Row]:
    """All rows."""
    yield from _of_predictions()
    yield from _of_marginal_effects()
    yield from _of_diagnostics()
    yield from _of_displays()


def _of_predictions() -> Iterator[Row]:
    levels = [0.0, 1.0, "half", Case([0.5, 2.0], "2"), Case([np.nan], "nan")]
    bad = {"X": NOT_TABLES[:4], "quantiles": levels}
    place = "InferenceResults.get_prediction"
    yield from rows(place, lambda: results().get_prediction, {"X": X}, bad)
    alone = {"X": [Case(None, "None")]}
    ask = lambda: fitted("regressor").inference().get_prediction  # noqa: E731
    yield from rows(place, ask, {}, alone)
    classes = lambda: fitted("classifier").inference(X, LABELS).get_prediction  # noqa: E731
    yield from rows(place, classes, {"X": X}, {"quantiles": [0.5]})
    for name in ("conf_int", "summary_frame"):
        ask = lambda name=name: getattr(results().get_prediction(X), name)  # noqa: E731
        yield from rows(f"PredictionResults.{name}", ask, {}, LEVELS)


def _of_marginal_effects() -> Iterator[Row]:
    bad = {
        "at": ["overall", None, Case(Y, r"\(30,\)|1D"), Case(np.full((2, 2), np.nan), "NaN")],
        "of": ["probability", "variance", 5],
        "columns": [
            "nobody",
            7,
            True,
            [],
            ["x0", "x0"],
            Case(["x0", "zz"], "'zz'"),
            Case(1.5, "1.5"),
        ],
    }
    place = "InferenceResults.marginal_effects"
    yield from rows(place, lambda: results().marginal_effects, {}, bad)
    for name in ("summary", "summary_frame"):
        ask = lambda name=name: getattr(results().marginal_effects(), name)  # noqa: E731
        yield from rows(f"MarginalEffects.{name}", ask, {}, LEVELS)


def _of_diagnostics() -> Iterator[Row]:
    def of(name: str):
        return lambda: getattr(results(), name)

    for name in ("pit", "quantile_residuals"):
        yield from rows(f"InferenceResults.{name}", of(name), {}, {"random_state": NOT_SEEDS})
    counts = {"n_bins": NOT_COUNTS}
    name = "posterior_rootogram"
    yield from rows(f"InferenceResults.{name}", of(name), {}, counts | {"omit": NOT_SHARES})
    yield from rows("InferenceResults.gate_reliability", of("gate_reliability"), {}, counts)
    bad = {"X": NOT_TABLES[:4], "n_samples": NOT_COUNTS, "random_state": NOT_SEEDS}
    place = "MixtureOfExpertsClassifier.sample_y"
    yield from rows(place, lambda: fitted("classifier").sample_y, {"X": X}, bad)


def _of_displays() -> Iterator[Row]:
    ax: dict[str, list[Any]] = {"ax": [5, "x"]}
    from_results: dict[Any, dict[str, list[Any]]] = {
        plotting.CoefficientDisplay: {"constants": NOT_SWITCHES},
        plotting.QuantileResidualDisplay: {"output": [1, -1, "x"], "random_state": NOT_SEEDS},
        plotting.RootogramDisplay: {"n_bins": NOT_COUNTS, "omit": NOT_SHARES},
        plotting.GateReliabilityDisplay: {"n_bins": NOT_COUNTS},
    }
    for display, bad in from_results.items():
        place, make = f"{display.__name__}.from_results", display.from_results

        def drawn(make=make, **given):
            return make(results(), **given)

        yield from rows(place, lambda drawn=drawn: drawn, {}, bad | ax)
        yield from rows(place, lambda make=make: make, {}, {"results": [5, None, "results"]})
    effects, influence = plotting.EffectsDisplay, plotting.InfluenceDisplay
    bad: dict[str, list[Any]] = {"effects": [5, None]}
    yield from rows("EffectsDisplay.from_effects", lambda: effects.from_effects, {}, bad)
    place, bad = "InfluenceDisplay.from_influence", {"influence": [5, None]}
    yield from rows(place, lambda: influence.from_influence, {}, bad)

    def of_effects(**given):
        return effects.from_effects(results().marginal_effects(), **given)

    def of_influence(**given):
        return influence.from_influence(results().influence(), **given)

    yield from rows("EffectsDisplay.from_effects", lambda: of_effects, {}, ax)
    yield from rows(place, lambda: of_influence, {}, ax | {"n_named": [-1, 1.5, "x", None]})
