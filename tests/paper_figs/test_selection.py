"""The study of the number of experts: its samples, its rules, and that it goes on where it was."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "paper_figs"
MODULES = ("laboratory", "cells", "rules", "truths", "simulate", "plot", "table")


@pytest.fixture
def study(monkeypatch):
    """The modules of the folder, which other papers' folders may call by the same names."""
    kept = {name: sys.modules.pop(name, None) for name in MODULES}
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.syspath_prepend(str(FOLDER / "selection"))
    yield importlib.import_module
    for name, module in kept.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def row(k, **values):
    """A fit; criteria by their definitions."""
    n, d, log_likelihood = 500, 5 * k - 2, values["log_likelihood"]
    return {
        "n_experts": float(k),
        "aic": -2 * log_likelihood + 2 * d,
        "bic": -2 * log_likelihood + d * np.log(n),
        "icl": -2 * log_likelihood + d * np.log(n) + 2 * values.get("entropy", 0.0),
        "held_out": values.get("held_out", log_likelihood / n),
        "regular": values.get("regular", True),
    }


@pytest.mark.fast
def test_both_ends_of_the_criteria(study):
    rules = study("rules")
    table = [
        row(1, log_likelihood=-900.0),
        row(2, log_likelihood=-500.0, entropy=10.0),
        row(3, log_likelihood=-493.0, entropy=100.0),
        row(4, log_likelihood=-300.0, regular=False),
    ]
    one = {"table": table, "dendrogram": 3, "slope": 2, "jump": None}
    found = rules.choices(one)
    assert (found["aic"], found["bic"], found["icl"], found["held_out"]) == (3, 2, 2, 3)
    # log-likelihood less a price is the smallest for one expert
    assert {found[f"{name}_wrong_end"] for name in ("aic", "bic", "icl")} == {1}
    prices = [r["aic"] for r in table]
    assert found["aic_wrong_end"] == 1 + int(np.argmax(prices))
    shares = rules.shares([one | {"n": 500}, one | {"n": 500, "jump": 2}], 2)
    assert shares["bic"]["500"] == {"right": 1.0, "one": 0.0, "mean": 2.0, "samples": 2}
    assert shares["jump"]["500"]["samples"] == 1


@pytest.mark.fast
@pytest.mark.parametrize("name", ["exp3", "exp5", "exp6"])
def test_samples_have_the_stated_moments(study, name):
    truths = study("truths")
    truth = truths.TRUTHS[name]
    n = 40_000
    X, y = truth.sample(n, "normal", np.random.default_rng(1))
    assert X.shape == (n, len(truth.gate[0]))
    logits = np.asarray(truth.bias) + X @ np.asarray(truth.gate).T
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    means = np.asarray(truth.intercept) + X @ np.asarray(truth.slope).T
    mean = np.sum(share * means, axis=1)
    spread = np.sum(share * (np.square(truth.scale) + means**2), axis=1) - mean**2
    assert np.mean(y - mean) == pytest.approx(0, abs=4 * np.sqrt(spread.mean() / n))
    assert np.mean((y - mean) ** 2) == pytest.approx(spread.mean(), rel=0.05)
    _, heavy = truth.sample(n, "t", np.random.default_rng(1))
    assert np.var(heavy) == pytest.approx(np.var(y), rel=0.1)
    _, spoilt = truth.sample(n, "contaminated", np.random.default_rng(1))
    moved = np.mean(spoilt != y)
    assert moved == pytest.approx(truths.SHARE, abs=4 * np.sqrt(0.09 / n))


@pytest.mark.exhaustive
def test_rules_that_draw_have_the_first_samples(study, monkeypatch, tmp_path):
    cells, rules = study("cells"), study("rules")
    for name, value in {"EXPERTS": range(1, 4), "STARTS": 2, "EIC_DRAWS": 5}.items():
        monkeypatch.setattr(cells, name, value)
    monkeypatch.setitem(cells.truths.TRUTHS, "exp5", cells.truths.TRUTHS["exp5"]._replace(most=3))
    first, second = (cells.cell(tmp_path, "exp5", "normal", 300, i, 1) for i in range(2))
    assert rules.choices(first)["test"] == rules.choices(first)["eic"] == 2
    assert rules.choices(second)["test"] is rules.choices(second)["eic"] is None
    assert first["cpu"] > second["cpu"]
    assert cells.kept(tmp_path) == [first, second]
    assert rules.shares([first, second], 2)["test"]["300"]["samples"] == 1


def test_a_sample_is_kept_and_not_made_again(study, monkeypatch, tmp_path):
    cells = study("cells")
    monkeypatch.setattr(cells, "EXPERTS", range(1, 3))
    monkeypatch.setattr(cells, "STARTS", 2)
    law = cells.truths.TRUTHS["exp5"]._replace(most=2)
    monkeypatch.setitem(cells.truths.TRUTHS, "exp5", law)
    found = cells.cell(tmp_path, "exp5", "normal", 150, 0, 0)
    assert [row["n_experts"] for row in found["table"]] == [1, 2]
    assert found["dendrogram"] == 2
    assert found["slope"] is None  # two members are too few
    rules = study("rules")
    assert rules.choices(found)["bic"] == 2
    assert rules.choices(found)["bic_wrong_end"] == 1
    monkeypatch.setattr(cells, "fitted", None)
    assert cells.cell(tmp_path, "exp5", "normal", 150, 0, 0) == json.loads(json.dumps(found))
    assert len(cells.kept(tmp_path)) == 1
    monkeypatch.setitem(cells.RECIPE, "starts", 3)  # another recipe is another study
    assert cells.kept(tmp_path) == []
    plot = study("plot")
    monkeypatch.setitem(cells.RECIPE, "starts", 4)
    (tmp_path / "exp5-normal").mkdir()
    (tmp_path / "150-0.json").rename(tmp_path / "exp5-normal" / "150-0.json")
    axes = plot.figure(tmp_path).axes
    assert [ax.get_title() for ax in axes[:3]] == list(plot.NOISES.values())
    assert len(axes[3].lines) > len(axes[0].lines)
