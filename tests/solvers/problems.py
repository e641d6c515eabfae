"""Test problems for solvers: data, a start, and what makes each hard."""

import numpy as np

from mixstat.data import batch as batches
from mixstat.experts import GaussianExperts
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.objective import objective
from mixstat.solvers import m_step

NAMES = ("separated", "overlapping", "three", "two_outputs", "tied", "ridge", "contexts")


def make(name: str, n: int = 400):
    """A problem by name and a rough start for it."""
    random = np.random.default_rng(sum(name.encode()))
    x = random.standard_normal(n)
    Z = np.column_stack([np.ones(n), x])
    k = 3 if name == "three" else 2
    m = 2 if name in ("two_outputs", "tied") else 1
    apart = 0.5 if name == "overlapping" else 2.0
    logits = np.outer(np.linspace(-1, 1, k), 0.3 + 0.8 * x)
    share = np.exp(logits) / np.exp(logits).sum(axis=0)
    label = (random.random(n) > np.cumsum(share, axis=0)[:-1]).sum(axis=0)
    slope = np.linspace(-1, 1, k)[label]
    noise = np.linspace(0.5, 0.8, k)[label]
    mean = apart * (slope + slope * x)
    y = mean[:, None] + noise[:, None] * random.standard_normal((n, m))
    extra = None
    if name == "contexts":
        known = random.random(n) < 0.3
        extra = np.where(known[:, None] & (np.arange(k) != label[:, None]), np.log(0.2), 0.0)
    covariance = "tied" if name == "tied" else "full"
    data = batches.build(Z, Z, y, random.uniform(0.5, 1.5, n), extra)
    null = Mixture(SoftmaxGate().null(k, 2), GaussianExperts(covariance=covariance).null(k, 2, m))
    task = objective.make(null, data, min_scale=1e-4, strengths=0.01 if name == "ridge" else 0.0)
    noisy = np.where(random.random(n) < 0.3, random.integers(0, k, n), label)
    resp = batches.lay_out_like(data, np.eye(k)[noisy])
    return task, m_step.first_model(task, null, resp)
