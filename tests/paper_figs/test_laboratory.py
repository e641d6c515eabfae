"""What the papers' scripts share, on tiny studies."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixstat.rates import NearTruth, RateStudy, find_truth, fit_rate

FOLDER = Path(__file__).parents[2] / "paper_figs"


@pytest.fixture(scope="module")
def laboratory():
    """The module beside the papers' folders."""
    about = importlib.util.spec_from_file_location("laboratory", FOLDER / "laboratory.py")
    assert about is not None
    assert about.loader is not None
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module


def small(quick: bool, seed: int = 0) -> RateStudy:
    truth = find_truth("softmax-gaussian-mild")
    replicates = 2 if quick else 3
    losses = ["voronoi_code", "errors"]
    return RateStudy(truth, 2, [60, 120], replicates, NearTruth(0.0), losses, seed=seed)


@pytest.fixture
def run(laboratory, tmp_path):
    """The command of a paper with one study and one other part."""

    def run(*arguments, quick=(), full=(), study=small, more=None, summaries=None):
        expected = {"quick": list(quick), "full": list(full)}
        (tmp_path / "expected.json").write_text(json.dumps(expected))
        return laboratory.main(
            tmp_path,
            "A paper.",
            {"small": study},
            more or {"other": lambda quick, folder: {"folder": folder.name, "two": 2}},
            summaries,
            {"asked": lambda quick: small(quick, seed=5)},
            list(arguments),
        )

    return run


def results(out: Path) -> dict:
    return json.loads((out / "results.json").read_text())


def test_results_are_those_of_the_study(laboratory, run, tmp_path, capsys):
    assert run("--quick") == 0
    assert capsys.readouterr().out.endswith("all as expected\n")
    found = results(tmp_path / "out-quick")
    assert found["other"].items() >= {"quick": True, "folder": "other", "two": 2}.items()
    assert "asked" not in found
    table = small(True).run(progress=False)
    kept = laboratory.tables(tmp_path / "out-quick")["small"]
    pd.testing.assert_frame_equal(kept, table)
    facts = found["small"]
    assert (facts["n_fits"], facts["replicates"], facts["sizes"]) == (4, 2, [60, 120])
    assert facts["certified"] == table["converged"].mean() == 1
    assert facts["on_bound"] == (table["binding"] != "").mean()
    rate = fit_rate(table, "voronoi_code", statistic="median")
    told = facts["rates"]["voronoi_code"]["median"]
    assert [told["slope"], told["low"], told["high"]] == [rate.slope, *rate.interval]
    assert "error_gate_single" in facts["rates"]
    assert "error_gate_shared" not in facts["rates"]  # no cell has two atoms
    assert not {"n_iter", "log_likelihood", "param expert0:1"} & set(facts["rates"])


def test_a_run_goes_on_where_another_stopped(laboratory, run, tmp_path):
    out = tmp_path / "data"
    assert run("--quick", "--only", "small", "--out", str(out)) == 0
    cells = {p: p.stat().st_mtime_ns for p in (out / "small" / "cells").iterdir()}
    before = results(out)["small"]
    assert run("--quick", "--only", "small", "--out", str(out)) == 0
    assert results(out)["small"] == before  # with the seconds that the fits took
    assert run("--only", "other", "small", "--out", str(out)) == 0
    after = results(out)["small"]
    assert after["n_fits"] == 6
    assert after["seconds"] > before["seconds"]
    assert all(p.stat().st_mtime_ns == when for p, when in cells.items())
    assert len(laboratory.tables(out)["small"]) == 6
    assert run("--quick", "--only", "small", "--out", str(out)) == 0
    assert len(laboratory.tables(out)["small"]) == 4  # rows of the larger run are left out


def test_the_store_of_another_study_is_refused(run, tmp_path, capsys):
    out = str(tmp_path / "data")
    assert run("--quick", "--only", "small", "--out", out) == 0
    assert run("--only", "small", "--out", out, study=lambda quick: small(quick, seed=1)) == 2
    assert "seed is 0 there and 1 here" in capsys.readouterr().err


def test_studies_that_run_when_named(run, tmp_path):
    assert run("--quick", "--only", "asked") == 0
    assert list(results(tmp_path / "out-quick")) == ["asked"]


def test_what_is_not_as_expected_is_told(run, tmp_path, capsys):
    wanted = [
        {"value": "small/certified", "above": 0.99},
        {"value": "small/rates/voronoi_code/mean/slope", "between": [5, 6]},
        {"value": "small/rates/regret/mean/slope", "below": 0},
        {"value": "other/two", "below": 1},
        {"value": "summary/parts", "above": 2},
    ]
    told = {"summaries": lambda results, tables: {"parts": len(tables)}}
    assert run("--quick", quick=wanted, **told) == 1
    failures = capsys.readouterr().out.splitlines()[-4:]
    assert failures[0].startswith("small/rates/voronoi_code/mean/slope is ")
    assert failures[0].endswith(", wanted between [5, 6]")
    assert failures[1:] == [
        "small/rates/regret/mean/slope is missing, wanted below 0",
        "other/two is 2, wanted below 1",
        "summary/parts is 1, wanted above 2",
    ]
    assert run("--quick", "--only", "other", quick=wanted[:3]) == 0


