"""Convergence-rate studies."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts, rates
from mixstat.plotting import RateDisplay, WindowDisplay
from tests.bad_inputs.rows import Case, Row, rows
from tests.bad_inputs.values import NOT_COUNTS, NOT_POSITIVE, NOT_SWITCHES, X, Y, fitted

NOT_ENDS = ["a", None, np.inf, np.nan, True, [0.0]]
NOT_LIMITS = [(1.0, -1.0), 3, "x", (1.0,), None, (np.nan, 1.0)]
NOT_NAMES = [3, "", None]
NOT_STUDY_SEEDS = ["x", -1, 1.5, [1]]
NOT_INPUTS = [Case((0, 1), r"\(2,\)"), "x", Case(3, r"\(\)")]
NOT_BOXES = [(0, 1), "box", {}]
KINDS = ("gate_intercept", "gate_slope", "expert_intercept", "expert_slope", "weight", "centre")
POSITIVE = ("scale", "temperature", "spread")
NUMBERS = {
    "gate_intercept": [0.5, 0.0],
    "gate_slope": [2.0, 0.0],
    "expert_intercept": [1.0, -1.0],
    "expert_slope": [1.5, -1.5],
    "scale": [0.5, 0.7],
}
TABLE = pd.DataFrame(
    {
        "n": np.repeat([100, 200, 400], 3),
        "replicate": np.tile(np.arange(3), 3),
        "kl": np.linspace(2, 1, 9),
        "zero": 0.0,
        "status": "CONVERGED",
    }
)


def mild() -> rates.Truth:
    """A truth of two experts."""
    return rates.find_truth("softmax-gaussian-mild")


def of_studies() -> Iterator[Row]:
    """All of ``mixstat.rates``."""
    yield from _of_inputs()
    yield from _of_specifications()
    yield from _of_truths()
    yield from _of_runs()
    yield from _of_rates()


def _of_inputs() -> Iterator[Row]:
    line = {"low": 0.0, "high": 1.0}
    for law in (rates.Uniform, rates.Grid, rates.Lattice):
        bad = {"low": [*NOT_ENDS, Case(1.0, "low=1")], "high": [*NOT_ENDS, Case(0.0, "high=0")]}
        yield from rows(law.__name__, lambda law=law: law, line, bad)
    yield from rows("Uniform", lambda: rates.Uniform, line, {"n_inputs": NOT_COUNTS})
    yield from rows("Lattice", lambda: rates.Lattice, line, {"n_points": [*NOT_COUNTS, 1]})
    tables = [
        Case(Y, r"\(30,\)"), "rows", [["a"]], Case([[np.nan]], "NaN"), Case(None, r"\(\)"),
        Case(np.zeros((0, 2)), r"\(0, 2\)"),
        Case(X + 1j, "complex"), Case(np.where(X > 0, None, X), "NaN|None"),
        Case(5, r"\(\)"), [["1", "2"]],
    ]  # fmt: skip
    yield from rows("Observed", lambda: rates.Observed, {}, {"X": tables})
    settings = Case(MixtureOfExperts(gate="gaussian").gate, "gaussian")
    yield from rows("Clusters", lambda: rates.Clusters, {}, {"gate": [3, None, settings]})
    starts = {"n_starts": NOT_COUNTS}
    scales = {"scale": [-1.0, "x", None, np.nan]}
    yield from rows("NearTruth", lambda: rates.NearTruth, {}, starts | scales)
    yield from rows("PublishedStart", lambda: rates.PublishedStart, {}, starts)
    kinds = {"kinds": [("x",), Case((), "none"), 3, None, (3,)]}
    yield from rows("RandomStart", lambda: rates.RandomStart, {}, starts | kinds)


def _of_specifications() -> Iterator[Row]:
    kinds = dict.fromkeys(KINDS, NOT_LIMITS)
    kinds |= {kind: [*NOT_LIMITS, (-2.0, -1.0)] for kind in POSITIVE}
    kinds["others"] = [3, Case({"scale": (0, 1)}, "scale"), Case({3: (0, 1)}, "3"), None]
    yield from rows("Box", lambda: rates.Box, {}, kinds)
    settings = {
        "n_experts": NOT_COUNTS,
        "degree": [-1, 0.5, "x", True],
        "gate_degree": [-1, 0.5, "x", True],
        "gate": ["soft", 3],
        "experts": ["normal", 3, [], ["gaussian", "normal"]],
        "box": NOT_BOXES,
        "solver": ["adam", 3, None],
        "frozen": [3, {2: {"coef": [1.0]}}, {0: 3}, {0: {"coef": ["x"]}}, [0]],
        "finish": [0, 1.5, "x", True],
        "tol": NOT_POSITIVE,
        "max_iter": NOT_COUNTS,
        "min_scale": NOT_POSITIVE,
    }
    yield from rows("Specification", lambda: rates.Specification, {"n_experts": 2}, settings)


def _wave(**changes: object) -> rates.Truth:
    wave = rates.RegressionFunction(lambda X: np.sin(3 * X[:, 0]), 0.2)
    given = {"name": "w", "law": wave, "inputs": rates.Uniform(0, 1), "citation": "", "mark": "own"}
    return rates.Truth(**{**given, **changes})  # type: ignore[arg-type]


def _of_truths() -> Iterator[Row]:
    bad = {
        "name": NOT_NAMES,
        "law": [3, None, Case(np.sin, "ufunc|sin")],
        "inputs": [(0, 1), None, 3],
        "citation": [None, 3],
        "mark": ["sure", None],
        "claims": [3, Case(("x",), "'x'"), None],
        "box": NOT_BOXES,
        "near": ["x", -1.0, None, np.nan],
        "note": [3, None],
        "moves": [3, "x"],
    }
    yield from rows("Truth", lambda: _wave, {}, bad)
    of = {"inputs": rates.Uniform(-3, 3), **NUMBERS}
    bad = {
        "inputs": [*NOT_INPUTS, None], "gate": ["soft", 3], "experts": ["normal", 3],
        "degree": [-1, 0.5, "x", None], "gate_degree": [-1, 0.5, "x", None], "name": NOT_NAMES,
        "box": NOT_BOXES, "near": ["x", -1.0, None],
    }  # fmt: skip
    yield from rows("Truth.of", lambda: rates.Truth.of, of, bad)
    numbers = [
        Case({"scale": [0.5]}, r"\(1,\)"), Case({"scale": [-0.5, 1]}, "-0.5"),
        Case({"scale": "x"}, "'x'"), Case({"scale": [np.nan, 1.0]}, "NaN|nan"),
        Case({"scale": None}, "None"), Case({"df": [3, 3]}, "df"),
        Case({"expert_slope": [[1.0, 2.0]] * 2}, r"\(2, 2\)"), Case({"scales": [1, 1]}, "scales"),
        Case({"scale": [1 + 1j, 1]}, "complex|1j"),
    ]  # fmt: skip

    def stated(numbers: dict[str, object]) -> rates.Truth:
        return rates.Truth.of(**{**of, **numbers})

    for row in rows("Truth.of", lambda: stated, {}, {"numbers": numbers}):
        yield row._replace(argument="numbers")
    yield from rows(
        "Truth.sample",
        lambda: mild().sample,
        {"n": 3},
        {"n": NOT_COUNTS, "random_state": NOT_STUDY_SEEDS},
    )
    counted = lambda: rates.find_truth("multinomial-1").counts  # noqa: E731
    bad = {"n": NOT_COUNTS, "random_state": NOT_STUDY_SEEDS}
    yield from rows("Truth.counts", counted, {"n": 3}, bad)
    bad = {"inputs": [3, None, Case(rates.Uniform(0, 1, 2), "n_inputs=2")]}
    yield from rows("Truth.with_inputs", lambda: mild().with_inputs, {}, bad)
    bad = {"name": ["nobody", 3, None, Case("sigmoidal", "did you mean 'sigmoid'")]}
    yield from rows("find_truth", lambda: rates.find_truth, {}, bad)
    function = {"function": [3, None, "sin"], "scale": NOT_POSITIVE, "pieces": [-1, 0.5, "x", None]}
    good = {"function": np.sin, "scale": 0.2}
    yield from rows("RegressionFunction", lambda: rates.RegressionFunction, good, function)
    means = lambda: rates.RegressionFunction(lambda X: X[:, 0], 0.2).means  # noqa: E731
    bad = {
        "X": ["x", Case(None, r"\(\)"), Case([1.0], r"\(1,\)"), Case(Y, r"\(30,\)"),
              Case([[np.nan]], "NaN")],
    }  # fmt: skip
    yield from rows("RegressionFunction.means", means, {}, bad)
    bad = {
        "estimator": [5, None, "x", Case(MixtureOfExperts, "MixtureOfExperts"),
                      Case(MixtureOfExperts(), "not fitted")],
    }  # fmt: skip
    yield from rows("from_fit", lambda: rates.from_fit, {"X": X}, bad)
    good = {"estimator": fitted("regressor"), "X": X}
    bad = {
        "X": [Case(Y, "1D array"), Case(np.zeros((3, 5)), "5 features"), "x", None,
              Case(X * np.nan, "NaN")],
        "name": NOT_NAMES, "box": NOT_BOXES,
    }  # fmt: skip
    yield from rows("from_fit", lambda: rates.from_fit, good, bad)
    yield from _of_further_truths()
    seeds = dict.fromkeys(("seed", "n", "replicate", "stream"), NOT_STUDY_SEEDS)
    good = {"seed": 0, "n": 1, "replicate": 0}
    yield from rows("replicate_seed", lambda: rates.replicate_seed, good, seeds)


def _of_further_truths() -> Iterator[Row]:
    good = {
        "inputs": rates.Uniform(0, 1),
        "sampler": lambda X, random: random.uniform(size=len(X)),
        "log_density": lambda X, y: np.where((y > 0) & (y < 1), 0.0, -np.inf),
    }
    other = Case(lambda X, y: np.where((y > 0) & (y < 2), -np.log(2), -np.inf), "p-value")
    bad = {
        "inputs": [*NOT_INPUTS, None], "sampler": [3, None, "x", Case(lambda X: X, "TypeError")],
        "log_density": [3, None, "x", Case(lambda X, y: y[:2], r"\(2,\)"), other],
        "values": ["x", Case([], "nothing|\\[\\]"), Case([np.nan], "nan"), Case([0.0, 1.0], "too")],
        "name": NOT_NAMES, "box": NOT_BOXES,
    }  # fmt: skip
    yield from rows("from_sampler", lambda: rates.from_sampler, good, bad)
    good = {"function": lambda n: mild()}
    bad = {
        "function": [3, None, Case(rates.Truth, "Truth"), Case(lambda n: 3, "3")],
        "at": NOT_COUNTS,
    }
    yield from rows("moving_truth", lambda: rates.moving_truth, good, bad)
    yield from rows("Truth.at_size", lambda: mild().at_size, {}, {"n": NOT_COUNTS})


def _ran() -> rates.RateStudy:
    study = rates.RateStudy(mild(), 2, [100, 200, 400], 3, losses=["kl"])
    study.table_ = TABLE
    return study


def _ask(name: str) -> Callable[[], Callable[..., object]]:
    return lambda: getattr(_ran(), name)


def _of_runs() -> Iterator[Row]:
    good = {"truth": mild(), "spec": 2, "sample_sizes": [100], "n_replicates": 1}
    bad = {
        "truth": ["softmax-gaussian", None, 3], "spec": ["2", 2.0, True, None],
        "sample_sizes": [100, "100", [1e3], Case([], "none"), [3], None, [True]],
        "n_replicates": NOT_COUNTS, "start": ["near", 3, Case(rates.NearTruth, "NearTruth")],
        "losses": [["regret"], "regret", 3, [3]], "seed": [*NOT_STUDY_SEEDS, None],
    }  # fmt: skip
    yield from rows("RateStudy", lambda: rates.RateStudy, good, bad)
    bad = {
        "store": [3, [], True], "backend": [3, "dask", None],
        "n_workers": [v for v in NOT_COUNTS if v is not None],
        "batch_size": [0, -1, 2.5, "x", True], "progress": NOT_SWITCHES,
    }  # fmt: skip
    yield from rows("RateStudy.run", _ask("run"), {}, bad)
    yield from rows("RateStudy.rate", _ask("rate"), {}, {"loss": ["regret", 3, None, "status"]})
    settings = [Case({"level": 2}, "2"), Case({"nonsense": 1}, "nonsense")]

    def rate(settings: dict[str, object]) -> object:
        return _ran().rate("kl", **settings)  # type: ignore[arg-type]

    yield from rows("RateStudy.rate", lambda: rate, {}, {"settings": settings})
    yield from rows("RateStudy.verdicts", _ask("verdicts"), {}, {"statistic": ["mode", 3, None]})
    bad = {
        "n_starts": [*NOT_COUNTS, 1], "n_replicates": NOT_COUNTS, "tolerance": NOT_POSITIVE,
        "sample_sizes": [3, "x", [1.5], [3]], "store": [3, []],
    }  # fmt: skip
    yield from rows("RateStudy.miss_rate", _ask("miss_rate"), {"progress": False}, bad)

    def miss(settings: dict[str, object]) -> object:
        return _ran().miss_rate(**settings)  # type: ignore[arg-type]

    bad = {"settings": [Case({"backend": 3}, "3"), Case({"nonsense": 1}, "nonsense")]}
    yield from rows("RateStudy.miss_rate", lambda: miss, {}, bad)
    bad = {"name": ["nobody", 3, None]}
    yield from rows("named_study", lambda: rates.named_study, {}, bad)
    bad = {"quick": NOT_SWITCHES, "seed": [*NOT_STUDY_SEEDS, None]}
    yield from rows("named_study", lambda: rates.named_study, {"name": "sigmoid/exact"}, bad)


def _of_rates() -> Iterator[Row]:
    bad = {
        "table": [Case([1, 2], r"\[1, 2\]"), None, Case(TABLE[["kl"]], r"\['kl'\]"),
                  Case(TABLE.assign(n="x"), "'x'|str|object")],
        "loss": ["regret", 3, None, "status", "zero"],
        "statistic": ["mode", None, 3],
        "window": [3, (9, 1), (1, 2), "x", (None, 3)],
        "level": [1, 0.0, "x", None, np.nan],
        "n_bootstrap": [1, 2.5, "x", None],
        "random_state": [*NOT_STUDY_SEEDS, None],
    }  # fmt: skip
    yield from rows("fit_rate", lambda: rates.fit_rate, {"table": TABLE, "loss": "kl"}, bad)
    rate = rates.fit_rate(TABLE, "kl")
    bad = {"table": [3, None], "loss": ["regret", 3, "zero"], "least": [1, 4, 2.5, "x", None]}
    yield from rows("rates_from", lambda: rates.rates_from, {"table": TABLE, "loss": "kl"}, bad)
    many = [3, None, Case([], r"\[\]"), [3], Case({"a": 3}, "3"), Case({}, "{}")]
    bad = {"rates": many, "theory": ["x", [1]], "size": ["poster", 3]}
    yield from rows("WindowDisplay", lambda: WindowDisplay, {"rates": rate}, bad)

    def windowed(settings: dict[str, object]) -> object:
        return rates.rates_from(TABLE, "kl", **settings)

    bad = {"settings": [Case({"level": 2}, "2"), Case({"window": (1, 2)}, "window")]}
    yield from rows("rates_from", lambda: windowed, {}, bad)
    listed = [3, None, [3], Case([], "nothing"), Case([rate, rate], "2 with"), {"a": 3}]
    yield from rows("slope_table", lambda: rates.slope_table, {}, {"rates": listed})
    bad = {"table": [3, None, Case(TABLE[[]], r"\(9, 0\)")], "digits": [-1, 1.5, "x", None]}
    yield from rows("latex_table", lambda: rates.latex_table, {"table": TABLE}, bad)
    names = [*NOT_NAMES, "kl", "voronoi", "status", "two words", "error_mine", "mine_error"]
    bad = {"name": names, "function": [3, None, "sin"], "title": [3, None]}
    good = {"name": "mine", "function": lambda truth, law: 0.0}
    yield from rows("register_loss", lambda: rates.register_loss, good, bad)
    bad = {
        "rates": [3, None, [3], "x"],
        "labels": [Case(["a", "b"], "2 for 1"), Case([], "0 for 1"), 3, "kl", [3]],
        "band": ["bars", 3, None], "size": ["poster", 3], "theory": ["x", [1], True],
    }  # fmt: skip
    yield from rows("RateDisplay", lambda: RateDisplay, {"rates": rate}, bad)
    yield from rows("Rate.compare", lambda: rate.compare, {}, {"other": [-0.5, None, "rate"]})
    yield from rows("Rate.test", lambda: rate.test, {}, {"stated": ["x", None, np.nan, True]})
    bad = {"n": ["x", None, -3, 0, [np.nan], [1, "x"]]}
    yield from rows("Rate.line", lambda: rate.line, {}, bad)
    good = {"stated": -0.5, "interval": (-0.6, -0.4)}
    bad = {"stated": ["x", np.nan, True], "interval": [3, None, "x", (1, 0), (0,), (np.nan, 1)]}
    yield from rows("verdict", lambda: rates.verdict, good, bad)
    bad = {"truth": [3, None, "x"], "n": NOT_COUNTS, "random_state": [*NOT_STUDY_SEEDS, None]}
    yield from rows("em_rate", lambda: rates.em_rate, {"truth": mild()}, bad)
    good = {"truth": mild(), "law": mild().law}
    laws = [Case(mild(), "Truth"), 3, None]
    bad = {"truth": [3, None, "x"], "law": laws, "inputs": [3, (0, 1)]}
    yield from rows("divergences", lambda: rates.divergences, good, bad)
    good = {"names": ["density"], "truth": mild(), "laws": [mild().law]}
    bad = {
        "names": [3, ["x"], None, [3]], "truth": [3, None, "x"],
        "laws": [3, None, [3], Case([], "None|none"), [None]],
    }  # fmt: skip
    yield from rows("evaluate", lambda: rates.evaluate, good, bad)
