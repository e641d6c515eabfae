"""Studies: rows that depend on nothing but their own, and stores that lose nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.rates import study as studies
from mixstat.rates.box import Box
from mixstat.rates.catalogue import MILD_BOX
from mixstat.rates.cells import make_task
from mixstat.rates.engine import solve_all
from mixstat.rates.estimated import from_fit
from mixstat.rates.fitted import RateWarning
from mixstat.rates.registry import find_truth
from mixstat.rates.specification import Specification
from mixstat.rates.starts import NearTruth, PublishedStart, RandomStart
from mixstat.rates.store import Store, StoreMismatchError, difference
from mixstat.rates.studies import named_study
from mixstat.rates.study import RateStudy, cells
from mixstat.rates.truths import replicate_seed
from tests.rates.killed import study as small_study
from tests.sweeps import first, rest

FOLDER = Path(__file__).parent


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.to_csv() == other.to_csv() and one.equals(other)


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """The small study in one piece."""
    return small_study().run(progress=False)


def test_rows_have_certificates_losses_and_parameters(whole):
    assert len(whole) == 18
    assert whole["converged"].mean() >= 0.99
    assert (whole["gradient_norm"] <= 1e-8).all()
    assert {"voronoi_exact", "hellinger", "kl", "param gate0:1", "binding"} <= set(whole.columns)
    truth, spec = find_truth("softmax-gaussian-mild"), Specification(2)
    row = whole.iloc[4]
    X, y = truth.sample(int(row["n"]), replicate_seed(3, 60, 4))
    vector = row[[c for c in whole.columns if c.startswith("param ")]].to_numpy(float)
    at = truth.law._replace(mixture=parameter_vector.from_vector(spec.null(truth), vector)).at(X)
    mean, scale = at.eta[:, 0], np.exp(at.eta[:, 1])
    each = np.exp(-0.5 * ((y - mean) / scale) ** 2) / scale / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(
        np.log((at.share * each).sum(axis=0)).mean(), row["log_likelihood"], rtol=1e-10
    )


@pytest.mark.parametrize("batch_size", first([4, 1]))
def test_batches_and_order_change_nothing(whole, tmp_path, batch_size, monkeypatch):
    def backwards(function, items):
        return map(function, items[::-1])

    monkeypatch.setattr(studies, "workers", lambda *_: backwards)
    found = small_study().run(tmp_path, batch_size=batch_size, progress=False)
    assert same(found, whole)


def test_an_interrupted_run_goes_on(whole, tmp_path, monkeypatch):
    kept, count = Store.write, [0]

    def stop_after(self, rows):
        count[0] += 1
        if count[0] in (2, 5):
            raise KeyboardInterrupt
        kept(self, rows)

    monkeypatch.setattr(Store, "write", stop_after)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            small_study().run(tmp_path, batch_size=4, progress=False)
    calls = []
    fit = studies.fit_cell
    monkeypatch.setattr(studies, "fit_cell", lambda *a: calls.append(a[1:]) or fit(*a))
    found = small_study().run(tmp_path, batch_size=5, progress=False)
    assert same(found, whole)
    # two cells of three replicates a size: one was kept in the first run, two in the second
    assert sum(len(replicates) for _, replicates in calls) == 18 - 3 - 2 * 3
    calls.clear()
    assert same(small_study().run(tmp_path, progress=False), whole)
    assert calls == []


def test_a_damaged_file_is_run_again_alone(whole, tmp_path, monkeypatch):
    small_study().run(tmp_path, batch_size=3, progress=False)
    files = sorted((tmp_path / "cells").glob("*.parquet"))
    assert len(files) == 6
    files[0].write_bytes(files[0].read_bytes()[:-40])  # truncated
    content = bytearray(files[3].read_bytes())
    content[40] ^= 255  # a flipped byte inside a page
    files[3].write_bytes(bytes(content))
    (tmp_path / "cells" / "n1.parquet.77.part").write_bytes(b"half")
    calls = []
    fit = studies.fit_cell
    monkeypatch.setattr(studies, "fit_cell", lambda *a: calls.append(a[1:]) or fit(*a))
    with pytest.warns(RateWarning, match="damaged and set aside"):
        found = small_study().run(tmp_path, batch_size=3, progress=False)
    assert same(found, whole)
    assert [n for n, _ in calls] == [60, 90]
    assert sum(len(r) for _, r in calls) == 6
    assert len(list((tmp_path / "cells").glob("*.damaged"))) == 2


@pytest.mark.fast
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed is 3 there and 4 here"),
        ({"spec": 3}, "specification.n_experts is 2 there and 3 here"),
        ({"truth": find_truth("sigmoid")}, "truth"),
        ({"start": NearTruth(0.1)}, "start is"),
        ({"losses": ["voronoi"]}, "losses"),
        (
            {"spec": Specification(2, box=replace(MILD_BOX, gate_slope=(-3, 3)))},
            r"box.gate_slope\[0\]",
        ),
    ],
)
def test_a_store_of_another_study_is_refused(tmp_path, change, named):
    Store(tmp_path, small_study().fingerprint())
    settings = {
        "truth": find_truth("softmax-gaussian-mild"),
        "spec": 2,
        "sample_sizes": [60, 90],
        "n_replicates": 1,
        "losses": ["hellinger"] if "truth" in change else ["voronoi", "hellinger"],
        "seed": 3,
    } | change
    other = RateStudy(**settings)
    with pytest.raises(StoreMismatchError, match=named):
        other.run(tmp_path, progress=False)


def test_a_store_may_grow(whole, tmp_path):
    first = small_study()
    first.sample_sizes, first.n_replicates = [60], 2
    part = first.run(tmp_path, progress=False)
    assert same(part, whole[(whole["n"] == 60) & (whole["replicate"] < 2)])
    assert same(small_study().run(tmp_path, progress=False), whole)


@pytest.mark.fast
def test_a_damaged_fingerprint_is_told(tmp_path):
    Store(tmp_path, small_study().fingerprint())
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        small_study().run(tmp_path, progress=False)


@pytest.mark.slow
def test_joblib_gives_the_same_rows(whole, tmp_path):
    found = small_study().run(tmp_path, backend="joblib", n_workers=2, batch_size=5, progress=False)
    assert same(found, whole)


@pytest.mark.parametrize("kills", [rest(1), rest(3), pytest.param(20, marks=pytest.mark.slow)])
def test_killing_a_run_at_random_moments_loses_nothing(whole, tmp_path, kills):
    """SIGKILL again and again, then a run to the end: the same table, byte for byte."""
    random = np.random.default_rng(int(os.environ.get("MIXSTAT_KILL_SEED", "0")))
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parents[1])}

    def start(store: Path) -> subprocess.Popen:
        command = [sys.executable, str(FOLDER / "killed.py"), str(store), "1"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    clock = time.perf_counter()
    assert start(tmp_path / "timed").communicate()[0].strip() == "finished"
    longest = time.perf_counter() - clock
    store, kept = tmp_path / "store", 0
    for _ in range(kills):
        run = start(store)
        time.sleep(random.uniform(0.3, 1.0) * longest)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        cells_there = len(list((store / "cells").glob("*.parquet")))
        assert cells_there >= kept
        kept = cells_there
    assert start(store).communicate()[0].strip() == "finished"
    assert same(Store(store, small_study().fingerprint()).read(), whole)


@pytest.mark.fast
def test_published_starts_repeat_the_recorded_ones(oracle):
    truth = find_truth("softmax-gaussian").mixture
    text = (oracle / "softmax_gaussian_reference.json").read_text()
    for run in json.loads(text)["results"]:
        if run["kind"] != "authors_tol_1e-6":
            continue
        random = np.random.default_rng([7, run["n"], run["s"], run["K"]])
        first = PublishedStart().at(truth, run["n"], run["K"], random)
        gate = np.vstack([first.gate.coef, np.zeros((1, 2))])
        np.testing.assert_allclose(gate.T, run["init_alpha"], rtol=0, atol=1e-14)
        np.testing.assert_allclose(first.experts.coef[:, 0].T, run["init_beta"], rtol=1e-14)
        np.testing.assert_allclose(
            np.exp(2 * first.experts.log_scale[:, 0]), run["init_sigma2"], rtol=1e-14
        )


@pytest.mark.exhaustive
def test_the_published_protocol_stops_early():
    truth = find_truth("softmax-gaussian")
    spec = Specification(3, solver="published")
    study = RateStudy(truth, spec, [1000], 2, PublishedStart(), ["voronoi_code"], seed=1)
    table = study.run(progress=False)
    assert not table["converged"].any()
    assert (table["gradient_norm"] > 1e-8).all()
    far = RateStudy(truth, 3, [1000], 2, PublishedStart(), ["voronoi_code"], seed=1)
    certified = far.run(progress=False)
    assert certified["converged"].all()
    assert (certified["log_likelihood"] >= table["log_likelihood"] - 1e-9).all()


def test_fits_stay_in_their_box():
    truth = find_truth("softmax-gaussian-mild")
    tight = Box(gate_slope=(-1.0, 1.0), scale=(0.6, 3.0))
    study = RateStudy(truth, Specification(2, box=tight), [200], 3, NearTruth(0.0), ["kl"])
    table = study.run(progress=False)
    assert table["converged"].all()
    assert (table["param gate0:z1"].abs() == 1.0).all()
    assert all("gate0:z1" in told for told in table["binding"])
    assert (table.filter(like="log_scale") >= np.log(0.6) - 1e-12).all(axis=None)


def test_equal_limits_hold_a_parameter():
    truth = find_truth("polynomial-smooth")
    spec = Specification(2, box=Box(gate_slope=(-50.0, 50.0), scale=(0.3, 0.3)))
    table = RateStudy(truth, spec, [200], 2, RandomStart(1), ["kl"]).run(progress=False)
    assert table["converged"].all()
    assert np.allclose(table.filter(like="log_scale"), np.log(0.3), rtol=0, atol=1e-15)
    assert not table["binding"].str.contains("scale").any()


@in_float64
@pytest.mark.exhaustive
def test_fits_at_a_jump_are_certified_by_their_experts():
    study = named_study("top-k/exact")
    n_gate = parameter_vector.size(study.truth.mixture.gate)
    task = make_task(study.plan, 100, 0)
    start = study.truth.mixture
    (end,) = solve_all([task.objective], [start], study.spec)
    gradient = task.objective.derivatives(parameter_vector.to_vector(end.model)).gradient
    assert end.status == "JUMP"
    assert end.certified
    assert np.max(np.abs(gradient[n_gate:])) <= study.spec.tol
    assert end.gradient_norm > study.spec.tol  # of the gate
    early = replace(study.spec, tol=1e-18)  # which rounding forbids
    (end,) = solve_all([task.objective], [start], early)
    assert end.status == "STALLED"
    assert not end.certified


@in_float64
def test_a_gate_that_jumps_stays_in_its_box():
    named = named_study("top-k/exact")
    box = replace(MILD_BOX, gate_intercept=(0.2, 0.2), gate_slope=(-0.5, 0.5))
    study = RateStudy(named.truth, replace(named.spec, box=box), [100], 1, NearTruth(0.0))
    task = make_task(study.plan, 100, 0)
    first = study.start.first(task, np.random.default_rng(0))
    limits = [task.objective.lower, task.objective.upper]
    start = parameter_vector.from_vector(first, np.clip(parameter_vector.to_vector(first), *limits))
    (end,) = solve_all([task.objective], [start], study.spec)
    assert end.status == "JUMP"
    vector = parameter_vector.to_vector(end.model)
    assert np.all((limits[0] <= vector) & (vector <= limits[1]))
    np.testing.assert_array_equal(end.model.gate.coef[:, 0], 0.2)
    assert np.any(np.abs(end.model.gate.coef[:, 1]) == 0.5)  # true slopes are 1 and -1


@pytest.mark.fast
def test_starts_use_every_true_atom():
    truth = find_truth("gaussian-gate-I-1d")
    study = RateStudy(truth, 5, [500], 1, NearTruth(0.0))
    task = make_task(study.plan, 500, 0)
    for seed in range(5):
        first = study.start.first(task, np.random.default_rng(seed))
        centres = np.ravel(first.gate.coefficients())
        assert set(np.round(centres, 12)) == {-0.1, 0.1, 0.5}
        assert first.n_experts == 5


@pytest.mark.exhaustive
def test_random_starts_for_a_regression_function():
    study = RateStudy(find_truth("polynomial-smooth"), Specification(2, degree=3), [200], 1)
    assert isinstance(study.start, RandomStart)
    assert study.losses == ("density",)
    table = study.run(progress=False)
    assert 0 < table["kl"][0] < 0.5
    assert "param expert1:x3" in table.columns


@pytest.mark.exhaustive
def test_a_fitted_model_is_studied_with_its_own_features():
    X, y = find_truth("softmax-gaussian-mild").sample(400, 0)
    moe = MixtureOfExperts(2, degree=2, n_init=2, random_state=0).fit(X, y)
    truth = from_fit(moe, X)
    table = RateStudy(truth, 2, [300], 2, losses=["voronoi", "kl"]).run(progress=False)
    assert "param expert1:x2" in table.columns  # the square
    assert table["converged"].all()
    lines = RateStudy(truth, Specification(2, degree=1), [300], 1, losses=["kl"])
    assert "param expert1:x2" not in lines.run(progress=False).columns


@pytest.mark.fast
def test_sizes_of_cells():
    found = list(cells([(1, 0), (2, 0), (1, 1), (1, 2), (2, 5)], 2))
    assert found == [(1, [0, 1]), (1, [2]), (2, [0, 5])]


@pytest.mark.fast
def test_differences_are_named_at_any_depth():
    one = {"a": {"b": [1, {"c": 2}]}, "d": 1}
    assert difference(one, one) == ""
    assert difference(one, {"a": {"b": [1, {"c": 3}]}, "d": 1}) == "a.b[1].c is 2 there and 3 here"
    assert "d is 1 there and 'nothing' here" in difference(one, {"a": one["a"]})


@pytest.mark.fast
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_replicates": 0}, "n_replicates must be an integer >= 1"),
        ({"sample_sizes": [5, 100]}, "at least the 8 parameters, got 5"),
        ({"sample_sizes": []}, "got none"),
        ({"losses": ["regret"]}, "losses must be of"),
        ({"spec": 1}, "at least its 2 experts"),
        ({"spec": Specification(2, degree=2)}, "features"),
        ({"seed": -1}, "seed must be"),
        ({"start": PublishedStart(), "truth": find_truth("multinomial-1")}, "PublishedStart"),
    ],
)
def test_bad_input(settings, message):
    settings = {
        "truth": find_truth("softmax-gaussian-mild"),
        "spec": 2,
        "sample_sizes": [100],
        "n_replicates": 1,
        "start": NearTruth(),
    } | settings
    with pytest.raises(ValueError, match=message):
        RateStudy(**settings)


@pytest.mark.fast
def test_bad_runs(tmp_path):
    study = small_study()
    with pytest.raises(ValueError, match="backend must be"):
        study.run(tmp_path, backend="cloud", progress=False)
    with pytest.raises(ValueError, match="batch_size"):
        study.run(tmp_path, batch_size=0, progress=False)
    with pytest.raises(ValueError, match="run the study"):
        study.rate("kl")
    with pytest.raises(ValueError, match="solver must be one of"):
        Specification(2, solver="magic")


@pytest.mark.exhaustive
def test_only_the_best_starts_are_finished():
    truth, start = find_truth("softmax-gaussian-mild"), NearTruth(0.2, n_starts=3)
    settings = {"sample_sizes": [80], "n_replicates": 3, "losses": ["voronoi"]}
    early = RateStudy(truth, Specification(2, solver="published"), start=start, **settings)
    stopped = early.run(progress=False)
    short = RateStudy(truth, Specification(2, finish=1), start=start, **settings)
    found = short.run(progress=False)
    assert found["best_start"].isin(range(3)).all()
    # the one that goes on ends no lower than where the best of all was stopped
    assert (found["log_likelihood"] >= stopped["log_likelihood"] - 1e-6).all()
    assert found["converged"].all()
    assert (found["starts_agreeing"] == 1).all()
    every = RateStudy(truth, Specification(2, finish=3), start=start, **settings)
    plain = RateStudy(truth, Specification(2), start=start, **settings)
    assert same(every.run(progress=False), plain.run(progress=False))
    with pytest.raises(ValueError, match="finish must be an integer"):
        Specification(2, finish=0)
    with pytest.raises(ValueError, match="finish must be None with solver='published'"):
        Specification(2, finish=1, solver="published")
