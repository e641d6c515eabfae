"""What a file cannot hold is named."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import mixstat
from mixstat import ContextualMixtureOfExperts, MixtureOfExperts
from mixstat.contextual import Function
from mixstat.gates import ModifiedSoftmaxGate, SoftmaxGate, TemperatureGate
from mixstat.solvers import EM
from tests.saving.cases import rows

pytestmark = pytest.mark.filterwarnings("ignore")


class OwnGate(SoftmaxGate):
    """A gate of one's own."""


@dataclass(frozen=True)
class OwnSolver(EM):
    """A solver of one's own."""


class OwnEstimator(MixtureOfExperts):
    """An estimator of one's own."""


QUICK = {"n_init": 1, "max_iter": 2, "solver": "em", "random_state": 0}
X, y = rows()[["x"]], rows()["y"].to_numpy()
ANYWHERE = Function("anywhere", "x", lambda x: np.ones(len(x)))


@pytest.mark.parametrize(
    ("moe", "named"),
    [
        (MixtureOfExperts(gate=OwnGate(), **QUICK), "gate is OwnGate"),
        (MixtureOfExperts(gate=TemperatureGate(activation=jnp.cos), **QUICK), "gate.activation is"),
        (MixtureOfExperts(gate=ModifiedSoftmaxGate(function=np.cos), **QUICK), "gate.function is"),
        (MixtureOfExperts(**QUICK | {"solver": OwnSolver()}), "solver is"),
        (MixtureOfExperts(init=pd.Series((y > 0).astype(int)), **QUICK), "init is"),
        (
            ContextualMixtureOfExperts([ANYWHERE, ANYWHERE & ANYWHERE], **QUICK),
            "contexts.0.function is",
        ),
    ],
)
def test_what_is_of_ones_own_is_refused(moe, named, tmp_path):
    moe.fit(X, y)
    with pytest.raises(TypeError, match="a model file holds no code") as error:
        mixstat.save(moe, tmp_path / "model.npz")
    assert f"estimator cannot be saved: {named}" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_other_estimators_are_refused(tmp_path):
    for wrong in (OwnEstimator(**QUICK).fit(X, y), object(), MixtureOfExperts):
        with pytest.raises(TypeError, match="estimator must be one of MixtureOfExperts, "):
            mixstat.save(wrong, tmp_path / "model.npz")
    with pytest.raises(ValueError, match="not fitted yet"):
        mixstat.save(MixtureOfExperts(), tmp_path / "model.npz")


def test_a_formula_with_methods_of_pandas_is_refused(tmp_path):
    moe = MixtureOfExperts(formula="y ~ I(x.clip(0))", **QUICK).fit(rows())
    with pytest.raises(ValueError, match=r"may have no formula with 'x.clip'"):
        mixstat.save(moe, tmp_path / "model.npz")


def test_places_are_checked(tmp_path):
    moe = MixtureOfExperts(**QUICK).fit(X, y)
    with pytest.raises(ValueError, match="path must be in a folder that exists"):
        mixstat.save(moe, tmp_path / "nowhere" / "model.npz")
    with pytest.raises(ValueError, match="path must be a file, got the folder"):
        mixstat.save(moe, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"model\.npz"):
        mixstat.load(tmp_path / "model.npz")
