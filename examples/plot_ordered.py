"""
Ordered response: ratings, with categories among the inputs
===========================================================

Guests of three branches rate their visit from 0 to 4 stars. Some mind the waiting, others mind the
price, and nobody wrote down who is who. Stars have an order but no distance: an ordered
logit is the expert for them. The branch is text in a data frame, which is fitted as it is.
"""

# %%
# Data
# ----
# Made here: 900 guests. Those who come in a hurry, most of them to the station, mind the waiting.

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts
from mixstat.experts import OrderedExperts

rng = np.random.default_rng(5)
n = 900
data = pd.DataFrame(
    {
        "wait": rng.uniform(0, 30, n).round(),
        "price": rng.uniform(8, 24, n).round(1),
        "branch": rng.choice(["harbour", "market", "station"], n, p=[0.3, 0.3, 0.4]),
    }
)
hurry = rng.random(n) < data.branch.map({"harbour": 0.15, "market": 0.4, "station": 0.8})
liking = np.where(hurry, 4.5 - 0.3 * data.wait, 10.0 - 0.55 * data.price)
data["stars"] = np.searchsorted([-1.5, 0.0, 2.0, 4.0], liking + rng.logistic(size=n))
print(data.head())

# %%
# The fit
# -------
# ``gate_features="branch"`` brings a column of 0 and 1 for each branch but the first, harbour,
# which is the reference; the response is named by its column.

moe = MixtureOfExperts(
    2,
    expert=OrderedExperts(n_levels=5),
    expert_features=["wait", "price"],
    gate_features="branch",
    random_state=0,
).fit(data, "stars")
print(moe.summary())

# %%
# What the branch tells
# ---------------------
# Effects of a category are differences between its levels and the first: in the mean number of
# stars, through the gate alone, since experts do not see the branch.

effects = moe.inference(data, "stars").marginal_effects()
print(effects.summary())

# %%
# Shares of stars along the waiting
# ---------------------------------
# At a price of 16: in the harbour most guests do not mind to wait, at the station most do.

import matplotlib.pyplot as plt

wait = np.linspace(0, 30, 61)
figure, panels = plt.subplots(1, 3, figsize=(10.0, 3.4), sharey=True, layout="constrained")
for panel, branch in zip(panels, moe.levels_["branch"], strict=True):
    rows = pd.DataFrame({"wait": wait, "price": 16.0, "branch": branch})
    below = np.array([moe.cdf(rows, np.full(len(wait), star)) for star in range(5)])
    colors = plt.cm.RdYlGn(np.linspace(0.1, 0.9, 5))
    panel.stackplot(wait, np.diff(below, axis=0, prepend=0.0), colors=colors)
    share = moe.gate_proba(rows.iloc[:1])[0]
    panel.set(xlabel="waiting, minutes", xlim=(0, 30), ylim=(0, 1))
    panel.set_title(f"{branch}: experts {share[0]:.2f} and {share[1]:.2f}")
panels[0].set_ylabel("probability")
names = [f"{star} stars" for star in range(5)]
figure.legend(panels[0].collections, names, loc="outside lower center", ncols=5, frameon=False)
plt.show()
