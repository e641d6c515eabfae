"""
Known labels: a few rows whose expert somebody has looked up
============================================================

A machine runs in two states that its log does not tell, and for some hours an operator remembers
the state. ``known_experts`` gives a fit what is known, and leaves the rest to it. A state that was
measured on a test stand can be held as it is (``frozen``).
"""

# %%
# Data
# ----
# Made here: power against load in two states whose lines lie close to each other.

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts

rng = np.random.default_rng(3)
n = 300
data = pd.DataFrame({"load": rng.uniform(0, 4, n), "heat": rng.normal(size=n)})
worn = rng.random(n) < 1 / (1 + np.exp(-data.heat))
data["power"] = np.where(worn, 1.6 + 1.3 * data.load, 1 + data.load) + 0.6 * rng.normal(size=n)
data["state"] = pd.array([None] * n, dtype="Int64")
remembered = rng.permutation(n)[:60]
data.loc[remembered, "state"] = worn[remembered].astype(int)

# %%
# The fit with and without labels
# -------------------------------
# The column ``state`` holds the numbers of the experts where they are known. It is no input, and
# rows to be predicted need none.

settings = {"formula": "power ~ load", "gate_formula": "~ heat", "n_init": 4, "random_state": 0}
blind = MixtureOfExperts(2, **settings).fit(data)
moe = MixtureOfExperts(2, **settings).fit(data, known_experts="state")
print(moe.summary())

# %%
# What labels are worth
# ---------------------
# Standard errors with more and more labels, down to those of two regressions with all of them; the
# first few move the estimates, and so their errors. That a row is not of the second expert could be
# said by a table, with a column for each expert.

counts = [0, 20, 60, 120, 200, 300]
order = rng.permutation(n)
errors = []
for count in counts:
    labels = np.full(n, np.nan)
    labels[order[:count]] = worn[order[:count]]
    fit = MixtureOfExperts(2, **settings).fit(data, known_experts=labels)
    errors.append(np.sqrt(np.diag(fit.cov_params()))[fit.parameter_names.index("expert1:load")])

# %%
# One state from the test stand
# -----------------------------
# The new machine was measured: power 1 + load, deviation 0.6. Held at that, it costs no parameters,
# and what is not explained by it goes to the other expert.

stand = {0: {"coef": [1.0, 1.0], "scale": 0.6}}
held = MixtureOfExperts(2, **settings, frozen=stand).fit(data)
for name, fit in {"blind": blind, "labels": moe, "test stand": held}.items():
    error = np.sqrt(np.diag(fit.cov_params()))[fit.parameter_names.index("expert1:load")]
    slope = fit.expert_coef_[1, 1]
    told = f"slope of the worn machine {slope:.3f} ({error:.3f})"
    print(f"{name:>10}: {told}, {fit.n_parameters_} parameters")

# %%

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
known = data.state.notna().to_numpy()
left.scatter(data.load[~known], data.power[~known], color="lightgray", s=10, label="not known")
grid = np.array([0.0, 4.0])
for k, (color, name) in enumerate((("tab:blue", "new"), ("tab:red", "worn"))):
    mine = known & (worn == k)
    left.scatter(data.load[mine], data.power[mine], color=color, s=14, label=f"known: {name}")
    line = moe.expert_coef_[k]
    left.plot(grid, line[0] + line[1] * grid, color=color)
left.set(xlabel="load", ylabel="power")
left.legend()
right.plot(counts, errors, "o-")
right.set(xlabel="rows whose state is known", ylabel="standard error of the worn slope")
right.set_ylim(0, None)
plt.show()
