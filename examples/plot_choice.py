"""
How many experts: a grid, a test, and a statement
=================================================

A response with two branches: half of the rows go up with x, half go down, and the mean of both is
nearly zero everywhere. R2 sees nothing of it. How many experts describe it, and does the gate need
x?
"""

# %%
# Data
# ----

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from sklearn.model_selection import cross_val_score

from mixstat import MixtureOfExperts
from mixstat.selection import bootstrap_test, fewest_experts, scorer, select

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, size=(200, 1))
sign = np.where(rng.random(200) < 0.5, 1, -1)
y = sign * (2 + X[:, 0]) + 0.4 * rng.standard_normal(200)

for k in (1, 2):
    moe = MixtureOfExperts(k, gate_degree=0, n_init=4, random_state=0)
    r2 = cross_val_score(moe, X, y, cv=3).mean()
    density = cross_val_score(moe, X, y, cv=3, scoring=scorer("log_density")).mean()
    print(f"{k} experts: R2 {r2:6.3f}, log density of held-out rows {density:6.3f}")

# %%
# The grid
# --------
# Every parameter of the estimator may have a list of values. Only regular maxima can win: one more
# expert that sits on a few rows has the better BIC, by chance alone, and is passed over.

found = select(
    X,
    y,
    n_experts=[1, 2, 3],
    gate_degree=[0, 1],
    estimator=MixtureOfExperts(n_init=4, random_state=0),
    cv=3,
)
print(found.summary())

# %%
# The picture
# -----------
# The ring is the winner; hollow marks are fits that are no regular maxima.

display = found.plot()

# %%
# A test
# ------
# Are two experts enough? The likelihood ratio of two against three is computed again for responses
# that are drawn from the fit with two. It is not chi-squared: a third expert has its place to
# choose, and that law would see too many experts.

lines = MixtureOfExperts(gate_degree=0, n_init=4)
test = bootstrap_test(X, y, n_experts=2, estimator=lines, n_draws=199)
print(test)

df = found.fits[0].n_parameters_ + 1  # an intercept, a slope, a scale and a share
grid = np.linspace(0.1, max(test.draws.max(), test.statistic), 200)
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.hist(test.draws, bins=30, density=True, color="0.8", label="draws with two experts")
ax.plot(grid, stats.chi2.pdf(grid, df), "C0", label=f"chi-squared, {df} df")
ax.axvline(test.statistic, color="C3", label="data")
ax.set(xlabel="likelihood ratio statistic, 2 against 3 experts", ylabel="density")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)

# %%
# A statement
# -----------
# BIC gives a number without an error. This holds with 95 % probability, in samples of any size.

print(fewest_experts(X, y, estimator=MixtureOfExperts(gate_degree=0, n_init=4), most=3))
