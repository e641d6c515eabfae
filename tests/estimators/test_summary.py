"""Summaries: every parameter once, in the layout of statsmodels."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts
from mixstat.inference.summary import _escaped
from mixstat.plotting import FittedMeanDisplay
from tests.sweeps import first

mpl.use("Agg")


@pytest.mark.parametrize("covariance", first(["full", "diagonal", "spherical", "tied"]))
@pytest.mark.parametrize("m", first([3, 1]))
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


def test_latex_has_the_title_of_every_table_and_no_commands_of_names(rng):
    frame = pd.DataFrame({"x_1": rng.standard_normal(50)})
    moe = MixtureOfExperts(1).fit(frame, frame["x_1"] + rng.standard_normal(50))
    summary = moe.summary()
    latex = summary.as_latex()
    for table in summary.tables:
        assert rf"\textbf{{{_escaped(table.title)}}}" in latex
    assert latex.count(r"\begin{tabular}") == len(summary.tables)
    assert r"\label{fit}" in summary.as_latex(label="fit")
    assert _escaped("50 % of a_b & {c}") == r"50 \% of a\_b \& \{c\}"


def test_responses_keep_their_names(rng):
    x = pd.DataFrame({"x": rng.standard_normal(80)})
    both = pd.DataFrame({"gas": x["x"] + rng.standard_normal(80), "oil": rng.standard_normal(80)})
    moe = MixtureOfExperts(1).fit(x, both)
    assert moe.parameter_names[:4] == [f"expert0:{y}:{c}" for y in both for c in ("1", "x")]
    formula = MixtureOfExperts.from_formula("gas + oil ~ x", data=x.join(both), n_experts=1)
    assert formula.parameter_names == moe.parameter_names
    unnamed = MixtureOfExperts(1).fit(x, both.to_numpy())
    assert unnamed.parameter_names[0] == "expert0:y0:1"
    single = MixtureOfExperts(1).fit(x, both["oil"])
    assert single.parameter_names[0] == "expert0:1"
    for summary in (single.summary(), single.inference().summary()):
        assert summary.tables[0].title == "Mixture of Experts for oil"
    assert FittedMeanDisplay.from_estimator(single, x).ax_.get_ylabel() == "oil"
    assert FittedMeanDisplay.from_estimator(moe, x, output=0).ax_.get_ylabel() == "gas"


def test_logs_of_scales_are_not_tested_and_an_expert_lists_what_it_has():
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 1))
    y = np.where(random.random(300) < 0.5, 1 + x[:, 0], 4.0) + 0.3 * random.normal(size=300)
    moe = MixtureOfExperts(2, degree=[1, 0], gate_degree=0, random_state=0, n_init=3).fit(x, y)
    tables = {table.title: table.data for table in moe.summary().tables}
    names = [
        [row[0] for row in rows[1:]] for title, rows in tables.items() if title.startswith("Expert")
    ]
    assert sorted(names) == [["1"], ["1", "x0"]]
    scales = tables["Log of standard deviation"][1:]
    assert all(row[3] == row[4] == "" and float(row[2]) > 0 for row in scales)
    assert "nan" not in str(moe.summary())
