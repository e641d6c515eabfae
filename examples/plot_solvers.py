"""
How solvers approach a maximum
==============================

Where experts overlap, EM creeps: every step removes the same small share of what is left. Here
four solvers start from the same model of simulated data. Passes over the rows are counted, since
they are what costs time on a large table.
"""

# %%
# Two experts whose means differ by little more than their noise.

import matplotlib.pyplot as plt
import numpy as np

from mixstat.data import batch
from mixstat.experts import GaussianExperts
from mixstat.gates import SoftmaxGate
from mixstat.model import Mixture
from mixstat.numerics import precision
from mixstat.objective import objective
from mixstat.solvers import EM, LBFGS, Newton, StopRule

rng = np.random.default_rng(0)
n = 4000
x = rng.uniform(-1, 1, n)
upper = rng.random(n) < 1 / (1 + np.exp(-2 * x))
y = np.where(upper, 0.5 + x, -0.5 - 0.5 * x) + rng.standard_normal(n)
features = np.column_stack([np.ones(n), x])

# %%
# A solver maximises an *objective*, which is data with bounds on the parameters, from a *start*,
# which is a model.

level = np.array([[[1.0, 0.0]], [[-1.0, 0.0]]])
experts = GaussianExperts(level, np.zeros((2, 1)), np.zeros((2, 0)), "full")
start = Mixture(SoftmaxGate(np.zeros((1, 2))), experts)
with precision.float64():
    data = batch.build(features, features, y[:, None])
    task = objective.make(start, data, min_scale=1e-4)

# %%
# Running each with growing limits gives its path. A result counts its passes and certifies the
# point it returns, so the gradient below is the one at that point.

solvers = {
    "EM": EM(accelerate=False, stop=StopRule(max_iter=5000)),
    "accelerated EM": EM(stop=StopRule(max_iter=5000)),
    "L-BFGS": LBFGS(),
    "Newton": Newton(),
}
limits = np.unique(np.geomspace(1, 3000, 40).astype(int))
paths = {
    name: [solver.fit(task, start, max_iter=int(limit)) for limit in limits]
    for name, solver in solvers.items()
}

for name, path in paths.items():
    end = path[-1]
    print(
        f"{name:14s} {end.status.name.lower():9s} after {end.n_passes:4d} passes, "
        f"gradient {end.certificate.gradient_norm:.0e}, log-likelihood {end.log_likelihood:.12f}"
    )

# %%
# All four reach the same maximum. Plain EM stops short: its steps no longer change the
# log-likelihood in any digit while the gradient is still above tolerance, and the certificate says
# so. A pass of Newton costs more than the others, since it builds a Hessian. ``solver="auto"``
# takes the two best parts, accelerated EM into the basin of a maximum and Newton to its bottom.

figure, axes = plt.subplots(figsize=(7.2, 4), layout="constrained")
for name, path in paths.items():
    passes = [result.n_passes for result in path]
    gradient = [result.certificate.gradient_norm for result in path]
    axes.loglog(passes, gradient, ".-", label=name)
axes.axhline(1e-8, color="0.6", linestyle="--", linewidth=1, zorder=0)
axes.annotate("tolerance", (1, 1e-8), xytext=(4, 4), textcoords="offset points", color="0.4")
axes.set(xlabel="passes over the data", ylabel="largest gradient component", xlim=(1, None))
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)

plt.show()
