"""
Sets that hold, with two branches and noise of two kinds
========================================================

Two regimes of very different noise, neither of them normal, and a fit of normal experts that is
wrong about it. Which responses should one be prepared for?
"""

# %%
# Data
# ----

import numpy as np

from mixstat import MixtureOfExperts
from mixstat.conformal import ConformalPredictor

rng = np.random.default_rng(0)


def draw(n):
    """Rows of two regimes."""
    X = rng.uniform(-2, 2, size=(n, 1))
    first = rng.random(n) < 1 / (1 + np.exp(-3 * X[:, 0]))
    noise = np.where(first, 0.3 * rng.exponential(size=n), 0.8 * rng.standard_t(4, n))
    return X, np.where(first, 3.5 - X[:, 0], -1 + 0.5 * X[:, 0]) + noise


X, y = draw(1000)
X_new, y_new = draw(1000)

# %%
# One threshold for all
# ---------------------
# A response is in the set of its row if its density is large enough. Where both regimes are
# possible a set has two parts.

moe = MixtureOfExperts(2, n_init=4, random_state=0)
sets = ConformalPredictor(moe, random_state=0).fit(X, y).predict_set(X_new)
print(sets)
print(f"{sets.contains(y_new).mean():.1%} of the new responses are inside.")
sets.plot(X_new, y_new)

# %%
# A threshold for each regime
# ---------------------------
# Overall the coverage is right, but not within each regime. With a threshold for each expert's
# region it is.

by_expert = ConformalPredictor(moe, regions="expert", random_state=0).fit(X, y)
again = by_expert.predict_set(X_new)
region = again.region
for name, found in (("one threshold", sets), ("one for each expert", again)):
    held, length = found.contains(y_new), found.length
    told = [f"{held[region == k].mean():.1%} ({length[region == k].mean():.2f})" for k in (0, 1)]
    print(f"{name:20s} coverage (mean length) by region: {', '.join(told)}")
again.plot(X_new, y_new)

# %%
# When the world moves
# --------------------
# Responses drift. Each set is made before its response is seen, and the level of the next one
# answers.

drift = y_new + np.linspace(0, 2, len(y_new))
for step in (0.0, 0.02):
    followed = by_expert.follow(X_new, drift, step=step)
    last = followed.held[-300:].mean()
    print(f"step {step:g}: {followed.coverage:.1%} held, {last:.1%} of the last 300")
