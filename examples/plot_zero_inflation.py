"""
Too many zeros: inflation, overdispersion, or both
==================================================

Visits to a doctor: many people never go, and those who go do so more or less often than a Poisson
count allows. An expert that always says zero, beside a regression of counts, tells the two apart;
the gate says who belongs to which.
"""

# %%
# Data
# ----
# Made here, so that the truth is known: a share that falls with age never goes. The others go as
# often as a negative binomial count says.

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts

rng = np.random.default_rng(0)
n = 1000
age = rng.uniform(20, 80, n)
z = (age - 50) / 15
never = rng.random(n) < 1 / (1 + np.exp(0.4 + 0.8 * z))
rate = np.exp(1.0 + 0.3 * z) * rng.gamma(2.5, 1 / 2.5, n)
visits = np.where(never, 0, rng.poisson(rate))
X = pd.DataFrame({"age": z})
print(f"zeros: {np.mean(visits == 0):.3f}, of which {np.mean(never):.3f} of all never go")

# %%
# Four models
# -----------
# A list names a family for each expert: "zero" is a point mass, which has no parameter.

models = {
    "Poisson": "poisson",
    "negative binomial": "negative_binomial",
    "zero-inflated Poisson": ["zero", "poisson"],
    "zero-inflated negative binomial": ["zero", "negative_binomial"],
}
fits = {
    name: MixtureOfExperts(1 if isinstance(expert, str) else 2, expert=expert, random_state=0).fit(
        X, visits
    )
    for name, expert in models.items()
}
for name, fit in fits.items():
    print(f"{name:32} {fit.n_parameters_} parameters, BIC {fit.bic(X, visits):.1f}")
best = fits["zero-inflated negative binomial"]
print(best.summary())

# %%
# A zero may be of either kind: how likely somebody without a visit never goes.

zeros = X[visits == 0].iloc[:5]
share = best.responsibilities(zeros, np.zeros(len(zeros)))[:, 0]
print(pd.DataFrame({"age": (zeros["age"] * 15 + 50).round(), "never goes": share.round(2)}))

# %%
# The picture
# -----------
# On the left hanging bars: how many people have each count, less what a model expects, in roots.
# A model that fits leaves bars that end at the line. On the right the share that never goes.

import matplotlib.pyplot as plt

counts = np.arange(13)
seen = np.array([np.sum(visits == count) for count in counts])
figure, panels = plt.subplots(1, 3, figsize=(9.6, 3.4), layout="constrained")
for axes, name in zip(panels, ("Poisson", "zero-inflated negative binomial")):
    fit = fits[name]
    below = np.array([fit.cdf(X, np.full(n, float(count))).sum() for count in counts])
    expected = np.diff(below, prepend=0.0)
    axes.bar(
        counts, np.sqrt(seen), bottom=np.sqrt(expected) - np.sqrt(seen), color="lightsteelblue"
    )
    axes.plot(counts, np.sqrt(expected), color="tab:red", marker="o", markersize=4)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(title=name, xlabel="visits", ylabel="root of number of people")
grid = pd.DataFrame({"age": np.linspace(-2, 2, 100)})
panels[2].plot(grid["age"] * 15 + 50, best.gate_proba(grid)[:, 0], label="fitted")
truth = 1 / (1 + np.exp(0.4 + 0.8 * grid["age"]))
panels[2].plot(grid["age"] * 15 + 50, truth, color="black", linestyle="--", label="true")
panels[2].set(title="share that never goes", xlabel="age", ylim=(0, 1))
panels[2].legend()
plt.show()
