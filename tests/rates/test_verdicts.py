"""Verdicts: of one judge on each fit, of intervals on stated slopes, of many starts on few."""

import numpy as np
import pandas as pd
import pytest

from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.rates import Box, NearTruth, RateStudy, Specification, Truth, Uniform, find_truth
from mixstat.rates.cells import make_task
from mixstat.rates.misses import compare
from mixstat.rates.verdicts import claims_of, verdict
from mixstat.results import Status
from mixstat.solvers.certificate import judge
from mixstat.solvers.outcome import Outcome
from mixstat.solvers.registry import REGISTRY


@pytest.mark.fast
@pytest.mark.parametrize(
    ("stated", "interval", "expected"),
    [
        (-0.5, (-0.514, -0.499), "agrees"),
        (-0.5, (-0.6, -0.4), "agrees"),  # the ends of what 20 % allow
        (-0.5, (-0.61, -0.45), "cannot tell"),
        (-0.5, (-1.0, 0.0), "cannot tell"),
        (-0.5, (-0.738, -0.61), "steeper"),
        (-0.25, (-0.161, -0.106), "slower"),
        (-0.125, (-0.144, -0.093), "cannot tell"),
        (-1.0, (-1.1, -0.9), "agrees"),
        (-1.0, (-0.067, -0.027), "slower"),
        (None, (-0.036, 0.01), "agrees"),
        (None, (-0.16, -0.126), "cannot tell"),
        (None, (-0.51, -0.45), "steeper"),
    ],
)
def test_the_rule_of_verdicts(stated, interval, expected):
    assert verdict(stated, interval) == expected


@pytest.mark.fast
def test_a_study_tells_what_its_slopes_say():
    study = RateStudy(find_truth("softmax-gaussian-mild"), 3, [100], 1, losses=["errors", "kl"])
    n, r = np.repeat([100, 400, 1600], 4), np.tile(np.arange(4), 3)
    noise = np.exp(0.01 * np.random.default_rng(0).standard_normal(12))
    slopes = {"hellinger": -0.5, "error_slope_shared": -0.12, "error_gate_single": -1.1}
    columns = {loss: noise * n**slope for loss, slope in slopes.items()}
    study.table_ = pd.DataFrame({"n": n, "replicate": r} | columns)
    told = study.verdicts().set_index("loss")
    said = {"hellinger": "agrees", "error_slope_shared": "slower"}
    tested = told[told["verdict"] != "not tested"]
    assert tested["verdict"].to_dict() == said  # a loss without a claim has no row
    assert set(told.index) - set(said) >= {"voronoi_over", "total_variation"}
    assert told["slope"].isna().tolist() == (told["verdict"] == "not tested").tolist()
    assert told.loc["hellinger", "claim"] == "hellinger: slope -0.5"
    assert told["missed"].isna().all()
    assert told.loc["error_slope_shared", "stated"] == -0.25
    assert told.loc["hellinger", "mark"] == "seen"
    assert (tested["low"] < tested["slope"]).all()
    assert study.verdicts("median").shape == (len(told), 10)


@pytest.mark.fast
def test_claims_are_those_of_the_number_of_experts():
    truth = find_truth("softmax-gaussian-mild")
    assert "voronoi_exact" in claims_of(truth, 2)
    assert "error_slope_shared" in claims_of(truth, 3)
    assert claims_of(find_truth("temperature"), 3)["error_gate_single"].slope is None


@pytest.mark.fast
@pytest.mark.parametrize("name", [*REGISTRY, "published"])
def test_every_solver_of_the_registry_is_a_solver_of_studies(name):
    spec = Specification(2, solver=name)
    assert spec.walker is REGISTRY.get(name, spec.walker)
    assert Specification(2, solver=spec.walker).walker is spec.walker


@in_float64
def judged(study: RateStudy, row: pd.Series) -> Status:
    """The verdict of the judge on the parameters of a row."""
    task = make_task(study.plan, int(row["n"]), int(row["replicate"]))
    vector = row.filter(like="param ").to_numpy(float)
    model = parameter_vector.from_vector(task.null, vector)
    return judge(task.objective, Outcome(model, Status.CONVERGED, 1, 1)).status


def test_a_row_has_the_verdict_of_the_judge():
    """A gate that is nearly a step separates the rows of most small data sets."""
    truth = Truth.of(
        Uniform(-3, 3),
        gate_intercept=[0, 0],
        gate_slope=[25, 0],
        expert_intercept=[5, -5],
        expert_slope=[1.5, -1.5],
        scale=[0.5, 0.7],
    )
    study = RateStudy(truth, Specification(2, box=Box()), [60], 6, NearTruth(), ["voronoi"])
    table = study.run(progress=False)
    assert (table["status"] == "SEPARATED").sum() >= 3
    assert list(table["converged"]) == [status == "CONVERGED" for status in table["status"]]
    for _, row in table.iterrows():
        assert judged(study, row).name == row["status"]


@pytest.mark.exhaustive
def test_more_starts_find_what_few_have_missed(tmp_path):
    truth = find_truth("softmax-gaussian-mild")
    study = RateStudy(truth, 3, [60, 90], 4, NearTruth(0.2), ["voronoi"], seed=2)
    table = study.run(progress=False)
    found = study.miss_rate(8, 3, store=tmp_path, progress=False)
    assert (found.n_data_sets, found.n_starts, found.n_more) == (6, 1, 8)
    rows = found.table.merge(table, on=["n", "replicate"], suffixes=("", "_of_study"))
    gain = rows["n"] * (rows["log_likelihood"] - rows["log_likelihood_of_study"])
    np.testing.assert_array_equal(rows["gain"], gain)
    assert (gain > -1e-8).all()  # the start of the study is among them
    assert found.n_missed == (gain > 1e-3).sum() > 0
    assert (study.verdicts()["missed"] == found.share).all()
    assert found.largest_gain == gain.max()
    assert "voronoi_over" in found.table
    assert f"{found.n_missed} of 6 data sets miss by more than 0.001" in str(found)
    fresh = RateStudy(truth, 3, [60, 90], 4, NearTruth(0.2), ["voronoi"], seed=2)
    assert fresh.miss_rate(8, 3, store=tmp_path, progress=False) == found
    assert fresh.table_ is None


@pytest.mark.fast
def test_the_share_of_misses_has_an_interval():
    few = pd.DataFrame({"n": 100, "replicate": np.arange(20), "log_likelihood": -1.0})
    gains = np.where(np.arange(20) < 9, 0.01, 1e-6)
    found = compare(few, few.assign(log_likelihood=-1.0 + gains), 3, 40, 1e-3)
    assert found.share == 9 / 20
    # Clopper and Pearson (1934)
    np.testing.assert_allclose(found.interval, (0.2306, 0.6847), atol=5e-5)
    none = compare(few, few, 3, 40, 1e-3)
    np.testing.assert_allclose(none.interval, (0, 1 - 0.025 ** (1 / 20)), atol=1e-12)
    assert none.largest_gain == 0
    assert compare(few, few.assign(log_likelihood=0.0), 3, 40, 1e-3).interval[1] == 1
