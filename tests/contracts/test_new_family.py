"""A new family is one file and one line: fitted, told, updated, boxed and studied."""

import importlib.util

import numpy as np
import pytest

import mixstat.experts
from mixstat import MixtureOfExperts
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.rates import Box, RateStudy
from mixstat.rates.box import names
from mixstat.rates.inputs import Uniform
from mixstat.rates.law import Law, make_features
from mixstat.rates.truths import Truth
from mixstat.results import Status

FILE = '''
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from mixstat.experts.base import Experts, blank
from mixstat.parts.predictors import Group


class LogisticExperts(Experts):
    """y | x, k = coef_k phi(x) + exp(log_width_k) times logistic noise."""

    order_words: ClassVar[str] = "their mean prediction"

    coef: np.ndarray = eqx.field(default_factory=lambda: blank(0, 1, 0))
    log_width: np.ndarray = eqx.field(default_factory=lambda: blank(0, 1, 1))

    @property
    def n_experts(self):
        return len(self.coef)

    def null(self, n_experts, n_features, n_outputs):
        return LogisticExperts(np.zeros((n_experts, 1, n_features)), np.zeros((n_experts, 1, 1)))

    def groups(self):
        return Group("Phi", self.coef), Group("1", self.log_width)

    def link(self, eta, y):
        z = (y - eta[:, 0]) * jnp.exp(-eta[:, 1])
        return -z - eta[:, 1] - 2 * jnp.logaddexp(0.0, -z)

    def information(self, eta, y):
        """Expected, which is diagonal: 1 / (3 width^2), and (3 + pi^2) / 9."""
        mean = jnp.exp(-2 * eta[:, 1]) / 3
        width = jnp.full_like(mean, (3 + np.pi**2) / 9)
        zero = jnp.zeros_like(mean)
        rows = [jnp.stack([mean, zero], axis=1), jnp.stack([zero, width], axis=1)]
        return jnp.stack(rows, axis=1)

    def bounds(self, min_scale):
        lower, upper = super().bounds(min_scale)
        floor = np.full(self.log_width.shape, np.log(min_scale))
        return eqx.tree_at(lambda e: e.log_width, lower, floor), upper

    def permute(self, order):
        return LogisticExperts(np.asarray(self.coef)[order], np.asarray(self.log_width)[order])

    def marginals(self, eta):
        from scipy import stats

        return stats.logistic(loc=eta[:, :1], scale=np.exp(eta[:, 1:]))

    def in_units(self, location, scale, to_user):
        coef = np.asarray(self.coef) * scale[None, :, None]
        coef[:, :, 0] += location
        return LogisticExperts(coef @ to_user, np.asarray(self.log_width) + np.log(scale))

    def reported_attributes(self, *, single_output):
        return {"width_": np.exp(np.asarray(self.log_width)[:, 0, 0])}
'''


@pytest.mark.exhaustive
def test_one_file_and_one_line(tmp_path, monkeypatch):
    path = tmp_path / "logistic.py"
    path.write_text(FILE)
    spec = importlib.util.spec_from_file_location("logistic", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(mixstat.experts.REGISTRY, "logistic", module.LogisticExperts())

    coef, width = np.array([[[-2.0, 1.0]], [[2.0, -1.0]]]), np.array([[[0.3]], [[0.5]]])
    experts = module.LogisticExperts(coef, np.log(width))
    gate = SoftmaxGate(np.array([[0.3, 1.0]]))
    law = Law(Mixture(gate, experts), make_features(1, gate))
    box = Box(expert_slope=(-5, 5), others={"width": (0.05, 2)})
    truth = Truth("logistic", law, Uniform(-2.0, 2.0), "", "derived", box=box)

    X, y = truth.sample(1500, 0)
    moe = MixtureOfExperts(2, expert="logistic", n_init=2, random_state=0).fit(X, y)
    assert moe.status_ == Status.CONVERGED
    assert moe.parameter_names[2:] == [
        *(f"expert{k}:{f}" for k in range(2) for f in ("1", "x0")),
        "log_width0",
        "log_width1",
    ]
    error = np.sqrt(np.diag(moe.cov_params()))
    wanted = np.concatenate([gate.coef.ravel(), coef.ravel(), np.log(width).ravel()])
    assert np.all(np.abs(moe.params - wanted) < 4 * error)
    before = moe.params.copy()
    moe.partial_fit(*truth.sample(200, 1))
    assert 0 < np.max(np.abs(moe.params - before)) < 0.2

    label_names = names(law.mixture)
    assert label_names[-2:] == ["log_width0", "log_width1"]
    study = RateStudy(truth, 2, [300], 2)
    assert study.losses == ("density",)
    table = study.run(progress=False)
    assert (table["status"] == "CONVERGED").all()
    assert (table["hellinger"] < 0.2).all()
