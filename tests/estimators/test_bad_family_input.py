"""Every bad response or setting of gates and experts names what was seen and what was wanted."""

import warnings

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.experts import (
    BinomialExperts,
    Censored,
    MultinomialExperts,
    StudentTExperts,
    Truncated,
)
from mixstat.gates import (
    HierarchicalGate,
    ModifiedSoftmaxGate,
    TemperatureGate,
    TopKGate,
    TopPGate,
)

N = 60
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((N, 2))
REAL = X[:, 0] + RANDOM.standard_normal(N)
COUNT = RANDOM.poisson(2.0, N).astype(float)
LABEL = np.array(["a", "b", "c"])[RANDOM.integers(0, 3, N)]


def changed(y, row, value):
    y = np.array(y, dtype=float)
    y[row] = value
    return y


PAIRS = np.column_stack([COUNT, COUNT + 1])


@pytest.mark.fast
@pytest.mark.parametrize(
    ("expert", "y", "message"),
    [
        (
            "poisson",
            changed(COUNT, 3, 1.5),
            r"counts \(integers >= 0\) for Poisson .* 1\.5 in row 3",
        ),
        ("poisson", changed(COUNT, 4, -2), r"counts \(integers >= 0\) for Poisson .* -2 in row 4"),
        ("poisson", PAIRS, "y must have one column for PoissonExperts, got 2"),
        ("binomial", COUNT, "two columns, .* got counts in one; or give .*trials="),
        ("binomial", np.column_stack([PAIRS, COUNT]), "two columns, .* got 3"),
        (
            "binomial",
            changed(PAIRS, 5, [0, 0]),
            "at least one trial in every row, got none in row 5",
        ),
        (
            "binomial",
            changed(PAIRS, 6, [0.5, 1]),
            "counts .* for binomial experts, got 0.5 in row 6",
        ),
        (BinomialExperts(trials=3), COUNT + 3, "y must not exceed trials=3 for binomial experts"),
        (BinomialExperts(trials=9), PAIRS, "y must have one column for BinomialExperts, got 2"),
        (BinomialExperts(trials=2.5), COUNT, "trials must be an integer >= 1, got 2.5"),
        (BinomialExperts(trials=0), COUNT, "trials must be an integer >= 1, got 0"),
        ("gamma", changed(np.abs(REAL) + 1, 7, 0.0), "positive for gamma experts, got 0 in row 7"),
        ("gamma", changed(np.abs(REAL) + 1, 8, -1), "positive for gamma experts, got -1 in row 8"),
        (
            "negative_binomial",
            changed(COUNT, 3, 1.5),
            r"counts .* for negative binomial .* 1\.5 in row 3",
        ),
        ("lognormal", changed(np.abs(REAL) + 1, 7, 0.0), "positive for lognormal experts, got 0"),
        (
            "weibull",
            changed(np.abs(REAL) + 1, 7, -1),
            "positive for weibull experts, got -1 in row",
        ),
        ("exponential", changed(np.abs(REAL) + 1, 7, 0), "positive for exponential experts, got 0"),
        ("beta", np.full(N, 0.5) + (np.arange(N) == 4), "between 0 and 1 .* got 1.5 in row 4"),
        (
            "inverse_gaussian",
            changed(np.abs(REAL) + 1, 7, 0),
            "positive for inverse gaussian experts, got 0",
        ),
        ("ordered", changed(COUNT % 3, 4, 3), "levels 0, 1, ..., 2 .* got 3 in row 4"),
        (Truncated("poisson"), changed(COUNT + 1, 4, 0), "at least lower=1 .* got 0 in row 4"),
        (["zero", "gamma"], changed(np.abs(REAL), 9, -1), "positive for gamma experts, .* row 9"),
        (["zero", "poisson"], changed(COUNT, 9, 0.5), r"for Poisson experts, got 0\.5 in row 9"),
        (Censored("gaussian"), np.column_stack([REAL] * 3), "two columns, a lower .* got 3"),
        (
            Censored("gaussian"),
            changed(np.column_stack([REAL, REAL]), 5, [2, 1]),
            "not above the upper ones .* got 2 and 1 in row 5",
        ),
        (
            Censored("gaussian"),
            changed(np.column_stack([REAL, REAL]), 5, np.inf),
            "a finite end at least, .* in row 5",
        ),
        (
            Censored("weibull"),
            changed(np.column_stack([REAL**2 + 1] * 2), 5, -1),
            "positive for weibull experts, got -1 in row 5",
        ),
        (
            Censored("poisson"),
            changed(np.column_stack([COUNT, COUNT + 1]), 5, [0.5, 3]),
            "counts .* for Poisson experts, got 0.5 in row",
        ),
        (Censored("gaussian"), changed(np.column_stack([REAL, REAL]), 5, np.nan), "y contains NaN"),
        ("zero", COUNT, r"a family beside 'zero', in a list such as \['zero', 'poisson'\]"),
        ("t", np.column_stack([REAL, REAL]), "y must have one column for StudentTExperts, got 2"),
        (StudentTExperts(df=0.0), REAL, "df must be a finite number > 0, got 0.0"),
        (StudentTExperts(df=-1), REAL, "df must be a finite number > 0, got -1"),
        (StudentTExperts(df="many"), REAL, "df must be a finite number > 0, got 'many'"),
        ("cauchy", REAL, r"expert must be one of 'gaussian', .*'t'.* got 'cauchy'"),
        (MultinomialExperts(n_classes=3), COUNT, "Classes are for MixtureOfExpertsClassifier"),
        ("multinomial", COUNT, "Classes are for MixtureOfExpertsClassifier"),
        (["gaussian", "multinomial"], REAL, "Classes are for MixtureOfExpertsClassifier"),
        (["gaussian"] * 3, REAL, "one family for each of the n_experts=2 experts, got 3"),
        ([], REAL, "one family for each expert, got an empty list"),
        (["gaussian", "poisson"], COUNT, "one kind of response, .* count and real"),
        (
            [BinomialExperts(trials=9), BinomialExperts(trials=12)],
            COUNT,
            "families that read y alike",
        ),
    ],
)
def test_families(expert, y, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExperts(2, expert=expert).fit(X, y)


def nan_somewhere(x):
    return np.where(x > 0, np.nan, x)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("top", r"gate must be one of .*'top_k'.* got 'top'"),
        (3, r"gate must be one of .* got 3"),
        (TopKGate(k=3), "k must be at most n_experts=2 for TopKGate, got 3"),
        (TopKGate(k=1.5), "k must be an integer >= 1, got 1.5"),
        (TopKGate(k=0), "k must be an integer >= 1, got 0"),
        (TopPGate(mass=0.0), r"mass must lie in \(0, 1\] for TopPGate, got 0.0"),
        (TopPGate(mass=1.2), r"mass must lie in \(0, 1\] for TopPGate, got 1.2"),
        (TopPGate(mass="all"), r"mass must lie in \(0, 1\] for TopPGate, got 'all'"),
        (TemperatureGate(activation="step"), "activation must be one of 'sigmoid', .*got 'step'"),
        (TemperatureGate(activation=lambda z: z / 0), "activation must be finite .* NaN or inf"),
        (TemperatureGate(activation=jnp.sum), "keep the shape .* sum gives another shape"),
        (TemperatureGate(activation=np.tanh), "written with jax.numpy .* tanh fails"),
        (TemperatureGate(temperature=0.0), "temperature must be a finite number > 0, got 0.0"),
        (TemperatureGate(temperature=-1), "temperature must be a finite number > 0, got -1"),
        (TemperatureGate(temperature=()), "temperature must .* sequence .* got"),
        (TemperatureGate(temperature=[2.0, 0.0]), "temperature must be a finite number > 0"),
        (TemperatureGate(temperature=[1.0, 2.0]), "temperature must .* decreas.* got"),
        (TemperatureGate(temperature="hot"), "temperature must be 'learned', .* got 'hot'"),
        (ModifiedSoftmaxGate(function="tan"), "function must be one of 'tanh', .*got 'tan'"),
        (ModifiedSoftmaxGate(function=nan_somewhere), "nan_somewhere.*finite"),
        (ModifiedSoftmaxGate(function=lambda x: x.sum(axis=0)), "shape"),
        (ModifiedSoftmaxGate(function=lambda x: x[:, 0]), "shape"),
        (HierarchicalGate(tree=(0, 1, 2)), r"each of the experts 0\.\.1 once, got \(0, 1, 2\)"),
        (HierarchicalGate(tree=(0, 0)), r"each of the experts 0\.\.1 once, got \(0, 0\)"),
        (HierarchicalGate(tree=((0,), 1)), r"at least two branches .* got \(0,\)"),
        (HierarchicalGate(tree="tree"), "nested tuples .* got 'tree'"),
        (HierarchicalGate(tree=[0, 1]), r"nested tuples .* got \[0, 1\]"),
    ],
)
def test_gates(gate, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # divisions of the callables
        with pytest.raises(ValueError, match=message):
            MixtureOfExperts(2, gate=gate).fit(X, REAL)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gate": "gaussian", "gate_degree": 2}, "gate_degree must be at most 1 for GaussianGate"),
        ({"gate": "gaussian", "gate_features": []}, "at least one gate feature"),
        ({"gate": "gaussian", "gate_degree": 0}, "at least one gate feature"),
        ({"gate": "temperature", "gate_penalty": 0.1}, "gate_penalty must be 0 .* learned temp"),
        ({"degree": [1, 2, 1]}, "degree must be one integer or one for each of the 2 .* got 3"),
        ({"degree": [1, -1]}, "degree must be an integer >= 0, got -1"),
        ({"degree": [1, 1.5]}, "degree must be an integer >= 0, got 1.5"),
        ({"degree": []}, "degree must be one integer .* got 0"),
        ({"expert": "t", "covariance": "tied"}, "covariance='tied' is for Gaussian experts"),
    ],
)
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExperts(2).set_params(**settings).fit(X, REAL)


