"""Response, weights and offsets by the names of columns, where many fits are made."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import labels
from mixstat.selection import alpha_path, held_out_shares, select_columns

RANDOM = np.random.default_rng(6)
DATA = pd.DataFrame({"x": RANDOM.uniform(-1, 1, 60), "e": 0.2 * RANDOM.standard_normal(60)})
DATA["y"] = np.where(RANDOM.random(60) < 0.5, 2 + DATA["x"], -2 - DATA["x"])
DATA["y"] += DATA["e"] + 0.3 * RANDOM.standard_normal(60)
DATA["w"] = RANDOM.uniform(0.5, 2, 60)
QUICK: dict[str, Any] = {"n_init": 2, "random_state": 0}
TWO = MixtureOfExperts(2, gate_degree=0, **QUICK)


@pytest.mark.exhaustive
def test_held_out_shares():
    settings = {"of": "responsibilities", "cv": 2}
    named = held_out_shares(TWO, DATA, "y", sample_weight="w", params={"offset": "e"}, **settings)
    given = {"sample_weight": DATA["w"], "params": {"offset": DATA["e"]}}
    apart = held_out_shares(TWO, DATA[["x"]], DATA["y"], **given, **settings)
    np.testing.assert_array_equal(named, apart)


@pytest.mark.exhaustive
def test_named_columns_are_not_searched():
    one, table = MixtureOfExperts(1), DATA.drop(columns="w")
    named = select_columns(table, "y", params={"offset": "e"}, estimator=one, parts=["experts"])
    given = {"params": {"offset": table["e"]}, "parts": ["experts"], "estimator": one}
    apart = select_columns(table[["x"]], table["y"], **given)
    assert named.best_params_ == apart.best_params_
    assert named.table["change"].tolist() == apart.table["change"].tolist()
    np.testing.assert_array_equal(named.table["bic"], apart.table["bic"])


@pytest.mark.exhaustive
def test_alpha_path():
    contexts = labels("side", ["left", "right"], 0.8)
    known = {"context_data": pd.DataFrame({"side": np.where(DATA["x"] < 0, "left", "right")})}
    moe = ContextualMixtureOfExperts(contexts, **QUICK)
    given = {"alphas": [0.0, 0.8], "params": known}
    named = alpha_path(moe, DATA, "y", sample_weight="w", **given)
    inputs = DATA[["x", "e"]]
    apart = alpha_path(moe, inputs, DATA["y"], sample_weight=DATA["w"], **given)
    np.testing.assert_array_equal(named.log_likelihood, apart.log_likelihood)
