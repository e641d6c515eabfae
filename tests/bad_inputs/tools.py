"""Selection and soft sensors."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mixstat import (
    ContextualMixtureOfExperts,
    ExpertShares,
    MixtureOfExperts,
    contextual,
    selection,
    soft_sensors,
)
from tests.bad_inputs.displays import of_data, of_displays
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import (
    DATA,
    NOT_COUNTS,
    NOT_NUMBERS,
    NOT_SEEDS,
    NOT_TABLES,
    NOT_WEIGHTS,
    X,
    Y,
    fitted,
)

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
    yield from _of_choice(rest, folds)
    bad = {"path": [5, None, "path"], "X": [], "y": [], "params": []}
    yield from rows("relax", lambda: selection.relax, pairs, bad)
    yield from _of_sensors()
    yield from of_data()
    yield from of_displays()


def _of_choice(rest: dict[str, list[Any]], folds: list[object]) -> Iterator[Row]:
    """The number of experts, and scores."""
    pairs, estimators = {"X": X, "y": Y}, [5, "moe", MixtureOfExperts]
    yield from rows(
        "select",
        lambda: selection.select,
        pairs | {"n_experts": [1]},
        rest
        | {
            "estimator": estimators,
            "n_experts": [[], [0], 2.5, "x", Case([1, 1], "1 twice"), [True]],
            "criterion": ["hqc", None, "cv"],
            "cv": [one for one in folds if one is not None],
            "eic_draws": [-1, 2.5, "x", None, True],
            "folder": [5, ""],
            "verbose": ["yes", 1, None],
            "settings": [Case(5, "settings")],
            "gate": [[], Case(["softmax", "softmax"], "twice"), Case(["softmax", "no"], "gate=no")],
        },
    )
    yield from rows(
        "held_out_shares",
        lambda: selection.held_out_shares,
        pairs | {"estimator": MixtureOfExperts(1)},
        rest
        | {
            "estimator": [*estimators, None],
            "of": ["x", None],
            "cv": [*folds, Case([(range(20), range(20, 30))], "each row once")],
        },
    )
    shares = {"estimator": MixtureOfExperts(1)}
    yield from rows(
        "ExpertShares",
        lambda: lambda **settings: ExpertShares(**settings).fit(X, Y),
        shares,
        {"estimator": [*estimators, None], "of": ["x", None, "responsibilities"]},
    )
    yield from rows(
        "ExpertShares.fit",
        lambda: ExpertShares(MixtureOfExperts(1)).fit,
        pairs,
        {name: rest[name] for name in ("X", "y", "sample_weight")},
    )
    yield from rows(
        "ExpertShares.transform",
        lambda: ExpertShares(MixtureOfExperts(1)).fit(X, Y).transform,
        {},
        {"X": NOT_TABLES},
    )
    contexts = ContextualMixtureOfExperts(contextual.labels("g", ["in", "out"], 0.8))
    penalised = Case(MixtureOfExperts(ridge=0.1), "ridge=0.1")
    yield from rows(
        "fewest_experts",
        lambda: selection.fewest_experts,
        pairs | {"estimator": MixtureOfExperts(1), "most": 2},
        {
            "X": NOT_TABLES[:4],
            "y": [*NOT_NUMBERS[:5], Case(Y[:3], "3"), Case(None, "None")],
            "level": [0.0, 1.0, "x", None, [0.5]],
            "most": [1, 2.5, "x", None, True],
            "estimator": [*estimators, Case(contexts, "Contextual"), penalised],
            "cross_fit": ["yes", 1, None],
            "random_state": NOT_SEEDS,
        },
    )
    yield from _of_tests(rest, folds)
    bad = {"estimator": [5, None, Case(MixtureOfExperts(), "not fitted")]}
    yield from rows("dendrogram", lambda: selection.dendrogram, pairs, bad)
    yield from rows("merge", lambda: selection.merge, pairs | {"groups": [0]}, bad)

    def drawn(**given):
        return selection.dendrogram(fitted("regressor"), **given)

    yield from rows("dendrogram", lambda: drawn, pairs, {"X": NOT_TABLES[:4], "y": NOT_NUMBERS[:5]})

    def merged(**given):
        return selection.merge(fitted("regressor"), **given)

    bad = {"groups": [[0, 0], [[0]], "x", [1], [0.5], None]}
    bad |= {"X": NOT_TABLES[:4], "y": NOT_NUMBERS[:5], "sample_weight": NOT_WEIGHTS[-5:]}
    yield from rows("merge", lambda: merged, pairs | {"groups": [0]}, bad)

    def tree():
        return selection.dendrogram(fitted("regressor"), X, Y)

    bad = {"n_experts": [0, 2, 1.5, "x", None]}
    yield from rows("Dendrogram.groups", lambda: tree().groups, {}, bad)
    bad = {"name": ["r2", None, 5]}
    yield from rows("scorer", lambda: selection.scorer, {}, bad)
    bad = {"level": [0.0, 1.5, "x", []]}
    yield from rows("scorer", lambda: selection.scorer, {"name": "pinball"}, bad)
    bad = {"level": [0.0, "x", [0.5]]}
    yield from rows("scorer", lambda: selection.scorer, {"name": "coverage"}, bad)
    yield from rows("scorer", lambda: selection.scorer, {"name": "crps"}, {"level": [0.5]})


def _of_tests(rest: dict[str, list[Any]], folds: list[object]) -> Iterator[Row]:
    """One expert more, and columns."""
    pairs, estimators = {"X": X, "y": Y}, [5, "moe", MixtureOfExperts]
    contexts = ContextualMixtureOfExperts(contextual.labels("g", ["in", "out"], 0.8))
    penalised = Case(MixtureOfExperts(ridge=0.1), "ridge=0.1")
    joint = Case(MixtureOfExperts(gate="gaussian"), "gate='gaussian'")
    yield from rows(
        "bootstrap_test",
        lambda: selection.bootstrap_test,
        pairs | {"n_draws": 1},
        {
            "X": NOT_TABLES[:4],
            "y": NOT_NUMBERS[:5],
            "n_experts": NOT_COUNTS,
            "estimator": [*estimators, Case(contexts, "Contextual"), penalised, joint],
            "n_draws": NOT_COUNTS,
            "stop_after": [one for one in NOT_COUNTS if one is not None],
            "random_state": NOT_SEEDS,
            "verbose": ["yes", 1, None],
        },
    )
    formula = Case(MixtureOfExperts(formula="y ~ x"), "formula='y ~ x'")
    yield from rows(
        "select_columns",
        lambda: selection.select_columns,
        pairs | {"estimator": MixtureOfExperts(1)},
        rest
        | {
            "estimator": [*estimators, formula],
            "direction": ["up", None, 1],
            "parts": [[], "both", 5, None, ["experts", "scales"]],
            "criterion": ["eic", None, "cv"],
            "cv": [one for one in folds if one is not None],
            "verbose": ["yes", 1, None],
        },
    )


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
            "params": [5, "x", Case({"nonsense": 1}, "nonsense"),
                       Case({"possibilities": X}, "possibilities")],
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
    levels = {"level": [0.0, 1.0, "x", None, [0.5]]}
    yield from rows(
        "InputRange", lambda: lambda **s: soft_sensors.InputRange(**s).fit(X), {}, levels
    )
    bad = {
        "X": NOT_TABLES,
        "shares": [
            Case([1, 2], "shares"),
            Case(-np.ones((30, 1)), "negative"),
            Case("x", "shares"),
        ],
    }
    yield from rows("InputRange.fit", lambda: soft_sensors.InputRange().fit, {"X": X}, bad)

    def alarm():
        return soft_sensors.InputRange().fit(X)

    bad = {"X": NOT_TABLES}
    for method in ("predict", "decision_function", "score_samples", "report"):
        yield from rows(f"InputRange.{method}", lambda m=method: getattr(alarm(), m), {}, bad)
    bad = {"X": NOT_TABLES, "lags": lags, "groups": [Case([1, 2], "2"), Case(X, r"\(30, 2\)")]}
    yield from rows("lag_rows", lambda: soft_sensors.lag_rows, {"X": X}, bad)