@pytest.mark.fast
def test_a_part_that_was_skipped_fails_nothing(run, capsys):
    wanted = [{"value": "other/two", "above": 1}]
    more = {"other": lambda quick, folder: {"skipped": "no data"}}
    assert run("--quick", "--only", "other", quick=wanted, more=more) == 0
    assert "other: no data" in capsys.readouterr().out


@pytest.mark.fast
def test_missing_values_of_the_summary(laboratory):
    wanted = [{"value": "summary/gap", "between": [0, 1]}]
    assert laboratory.check({}, wanted, ["small"], complete=False) == []
    assert len(laboratory.check({}, wanted, ["small"], complete=True)) == 1
    nan = {"summary": {"gap": np.nan}}
    assert len(laboratory.check(nan, wanted, ["small"], complete=False)) == 1


@pytest.mark.fast
def test_folders_of_figures(laboratory, tmp_path):
    out, save, quick = laboratory.plot_arguments(tmp_path, "Draw.", ["--quick"])
    assert (out, save, quick) == (tmp_path / "out-quick", tmp_path / "out-quick", True)
    _, save, quick = laboratory.plot_arguments(tmp_path, "Draw.", ["--save", str(tmp_path / "a")])
    assert save.is_dir()
    assert not quick
    assert sys.path[0] != str(FOLDER)  # loading the module leaves the path alone


EXPECTED = sorted(FOLDER.glob("*/expected.json"))


@pytest.mark.fast
@pytest.mark.parametrize("path", EXPECTED, ids=lambda p: p.parent.name)
def test_expectations_can_be_read(laboratory, path):
    wanted = json.loads(path.read_text())
    if set(wanted) != {"full", "quick"}:
        pytest.skip("not of the laboratory's form")
    for entry in [*wanted["full"], *wanted["quick"]]:
        assert len(set(entry) & set(laboratory.RELATIONS)) == 1
        assert set(entry) <= {"value", "why", *laboratory.RELATIONS}
        if "between" in entry:
            assert entry["between"][0] < entry["between"][1]


@pytest.mark.exhaustive
def test_over_specified_studies_say_how_often_their_starts_miss(laboratory, tmp_path):
    truth = find_truth("softmax-gaussian-mild")
    exact, over = (
        RateStudy(truth, k, [60, 120], 2, NearTruth(0.2), ["voronoi"], seed=2) for k in (2, 3)
    )
    assert laboratory.missed(exact, tmp_path / "exact") == {}
    assert laboratory.missed(over, tmp_path / "over")["missed"].items() >= {
        "n_data_sets": 1, "n_starts": 1, "n_more": 2
    }.items()  # fmt: skip
    assert (tmp_path / "over-more-starts" / "study.json").exists()


@pytest.mark.fast
def test_tables_set_a_verdict_beside_every_stated_slope(tmp_path):
    def rate(slope: float) -> dict[str, dict[str, float]]:
        return {"mean": {"slope": slope, "low": slope - 0.02, "high": slope + 0.02}}

    rates = {"hellinger": -0.5, "kl": -1.0, "error_gate_shared": -0.125, "error_slope_shared": -0.1}
    facts = {
        "n_fits": 8, "sizes": [60, 120], "certified": 1.0, "on_bound": 0.5, "seconds": 60.0,
        "rates": {name: rate(slope) for name, slope in rates.items()},
        "claims": {"hellinger": -0.5, "error_gate_shared": None, "error_slope_shared": -0.25},
        "missed": {"n_data_sets": 12, "n_missed": 5, "largest_gain": 4.9, "n_starts": 3,
                   "n_more": 40},
    }  # fmt: skip
    printed = {"over": {"tau": rate(-1.0)["mean"] | {"printed": -0.9, "verdict": "agrees"}}}
    results = {"over": facts, "summary": {"printed": printed}}
    (tmp_path / "results.json").write_text(json.dumps(results))
    command = [sys.executable, str(FOLDER / "table.py"), "softmax_gaussian", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    words = [line.split() for line in done.stdout.splitlines()]
    assert words[1][-2:] == ["theory", "verdict"]
    said = {line[0]: line[-2:] for line in words if line and line[0] in rates}
    assert said["hellinger"] == ["-0.5", "agrees"]
    assert said["kl"][-1] == "-"  # nothing is stated
    assert said["error_slope_shared"] == ["-0.25", "slower"]
    assert said["error_gate_shared"] == ["cannot", "tell"]
    assert "5 of 12 data sets have a higher maximum, by 4.9 in log-likelihood" in done.stdout
    assert "A slope agrees with a stated one if" in done.stdout
    assert "over: printed in the paper" in done.stdout
    assert "-0.9, here -1.000 (-1.020, -0.980): agrees" in done.stdout


@pytest.mark.fast
def test_slopes_that_a_paper_prints_stand_beside_ours(laboratory):
    mean = {"slope": -0.49, "low": -0.52, "high": -0.46}
    rates = {"tau": {"mean": mean}, "eta": {"median": mean}}
    facts = {"rates": rates}
    slopes = {"near": {"tau": -0.22, "eta": -0.37, "nu": -0.5}, "far": {"tau": -0.5}, "not run": {}}
    found = laboratory.printed({"near": facts, "far": facts}, slopes)
    assert found == {  # eta has no slope of the mean, nu was not measured
        "near": {"tau": {"printed": -0.22, **mean, "verdict": "steeper"}},
        "far": {"tau": {"printed": -0.5, **mean, "verdict": "agrees"}},
    }
