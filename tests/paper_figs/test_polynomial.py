"""Polynomial experts: what is fitted, numbers across studies, and figures, without long fits."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixstat.rates import RandomStart, RateStudy, find_truth

FOLDER = Path(__file__).parents[2] / "paper_figs" / "polynomial"
MODULES = ("laboratory", "cells", "summaries", "plot")


@pytest.fixture
def scripts(monkeypatch):
    """The scripts' modules, which other papers' folders may call by the same names."""
    monkeypatch.syspath_prepend(str(FOLDER.parent))
    monkeypatch.syspath_prepend(str(FOLDER))
    kept = {name: sys.modules.pop(name, None) for name in MODULES}
    yield {name: importlib.import_module(name) for name in MODULES}
    for name, module in kept.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.fixture
def means(scripts):
    """KL of a floor that falls like (m (k + 1))^-2, plus p / (2n) with noise."""
    random, cells = np.random.default_rng(0), scripts["cells"]
    found = {}
    for target, m, k in cells.grid(quick=False):
        rows = [
            {"n": n, "replicate": r, "converged": True, "kl": _kl(cells, m, k, n, random)}
            for n in (250, 1000, 4000, 16_000)
            for r in range(20)
        ]
        found[cells.label(target, m, k)] = pd.DataFrame(rows)
    return found


def _floor(m, k):
    return (m * (k + 1)) ** -2.0


def _kl(cells, m, k, n, random):
    return _floor(m, k) + cells.n_parameters(m, k) / (2 * n) * random.uniform(0.8, 1.2)


@pytest.mark.fast
def test_models_have_the_parameters_that_are_counted(scripts):
    cells = scripts["cells"]
    assert [cells.n_parameters(m, k) for m, k in scripts["summaries"].EQUAL] == [22, 22, 22]
    truth = find_truth("polynomial-rough")
    for _, m, k in cells.grid(quick=False):
        scale = 1  # held at the truth
        wanted = cells.n_parameters(m, k) + scale
        assert cells.specification(m, k).n_parameters(truth) == wanted


def test_population_is_spread_like_the_truth(scripts):
    whole = scripts["cells"].floor_study("smooth", 2, 1, True).truth
    X, y = whole.sample(4096)
    noise = (y - whole.law.function(X)) / 0.3
    assert abs(noise.mean()) < 1e-3
    assert abs(noise.std() - 1) < 2e-3
    halves = noise[:2048], noise[2048:]
    assert all(abs(np.mean(half < 0) - 0.5) < 2e-3 for half in halves)
    assert len(np.unique(noise)) == 4096


@pytest.mark.exhaustive
def test_fits_hold_the_noise_and_reach_the_gates_bounds(scripts):
    cells = scripts["cells"]
    truth, start = find_truth("polynomial-smooth"), RandomStart(1, cells.KINDS)
    table = RateStudy(truth, cells.specification(2, 1), [200], 1, start, ["kl"]).run(progress=False)
    row = table.iloc[0]
    assert row["converged"]
    assert abs(row["param log_scale"] - np.log(0.3)) < 1e-14
    assert "scale" not in row["binding"]
    assert row["kl"] > 0.5  # two lines do not make two waves


@pytest.mark.fast
def test_summaries_find_what_was_put_in(scripts, means):
    cells, floors = scripts["cells"], {}
    for name in means:
        _, m, k = name.split("-")
        floors[name] = {"kl": _floor(int(m[1:]), int(k[1:]))}
    results = {"floors": {"cells": floors}} | {name: {} for name in means}
    found = scripts["summaries"].summarise(results, means)
    units = found["excess"]["smooth-m4-k3"]["in_units"]
    assert all(abs(units[n] - 1) < 0.1 for n in ("250", "1000", "4000", "16000"))
    slope = found["excess"]["smooth-m4-k3"]
    assert slope["low"] < -1 < slope["high"] < -0.97
    assert found["certified"] == 1
    lines = found["smooth"]["best_m"]["1"]
    for n in (250, 16_000):
        totals = {m: _floor(m, 1) + cells.n_parameters(m, 1) / (2 * n) for m in cells.FULL[1]}
        assert lines["best"][str(n)] == min(totals, key=totals.__getitem__)
    assert lines["grows_share"] > 0.95
    assert lines["rate_low"] < lines["rate"] < lines["rate_high"] < -0.4
    grows = (64 * np.log(250) / np.log(16_000)) ** (1 / 2.5)
    assert np.isclose(found["rough"]["best_m"]["1"]["theory_grows_by"], grows)
    gap = found["smooth"]["equal_parameters"]["m8-k0"]["4000"]
    assert gap["low"] < 8**-2.0 - 16**-2.0 < gap["high"]
    assert found["smooth"]["equal_parameters"]["m4-k3"]["4000"]["gap"] == 0


@pytest.mark.fast
def test_summaries_wait_for_missing_studies(scripts, means):
    few = {name: means[name] for name in ("smooth-m2-k1", "smooth-m4-k1")}
    few["smooth-m4-k1"] = few["smooth-m4-k1"].head(7)  # interrupted
    found = scripts["summaries"].summarise({"smooth-m2-k1": {}}, few)
    assert found["smooth"]["best_m"] == {"1": {}, "3": {}}
    assert found["rough"]["equal_parameters"] == {}
    assert found["excess"] == {}


def test_figures_show_every_study(scripts, means):
    plot = scripts["plot"]
    some = {name: scripts["summaries"].Means(table) for name, table in means.items()}
    floors = {name: {"kl": 0.01} for name in means}
    by_n, by_m = plot.against_n(some, floors), plot.against_m(some)
    by_p = plot.against_parameters(some)
    cells = scripts["cells"]
    grid = {t: [cell for cell in cells.grid(quick=False) if cell[0] == t] for t in cells.TARGETS}
    shown = [sum((t, m, k) in grid[t] for m, k in plot.SHOWN) for t in cells.TARGETS]
    assert [len(ax.containers) for ax in by_n.axes] == shown
    assert [len(ax.containers) for ax in by_m.axes] == [4] * 4  # a curve for each n
    assert [len(ax.containers) for ax in by_p.axes] == [2 * len(grid[t]) for t in cells.TARGETS]
    for figure in (by_n, by_m, by_p):
        plot.plt.close(figure)


@pytest.mark.fast
@pytest.mark.parametrize("size", ["full", "quick"])
def test_expectations_are_of_parts_that_exist(scripts, size):
    cells = scripts["cells"]
    names = {cells.label(*cell) for cell in cells.grid(quick=size == "quick")}
    wanted = json.loads((FOLDER / "expected.json").read_text())[size]
    assert wanted
    for entry in wanted:
        part, *keys = entry["value"].split("/")
        assert part in {*names, "summary"}
        if keys[0] == "excess":
            assert keys[1] in names
