"""Summaries: every parameter once, in the layout of statsmodels."""

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts


@pytest.mark.parametrize("covariance", ["full", "diagonal", "spherical", "tied"])
@pytest.mark.parametrize("m", [1, 3])
def test_names_and_tables_hold_every_parameter(rng, covariance, m):
    X = rng.standard_normal((200, 2))
    up = rng.random(200) < 0.5
    Y = np.where(up, 2 + X[:, 0], -2 - X[:, 1])[:, None] + rng.standard_normal((200, m))
    Y = Y[:, 0] if m == 1 else Y
    moe = MixtureOfExperts(2, covariance=covariance, random_state=0).fit(X, Y)
    assert len(moe.parameter_names) == len(set(moe.parameter_names)) == moe.n_parameters_
    assert moe.cov_params().shape == (moe.n_parameters_, moe.n_parameters_)
    summary = moe.summary()
    rows = sum(len(table) - 1 for table in summary.tables[1:])  # less the headers
    assert rows == moe.n_parameters_
    text = summary.as_text()
    owner = "all experts" if covariance == "tied" else "expert 1"
    assert owner in text
    assert "Gate: expert 0 against 1" in text
    assert "converged" in text
    assert "<table" in summary.as_html()
    place = dict(zip(moe.parameter_names, moe.params, strict=True))
    assert place["gate0:x1"] == moe.gate_coef_[0, 2]
    slope = "expert1:x0" if m == 1 else "expert1:y0:x0"
    assert place[slope] == np.reshape(moe.expert_coef_, (2, -1))[1, 1]


def test_notes_tell_of_formula_and_ridge(rng):
    frame = pd.DataFrame({"x": rng.standard_normal(100)})
    frame["y"] = frame["x"] * rng.choice([-1, 1], 100) + 0.3 * rng.standard_normal(100)
    moe = MixtureOfExperts.from_formula("y ~ x", gate="~ 1", data=frame, ridge=0.01, random_state=0)
    text = moe.summary().as_text()
    assert "y ~ x; gate ~ 1." in text
    assert "ridge=0.01" in text
