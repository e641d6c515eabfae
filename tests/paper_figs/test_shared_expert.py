"""A shared expert beside routed ones: losses by hand, the two-layer family, a study, figures."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mixstat.experts.mixed import MixedExperts
from mixstat.gates import SharedExpertGate
from mixstat.model import Mixture
from mixstat.numerics.precision import in_float64
from mixstat.rates import evaluate
from mixstat.rates.law import Law
from tests.paper_figs.scripts import FOLDER, scripts_of

MODULES = ("laboratory", "drawing", "parts", "losses", "simulate", "plot")


@pytest.fixture(scope="module")
def scripts():
    with scripts_of("shared_expert", MODULES) as modules:
        yield modules


def split(truth, *, factor=1.0, apart=0.0, part=0.25):
    """A model of five experts: the first of each kind twice, in another gauge of the gate.

    ``factor`` moves outer and inner coefficients along their ray; ``apart`` adds to the log
    scales of the second copy of the shared expert, whose weight is ``part``.
    """
    gate, experts = truth.mixture.gate, truth.mixture.experts.parts
    moved = []
    for one in (experts[0], experts[0], experts[2], experts[1], experts[1]):
        values = {name: np.array(getattr(one, name)) for name in ("coef", "log_scale")}
        if hasattr(one, "outer"):
            values["coef"], values["outer"] = factor * values["coef"], one.outer / factor
        else:
            values["shear"] = one.shear
        moved.append(type(one)(**values))
    second = moved[1]
    values = {name: getattr(second, name) for name in ("coef", "shear") if hasattr(second, name)}
    values |= {"outer": second.outer} if hasattr(second, "outer") else {}
    moved[1] = type(second)(**values, log_scale=second.log_scale + apart)
    full = gate.coefficients()[[1, 0, 0]]
    if gate.routing == "softmax":
        full[1:, 0] -= np.log(2.0)
        full = (full - full[-1])[:-1]
    omega = np.array([[np.log((1 - part) / part)]])
    made = SharedExpertGate(full, omega, routing=gate.routing, n_shared=2, order=(0, 1, 2, 3, 4))
    return Law(Mixture(made, MixedExperts(tuple(moved))), truth.law.features)


def values(simulate, name, law):
    truth = simulate.truth(name)
    return {one: float(evaluate(one, truth, law)[one][0]) for one in simulate.PRINTED[name]}


@pytest.mark.fast
@pytest.mark.parametrize("name", ["softmax-relu", "softmax-linear", "sigmoid-dense"])
def test_losses_are_zero_where_the_density_is_the_truth(scripts, name):
    simulate = scripts["simulate"]
    truth = simulate.truth(name)
    assert max(values(simulate, name, split(truth)).values()) < 1e-9
    assert max(values(simulate, name, truth.law).values()) == 0
    if name != "sigmoid-dense":  # where copies of a routed expert change the gate
        assert evaluate("density", truth, split(truth))["hellinger"][0] < 1e-6


@pytest.mark.fast
def test_along_the_ray_of_two_layers_only_raw_errors_move(scripts):
    simulate = scripts["simulate"]
    truth = simulate.truth("softmax-relu")
    law = split(truth, factor=1.1)
    assert evaluate("density", truth, law)["hellinger"][0] < 1e-6
    found = values(simulate, "softmax-relu", law)
    assert found["D1_product"] < 1e-9
    own, away = np.array([8.0, 6.0]), np.array([4.0, 12.0])
    moves = np.array([1 / 1.1 - 1, 0.1])
    shared, routed = (np.sum((moves * one) ** 2) for one in (own, away))
    # all weight of the shared expert in one cell, exp(-1) of the routed ones, and 1 alone
    wanted = shared + np.exp(-1) * routed + np.sqrt(routed)
    assert found["D1_raw"] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("name", "loss", "variance", "power"),
    [
        ("softmax-relu", "D1_product", 0.25, 2), ("softmax-linear", "D2", 0.2, 2),
        ("sigmoid-sparse", "D3_product", 0.25, 2), ("sigmoid-dense", "D4_shared_product", 0.25, 2),
    ],
)  # fmt: skip
def test_a_variance_in_a_shared_cell_counts_with_its_weight(scripts, name, loss, variance, power):
    simulate = scripts["simulate"]
    truth = simulate.truth(name)
    still, found = (values(simulate, name, split(truth, apart=a))[loss] for a in (0.0, 0.1))
    wanted = 0.25 * (variance * (np.exp(0.2) - 1)) ** power
    assert found - still == pytest.approx(wanted, rel=1e-6)


@pytest.mark.fast
def test_masses_of_sigmoids(scripts):
    simulate = scripts["simulate"]
    truth = simulate.truth("sigmoid-sparse")
    found = values(simulate, "sigmoid-sparse", split(truth))["D3_raw"]
    # the first routed expert twice: the mass of its cell is twice sigmoid(-1/2)
    assert found == pytest.approx(1 / (1 + np.exp(0.5)))
    sigmoids = 1 / (1 + np.exp([0.5, -0.5]))
    before, after = sigmoids[0] / sigmoids.sum(), 2 * sigmoids[0] / (sigmoids.sum() + sigmoids[0])
    assert evaluate("shares", truth, split(truth))["shares"][0] == pytest.approx(
        0.5 * (after - before)
    )


@pytest.mark.fast
@in_float64
def test_two_layer_experts(scripts):
    ones = np.ones((1, 1, 1))
    experts = scripts["parts"].ReluExperts(np.ones((1, 1, 2)), ones, ones)
    y, eta = np.array([[0.3, -1.2]]), np.array([[[0.4, -0.7], [-3.0, 2.0], [-0.2, 0.5]]])
    wanted = stats.norm.logpdf(y[0], [-1.2, 0.0], np.exp(eta[0, 2]))
    np.testing.assert_allclose(experts.link(eta, y)[0], wanted, rtol=1e-12)
    np.testing.assert_allclose(experts.marginals(eta).logpdf(y)[0, 0], wanted, rtol=1e-12)
    found = np.asarray(experts.information(eta, y))[0, :, :, 0]
    slopes = np.array([-3.0, 0.4, 0.0])
    expected = np.outer(slopes, slopes) * np.exp(0.4) + np.diag([0.0, 0.0, 2.0])
    np.testing.assert_allclose(found, expected)
    kinds = [one.kind for one in experts.labels(["1", "x"], [""])]
    assert kinds == ["kink", "expert_slope", "outer", "scale"]


@pytest.mark.exhaustive  # ten seconds of compilation
def test_a_small_study_ends_at_maxima(scripts):
    simulate = scripts["simulate"]
    study = simulate.study("softmax-relu", True)
    study.sample_sizes, study.n_replicates = [400], 2
    table = study.run(progress=False)
    assert table["converged"].all()
    assert np.all(table["param expert0:1"] == 0)  # the constants inside are held
    assert np.all(table["hellinger"] < 0.2)
    # starts copy shared atoms for shared experts, and routed ones for routed ones
    slopes = table[[f"param expert{k}:x1" for k in range(5)]].to_numpy()
    outer = table[[f"param outer{k}" for k in range(5)]].to_numpy()
    assert np.all(outer[:, :2] < 0)
    assert np.all(outer[:, 2:] > 0)
    assert np.all((slopes[:, 2:] < 0).any(axis=1) & (slopes[:, 2:] > 0).any(axis=1))


def test_figure_and_what_is_printed(scripts, monkeypatch, tmp_path):
    simulate, plot, laboratory = (scripts[name] for name in ("simulate", "plot", "laboratory"))
    random = np.random.default_rng(0)
    n = np.repeat([1000, 100_000], 8)
    tables, results = {}, {}
    for name, losses in simulate.PRINTED.items():
        columns = {one: random.uniform(1, 1.1, 16) / np.sqrt(n) for one in (*losses, "hellinger")}
        tables[name] = pd.DataFrame({"n": n, "converged": True, "starts_agreeing": 3, **columns})
        results[name] = {"rates": {one: laboratory.rates_of(tables[name], one) for one in columns}}
    told = simulate.summaries(results, tables)
    assert told["printed"]["softmax-linear"]["D2"]["verdict"] == "agrees"
    assert set(told["printed"]) == set(told["one_maximum"]) == set(simulate.STUDIES)
    monkeypatch.setattr(plot.laboratory, "tables", lambda out: dict(tables))
    monkeypatch.setattr(sys, "argv", ["plot.py", "--out", str(tmp_path)])
    plot.main()
    assert {path.name for path in tmp_path.glob("*.png")} == {"losses.png"}


@pytest.mark.fast
@pytest.mark.parametrize(("kind", "quick"), [("full", False), ("quick", True)])
def test_expectations_are_of_parts_that_there_are(scripts, kind, quick):
    simulate = scripts["simulate"]
    wanted = json.loads((FOLDER / "shared_expert" / "expected.json").read_text())[kind]
    parts = {entry["value"].split("/")[0] for entry in wanted}
    assert set(simulate.STUDIES) <= parts <= {*simulate.STUDIES, "summary"}
    prints = [json.dumps(make(quick).fingerprint()) for make in simulate.STUDIES.values()]
    assert len(set(prints)) == len(prints)
