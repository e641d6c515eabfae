"""Whatever people hand to the rates API: the argument, the value seen and what is wanted."""

import inspect
from collections.abc import Callable

import jaxtyping
import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts
from mixstat import rates as api
from mixstat.gates import GaussianGate
from mixstat.rates import (
    Box,
    Clusters,
    Grid,
    Lattice,
    NearTruth,
    Observed,
    PublishedStart,
    RandomStart,
    RateStudy,
    RegressionFunction,
    Specification,
    Truth,
    Uniform,
    divergences,
    evaluate,
    find_truth,
    fit_rate,
    from_fit,
    named_study,
    replicate_seed,
    verdict,
)

pytestmark = pytest.mark.fast

MILD = find_truth("softmax-gaussian-mild")
WAVE = Truth("wave", RegressionFunction(lambda X: np.sin(3 * X), 0.2), Uniform(0, 1), "", "own")
TABLE = pd.DataFrame(
    {
        "n": np.repeat([100, 200, 400], 3),
        "replicate": np.tile(np.arange(3), 3),
        "voronoi_exact": np.linspace(2, 1, 9),
        "hellinger": np.linspace(2, 1, 9),
        "kl": np.linspace(2, 1, 9),
        "zero": 0.0,
        "status": "CONVERGED",
    }
)
RATE = fit_rate(TABLE, "kl")


def study(**changes: object) -> RateStudy:
    settings = {"truth": MILD, "spec": 2, "sample_sizes": [100], "n_replicates": 1} | changes
    return RateStudy(**settings)


def ran() -> RateStudy:
    made = study()
    made.table_ = TABLE
    return made


def made(function: object, scale: object = 0.2, **more: object) -> Truth:
    return Truth("f", RegressionFunction(function, scale, **more), Uniform(0, 1), "", "own")


def truth(**changes: object) -> Truth:
    settings = {"law": MILD.law, "inputs": Uniform(0, 1), "citation": "", "mark": "own"}
    return Truth(**({"name": "t"} | settings | changes))


