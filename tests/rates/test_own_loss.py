"""Losses that people register: by name, checked when a study is made, known to its processes."""

import pickle

import numpy as np
import pytest

from mixstat.rates import RateStudy, StoreMismatchError, evaluate, find_truth, register_loss
from mixstat.rates.cells import fit_cell
from mixstat.rates.losses import LOSSES, is_loss

TRUTH = find_truth("softmax-gaussian-mild")


def mean_error(truth, law):
    X = truth.inputs.nodes(4).X
    return np.abs(truth.law.at(X).mean() - law.at(X).mean()).mean()


@pytest.fixture
def registered():
    """A loss under a name that later tests do not find."""
    register_loss("own", mean_error, title="error of the mean")
    yield "own"
    LOSSES.pop("own", None)


def study(**changes: object) -> RateStudy:
    settings = {"sample_sizes": [60], "n_replicates": 2, "losses": ["own", "hellinger"], "seed": 3}
    return RateStudy(TRUTH, 2, **(settings | changes))


def test_it_is_a_column_of_a_study_wherever_it_is_fitted(registered):
    table = study().run(progress=False)
    assert (table["own"] > 0).all()
    assert is_loss("own")
    assert evaluate("own", TRUTH, TRUTH.law)["own"] == [0.0]
    sent = pickle.dumps(study().plan)
    del LOSSES["own"]  # as in a process that has not registered it
    rows = fit_cell(pickle.loads(sent), 60, [0, 1])
    assert [row["own"] for row in rows] == table["own"].tolist()


def test_a_store_knows_another_loss_of_the_same_name(registered, tmp_path):
    study().run(tmp_path, progress=False)
    study().run(tmp_path, progress=False)
    register_loss("own", lambda truth, law: 2 * mean_error(truth, law))
    with pytest.raises(StoreMismatchError, match="losses"):
        study().run(tmp_path, progress=False)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda truth: 0.0, "loss 'own' must take a truth and a law; TypeError"),
        (lambda truth, law: "x", "loss 'own' must return a number, got 'x'"),
        (lambda truth, law: np.zeros(3), "loss 'own' must return a number"),
        (lambda truth, law: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_faulty_one_is_told_before_anything_is_fitted(registered, function, words):
    register_loss("own", function)
    with pytest.raises(ValueError, match=words):
        study()