@pytest.mark.fast
def test_gaussian_gate_refuses_dependent_columns():
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "sum": X.sum(axis=1)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the same columns for the experts
        with pytest.raises(
            ValueError, match=r"gate_features must be independent .*sum is constant"
        ):
            MixtureOfExperts(2, gate="gaussian").fit(table, REAL)


def test_new_responses_are_checked_too():
    moe = MixtureOfExperts(1, expert="poisson").fit(X, COUNT)
    with pytest.raises(ValueError, match=r"counts .* got 0.5 in row 0"):
        moe.score_samples(X[:1], [0.5])


@pytest.mark.fast
@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (REAL, {}, "Unknown label type: continuous"),
        (np.full(N, "a"), {}, r"at least two classes, got one class: \['a'\]"),
        (
            LABEL,
            {"classes": ["a", "b", "c", "d"]},
            "no row .* with class d, one of classes; .* stratified folds",
        ),
        (LABEL, {"classes": ["a", "b"]}, "the label c, which is not among the classes"),
        (LABEL, {"classes": ["a", "a", "b", "c"]}, "classes must be a list of different labels"),
        (np.column_stack([LABEL, LABEL]), {}, "y should be a 1d array"),
        (LABEL, {"gate": "gaussian", "gate_degree": 2}, "gate_degree must be at most 1"),
    ],
)
def test_classes(y, settings, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExpertsClassifier(2, **settings).fit(X, y)


def test_a_fold_without_a_class_and_new_labels():
    fold = LABEL != "c"
    with pytest.raises(ValueError, match=r"no row .* with class c"):
        MixtureOfExpertsClassifier(1, classes=["a", "b", "c"]).fit(X[fold], LABEL[fold])
    with pytest.raises(ValueError, match=r"no row .*positive weight.* with class c"):
        MixtureOfExpertsClassifier(1, classes=["a", "b", "c"]).fit(
            X, LABEL, sample_weight=1.0 * fold
        )
    moe = MixtureOfExpertsClassifier(1).fit(X[fold], LABEL[fold])
    with pytest.raises(
        ValueError, match=r"the label c, which is not among the classes of the fit: a, b"
    ):
        moe.score_samples(X, LABEL)
    with pytest.raises(ValueError, match=r"y must be given"):
        moe.score_samples(X)


@pytest.mark.fast
def test_an_activation_needs_a_gate_feature():
    with pytest.raises(ValueError, match="gate_features must name at least one column"):
        MixtureOfExperts(2, gate="activation", gate_features=[]).fit(X, REAL)


def test_a_spike_of_gamma_responses_is_told(rng):
    y = np.where(rng.random(200) < 0.4, 2.0, rng.gamma(3.0, 2.0, 200))
    moe = MixtureOfExperts(
        2, expert="gamma", degree=0, gate_degree=0, init="kmeans", n_init=1, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="Expert 0 fits its rows exactly"):
        moe.fit(np.zeros((200, 1)), y)