V, T = ValueError, TypeError
Row = tuple[str, Callable[[], object], type[Exception], str]
ROWS: list[Row] = [
    # what is called, the call, the exception, words of the message (a regular expression)
    ("Box", lambda: Box(scale=(-2, -1)), V, r"scale must be .* 0 <= low and 0 < high, got \(-2"),
    ("Box", lambda: Box(scale=(-1, 1)), V, "scale must be"),
    ("Box", lambda: Box(scale=(0, 0)), V, "scale must be"),
    ("Box", lambda: Box(temperature=(-1, 0)), V, "temperature must be"),
    ("Box", lambda: Box(spread=(0, 0)), V, "spread must be"),
    ("Box", lambda: Box(gate_slope=(2, 1)), V, r"gate_slope must be two numbers .* got \(2, 1\)"),
    ("Box", lambda: Box(gate_slope=3), V, "gate_slope must be two numbers .* got 3"),
    ("Box", lambda: Box(gate_slope=None), V, "gate_slope must be two numbers .* got None"),
    ("Box", lambda: Box(gate_slope=(1, 2, 3)), V, "gate_slope must be two numbers"),
    ("Box", lambda: Box(gate_slope="ab"), V, "gate_slope must be two numbers .* got 'ab'"),
    ("Box", lambda: Box(gate_slope=("a", "b")), V, "gate_slope must be two numbers"),
    ("Box", lambda: Box(gate_slope=(np.nan, 1)), V, "gate_slope must be two numbers"),
    ("Box", lambda: Box(gate_slope=(0, np.nan)), V, "gate_slope must be two numbers"),
    ("Box", lambda: Box(gate_slope=(False, True)), V, "gate_slope must be two numbers"),
    ("Box", lambda: Box(gate_slope=(0, 1j)), V, "gate_slope must be two numbers"),
    ("Box", lambda: Box(centre=(np.inf, np.inf)), V, "centre must leave room for a finite number"),
    ("Box", lambda: Box(weight=(-np.inf, -np.inf)), V, "weight must leave room"),
    ("Box", lambda: Box(others=3), T, "others must be a mapping of limits by kind, got 3"),
    ("Box", lambda: Box(others={"df": 3}), V, "df must be two numbers"),
    ("Box", lambda: Box(others={"scale": (1, 2)}), V, "others must name kinds .* got 'scale'"),
    ("Box", lambda: Box(others={3: (1, 2)}), V, "others must name kinds .* got 3"),
    ("Box", lambda: study(spec=Specification(2, box=Box(others={"shap": (1, 2)}))), V,
     "others must name kinds of parameters .*shape.*; got 'shap'"),
    ("Box", lambda: study(truth=Truth.of(MILD.inputs, gate=MILD.mixture.gate, experts="t",
     expert_intercept=[0, 1], expert_slope=[0, 1], scale=[1, 1], df=[4, 4]),
     spec=Specification(2, box=Box(others={"df": (-2, -1)}))), V, "df must be .* 0 <= low"),
    ("Box", lambda: study(spec=Specification(2, box=Box(scale=(1e-6, 1e-5)))), V,
     "scale must reach up to min_scale=0.0001 at least"),
    ("Clusters", lambda: Clusters(3), T, "gate must be a GaussianGate with numbers, got 3"),
    ("Clusters", lambda: Clusters(GaussianGate()), V, "gate must have the numbers"),
    ("Grid", lambda: Grid(1, 0), V, "low must be less than high, got low=1, high=0"),
    ("Grid", lambda: Grid("a", 1), V, "low must be a finite number, got 'a'"),
    ("Uniform", lambda: Uniform(0, 0), V, "low must be less than high"),
    ("Uniform", lambda: Uniform(0, np.inf), V, "high must be a finite number, got inf"),
    ("Uniform", lambda: Uniform(None, 1), V, "low must be a finite number, got None"),
    ("Uniform", lambda: Uniform(0, 1, n_inputs=0), V, "n_inputs must be an integer >= 1, got 0"),
    ("Uniform", lambda: Uniform(0, 1, 1.5), V, "n_inputs must be an integer >= 1, got 1.5"),
    ("Lattice", lambda: Lattice(0, 1, 1), V, "n_points must be an integer >= 2, got 1"),
    ("Lattice", lambda: Lattice(0, 1, "x"), V, "n_points must be an integer >= 2, got 'x'"),
    ("Lattice", lambda: Lattice(3, 1), V, "low must be less than high"),
    ("Observed", lambda: Observed([1, 2]), V, r"X must be a table .* shape \(2,\); reshape\(-1, 1"),
    ("Observed", lambda: Observed("rows"), V, "X must be a table .* got 'rows'"),
    ("Observed", lambda: Observed([["a"]]), V, "X must be a table"),
    ("Observed", lambda: Observed([[np.nan]]), V, "X must be a table .* got NaN or infinity"),
    ("Observed", lambda: Observed(np.zeros((0, 2))), V, r"X must be a table .* shape \(0, 2\)"),
    ("Observed", lambda: Observed(None), V, "X must be a table"),
    ("NearTruth", lambda: NearTruth(-1), V, "scale must be a finite number >= 0, got -1"),
    ("NearTruth", lambda: NearTruth("x"), V, "scale must be a finite number >= 0, got 'x'"),
    ("NearTruth", lambda: NearTruth(n_starts=0), V, "n_starts must be an integer >= 1, got 0"),
    ("PublishedStart", lambda: PublishedStart("x"), V, "n_starts must be an integer >= 1"),
    ("RandomStart", lambda: RandomStart(2.5), V, "n_starts must be an integer >= 1, got 2.5"),
    ("RandomStart", lambda: RandomStart(kinds=("x",)), V, "each of kinds must be one of 'kmeans'"),
    ("RandomStart", lambda: RandomStart(kinds=()), V, "kinds must name a start at least, got none"),
    ("RandomStart", lambda: RandomStart(kinds=3), T, "kinds must be a list of names, got 3"),
    ("RegressionFunction", lambda: made(3), T, "function must be callable, got 3"),
    ("RegressionFunction", lambda: made(np.sin, 0), V, "scale must be a finite number > 0, got 0"),
    ("RegressionFunction", lambda: made(np.sin, "x"), V, "scale must be a finite number > 0"),
    ("RegressionFunction", lambda: made(np.sin, pieces=-1), V, "pieces must be an integer >= 0"),
    ("RegressionFunction", lambda: made(lambda X: X[0]), V,
     r"function must map inputs of shape \(3, 1\) to 3 means, got shape \(1,\)"),
    ("RegressionFunction", lambda: made(lambda X: 1.0), V, r"to 3 means, got shape \(\)"),
    ("RegressionFunction", lambda: made(lambda X: "abc"), V, "to 3 means, such as lambda X: "),
    ("RegressionFunction", lambda: made(lambda X: X.T @ [1]), V, "function must map"),
    ("RegressionFunction", lambda: made(lambda X: X[:, 3]), V, "it says IndexError"),
    ("RegressionFunction", lambda: made(lambda: 3), V, "it says TypeError"),
    ("RegressionFunction", lambda: made(lambda X: X * np.nan), V, "all finite; got NaN"),
    ("Specification", lambda: Specification(0), V, "n_experts must be an integer >= 1, got 0"),
    ("Specification", lambda: Specification("2"), V, "n_experts must be an integer >= 1, got '2'"),
    ("Specification", lambda: Specification(2, degree=-1), V, "degree must be an integer >= 0"),
    ("Specification", lambda: Specification(2, gate_degree=0.5), V, "gate_degree must be an int"),
    ("Specification", lambda: Specification(2, gate="soft"), V, "gate must be one of 'softmax'"),
    ("Specification", lambda: Specification(2, gate=3), V, "gate must be one of .* got 3"),
    ("Specification", lambda: Specification(2, experts="normal"), V, "experts must be one of 'ga"),
    ("Specification", lambda: Specification(2, box=(0, 1)), T, "box must be a Box or None, got"),
    ("Specification", lambda: Specification(2, solver="adam"), V, "solver must be one of .*'adam'"),
    ("Specification", lambda: Specification(2, solver=3), V, "solver must be one of .* got 3"),
    ("Specification", lambda: Specification(2, finish=0), V, "finish must be an integer >= 1"),
    ("Specification", lambda: Specification(2, tol=0), V, "tol must be a finite number > 0, got 0"),
    ("Specification", lambda: Specification(2, tol="x"), V, "tol must be a finite number > 0"),
    ("Specification", lambda: Specification(2, max_iter=0), V, "max_iter must be an integer >= 1"),
    ("Specification", lambda: Specification(2, min_scale=-1), V, "min_scale must be a finite numb"),
    ("Truth", lambda: truth(name=3), T, "name must be a string that is not empty, got 3"),
    ("Truth", lambda: truth(law=np.sin), T, "law must be a RegressionFunction, or the law"),
    ("Truth", lambda: truth(inputs=(0, 1)), T, r"inputs must be a law of the inputs.*got \(0, 1\)"),
    ("Truth", lambda: truth(citation=None), T, "citation must be a string, got None"),
    ("Truth", lambda: truth(mark="sure"), V, "mark must be one of 'seen'.* got 'sure'"),
    ("Truth", lambda: truth(claims=3), T, "claims must be a tuple of claims, got 3"),
    ("Truth", lambda: truth(claims=("x",)), T, "each of claims must be a Claim, got 'x'"),
    ("Truth", lambda: truth(box={}), T, "box must be a Box or None, got {}"),
    ("Truth", lambda: truth(near="x"), V, "near must be a finite number >= 0, got 'x'"),
    ("Truth", lambda: truth(note=3), T, "note must be a string, got 3"),
    ("Truth", lambda: MILD.sample(0), V, "n must be an integer >= 1, got 0"),
    ("Truth", lambda: MILD.sample("x"), V, "n must be an integer >= 1, got 'x'"),
    ("Truth", lambda: MILD.sample(3, "x"), V, "random_state must be an integer >= 0, got 'x'"),
    ("Truth", lambda: MILD.sample(3, -1), V, "random_state must be an integer >= 0, got -1"),
    ("Truth", lambda: MILD.counts(3), V, "counts are for classes on a Lattice of inputs, got the"),
    ("Truth", lambda: MILD.with_inputs(3), T, "inputs must be a law of the inputs"),
    ("Truth", lambda: MILD.with_inputs(Uniform(0, 1, 2)), V, "inputs must be a law of 1 inputs"),
    ("Truth", lambda: WAVE.mixture, V, "'wave' is no mixture of experts"),
    ("Truth", lambda: Truth.of(3), V, "inputs must be a table|expert_intercept must be"),
    ("RateStudy", lambda: study(truth="softmax-gaussian"), T,
     "truth must be a Truth, such as find_truth.* got 'softmax-gaussian'"),
    ("RateStudy", lambda: study(truth=None), T, "truth must be a Truth"),
    ("RateStudy", lambda: study(spec="2"), T, "spec must be a Specification or a number"),
    ("RateStudy", lambda: study(spec=2.0), T, "spec must be a Specification or a number"),
    ("RateStudy", lambda: study(spec=True), T, "spec must be a Specification or a number"),
    ("RateStudy", lambda: study(spec=0), V, "n_experts must be an integer >= 1, got 0"),
    ("RateStudy", lambda: study(sample_sizes=100), T, "sample_sizes must be a list of integers"),
    ("RateStudy", lambda: study(sample_sizes="100"), T, "sample_sizes must be a list of integers"),
    ("RateStudy", lambda: study(sample_sizes=[1e3]), V, "each of sample_sizes must be an integer"),
    ("RateStudy", lambda: study(sample_sizes=[]), V, "sample_sizes must be at least .* got none"),
    ("RateStudy", lambda: study(sample_sizes=[3]), V, "sample_sizes must be at least the 8"),
    ("RateStudy", lambda: study(n_replicates=0), V, "n_replicates must be an integer >= 1, got 0"),
    ("RateStudy", lambda: study(n_replicates=None), V, "n_replicates must be an integer >= 1"),
    ("RateStudy", lambda: study(start="near"), T, r"start must be a start, such as NearTruth\(\)"),
    ("RateStudy", lambda: study(start=NearTruth), T, "start must be a start.* got NearTruth"),
    ("RateStudy", lambda: study(losses=["regret"]), V, "losses must be of .*voronoi; got 'regret'"),
    ("RateStudy", lambda: study(losses="regret"), V, "losses must be of .*; got 'regret'"),
    ("RateStudy", lambda: study(losses=["error_gat_single"]), V,
     "'error_gat_single' cannot be used .*: its blocks are those of error_gate_single"),
    ("RateStudy", lambda: study(losses=3), T, "losses must be a list of names, got 3"),
    ("RateStudy", lambda: study(losses=[3]), T, "losses must be a list of names"),
    ("RateStudy", lambda: study(truth=WAVE, losses=["voronoi"]), V, "'wave' is no mixture"),
    ("RateStudy", lambda: study(seed="x"), V, "seed must be an integer >= 0, got 'x'"),
    ("RateStudy", lambda: study(seed=None), V, "seed must be an integer >= 0, got None"),
    ("RateStudy", lambda: study(truth=WAVE, start=NearTruth()), V, "start=NearTruth needs a truth"),
    ("RateStudy", lambda: study().run(3), V, "store must be the path of a folder, got 3"),
    ("RateStudy", lambda: study().run(backend=3), V, "backend must be 'auto', 'device', "),
    ("RateStudy", lambda: study().run(n_workers=0), V, "n_workers must be an integer >= 1, got 0"),
    ("RateStudy", lambda: study().run(batch_size="x"), V, "batch_size must be an integer >= 1"),
    ("RateStudy", lambda: study().run(progress="no"), T, "progress must be True or False"),
    ("RateStudy", lambda: study().rate("kl"), V, "run the study before asking for a rate"),
    ("RateStudy", lambda: study().verdicts(), V, "run the study before asking"),
    ("RateStudy", lambda: ran().verdicts("mode"), V, "statistic must be one of 'mean', 'median'"),
    ("RateStudy", lambda: ran().rate("regret"), V,
     r"loss must be a column of the table \(voronoi_exact, hellinger, kl\); got 'regret'"),
    ("RateStudy", lambda: ran().rate(3), V, "loss must be a column of the table .* got 3"),
    ("RateStudy", lambda: ran().rate("density"), V, "'density' has the columns hellinger, kl: "),
    ("RateStudy", lambda: ran().miss_rate(1), V, "n_starts must be an integer >= 2, got 1"),
    ("RateStudy", lambda: ran().miss_rate(n_replicates=0), V, "n_replicates must be an integer"),
    ("RateStudy", lambda: ran().miss_rate(tolerance=0), V, "tolerance must be a finite number > 0"),
    ("RateStudy", lambda: ran().miss_rate(sample_sizes=3), T, "sample_sizes must be a list"),
    ("MissRate", lambda: ran().miss_rate("x"), V, "n_starts must be an integer >= 2, got 'x'"),
    ("Rate", lambda: RATE.test("x"), V, "stated must be a finite number, got 'x'"),
    ("Rate", lambda: RATE.test(None), V, "stated must be a finite number, got None"),
    ("Rate", lambda: RATE.compare(-0.5), T, "other must be a Rate, got -0.5"),
    ("Rate", lambda: RATE.line("x"), V, "n must be sizes, got 'x'"),
    ("Rate", lambda: RATE.line(-3), V, "n must be positive, got -3"),
    ("fit_rate", lambda: fit_rate([1, 2], "kl"), T, "table must be a data frame with a column 'n'"),
    ("fit_rate", lambda: fit_rate(TABLE[["kl"]], "kl"), T, "table must be a data frame"),
    ("fit_rate", lambda: fit_rate(TABLE, "status"), V, "loss must be a column of numbers, got '"),
    ("fit_rate", lambda: fit_rate(TABLE, "zero"), V, "mean of 'zero' must be positive, got zero"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", statistic="mode"), V, "statistic must be one of"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", statistic=np.mean), V, "statistic must be one of"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", window=3), V, "window must be two numbers"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", window=(9, 1)), V, "window must be two numbers"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", window=(1, 2)), V, "window=.* leaves 0 sizes"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", level=1), V, "level must lie strictly between 0 an"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", level="x"), V, "level must be a finite number"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", n_bootstrap=1), V, "n_bootstrap must be an integer"),
    ("fit_rate", lambda: fit_rate(TABLE, "kl", random_state="x"), V, "random_state must be an int"),
    ("rates_from", lambda: api.rates_from(TABLE, "kl", least=1), V, "least must be an integer >="),
    ("rates_from", lambda: api.rates_from(TABLE, "kl", least=9), V, "least must be at most the 3"),
    ("slope_table", lambda: api.slope_table(3), T, "rates must be a Rate, a list of them, or a di"),
    ("slope_table", lambda: api.slope_table([RATE, RATE]), V, "rates .* under different names"),
    ("latex_table", lambda: api.latex_table(RATE), T, "table must be a data frame of slopes, got"),
    ("register_loss", lambda: api.register_loss("kl", len), V, "name must be one that mixstat do"),
    ("register_loss", lambda: api.register_loss("a b", len), V, "name must be a word such as"),
    ("register_loss", lambda: api.register_loss("mine", 3), T, "function must be callable"),
    ("verdict", lambda: verdict("x", (0, 1)), V, "stated must be a finite number, got 'x'"),
    ("verdict", lambda: verdict(-0.5, 3), V, "interval must be two numbers"),
    ("find_truth", lambda: find_truth("sigmoidal"), V, "truth must be .* did you mean 'sigmoid'"),
    ("find_truth", lambda: find_truth(3), V, "truth must be one of 'softmax-gaussian', .* got 3"),
    ("find_truth", lambda: find_truth(None), V, "truth must be one of .* got None"),
    ("named_study", lambda: named_study("sigmoid"), V, "name must be .* did you mean 'sigmoid/"),
    ("named_study", lambda: named_study(3), V, "name must be one of .* got 3"),
    ("named_study", lambda: named_study("sigmoid/exact", quick="x"), T, "quick must be"),
    ("named_study", lambda: named_study("sigmoid/exact", seed=-1), V, "seed must be an integer"),
    ("replicate_seed", lambda: replicate_seed("x", 1, 1), V, "seed must be an integer >= 0"),
    ("replicate_seed", lambda: replicate_seed(0, -1, 1), V, "n must be an integer >= 0, got -1"),
    ("replicate_seed", lambda: replicate_seed(0, 1, 1.5), V, "replicate must be an integer >= 0"),
    ("em_rate", lambda: api.em_rate(WAVE), V, "truth must be a mixture of experts, got 'wave'"),
    ("em_rate", lambda: api.em_rate(MILD, 0), V, "n must be an integer >= 2, got 0"),
    ("divergences", lambda: divergences(3, MILD.law), T, "truth must be a Truth, got 3"),
    ("divergences", lambda: divergences(MILD, MILD), T, "law must be a law, such as truth.law"),
    ("divergences", lambda: divergences(MILD, MILD.law, 3), T, "inputs must be a law of the inp"),
    ("evaluate", lambda: evaluate(["kl"], 3, [MILD.law]), T, "truth must be a Truth, got 3"),
    ("evaluate", lambda: evaluate(["kl"], MILD, []), T, "each of laws must be a law"),
    ("evaluate", lambda: evaluate(["kl"], MILD, [3]), T, "each of laws must be a law.* got 3"),
    ("evaluate", lambda: evaluate(["x"], MILD, [MILD.law]), V, "losses must be of .* got 'x'"),
    ("evaluate", lambda: evaluate(None, MILD, [MILD.law]), T, "losses must be a list of names"),
    ("from_sampler", lambda: api.from_sampler(Uniform(0, 1), 3, len), T, "sampler must be callab"),
    ("from_sampler", lambda: api.from_sampler(3, len, len), V, "inputs must be a table"),
    ("moving_truth", lambda: api.moving_truth(3), T, "function must be callable with a sample s"),
    ("moving_truth", lambda: api.moving_truth(lambda n: 3), T, "function must return a Truth, got"),
    ("Truth", lambda: MILD.at_size(0), V, "n must be an integer >= 1, got 0"),
    ("Specification", lambda: Specification(2, frozen=3), V, "frozen must be a dict of experts"),
    ("from_fit", lambda: from_fit(3, [[1.0]]), T, "estimator must be one of mixstat, got 3"),
    ("from_fit", lambda: from_fit(MixtureOfExperts, [[1.0]]), T, "estimator must be one of mixst"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def as_people_call_it():
    """Without the types that other tests check: a record's own checks are what people meet."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("row", range(len(ROWS)), ids=[f"{i}-{r[0]}" for i, r in enumerate(ROWS)])
def test_bad_input(row):
    _, call, error, words = ROWS[row]
    with pytest.raises(error, match=words) as told:
        call()
    assert type(told.value) is error
    assert len(str(told.value)) < 1500


WITHOUT_ARGUMENTS = {"study_names", "truths"}
CLASSES = {"RateWarning", "StoreMismatchError"}  # that people catch and do not make


def test_every_public_name_has_rows():
    missing = set(api.__all__) - WITHOUT_ARGUMENTS - CLASSES - {row[0] for row in ROWS}
    assert not missing
    for name in WITHOUT_ARGUMENTS:
        assert not inspect.signature(getattr(api, name)).parameters
