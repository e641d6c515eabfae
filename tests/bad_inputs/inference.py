"""Inference: the door, kinds of covariances, results and comparisons."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from mixstat import inference
from mixstat.inference import InferenceResults
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import (
    LABELS,
    NOT_COUNTS,
    NOT_SEEDS,
    NOT_SWITCHES,
    NOT_TABLES,
    NOT_WEIGHTS,
    N,
    X,
    Y,
    fitted,
    method,
)

NOT_LEVELS = [0.0, 1.0, 1.5, "high", Case([0.5], r"\[0.5\]")]
NOT_GROUPS = [
    Case(None, "None"),
    Case(np.arange(N - 1), "29"),
    Case(np.where(Y > 0, np.nan, Y), "nan"),
    Case([None, *LABELS[1:]], "None"),
    Case(np.zeros(N), "got 1"),
    Case(np.zeros((N, 3)), "3"),
    Case(np.zeros((N, 2, 1)), r"\(30, 2, 1\)"),
    Case("g", "'g'"),
    Case(5, r"\(\)"),
]
CONTEXTS = {
    "possibilities": [
        Case(np.full((N, 2), 2.0), "2 in row 0"),
        Case(np.ones((3, 2)), r"\(3, 2\)"),
        Case(np.zeros((N, 2)), "impossible"),
        Case(np.full((N, 2), 0.25), "those of the fit"),
    ],
    "context_data": [5, Case({"a": [1, 2]}, r"\(2,\)")],
}


@cache
def results() -> InferenceResults:
    """Of a line."""
    return fitted("regressor").inference(X, Y)


def of_inference() -> Iterator[Row]:
    """All rows."""
    yield from _of_doors()
    yield from _of_kinds()
    yield from _of_results()
    yield from _of_several()


def _of_doors() -> Iterator[Row]:
    for kind, name, y in (
        ("regressor", "MixtureOfExperts", Y),
        ("classifier", "MixtureOfExpertsClassifier", LABELS),
        ("contextual", "ContextualMixtureOfExperts", Y),
    ):
        ask, pairs = method(kind, "inference"), {"X": X, "y": y}
        bad = {
            "X": [*NOT_TABLES[:4], Case(X[::-1], "differs")],
            "y": [Case(y[:-1], "29"), Case(y[::-1], "differs")],
            "sample_weight": [*NOT_WEIGHTS[-5:], Case(np.arange(N), "differs")],
            "cov_type": ["hc3", None, 5, inference.HAC, Case("HC0", "'robust' here")],
            "level": NOT_LEVELS,
        }
        yield from rows(f"{name}.inference", ask, pairs, bad)
        grouped = {"cov_type": "cluster", "groups": np.arange(N) // 3, **pairs}
        yield from rows(f"{name}.inference", ask, grouped, {"groups": NOT_GROUPS})
        unused = {"groups": [Case(np.arange(N), "'observed'")]}
        yield from rows(f"{name}.inference", ask, pairs, unused)
        alone = {"sample_weight": [Case(np.ones(N), "X=None")]}
        yield from rows(f"{name}.inference", ask, {}, alone)
    ask, pairs = method("contextual", "inference"), {"X": X, "y": Y}
    yield from rows("ContextualMixtureOfExperts.inference", ask, pairs, CONTEXTS)


def _of_kinds() -> Iterator[Row]:
    bad = {
        "n_draws": NOT_COUNTS,
        "kind": ["jackknife", None],
        "length": [0, 2.5, "long"],
        "interval": ["bca", None],
        "random_state": NOT_SEEDS,
    }
    yield from rows("Bootstrap", lambda: inference.Bootstrap, {"kind": "block"}, bad)
    bad = {"length": [Case(5, "kind='rows'")]}
    yield from rows("Bootstrap", lambda: inference.Bootstrap, {}, bad)
    bad = {"small_sample": ["few", None, 1]}
    for name in ("Clustered", "Sandwich", "SamplingWeights"):
        yield from rows(name, lambda name=name: getattr(inference, name), {}, bad)
    bad = bad | {"lags": [-1, 1.5, "many"], "kernel": ["gauss", None]}
    yield from rows("HAC", lambda: inference.HAC, {}, bad)


def _of_results() -> Iterator[Row]:
    def of(name: str):
        return lambda: getattr(results(), name)

    levels = {"level": NOT_LEVELS}
    for name in ("conf_int", "intervals", "at_level", "summary_frame", "summary"):
        yield from rows(f"InferenceResults.{name}", of(name), {}, levels)
    yield from rows("InferenceResults.exponentiated", of("exponentiated"), {}, levels)
    bad = {
        "hypotheses": [
            "nobody = 0", "expert0:x0 * expert0:x0", "expert0:x0 = ", "", "1 +", None, 5,
            Case(np.ones((1, 3)), r"\(1, 3\)"), Case(np.full((1, 4), np.nan), r"\(1, 4\)"),
        ],
    }  # fmt: skip
    matrix = {"hypotheses": np.eye(4)[:1], "value": 0.0}
    values = {"value": ["x", np.nan, Case([1.0, 2.0], r"\[1.0, 2.0\]")]}
    for name in ("t_test", "wald_test"):
        yield from rows(f"InferenceResults.{name}", of(name), {}, bad)
        yield from rows(f"InferenceResults.{name}", of(name), matrix, values)
    bad = {
        "column": [
            Case(Y[:-1], r"\(29,\)"), Case(LABELS, "'(in|out)'"), Case("zz", "'zz'"),
            Case(np.full(N, np.nan), "NaN"), Case(np.zeros((N, 0)), r"\(30, 0\)"), None,
        ],
        "part": ["scale", None],
    }  # fmt: skip
    yield from rows("InferenceResults.score_test", of("score_test"), {"column": Y**2}, bad)
    bad = {"names": ["nobody", 5, [], ["expert0:x0", 3]], **levels}
    good = {"names": "expert0:x0"}
    yield from rows("InferenceResults.profile_int", of("profile_int"), good, bad)
    bad = {"name": ["nobody", None, 5], "value": ["x", np.nan, None]}
    good = {"name": "expert0:x0"}
    yield from rows("InferenceResults.signed_root_test", of("signed_root_test"), good, bad)
    for name in ("delta", "user_delta"):
        yield from rows(f"InferenceResults.{name}", of(name), {}, {"function": ["f", None, 5]})
    yield from rows("InferenceResults.as_latex", of("as_latex"), {}, {"label": [5, None]})
    yield from rows(
        "Delta.conf_int", lambda: results().user_delta(lambda p: p.vector).conf_int, {}, levels
    )
    yield from rows(
        "LinearTest.conf_int", lambda: results().t_test("expert0:x0").conf_int, {}, levels
    )
    valid = lambda: results().wald_test("expert0:x0").critical_value  # noqa: E731
    yield from rows("WaldTest.critical_value", valid, {}, levels)
    invalid = lambda: results().wald_test("log_scale0").critical_value  # noqa: E731
    yield from rows("InvalidTest.critical_value", invalid, {}, levels)


def _of_several() -> Iterator[Row]:
    def two(**given):
        return inference.compare(results(), results(), **given)

    names = [["one"], ["a", "a"], 5, [1, 2]]
    yield from rows("compare", lambda: two, {}, {"names": names})

    def compared(fits):
        return inference.compare(*fits)

    bad = {
        "fits": [
            Case([], "got 0"),
            Case([5, 6], "got 5"),
            Case([InferenceResults] * 2, "InferenceResults"),
            Case(["a", "b"], "'a'"),
        ]
    }
    yield from rows("compare", lambda: compared, {}, bad)
    for name in ("likelihood_ratio", "vuong"):
        arguments = ("small", "large") if name == "likelihood_ratio" else ("first", "second")
        bad = {argument: ["nobody", 5] for argument in arguments}
        ask = lambda name=name: getattr(two(), name)  # noqa: E731
        yield from rows(f"Comparison.{name}", ask, {}, bad)
    bad = {"correction": ["hqc", None]}
    yield from rows("Comparison.vuong", lambda: two().vuong, {}, bad)
    bad = {
        "results": [5, [], None, Case(["a"], "'a'")],
        "names": names[:1] + names[2:3],
        "digits": NOT_COUNTS,
        "stars": NOT_SWITCHES,
    }

    def columns(**given):
        return inference.summary_col(**{"results": [results(), results()], **given})

    yield from rows("summary_col", lambda: columns, {}, bad)
