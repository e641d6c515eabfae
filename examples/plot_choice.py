"""
How many experts: a grid, and a statement
=========================================

A response with two branches: half of the rows go up with x, half go down, and the mean of both is
nearly zero everywhere. R2 sees nothing of it. How many experts describe it, and does the gate need
x?
"""

# %%
# Data
# ----

import numpy as np
from sklearn.model_selection import cross_val_score

from mixstat import MixtureOfExperts
from mixstat.selection import fewest_experts, scorer, select

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
# A statement
# -----------
# BIC gives a number without an error. This holds with 95 % probability, in samples of any size.

print(fewest_experts(X, y, estimator=MixtureOfExperts(gate_degree=0, n_init=4), most=3))
