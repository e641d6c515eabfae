"""Every gate with every family of experts passes through a study."""

import numpy as np
import pytest

from mixstat.experts import REGISTRY as FAMILIES
from mixstat.experts import (
    GaussianExperts,
    LognormalExperts,
    MixedExperts,
    PointMass,
    PoissonExperts,
    StudentTExperts,
)
from mixstat.gates import REGISTRY as GATES
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.rates import Box, RateStudy, Specification
from mixstat.rates.inputs import Uniform
from mixstat.rates.law import Law, make_features
from mixstat.rates.losses import default_losses, evaluate, measure_of
from mixstat.rates.losses.stated import STATED
from mixstat.rates.truths import Truth
from mixstat.results import Status
from tests.sweeps import rest

EVERY = {name: family for name, family in FAMILIES.items() if family.alone}
EVERY |= {
    "mixed": MixedExperts((GaussianExperts(), StudentTExperts())),
    "zero inflated": MixedExperts((PointMass(), PoissonExperts())),
    "two parts": MixedExperts((PointMass(), LognormalExperts())),
}
PAIRS = [(gate, family) for gate in GATES for family in EVERY]
# each gate once and each family once; the rest at full size
SOME = [
    ("softmax", "mixed"),
    ("modified", "multinomial"),
    ("temperature", "poisson"),
    ("activation", "gaussian"),
    ("sigmoid", "t"),
    ("gaussian", "gamma"),
    ("hierarchical", "binomial"),
]
WIDE = Box(
    gate_intercept=(-8, 8),
    gate_slope=(-8, 8),
    expert_intercept=(-8, 8),
    expert_slope=(-8, 8),
    scale=(0.05, 5),
    temperature=(0.2, 5),
    weight=(-4, 4),
    centre=(-5, 5),
    spread=(0.1, 5),
    others={
        "df": (1, 50),
        "shape": (0.1, 50),
        "dispersion": (0.01, 50),
        "precision": (0.1, 99),
        "gap": (0.1, 9),
    },
)


def make_truth(gate: str, family: str) -> Truth:
    """Two experts whose lines cross, with mild shares."""
    settings = GATES[gate]
    features = make_features(1, settings)
    Phi, Z = features.tables(np.linspace(-1, 1, 4)[:, None])
    null = Mixture(settings.null(2, Z.shape[1]), EVERY[family].null(2, Phi.shape[1], 1))
    lower, upper = (
        np.concatenate(sides)
        for sides in zip(
            *(
                [parameter_vector.to_vector(b) for b in part.bounds(1e-4)]
                for part in (null.gate, null.experts)
            ),
            strict=True,
        )
    )
    vector = parameter_vector.to_vector(null)
    noise = 0.8 * np.random.default_rng(3).standard_normal(len(vector))
    vector = np.where(lower < upper, vector + noise, vector)
    inputs = Uniform(-1.0, 1.0)
    law = Law(parameter_vector.from_vector(null, vector), features)
    return Truth(f"{gate} with {family}", law, inputs, "", "derived", box=WIDE)


def near(truth: Truth) -> Law:
    vector = parameter_vector.to_vector(truth.mixture)
    noise = 0.05 * np.random.default_rng(4).standard_normal(len(vector))
    return truth.law._replace(mixture=parameter_vector.from_vector(truth.mixture, vector + noise))


def sweep():
    """All pairs; those of neither the usual gate nor the usual family are the rest."""
    for gate, family in PAIRS:
        kept = gate == "softmax" or family == "gaussian" or (gate, family) in SOME
        yield pytest.param(gate, family, marks=() if kept else pytest.mark.exhaustive)


@pytest.mark.parametrize(("gate", "family"), list(sweep()))
def test_default_losses_are_defined(gate, family):
    truth = make_truth(gate, family)
    null = Specification(2).null(truth)
    names = default_losses(truth, null)
    assert "density" in names
    assert ("voronoi_exact" in names) == (measure_of(truth.mixture) in STATED)
    table = evaluate(names, truth, [near(truth)])
    assert 0 < table["hellinger"][0] < 1
    assert table["hellinger_error"][0] < 1e-2
    loss_columns = [name for name in names if name.startswith("voronoi")]
    assert all(table[name][0] > 0 for name in loss_columns)


def study_row(gate: str, family: str) -> dict:
    study = RateStudy(make_truth(gate, family), 2, [200], 2, seed=1)
    table = study.run(progress=False)
    assert len(table) == 2
    return table.iloc[0].to_dict()


def check(row: dict) -> None:
    assert row["status"] in Status.__members__
    assert np.isfinite(row["log_likelihood"])
    assert 0 < row["hellinger"] < 1
    assert 0 < row["total_variation"] < 1


@pytest.mark.parametrize(("gate", "family"), [rest(*pair) for pair in SOME])
def test_a_study_of_the_pair(gate, family):
    check(study_row(gate, family))


@pytest.mark.slow
@pytest.mark.parametrize(("gate", "family"), [pair for pair in PAIRS if pair not in SOME])
def test_a_study_of_any_other_pair(gate, family):
    check(study_row(gate, family))
