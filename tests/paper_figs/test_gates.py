"""Multinomial experts and gates with a temperature: numbers of their scripts, without long fits."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from mixstat.experts.multinomial import MultinomialExperts
from mixstat.gates.softmax import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.rates import evaluate, find_truth, named_study
from mixstat.rates.box import names
from mixstat.rates.law import Law
from tests.sweeps import first, rest

FOLDER = Path(__file__).parents[2] / "paper_figs"
MODULES = ("laboratory", "drawing", "cells", "summaries", "simulate", "plot")


@pytest.fixture
def scripts(monkeypatch):
    """The modules of a folder, which other papers' folders may call by the same names."""
    kept = {name: sys.modules.pop(name, None) for name in MODULES}
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(folder):
        monkeypatch.syspath_prepend(str(FOLDER / folder))
        return importlib.import_module("simulate"), importlib.import_module("plot")

    yield load
    for name, module in kept.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.mark.fast
@pytest.mark.parametrize(
    ("folder", "own", "name"),
    [
        ("multinomial", "regime1-exact", "multinomial-1/exact"),
        ("multinomial", "regime2-modified-over", "multinomial-2-modified/over"),
        ("temperature", "tanh-exact", "activation-tanh/exact"),
        ("temperature", "sin-over", "activation-sin/over"),
        ("gaussian_gate", "I-1d-exact", "gaussian-gate-I-1d/exact"),
        ("gaussian_gate", "II-2d-K4", "gaussian-gate-II-2d/over"),
        ("gaussian_gate", "mild-over", "gaussian-gate-mild/over"),
        ("gaussian_gate", "mild-exact", "gaussian-gate-mild/exact"),
        ("sparse_and_sigmoid", "top-k", "top-k/exact"),
        ("polynomial", "smooth-m2-k1", "polynomial-smooth/m2-k1"),
    ],
)
@pytest.mark.parametrize("quick", [True, False])
def test_named_studies_have_the_sizes_of_the_scripts(scripts, folder, own, name, quick):
    simulate, _ = scripts(folder)
    if folder == "polynomial":
        made = simulate.cells.studies(quick=quick)
    else:
        made = getattr(simulate, "STUDIES", None) or {"top-k": simulate.top_k}
    one, other = made[own](quick), named_study(name, quick=quick)
    assert one.sample_sizes == other.sample_sizes
    assert one.n_replicates == other.n_replicates


def table(*models):
    """Rows as a study writes them."""
    rows = [
        {f"param {n}": v for n, v in zip(names(m), parameter_vector.to_vector(m), strict=True)}
        for m in models
    ]
    return pd.DataFrame(rows)


def three(gate, experts):
    """Three experts of three classes; the gate's rows are brought to a last one of zeros."""
    gate = np.asarray(gate, float)
    return Mixture(SoftmaxGate(gate[:-1] - gate[-1]), MultinomialExperts(experts, n_classes=3))


def logits(p):
    return np.log(p[:-1] / p[-1])


@pytest.fixture
def split() -> Any:
    """The truth of regime 2 with its expert without inputs in two parts: the same density."""
    truth: Any = find_truth("multinomial-2").mixture
    first, second = np.asarray(truth.experts.coef)
    p = softmax(np.append(second[:, 0], 0.0))
    step = np.array([0.08, -0.05, -0.03])
    parts = [np.column_stack([logits(q), np.zeros(2)]) for q in (p + step, p - step)]
    gate = [[0.0, 3.0], [np.log(0.5), 0.0], [np.log(0.5), 0.0]]
    return three(gate, np.array([first, *parts]))


def test_intercepts_that_mean_nothing_do_not_count(scripts, split):
    simulate, _ = scripts("multinomial")
    truth: Any = find_truth("multinomial-2")
    law = Law(split, truth.law.features)
    assert evaluate(["density"], truth, [law])["hellinger"][0] < 1e-7
    assert evaluate(["voronoi_over"], truth, [law])["voronoi_over"][0] > 0.01
    found = simulate.by_cells(truth, table(split)).iloc[0]
    assert found["split"] == simulate.INPUT_FREE
    assert found["intercept_shared"] > 0.2
    for name in ("by_cells", "gate_shared", "slope_shared", "average"):
        assert found[name] == pytest.approx(0, abs=1e-9), name


@pytest.mark.fast
def test_loss_by_cells_is_that_of_the_formula(scripts, split):
    simulate, _ = scripts("multinomial")
    truth = find_truth("multinomial-2")
    gate = np.array([[0.0, 3.0], [np.log(0.5), 0.1], [np.log(0.5), -0.1]])
    coef = np.array(split.experts.coef)
    coef[1, 0, 1] += 0.2
    moved = three(gate, coef)
    order = three(gate[[2, 0, 1]] + [0.7, 0.3], coef[[2, 0, 1]])  # another order and gauge
    found = simulate.by_cells(truth, table(moved, order))
    # two atoms of weight 1/2 whose gate slopes are 0.1 off, one slope that is 0.2 off
    np.testing.assert_allclose(found["by_cells"], 0.01 + 0.5 * 0.04, rtol=1e-6)
    np.testing.assert_allclose(found["gate_shared"], 0.1, rtol=1e-6)
    np.testing.assert_allclose(found["slope_shared"], 0.1, rtol=1e-6)


