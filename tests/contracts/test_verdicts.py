"""The same parameters and data get the same verdict, wherever it is asked."""

import warnings

import numpy as np
import pytest

from mixstat.experts import REGISTRY as FAMILIES
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.gates import REGISTRY as GATES
from mixstat.inference.profile_walk import ascend
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import float64
from mixstat.rates import Specification
from mixstat.rates.engine import solve_all
from mixstat.results import Status
from mixstat.solvers.certificate import judge
from mixstat.solvers.outcome import Outcome
from tests.contracts.verdict_problems import KINDS, At, Problem, Stay, estimator, problem

PAIRS = [("softmax", family) for family in FAMILIES]
PAIRS += [(gate, "gaussian") for gate in GATES if gate != "softmax"]
CASES = [(*pair, kind) for pair in PAIRS for kind in KINDS]

pytestmark = pytest.mark.filterwarnings("ignore")


def verdict(asked: Problem, model: Mixture) -> Status:
    """What the judge says of a model on the rows of a problem."""
    return judge(asked.objective, Outcome(model, Status.CONVERGED, 0, 0)).status


def from_estimators(gate: str, family: str, asked: Problem) -> dict[str, Status]:
    """Fits that end at the point, and one that starts there as a model."""
    at = At(tuple(asked.vector))
    there = estimator(gate, family, solver=at, init=asked.label).fit(asked.X, asked.y)
    again = estimator(gate, family, solver=Stay(), init=there).fit(asked.X, asked.y)
    assert there.converged_ == (there.status_ == Status.CONVERGED)
    return {
        "status_": there.status_,
        "certificate_": there.certificate_.status,
        "from a model": again.status_,
    }


def from_batches(asked: Problem) -> dict[str, Status]:
    """Members of batches that stay where they are."""
    objective, model = asked.objective, asked.model
    weights = np.ones((2, len(asked.y)))
    tables = {
        "one member": fit_many(objective, [model], solver=Stay()),
        "many members": fit_many(objective, [model] * 3, solver=Stay()),
        "data": fit_many(objective, [model], data=[objective.batch] * 2, solver=Stay()),
        "weights": fit_many(objective, [model], weights=weights, solver=Stay()),
    }
    for fits in tables.values():
        assert len(set(fits.table["status"])) == 1
    return {name: Status[str(fits.table["status"][-1])] for name, fits in tables.items()}


def from_a_study(asked: Problem) -> dict[str, Status]:
    """The row of a cell."""
    spec = Specification(2, solver=Stay())
    end = solve_all([asked.objective] * 2, [asked.model] * 2, spec)[1]
    assert end.certified == (end.status in ("CONVERGED", "JUMP"))
    return {"study": Status[end.status]}


def from_a_profile(asked: Problem) -> dict[str, Status]:
    """The value of the estimate in a profile of the first expert's constant."""
    row = np.zeros(len(asked.vector))
    row[parameter_vector.size(asked.model.gate)] = 1.0
    return {"profile": ascend(asked.objective, asked.vector, row, max_iter=0)[2]}


def from_updating(gate: str, family: str, asked: Problem) -> dict[str, Status]:
    """A step with the rows of the fit, which leads nowhere from a stationary point."""
    at = At(tuple(asked.vector))
    moe = estimator(gate, family, solver=at, init=asked.label).fit(asked.X, asked.y)
    moe.partial_fit(asked.X, asked.y)
    for name in ("status_", "certificate_", "converged_", "result_"):
        with pytest.raises(AttributeError, match="updated by partial_fit"):
            getattr(moe, name)
    again = estimator(gate, family, solver=Stay(), init=moe).fit(asked.X, asked.y)
    return {"judged after an update": verdict(asked, moe.model_), "fitted again": again.status_}


@pytest.mark.parametrize(("gate", "family", "kind"), CASES)
def test_every_door_says_the_same(gate, family, kind):
    with float64():
        asked = problem(gate, family, kind)
        wanted = verdict(asked, asked.model)
        said = {
            **from_estimators(gate, family, asked),
            **from_batches(asked),
            **from_a_study(asked),
            **from_a_profile(asked),
            **from_updating(gate, family, asked),
        }
    print(gate, family, kind, wanted.name, {k: v.name for k, v in said.items() if v != wanted})
    assert said == dict.fromkeys(said, wanted)
