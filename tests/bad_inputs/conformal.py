"""Conformal prediction, pruning and slope heuristics."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, contextual, plotting, selection
from mixstat.conformal import ConformalPredictor
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import (
    LABELS,
    NOT_NUMBERS,
    NOT_SEEDS,
    NOT_SWITCHES,
    NOT_TABLES,
    NOT_WEIGHTS,
    X,
    Y,
    fitted,
)

NOT_LEVELS = [0.0, 1.0, "x", None, [0.5]]


@cache
def predictor(kind: str = "regressor") -> ConformalPredictor:
    """Calibrated on the rows of the fit, which no check here minds."""
    y = LABELS if kind == "classifier" else Y
    return ConformalPredictor(fitted(kind), method="prefit").fit(X, y)


def of_conformal() -> Iterator[Row]:
    """Predictors, their sets and their figure."""
    pairs = {"X": X, "y": Y}

    def made(**settings):
        given = {"estimator": MixtureOfExperts(1)} | settings
        return ConformalPredictor(**given).fit(X, Y)

    bad: dict[str, list[Any]] = {
        "estimator": [5, None, "moe", MixtureOfExperts],
        "method": ["jackknife", None, 5],
        "calibration": NOT_LEVELS,
        "regions": ["gate", None, 5],
        "threshold": ["score", None, 5],
        "shuffle": NOT_SWITCHES,
        "random_state": NOT_SEEDS,
    }
    yield from rows("ConformalPredictor", lambda: made, {}, bad)
    bad = {"cv": [1, 100, "five", None, 2.5, True]}
    yield from rows("ConformalPredictor", lambda: made, {"method": "cross"}, bad)
    bad = {"estimator": [Case(MixtureOfExperts(), "not fitted")]}
    yield from rows("ConformalPredictor", lambda: made, {"method": "prefit"}, bad)

    def prefit(**given):
        return ConformalPredictor(fitted("regressor"), method="prefit").fit(**given)

    bad = {
        "X": NOT_TABLES[:4],
        "y": [*NOT_NUMBERS[:5], Case(Y[:3], "3")],
        "sample_weight": NOT_WEIGHTS[-5:],
        "params": [5, "x"],
    }
    yield from rows("ConformalPredictor.fit", lambda: prefit, pairs, bad)
    bad = {"X": NOT_TABLES[:4], "level": NOT_LEVELS, "sample_weight": [Case(Y, "ndarray")]}
    place = "ConformalPredictor.predict_set"
    yield from rows(place, lambda: predictor().predict_set, {"X": X}, bad)
    bad = {
        "X": NOT_TABLES[:4],
        "y": [NOT_NUMBERS[1], *NOT_NUMBERS[5:8], Case(Y[:3], "3"), Case([float("nan")] * 3, "3")],
        "level": NOT_LEVELS,
        "step": [-0.1, "x", None],
        "after": [5, "x"],
    }
    yield from rows("ConformalPredictor.follow", lambda: predictor().follow, pairs, bad)
    yield from _of_sets()


def _of_sets() -> Iterator[Row]:
    numbers = {"y": [*NOT_NUMBERS[:5], Case(Y[:3], "3"), Case("x", "'x'")]}
    labels: dict[str, list[Any]] = {"y": [Case(LABELS[:3], "3"), Case("x", "'x'")]}
    for kind, word, bad in (
        ("regressor", "IntervalSets", numbers),
        ("classifier", "LabelSets", labels),
    ):
        for name in ("contains", "coverage_by_region"):

            def asked(kind=kind, name=name):
                return getattr(predictor(kind).predict_set(X), name)

            yield from rows(f"{word}.{name}", asked, {}, bad)
    draw = plotting.PredictionSetDisplay.from_sets
    good = {"sets": None, "X": X}
    bad = {"sets": [5, None, "x"]}
    yield from rows("PredictionSetDisplay.from_sets", lambda: draw, good, bad)
    bad = {
        "X": [Case(X[:3], "3 rows"), Case("x", "'x'")],
        "y": [Case(Y[:3], "3")],
        "feature": ["zz", 5, -3, 1.5, None],
        "ax": [5, "x"],
    }

    def drawn(**given):
        return predictor().predict_set(X).plot(**given)

    for place in ("IntervalSets.plot", "PredictionSetDisplay.from_sets"):
        yield from rows(place, lambda: drawn, {"X": X}, bad)


def of_pruning() -> Iterator[Row]:
    """Experts left out, and prices of parameters."""
    contexts = ContextualMixtureOfExperts(contextual.labels("g", ["in", "out"], 0.8))
    bad: dict[str, list[Any]] = {
        "estimator": [
            5, None, MixtureOfExperts, Case(contexts, "Contextual"),
            Case(MixtureOfExperts(), "not fitted"),
        ],
    }  # fmt: skip
    yield from rows("prune", lambda: selection.prune, {"X": X, "y": Y}, bad)

    def pruned(**given):
        return selection.prune(fitted("regressor"), **given)

    bad = {
        "X": NOT_TABLES[:4],
        "y": NOT_NUMBERS[:5],
        "sample_weight": NOT_WEIGHTS[-5:],
        "min_share": [-0.1, 1.5, "x", None],
        "min_leads": [-0.1, 1.5, "x", None],
        "alike": [-1.0, "x", None],
    }
    yield from rows("prune", lambda: pruned, {"X": X, "y": Y}, bad)
    bad = {"selection": [5, None, "x"]}
    yield from rows("slope_heuristic", lambda: selection.slope_heuristic, {}, bad)

    def priced(**given):
        return selection.slope_heuristic(_grid(), **given)

    bad = {
        "method": ["aic", None],
        "factor": [0.0, -1.0, "x", None],
        "plateau": [-0.1, 1.5, "x", None],
        "regular": NOT_SWITCHES,
    }
    yield from rows("slope_heuristic", lambda: priced, {}, bad)
    draw = plotting.SlopeDisplay.from_slopes
    yield from rows("SlopeDisplay.from_slopes", lambda: draw, {}, {"slopes": [5, None, "x"]})


@cache
def _grid() -> selection.Selection:
    return selection.select(X, Y, n_experts=[1])
