"""
Exposure: rates of two kinds of wards
=====================================

Falls in hospital wards are counted over months of different length and wards of different size.
What matters is the rate for each thousand bed days, so that the log of the bed days is an offset
of the Poisson experts: a term of their linear predictors whose coefficient is one.
"""

# %%
# Data
# ----
# Made here: 300 months, two kinds of wards that nobody told apart, and staff per bed.

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts

rng = np.random.default_rng(7)
n = 300
wards = pd.DataFrame({"staff": rng.uniform(0.5, 2.0, n), "days": rng.uniform(0.1, 3.0, n)})
geriatric = rng.random(n) < 0.45
rate = np.exp(np.where(geriatric, 2.6 - 0.9 * wards.staff, 0.4 - 0.1 * wards.staff))
wards["falls"] = rng.poisson(wards.days * rate)

# %%
# With and without the exposure
# -----------------------------
# ``days`` are thousands of bed days. Without them the experts have to explain long months too.

settings = {"expert": "poisson", "gate_formula": "~ 1", "random_state": 0}
rates = MixtureOfExperts(2, formula="falls ~ staff + exposure(days)", **settings).fit(wards)
counts = MixtureOfExperts(2, formula="falls ~ staff", **settings).fit(wards)
print(f"BIC with the exposure {rates.bic(wards):.1f}, without {counts.bic(wards):.1f}")
print(rates.summary())

# %%
# Falls for each thousand bed days
# --------------------------------
# At an exposure of one, means are rates; on the left the months with theirs.

import matplotlib.pyplot as plt

grid = pd.DataFrame({"staff": np.linspace(0.5, 2.0, 100), "days": 1.0})
means = rates.expert_means(grid)[:, :, 0]
likely = rates.responsibilities(wards).argmax(axis=1)

figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
for expert, color in enumerate(("tab:blue", "tab:red")):
    own = wards[likely == expert]
    left.scatter(own.staff, own.falls / own.days, s=12 * own.days, color=color, alpha=0.6)
    left.plot(grid.staff, means[:, expert], color=color, label=f"expert {expert}")
left.set(xlabel="staff per bed", ylabel="falls per 1000 bed days", ylim=(0, 15))
left.legend(title="points: months, larger for more days")

# %%
# What a ward of a given size should expect: the distribution of next month's falls follows its
# bed days.

sizes = np.linspace(0.2, 3.0, 60)
for staff, color in ((0.7, "tab:purple"), (1.8, "tab:green")):
    month = pd.DataFrame({"staff": staff, "days": sizes})
    low, high = rates.predict_interval(month, 0.8).T
    right.fill_between(sizes, low, high, step="mid", alpha=0.25, color=color)
    right.plot(sizes, rates.predict(month), color=color, label=f"{staff} staff per bed")
right.set(xlabel="thousand bed days", ylabel="falls: mean, and 80 % of months")
right.legend()
plt.show()
