"""A search over the columns of the experts and of the gate."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts
from mixstat.selection import ColumnSearch, select_columns

QUICK: dict[str, Any] = {"n_init": 4, "random_state": 0}


@pytest.fixture(scope="module")
def frame():
    """The gate sees a, the experts b, and nothing sees c."""
    random = np.random.default_rng(2)
    X = pd.DataFrame(random.uniform(-2, 2, (150, 3)), columns=["a", "b", "c"])
    up = random.random(150) < 1 / (1 + np.exp(-2 * X["a"]))
    y = np.where(up, 2 + X["b"], -2 - X["b"]) + 0.4 * random.standard_normal(150)
    return X, y


@pytest.fixture(scope="module")
def forward(frame) -> ColumnSearch:
    return select_columns(*frame, estimator=MixtureOfExperts(2, **QUICK))


@pytest.mark.exhaustive
def test_forward_finds_the_columns(frame, forward):
    X, y = frame
    assert forward.best_params_ == {"expert_features": ["b"], "gate_features": ["a"]}
    assert list(forward.steps["step"]) == [0, 1, 2]
    assert list(forward.steps["change"][1:]) == ["+b to experts", "+a to gate"]
    assert list(forward.table["step"]) == [0, *6 * [1], *5 * [2], *4 * [3]]
    assert np.all(np.diff(forward.steps["bic"]) < 0)
    alone = MixtureOfExperts(2, expert_features=["b"], gate_features=["a"], **QUICK).fit(X, y)
    assert forward.best_estimator_.bic(X, y) == pytest.approx(alone.bic(X, y), rel=1e-9)
    assert forward.steps["bic"].iloc[-1] == pytest.approx(alone.bic(X, y), rel=1e-9)
    told = str(forward).splitlines()
    assert told[0] == "expert_features=['b'], gate_features=['a'] by bic, forward, 16 fits."
    assert "+a to gate" in told[-1]


@pytest.mark.exhaustive
def test_backward_ends_at_the_same_columns(frame, forward):
    found = select_columns(*frame, estimator=MixtureOfExperts(2, **QUICK), direction="backward")
    assert found.best_params_ == forward.best_params_
    assert found.table["change"][0] == "start"
    assert found.table["expert_features"][0] == "['a', 'b', 'c']"
    assert set(found.steps["change"]) >= {"-c from experts", "-c from gate", "-b from gate"}


@pytest.mark.exhaustive
def test_a_part_that_is_not_searched_keeps_its_columns(frame):
    X, y = frame
    moe = MixtureOfExperts(2, gate_features=[0], **QUICK)
    found = select_columns(X.to_numpy(), y, estimator=moe, parts=["experts"], direction="both")
    assert found.best_params_ == {"expert_features": [1], "gate_features": [0]}
    assert (found.table["gate_features"] == "[0]").all()
    # a step back to what was fitted already is not tried again
    assert found.table["expert_features"].is_unique


@pytest.mark.exhaustive
def test_held_out_rows_choose(frame, capsys):
    X, y = frame
    found = select_columns(
        X[["b", "c"]],
        y,
        estimator=MixtureOfExperts(1),
        parts="experts",
        criterion="held_out",
        cv=3,
        verbose=True,
    )
    best = found.table.loc[found.steps.index[-1]]
    assert best["held_out"] == found.table["held_out"].max()
    assert "[select_columns] step 0: start, CONVERGED" in capsys.readouterr().out


@pytest.mark.fast
def test_what_cannot_be_searched_is_refused(frame):
    X, y = frame
    moe = MixtureOfExperts(formula="y ~ a")
    with pytest.raises(ValueError, match="estimator must name columns by expert_features"):
        select_columns(X.assign(y=y), None, estimator=moe)
    with pytest.raises(ValueError, match="cv must be given for criterion='held_out'"):
        select_columns(X, y, criterion="held_out")


def test_a_criterion_that_does_not_apply_says_why(frame):
    X, y = frame
    moe = MixtureOfExperts(1, ridge=0.1)
    with pytest.raises(ValueError, match="with, and does not: No criteria: a ridge shrinks"):
        select_columns(X, y, estimator=moe, parts=["experts"])
