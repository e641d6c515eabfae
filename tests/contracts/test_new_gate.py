"""A new gate is one file and one line: it is then fitted, certified, told, updated and drawn."""

import importlib.util

import matplotlib as mpl
import numpy as np

import mixstat.gates
from mixstat import MixtureOfExperts
from mixstat.plotting import GateDisplay
from mixstat.results import Status

mpl.use("Agg")

FILE = '''
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from mixstat.gates.base import Gate, blank
from mixstat.parts.predictors import Group


class CauchitGate(Gate):
    """pi_k(x) proportional to (1/2 + atan(w_k . x) / pi): heavier tails than sigmoids."""

    coef: np.ndarray = eqx.field(default_factory=blank)  # a row for each expert

    @property
    def n_experts(self):
        return len(self.coef)

    def null(self, n_experts, n_features):
        return CauchitGate(np.zeros((n_experts, n_features)))

    def groups(self):
        return (Group("Z", self.coef),)

    def link(self, eta, Z):
        return jax.nn.log_softmax(jnp.log(0.5 + jnp.arctan(eta) / jnp.pi), axis=0)

    def permute(self, order):
        return CauchitGate(np.asarray(self.coef)[order])

    def penalty(self, constant):
        k, q = self.coef.shape
        return np.kron(np.eye(k), np.diag([float(not constant), *np.ones(q - 1)]))
'''


def test_one_file_and_one_line(tmp_path, monkeypatch):
    path = tmp_path / "cauchit.py"
    path.write_text(FILE)
    spec = importlib.util.spec_from_file_location("cauchit", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(mixstat.gates.REGISTRY, "cauchit", module.CauchitGate())

    random = np.random.default_rng(0)
    X = random.uniform(-2, 2, (1500, 1))
    rise = 0.5 + np.arctan(1 + 3 * X[:, 0]) / np.pi, 0.5 + np.arctan(-2 * X[:, 0]) / np.pi
    first = random.random(1500) < rise[0] / (rise[0] + rise[1])
    y = np.where(first, -2 + X[:, 0], 2 + X[:, 0]) + 0.5 * random.standard_normal(1500)

    moe = MixtureOfExperts(2, gate="cauchit", n_init=4, random_state=0).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    assert moe.certificate_.gradient_norm <= 1e-8
    error = np.sqrt(np.diag(moe.cov_params()))[:4]
    assert np.all(np.abs(moe.params[:4] - [1, 3, 0, -2]) < 4 * error)
    told = str(moe.summary())
    assert "CauchitGate" in repr(mixstat.gates.REGISTRY["cauchit"])
    assert "Gate: gate0" in told
    moe.partial_fit(X[:200], y[:200])
    assert np.all(np.isfinite(moe.gate_coef_))
    display = GateDisplay.from_estimator(moe, X)
    np.testing.assert_allclose(display.share.sum(axis=0), 1.0)
