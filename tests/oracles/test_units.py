"""Fits with one expert for all rows of a unit, whose exact maximum is known."""

import json

import numpy as np
import pandas as pd
import pytest

from mixstat import MixtureOfExperts, TwoLevelMixtureOfExperts
from mixstat.experts import BinomialExperts
from tests.sweeps import first

MODELS = {
    "one_class_per_student": ("score ~ hours", "~ 1", "gaussian", [3, 4, 1, 2, 6, 5, 0]),
    "binomial_one_class_per_student": (
        "passed ~ hours", "~ motivation", BinomialExperts(trials=1), [4, 5, 2, 3, 0, 1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", first(MODELS))
def test_students(oracle, name):
    told = json.loads((oracle / "latents.json").read_text())
    known, data = told[name], pd.read_csv(oracle / told["data"])
    formula, gate, expert, places = MODELS[name]
    moe = MixtureOfExperts(
        2, expert=expert, formula=formula, gate_formula=gate, n_init=4, random_state=0
    ).fit(data, groups=told["group"])
    assert moe.converged_
    assert moe.sum_of_weights_ * moe.log_likelihood_ == pytest.approx(known["ll"], abs=1e-8)
    robust = np.asarray(moe.inference(data, cov_type="robust").bse)
    deviation = np.sqrt(np.diag(moe.cov_params()))
    assert moe.params[places] == pytest.approx(known["params"], rel=1e-6, abs=1e-6)
    assert deviation[places] == pytest.approx(known["se"], rel=1e-6)
    assert robust[places] == pytest.approx(known["se_sandwich"], rel=1e-6)
    if "bic_groups" in known:
        assert moe.bic(data) == pytest.approx(known["bic_groups"], abs=1e-7)
        assert moe.bic(data, count="rows") == pytest.approx(known["bic_rows"], abs=1e-7)


def test_centers_of_the_betablocker_trials(oracle):
    data = pd.read_csv(oracle / "flexmix_betablocker.csv")
    data = data.assign(alive=data["Total"] - data["Deaths"])
    moe = MixtureOfExperts(
        3, expert="binomial", formula="Deaths + alive ~ Treatment", gate_formula="~ 1",
        random_state=0,
    ).fit(data, groups="Center")  # fmt: skip
    total = moe.sum_of_weights_ * moe.log_likelihood_
    assert total == pytest.approx(-158.3094803, abs=1e-6)
    assert moe.bic(data, count="rows") == pytest.approx(346.8924776, abs=1e-5)
    known = [(-2.916349, -0.080476), (-2.247684, -0.262994), (-1.579937, -0.324851)]
    assert moe.expert_coef_ == pytest.approx(np.array(known), abs=1e-5)


def test_two_levels_of_students_and_weeks(oracle):
    told = json.loads((oracle / "latents.json").read_text())
    known, data = told["two_level"], pd.read_csv(oracle / told["data"])
    model = TwoLevelMixtureOfExperts(
        formula="score ~ hours", gate_formula="~ sleep", unit_formula="~ motivation",
        random_state=0,
    ).fit(data, groups="student")  # fmt: skip
    assert model.certificate_.sound
    assert model.score_samples(data).sum() == pytest.approx(known["ll"], abs=1e-8)
    assert model.log_likelihood_ * 150 == pytest.approx(known["ll"], abs=1e-8)
    assert model.n_parameters_ == len(known["names"])
    assert model.bic(data) == pytest.approx(-2 * known["ll"] + 11 * np.log(150), abs=1e-7)
    # numbered otherwise: experts and classes of students change their places
    places = [7, 8, 5, 6, 10, 9, 0, 1, 3, 2, 4]
    table = model.estimates().iloc[places]
    assert table.estimate.to_numpy() == pytest.approx(known["params"], rel=1e-6)
    assert table.std_error.to_numpy() == pytest.approx(known["se"], rel=1e-6)
