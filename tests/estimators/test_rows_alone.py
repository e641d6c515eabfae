"""What is said of a row does not depend on the rows beside it, and few rows wait for nothing."""

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.gates import TemperatureGate
from mixstat.objective import new_rows
from tests.benchmarks.compiled import counted

N = 400
BOTH = ("score_samples", "responsibilities")  # asked with y
ALONE = ("predict", "gate_proba", "expert_means")


def quick(model, X, y, **beside):
    """A fit that may stop anywhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y, **beside)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and the log of a rate."""
    random = np.random.default_rng(3)
    X = random.normal(size=(N, 3)) * [1.0, 1e3, 1e-2] + [0.0, 5e4, 1.0]
    up = random.random(N) < 0.5
    return X, np.where(up, X[:, 0], -X[:, 0]) + 0.2 * random.standard_normal(N)


@pytest.fixture(scope="module")
def gaussian(rows):
    model = MixtureOfExperts(2, degree=2, n_init=1, max_iter=3, random_state=0)
    return quick(model, *rows)


@pytest.fixture(scope="module")
def classifier(rows):
    X, y = rows
    model = MixtureOfExpertsClassifier(2, n_init=1, max_iter=3, random_state=0, ridge=1e-2)
    return quick(model, X, np.digitize(y, [-0.5, 0.5]))


def check_alone(method: Callable[..., np.ndarray], *tables) -> None:
    """Bit for bit: alone, among a few, in another order, and behind others in a block."""
    every = method(*tables)
    random = np.random.default_rng(4)
    n = len(tables[0])
    chosen = [[0], [n - 1], random.integers(0, n, 2), random.integers(0, n, 97), np.arange(n)[::-1]]
    for some in chosen:
        told = method(*(t.iloc[some] if hasattr(t, "iloc") else t[some] for t in tables))
        assert np.array_equal(told, every[some], equal_nan=True)


@pytest.mark.parametrize("question", ALONE + BOTH)
def test_a_row_is_answered_as_it_is_among_others(gaussian, rows, question):
    many = [np.concatenate([t] * 20) for t in rows]  # more than a block
    assert len(many[0]) > new_rows.BLOCK
    check_alone(getattr(gaussian, question), *many[: 1 + (question in BOTH)])


@pytest.mark.parametrize("question", ["predict_proba", "responsibilities", "expert_proba"])
def test_a_row_is_classified_as_it_is_among_others(classifier, rows, question):
    labels = (np.digitize(rows[1], [-0.5, 0.5]),) if question in BOTH else ()
    check_alone(getattr(classifier, question), rows[0], *labels)


@pytest.mark.exhaustive
def test_rows_of_formulas_offsets_and_activations_too(rows):
    X, log_rate = rows
    frame = pd.DataFrame(X, columns=list("abc"))
    frame["y"] = np.random.default_rng(5).poisson(np.exp(1 + log_rate / 2))
    frame["e"] = np.linspace(1, 2, N)
    gate = TemperatureGate(activation="softplus")
    model = MixtureOfExperts(2, gate=gate, expert="poisson", n_init=1, max_iter=3, random_state=0)
    model.set_params(formula="y ~ bs(a, df=4) + b + exposure(e)", gate_formula="~ a")
    quick(model, frame, None)
    for question in (model.predict, model.gate_proba, model.score_samples):
        check_alone(question, frame)


def test_many_rows_on_several_processors_are_answered_as_few_are(gaussian, rows, monkeypatch):
    few = gaussian.predict(rows[0], return_std=True)
    monkeypatch.setattr(new_rows, "MANY", 1)
    monkeypatch.setattr(new_rows, "BLOCK", 96)
    many = gaussian.predict(rows[0], return_std=True)
    assert all(np.array_equal(one, other) for one, other in zip(few, many))


def test_few_rows_wait_for_no_program(gaussian, classifier, rows):
    X, y = rows[0][:3], rows[1][:3]
    with counted() as programs:
        for question in ALONE:
            getattr(gaussian, question)(X)
        for question in BOTH:
            getattr(gaussian, question)(X, y)
        gaussian.predict(X, return_std=True)
        classifier.predict(X)
    assert not programs


def test_what_a_question_costs_no_check(gaussian, rows):
    """Arrays that need no check are not checked twice; all others are, as ever."""
    X = rows[0][:2]
    expected = gaussian.predict(X)
    for same in (X.tolist(), X.astype(object), np.asfortranarray(X), X.astype(np.longdouble)):
        assert np.array_equal(gaussian.predict(same), expected)
    for wrong, words in (
        (X[:, :2], "2 features, but MixtureOfExperts is expecting 3"),
        (np.where(X[0, 0] == X, np.nan, X), "NaN"),
        (np.where(X[0, 0] == X, np.inf, X), "infinity"),
        (X[:0], "0 sample"),
        (X[0], "Expected 2D"),
        (np.where(X[0, 0] == X, 1e200, X), "rescale"),
    ):
        with pytest.raises(ValueError, match=words):
            gaussian.predict(wrong)
