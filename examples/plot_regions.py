"""
What moves the gate: regions and partial dependence
===================================================

A gate of several inputs is hard to read from its coefficients. Three figures say what it does:
where each expert is the most probable, how its shares move with one input while the others are as
they are, and how that moves the spread of the prediction.
"""

# %%
# Data
# ----
# A reactor that runs in one of two regimes, by its load and its temperature; the site matters to
# the yield alone.

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts

rng = np.random.default_rng(0)
n = 600
frame = pd.DataFrame(
    {
        "load": rng.uniform(40, 100, n),
        "temperature": rng.normal(350, 10, n),
        "site": rng.choice(["north", "south"], n),
    }
)
logit = 0.12 * (frame["load"] - 70) + 0.15 * (frame["temperature"] - 350)
hot = rng.random(n) < 1 / (1 + np.exp(-logit))
level = np.where(hot, 60 + 0.2 * frame["load"], 95 - 0.1 * frame["load"])
y = pd.Series(level + 3 * (frame["site"] == "south") + 2 * rng.standard_normal(n), name="yield")

moe = MixtureOfExperts(2, gate_features=["load", "temperature"], random_state=0).fit(frame, y)
print(moe.summary())

# %%
# Regions
# -------
# Strong colours where the gate is sure. Rows are drawn in the colour of the expert that they most
# probably belong to, given their yield too.

from mixstat.plotting import GateRegionsDisplay, PartialDependenceDisplay

experts = moe.responsibilities(frame, y).argmax(axis=1)
GateRegionsDisplay.from_estimator(moe, frame, features=("load", "temperature"), experts=experts)

# %%
# Partial dependence
# ------------------
# Shares over the load, averaged over the rows as they are; each line below is a row.

PartialDependenceDisplay.from_estimator(moe, frame, feature="load")

# %%
# The yield varies most where neither regime is sure.

import matplotlib.pyplot as plt

PartialDependenceDisplay.from_estimator(moe, frame, feature="load", of="deviation")
plt.show()
