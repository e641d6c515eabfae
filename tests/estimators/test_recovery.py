"""Every gate recovers a stated truth: 4,000 rows, each identified parameter within 4 errors.

Truths are made for this test: experts' lines and noise as below, gates as in ``TRUTHS``, inputs
uniform on (-3, 3). Seeds are fixed.
"""

import numpy as np
import pytest

from mixstat import MixtureOfExperts, Status
from mixstat.experts import GaussianExperts
from mixstat.gates import (
    GaussianGate,
    HierarchicalGate,
    ModifiedSoftmaxGate,
    SigmoidGate,
    SoftmaxGate,
    TemperatureGate,
    TopKGate,
    TopPGate,
)
from mixstat.model import Mixture
from tests.estimators.truths import LINES, LOGITS, NOISE, draw, standard_distances
from tests.sweeps import rest

N = 4_000
GAUSSIAN = GaussianExperts(LINES[:, None, :], np.log(NOISE)[:, None], np.zeros((3, 0)))
OWN = np.array([[1.0, -0.5], [-0.7, 1.2], [0.4, 0.9]])  # (x0, x1), one row for each expert

TRUTHS = {
    "softmax": SoftmaxGate(LOGITS),
    "modified": ModifiedSoftmaxGate(2 * LOGITS),
    "fixed temperature": TemperatureGate(
        LOGITS, np.zeros((0, 1)), np.log([[0.5]]), temperature=0.5
    ),
    "annealed": TemperatureGate(
        LOGITS, np.zeros((0, 1)), np.log([[0.5]]), temperature=(4.0, 2.0, 1.0, 0.5)
    ),
    "tanh": TemperatureGate(OWN, np.array([[0.3], [-0.2]]), np.log([[0.4]]), activation="tanh"),
    "sigmoid activation": TemperatureGate(
        2 * OWN, np.array([[0.3], [-0.2]]), np.log([[0.2]]), activation="sigmoid"
    ),
    "sin": TemperatureGate(OWN, np.array([[0.3], [-0.2]]), np.log([[0.4]]), activation="sin"),
    "polynomial": TemperatureGate(
        0.5 * OWN, np.array([[0.3], [-0.2]]), np.log([[0.5]]), activation="polynomial"
    ),
    "sigmoid": SigmoidGate(np.array([[0.5, 2.0, 0.5], [1.0, -1.0, 1.5], [0.0, 0.5, -2.0]])),
    "top_k": TopKGate(LOGITS, k=2),
    "top_p": TopPGate(LOGITS, mass=0.9),
    "hierarchical": HierarchicalGate(LOGITS, tree=((0, 2), 1)),
}


SOON = ("softmax", "modified", "hierarchical")


@pytest.mark.parametrize("name", [name if name in SOON else rest(name) for name in TRUTHS])
def test_gate_is_recovered(name):
    gate = TRUTHS[name]
    random = np.random.default_rng(11)
    X = random.uniform(-3, 3, (N, 2))
    y, _ = draw(gate, GAUSSIAN, X, random)
    # branches of a tree may be swapped: begin at the numbering of the truth
    lines = LINES[:, :1] + LINES[:, 1:] @ X.T
    near = np.argmin(np.abs(y - lines), axis=0)
    init, n_init = (
        (near, 1) if name == "hierarchical" else ("auto", 4 if gate.starting().dense else 3)
    )
    if not gate.continuous:
        init, n_init = "kmeans", 1  # a search without derivatives is slow
    moe = MixtureOfExperts(3, gate=gate, init=init, n_init=n_init, random_state=0).fit(X, y)
    assert moe.status_ == (Status.CONVERGED if gate.continuous else Status.JUMP)
    distance = standard_distances(moe, Mixture(gate, GAUSSIAN))
    estimable = np.isfinite(distance)
    fixed = 1 if name in ("fixed temperature", "annealed") else 0
    assert np.sum(~estimable) == fixed
    assert np.max(distance[estimable]) < 4


@pytest.mark.exhaustive
def test_learned_temperature_is_recovered_up_to_its_factor():
    gate = TemperatureGate(LOGITS, np.zeros((0, 1)), np.log([[0.5]]))
    random = np.random.default_rng(12)
    X = random.uniform(-3, 3, (N, 2))
    y, _ = draw(gate, GAUSSIAN, X, random)
    moe = MixtureOfExperts(3, gate=gate, n_init=3, random_state=0).fit(X, y)
    table = moe.identified()
    distance = np.abs(table["value"] - 2 * LOGITS.ravel()) / table["std_error"]
    assert np.max(distance) < 4


@pytest.mark.exhaustive
def test_gaussian_gate_is_recovered():
    """Inputs drawn from the gate's own clusters."""
    random = np.random.default_rng(13)
    weight = np.array([0.3, 0.5, 0.2])
    centre = np.array([[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]])
    spread = np.array([[[0.5, 0.2], [0.2, 0.4]], [[0.6, -0.2], [-0.2, 0.3]], np.eye(2) * 0.4])
    label = random.choice(3, N, p=weight)
    factor = np.linalg.cholesky(spread)
    X = centre[label] + np.einsum("nij,nj->ni", factor[label], random.standard_normal((N, 2)))
    mean = np.sum(LINES[label] * np.hstack([np.ones((N, 1)), X]), axis=1)
    y = mean + NOISE[label] * random.standard_normal(N)
    moe = MixtureOfExperts(3, gate="gaussian", n_init=3, random_state=0).fit(X, y)
    assert moe.converged_
    slope = spread[:, 1, 0] / spread[:, 0, 0]
    first, second = spread[:, 0, 0], spread[:, 1, 1] - slope * spread[:, 0, 1]
    inputs = GaussianExperts(
        centre[:, :, None], 0.5 * np.log(np.column_stack([first, second])), -slope[:, None]
    )
    gate = GaussianGate(np.log(weight[:-1] / weight[-1])[:, None], inputs)
    assert np.max(standard_distances(moe, Mixture(gate, GAUSSIAN))) < 4
