"""Tables of the same rows say so by their index, or are refused."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.alignment import check_same_rows
from mixstat.contextual import labels, tabulate
from mixstat.plotting import FittedMeanDisplay, TimeDisplay
from mixstat.selection import alpha_path, penalty_path
from mixstat.soft_sensors import input_report, lag_rows

pytestmark = pytest.mark.fast
RNG = np.random.default_rng(0)
N = 40
X = pd.DataFrame({"a": RNG.normal(size=N)})
Y = pd.Series(X["a"] + 0.1 * RNG.normal(size=N), name="y")
DATES = pd.date_range("2024-01-01", periods=N)
NAMES = pd.Index([f"row {i}" for i in range(N)])
LOG = pd.DataFrame({"phase": np.where(X["a"] > 0, "up", "down")})

SAME = {
    "equal numbers": (range(N), list(range(N))),
    "equal dates": (DATES, DATES.copy()),
    "dates beside numbers of rows": (DATES, range(N)),
    "numbers of rows beside names": (range(N), NAMES),
    "repeated labels in the same order": ([0, 0, 1, 1] * 10, [0, 0, 1, 1] * 10),
    "floats that are the numbers": (range(N), np.arange(N, dtype=float)),
    "the same times in two zones": (
        DATES.tz_localize("UTC"),
        DATES.tz_localize("UTC").tz_convert("Asia/Tokyo"),
    ),
    "a part of a table": (range(100, 140), range(100, 140)),
}
OTHER = {
    "reversed dates": (DATES, DATES[::-1]),
    "shuffled numbers": (range(N), RNG.permutation(N)),
    "shuffled inputs": (RNG.permutation(N), range(N)),
    "one row later": (range(N), range(1, N + 1)),
    "a day later": (DATES, DATES + pd.Timedelta(days=1)),
    "names beside dates": (NAMES, DATES),
    "repeated labels in another order": ([0, 0, 1, 1] * 10, [0, 1, 0, 1] * 10),
    "zones": (DATES, DATES.tz_localize("UTC") + pd.Timedelta(hours=1)),
    "levels": (pd.MultiIndex.from_product([range(4), range(10)]), NAMES),
}


@pytest.mark.parametrize("case", SAME)
def test_rows_that_are_the_same(case):
    mine, yours = SAME[case]
    check_same_rows(X=X.set_axis(mine), y=Y.set_axis(yours))


@pytest.mark.parametrize("case", OTHER)
def test_rows_that_are_not(case):
    mine, yours = OTHER[case]
    with pytest.raises(ValueError, match=r"y must have the index of X, got .*to_numpy"):
        check_same_rows(X=X.set_axis(mine), y=Y.set_axis(yours))


def test_tables_without_an_index_go_by_position():
    check_same_rows(X=X.set_axis(DATES), y=Y.to_numpy(), sample_weight=list(Y), init=None)
    check_same_rows(X=X.to_numpy(), y=Y[::-1])
    with pytest.raises(ValueError, match="sample_weight must have the index of y"):
        check_same_rows(X=X.to_numpy(), y=Y, sample_weight=Y[::-1])


KNOWING = ContextualMixtureOfExperts(labels("phase", ["up", "down"], 0.8), n_init=1)
TURNED = {"y": Y[::-1], "weight": Y.abs()[::-1], "log": LOG[::-1]}
TABLE = pd.DataFrame({"up": 1.0, "down": 0.5}, index=X.index)[::-1]
DOORS = {
    "y of fit": lambda: MixtureOfExperts(1).fit(X, Y[::-1]),
    "sample_weight of fit": lambda: MixtureOfExperts(1).fit(X, Y, TURNED["weight"]),
    "init of fit": lambda: MixtureOfExperts(2, init=(Y > 0).astype(int)[::-1]).fit(X, Y),
    "y of partial_fit": lambda: plain().partial_fit(X, Y[::-1]),
    "sample_weight of partial_fit": lambda: plain().partial_fit(X, Y, TURNED["weight"]),
    "y of score": lambda: plain().score(X, Y[::-1]),
    "sample_weight of score": lambda: plain().score(X, Y, TURNED["weight"]),
    "y of score_samples": lambda: plain().score_samples(X, Y[::-1]),
    "y of responsibilities": lambda: plain().responsibilities(X, Y[::-1]),
    "y of cdf": lambda: plain().cdf(X, Y[::-1]),
    "sample_weight of bic": lambda: plain().bic(X, Y, TURNED["weight"]),
    "sample_weight of aic": lambda: plain().aic(X.to_numpy(), Y, TURNED["weight"]),
    "y of classes": lambda: MixtureOfExpertsClassifier(1).fit(X, LOG["phase"][::-1]),
    "sample_weight of classes": lambda: classes().fit(X, LOG["phase"], TURNED["weight"]),
    "y of accuracy": lambda: classes().score(X, LOG["phase"][::-1]),
    "context_data of fit": lambda: KNOWING.fit(X, Y, context_data=TURNED["log"]),
    "context_data of a dict": lambda: KNOWING.fit(X, Y, context_data=dict(TURNED["log"])),
    "possibilities of fit": lambda: ContextualMixtureOfExperts().fit(X, Y, possibilities=TABLE),
    "context_data of context_proba": lambda: learnt().context_proba(X, Y, None, TURNED["log"]),
    "possibilities of conflict": lambda: learnt().conflict(X, Y, TABLE),
    "context_data of tabulate": lambda: tabulate(KNOWING.contexts, X, Y, TURNED["log"]),
    "y of penalty_path": lambda: penalty_path(plain(), X, Y[::-1]),
    "sample_weight of penalty_path": lambda: penalty_path(
        plain(), X, Y, sample_weight=TURNED["weight"]
    ),
    "context_data of alpha_path": lambda: alpha_path(
        KNOWING, X, Y, params={"context_data": TURNED["log"]}
    ),
    "sample_weight of alpha_path": lambda: alpha_path(
        KNOWING, X, Y, sample_weight=TURNED["weight"]
    ),
    "y of input_report": lambda: input_report(plain(), X, Y[::-1]),
    "others of lag_rows": lambda: lag_rows(X, Y[::-1]),
    "groups of lag_rows": lambda: lag_rows(X, groups=TURNED["log"]["phase"]),
    "y of a display": lambda: FittedMeanDisplay.from_estimator(plain(), X, Y[::-1]),
    "time of a display": lambda: TimeDisplay.from_estimator(plain(), X, time=TURNED["y"]),
}


@cache
def plain():
    return MixtureOfExperts(1, random_state=0).fit(X, Y)


@cache
def classes():
    return MixtureOfExpertsClassifier(1, ridge=1e-2, random_state=0).fit(X, LOG["phase"])


@cache
def learnt():
    return clone(KNOWING).set_params(ridge=1e-2).fit(X, Y, context_data=LOG)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_asks(door):
    argument = door.split()[0]
    with pytest.raises(ValueError, match=rf"{argument}\S* must have the index of"):
        DOORS[door]()


def test_rows_of_a_table_that_was_split_stay_together():
    from sklearn.model_selection import cross_val_score, train_test_split

    train, test, y_train, y_test = train_test_split(X, Y, random_state=0)
    moe = MixtureOfExperts(1, random_state=0).fit(train, y_train)
    assert moe.score(test, y_test) > 0.7
    assert cross_val_score(moe, X.set_axis(DATES), Y.set_axis(DATES), cv=3).min() > 0.7
