"""
Gate shares as features of a pipeline
=====================================

The gate of a mixture says which regime a row probably belongs to. That is a feature for other
models: :class:`mixstat.ExpertShares` fits a mixture to one response and hands its shares to
whatever comes next, here a classifier of another response.
"""

# %%
# Data
# ----
# Machines wear in one of two ways, which can be seen from how heat rises with speed; one of them
# breaks. Which way a machine wears depends on the pressure, but not along a line.

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n = 900
frame = pd.DataFrame({"pressure": rng.uniform(-2, 2, n), "speed": rng.uniform(0, 1, n)})
worn = rng.random(n) < 1 / (1 + np.exp(-8 * (frame["pressure"] ** 2 - 1)))
heat = np.where(worn, 1 + 3 * frame["speed"], 2 - frame["speed"]) + 0.2 * rng.standard_normal(n)
breaks = rng.random(n) < np.where(worn, 0.7, 0.1)
train, test = np.arange(600), np.arange(600, 900)

# %%
# Shares
# ------
# The mixture is fitted to the heat, with a gate that bends.

from mixstat import ExpertShares, MixtureOfExperts

moe = MixtureOfExperts(
    2, expert_features=["speed"], gate_features=["pressure"], gate_degree=2, random_state=0
)
shares = ExpertShares(moe).set_output(transform="pandas").fit(frame.iloc[train], heat[train])
print(shares.transform(frame.iloc[test]).head(3).round(3))
print(shares.estimator_.certificate_)

# %%
# A logistic regression of breaking on the shares beats one on the inputs, since no line in the
# pressure tells the worn machines.

from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

known = ExpertShares(FrozenEstimator(shares.estimator_))
models = {
    "inputs": LogisticRegression(),
    "shares": make_pipeline(known, LogisticRegression()),
}
for name, model in models.items():
    model.fit(frame.iloc[train], breaks[train])
    loss = log_loss(breaks[test], model.predict_proba(frame.iloc[test]))
    print(f"{name}: log loss {loss:.3f}")

# %%
# The picture
# -----------

import matplotlib.pyplot as plt

at = pd.DataFrame({"pressure": np.linspace(-2, 2, 200), "speed": 0.5})
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for name, model in models.items():
    axes.plot(at["pressure"], model.predict_proba(at)[:, 1], label=f"fitted to {name}")
truth = 0.1 + 0.6 / (1 + np.exp(-8 * (at["pressure"] ** 2 - 1)))
axes.plot(at["pressure"], truth, "k--", linewidth=1, label="true")
axes.set(xlabel="pressure", ylabel="chance of breaking", ylim=(0, 1))
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
