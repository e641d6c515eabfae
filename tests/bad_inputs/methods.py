"""Methods of the three estimators."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import (
    DATA,
    LABELS,
    NOT_COUNTS,
    NOT_KNOWN,
    NOT_LABELS,
    NOT_MIXED,
    NOT_NUMBERS,
    NOT_OFFSETS,
    NOT_POSITIVE,
    NOT_RESPONSES,
    NOT_SEEDS,
    NOT_SWITCHES,
    NOT_TABLES,
    NOT_UNITS,
    NOT_WEIGHTS,
    TEXT,
    N,
    X,
    Y,
    method,
)


def of_methods(kind: str, name: str, cls: type, y: np.ndarray) -> Iterator[Row]:
    """Methods that all estimators have."""
    tables = [one for one in NOT_TABLES if one.seen != "'(in|out)'"] + NOT_MIXED
    responses = NOT_LABELS if kind == "classifier" else NOT_RESPONSES
    pairs = {"X": X, "y": y}
    if kind == "regressor":
        names = ["zz", Case(["y", "zz"], "'zz'"), Case(["y", "y"], r"\['y', 'y'\]")]
        frame = DATA[["y", "x", "w"]]
        yield from rows(f"{name}.fit, frame", lambda: cls().fit, {"X": frame}, {"y": names})
    yield from rows(
        f"{name}.fit",
        lambda: cls(n_experts=1).fit,
        pairs,
        {"X": tables, "y": [*responses, Case(None, "None")], "sample_weight": NOT_WEIGHTS},
    )
    # a name of a column that is not there
    fit, frame = (lambda: cls(n_experts=1).fit), {"X": TEXT, "y": y}
    yield from rows(f"{name}.fit", fit, frame, {"y": ["z"], "sample_weight": ["z"]})
    # those of the fit may be one class, or have any size
    asked = [one for one in responses if one.seen not in ("'in'", "continuous", "True and False")]
    asked = [
        one
        for one in asked
        if one.seen not in (r"e\+", "e-200|e-199", "True|False") and one.value is not Y
    ]
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
    yield from rows(
        f"{name}.profile",
        method(kind, "profile"),
        {"name": _parameter(kind), **pairs},
        {"X": NOT_TABLES[:3], "y": asked[:6], "sample_weight": NOT_WEIGHTS[-5:]},
    )


def of_offsets() -> Iterator[Row]:
    """The offset of every method that takes one; only regressors do more than refuse it."""
    pairs, given = {"X": X, "y": Y}, [Case(Y, r"\(30,\)"), "w"]
    bad = {"offset": NOT_OFFSETS[1:]}
    yield from rows("MixtureOfExperts.fit", lambda: MixtureOfExperts(1).fit, pairs, bad)
    all_have = ["responsibilities", "score_samples", "aic", "bic", "partial_fit", "inference"]
    of_pairs = [*all_have, "score", "cdf", "crps", "interval_coverage"]
    for question in of_pairs:
        place, ask = f"MixtureOfExperts.{question}", method("offset", question)
        yield from rows(place, ask, pairs, {"offset": NOT_OFFSETS})
    others = {"predict": {}, "expert_means": {}, "predict_quantile": {"q": 0.5},
              "predict_interval": {}, "sample_y": {}}  # fmt: skip
    for question, good in others.items():
        place, ask = f"MixtureOfExperts.{question}", method("offset", question)
        yield from rows(place, ask, {"X": X, **good}, {"offset": NOT_OFFSETS})
    named = {"name": "expert0:x0", **pairs}
    ask = method("offset", "profile")
    yield from rows("MixtureOfExperts.profile", ask, named, {"offset": NOT_OFFSETS})
    for kind, name, y, more in (
        ("classifier", "MixtureOfExpertsClassifier", LABELS, {}),
        ("contextual", "ContextualMixtureOfExperts", Y, others),
    ):
        pair = {"X": X, "y": y}
        own = ["score", "cdf", "crps", "interval_coverage"] if more else []
        lacks = "inference" if more else "partial_fit"
        for question in [one for one in all_have if one != lacks] + own:
            bad = {"offset": given}
            yield from rows(f"{name}.{question}", method(kind, question), pair, bad)
        if not more:
            ask, named = method(kind, "profile"), {"name": _parameter(kind), **pair}
            yield from rows(f"{name}.profile", ask, named, {"offset": given})
        for question, good in more.items():
            ask = method(kind, question)
            yield from rows(f"{name}.{question}", ask, {"X": X, **good}, {"offset": given})
    known = lambda: method("offset", "inference")()(X, Y, offset=X[:, 1])  # noqa: E731
    place, ask = "InferenceResults.get_prediction", lambda: known().get_prediction
    yield from rows(place, ask, {"X": X}, {"offset": NOT_OFFSETS})
    place, ask = "InferenceResults.marginal_effects", lambda: known().marginal_effects
    yield from rows(place, ask, {"at": X}, {"offset": NOT_OFFSETS})
    yield from rows(place, ask, {"at": "average"}, {"offset": [Case(Y, "'average'")]})


def of_groups() -> Iterator[Row]:
    """The units of every method that takes them; only regressors do more than refuse them."""
    pairs, given = {"X": X, "y": Y}, [Case(LABELS, r"\(30,\)"), "w"]
    settings = {"expert_features": [0], "gate_degree": 0}
    fit = lambda: MixtureOfExperts(1, **settings).fit  # noqa: E731
    yield from rows("MixtureOfExperts.fit", fit, pairs, {"groups": NOT_UNITS[1:]})
    of_pairs = ["responsibilities", "score_samples", "aic", "bic"]
    for question in of_pairs:
        place, ask = f"MixtureOfExperts.{question}", method("groups", question)
        yield from rows(place, ask, pairs, {"groups": NOT_UNITS})
    ask, named = method("groups", "profile"), {"name": "expert0:x0", **pairs}
    yield from rows("MixtureOfExperts.profile", ask, named, {"groups": NOT_UNITS})
    units = np.arange(N) // 3
    past = (X, Y, units)
    histories = [
        "rows", 5, Case((X, Y), "2 tables"), Case((X[:4], Y[:4], LABELS[:3]), "3"),
        Case((X, Y, None), "None"),
    ]  # fmt: skip
    for question, more in {
        "predict": {}, "predict_quantile": {"q": 0.5}, "predict_interval": {},
    }.items():  # fmt: skip
        place, ask = f"MixtureOfExperts.{question}", method("groups", question)
        good = {"X": X, "groups": units, "history": past, **more}
        yield from rows(place, ask, good, {"groups": NOT_UNITS, "history": histories})
        ask = method("contextual", question)
        good, place = {"X": X, **more}, f"ContextualMixtureOfExperts.{question}"
        bad = {"groups": [Case(units, "history")], "history": [Case(past, "no groups|had none")]}
        yield from rows(place, ask, good, bad)
    for kind, name, y in (
        ("regressor", "MixtureOfExperts", Y),
        ("classifier", "MixtureOfExpertsClassifier", LABELS),
        ("contextual", "ContextualMixtureOfExperts", Y),
    ):
        pair = {"X": X, "y": y}
        for question in of_pairs:
            yield from rows(f"{name}.{question}", method(kind, question), pair, {"groups": given})
        ask = method(kind, "bic")
        yield from rows(f"{name}.bic", ask, pair, {"count": ["students", None, 5]})
    ask, named = method("classifier", "profile"), {"name": _parameter("classifier")}
    pair = {"X": X, "y": LABELS}
    yield from rows("MixtureOfExpertsClassifier.profile", ask, named | pair, {"groups": given})


def of_known() -> Iterator[Row]:
    """Known experts of every method that takes them."""
    given = [Case(np.zeros(N), r"\(30,\)"), Case("w", "'w'")]
    for kind, cls, y in (
        ("regressor", MixtureOfExperts, Y),
        ("classifier", MixtureOfExpertsClassifier, LABELS),
    ):
        pairs, name = {"X": X, "y": y}, cls.__name__
        fit = lambda cls=cls: cls(2, n_init=1).fit  # noqa: E731
        yield from rows(f"{name}.fit", fit, pairs, {"known_experts": NOT_KNOWN})
        bad, named = {"known_experts": given}, {"name": _parameter(kind), **pairs}
        yield from rows(f"{name}.inference", method(kind, "inference"), pairs, bad)
        yield from rows(f"{name}.profile", method(kind, "profile"), named, bad)
    pairs = {"X": X, "y": Y}
    bad = {"known_experts": [*NOT_KNOWN, Case(np.ones(N), "differs")]}
    yield from rows("MixtureOfExperts.inference", method("known", "inference"), pairs, bad)
    alone = {"known_experts": [Case(np.ones(N), "X=None")]}
    yield from rows("MixtureOfExperts.inference", method("known", "inference"), {}, alone)


def _twins() -> MixtureOfExperts:
    """A model of which two parameters have one name."""
    return MixtureOfExperts(1).fit(pd.DataFrame(X, columns=["1", "b"]), Y)


def _parameter(kind: str) -> str:
    return "expert0:in:x0" if kind == "classifier_of_three" else "expert0:x0"


def of_prediction() -> Iterator[Row]:
    """Methods that only some estimators have."""
    bad = {"name": [Case("expert0:1", "which 2 have")]}
    yield from rows("MixtureOfExperts.profile", lambda: _twins().profile, {}, bad)
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
        for question in ("cdf", "crps"):
            yield from rows(f"{name}.{question}", method(kind, question), {"X": X, "y": Y}, bad)
        yield from rows(
            f"{name}.interval_coverage",
            method(kind, "interval_coverage"),
            {"X": X, "y": Y},
            {
                **bad,
                "levels": [0.0, 1.0, [0.5, 2.0], "most", None, [[0.5]], [], np.nan],
                "max_lag": [-1, 1.5, "few"],
                "by_expert": NOT_SWITCHES,
            },
        )
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
    for question in ("context_proba", "conflict", "partial_fit"):
        bad = {"X": NOT_TABLES[:4], "y": NOT_NUMBERS[:4], **knowledge}
        yield from rows(f"{name}.{question}", method("contextual", question), good, bad)
    parameter = {"name": _parameter("contextual")}
    yield from rows(f"{name}.profile", method("contextual", "profile"), parameter | good, knowledge)
    bad = {"sample_weight": NOT_WEIGHTS[-5:]}
    yield from rows(f"{name}.conflict", method("contextual", "conflict"), good, bad)