def test_shared_intercepts_count_in_regime_1(scripts):
    simulate, _ = scripts("multinomial")
    truth: Any = find_truth("multinomial-1")
    first, second = np.asarray(truth.mixture.experts.coef)
    step = np.array([[0.3, 0.0], [0.0, 0.0]])
    gate = [[np.log(0.5), 3.0], [np.log(0.5), 3.0], [0.0, 0.0]]
    model = three(gate, np.array([first + step, first - step, second]))
    found = simulate.by_cells(truth, table(model)).iloc[0]
    assert found["split"] == 0
    assert found["by_cells"] == pytest.approx(0.09, rel=1e-6)
    assert found["intercept_shared"] == pytest.approx(0.3, rel=1e-6)


@pytest.mark.fast
def test_gates_are_compared_by_the_slopes_of_their_errors(scripts):
    simulate, _ = scripts("multinomial")
    random = np.random.default_rng(0)
    made = []
    for power in (-0.25, -0.5):
        n = np.repeat([10**5, 10**6, 10**7], 20)
        noise = np.exp(0.2 * random.standard_normal(len(n)))
        made.append(pd.DataFrame({"n": n, "gate_shared": n**power * noise}))
    found = simulate._against(*made)
    assert found["difference"] == pytest.approx(0.25, abs=0.05)
    assert 0 < found["low"] < 0.25 < found["high"]
    assert found["p_value"] < 0.01


def test_errors_of_a_temperature_gate_know_the_order_of_experts(scripts):
    simulate, _ = scripts("temperature")
    truth = find_truth("temperature").mixture
    near = parameter_vector.from_vector(
        truth, parameter_vector.to_vector(truth) + np.array([0, 0.3, 0.1, 0, 0, 0, 0, 0, 0])
    )
    swapped = near.permute(np.array([1, 0]))
    found = simulate.with_parameters(table(near, swapped))
    tau = np.exp(0.1)
    for column, value in (("w", 0.3), ("temperature", tau - 1), ("w / temperature", 2 - 2.3 / tau)):
        np.testing.assert_allclose(found[column], abs(value), rtol=1e-9)


@pytest.mark.parametrize("folder", first(["multinomial", "temperature"]))
def test_studies_can_be_made_and_are_asked_about(scripts, folder):
    simulate, _ = scripts(folder)
    wanted = json.loads((FOLDER / folder / "expected.json").read_text())
    for kind, quick in (("full", False), ("quick", True)):
        studies = {name: make(quick) for name, make in simulate.STUDIES.items()}
        prints = [json.dumps(one.fingerprint(), sort_keys=True) for one in studies.values()]
        assert len(set(prints)) == len(studies)
        parts = {entry["value"].split("/")[0] for entry in wanted[kind]}
        assert parts <= {*studies, "summary"}
        assert set(studies) <= parts or quick


def fake(study):
    """Rows of a study without fits: copies of the truth, off by errors like n^-1/2."""
    truth, random = study.truth, np.random.default_rng(0)
    k, rows = study.spec.n_experts, []
    for n in (10_000, 4_000_000):
        models = []
        for extra in (0, 1, 0, 1):  # the true atom that is there twice
            like = truth.mixture.permute(np.append([0, 1], extra)[:k])
            near = parameter_vector.to_vector(like)
            models.append(parameter_vector.from_vector(like, near + _noise(random, near, n)))
        losses = {name: random.uniform(1, 2, 4) / np.sqrt(n) for name in _columns(k)}
        rows.append(table(*models).assign(n=n, replicate=range(4), converged=True, **losses))
    return pd.concat(rows, ignore_index=True)


def _noise(random, vector, n):
    return random.standard_normal(len(vector)) / np.sqrt(n)


def _columns(k):
    return (
        ("hellinger", "voronoi_exact", "voronoi_ratio_exact")
        if k == 2
        else ("hellinger", "voronoi_over")
    )


@pytest.mark.parametrize(
    ("folder", "figures"),
    [
        ("multinomial", {"rates.png", "raw_errors.png"}),
        rest("temperature", {"plain.png", "activations.png", "over.png"}),
    ],
)
def test_figures_and_summaries(scripts, monkeypatch, tmp_path, folder, figures):
    simulate, plot = scripts(folder)
    tables = {name: fake(make(True)) for name, make in simulate.STUDIES.items()}
    monkeypatch.setattr(plot.laboratory, "tables", lambda out: dict(tables))
    monkeypatch.setattr(sys, "argv", ["plot.py", "--out", str(tmp_path)])
    plot.main()
    assert {p.name for p in tmp_path.glob("*.png")} == figures
    found = simulate.summaries({}, tables)
    json.dumps(found)
    if folder == "temperature":
        assert found["plain"]["ratio"]["slope"] < 0
    else:
        assert found["regime1-over"]["all"]["by_cells"]["mean"]["slope"] < 0
        assert found["gates"]["all"]["difference"] == 0  # both gates' rows are the same here
