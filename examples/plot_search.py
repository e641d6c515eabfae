"""
A search over experts and settings of the gate
==============================================

How many experts are there, and how many of them speak at once? Both are settings: ``n_experts`` of
the estimator and ``k`` of a top-k gate, in which only the k most probable experts get a share. A
grid search of scikit-learn tries pairs of them, and the held-out log density says which one
describes new rows best, spread and modes included; a score such as R2 looks at the mean alone.
"""

# %%
# Data
# ----
# A switching regression: three lines, each on a stretch of the input, with a sharp change to the
# second and a gradual one to the third.

import numpy as np

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(0, 3, size=450))
late = rng.random(450) < 1 / (1 + np.exp(-6 * (x - 2)))
regime = np.where(x < 1, 0, np.where(late, 2, 1))
y = np.choose(regime, [1 + x, 4 - 2 * x, x - 3]) + 0.15 * rng.standard_normal(450)
X = x[:, None]

# %%
# Search
# ------
# Two underscores reach the settings of a part. The gate is given by its name, which stands for
# ``TopKGate()``.

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold

from mixstat import MixtureOfExperts
from mixstat.selection import scorer

moe = MixtureOfExperts(gate="top_k", n_init=4, random_state=0)
grid = {"n_experts": [2, 3], "gate__k": [1, 2]}
folds = KFold(3, shuffle=True, random_state=0)
search = GridSearchCV(moe, grid, scoring=scorer("log_density"), cv=folds)
with warnings.catch_warnings():  # two experts cannot fit three lines, and say so
    warnings.simplefilter("ignore", ConvergenceWarning)
    search.fit(X, y)
for settings, density in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
    print(f"K = {settings['n_experts']}, k = {settings['gate__k']}: {density:.3f} a row held out")
best = search.best_estimator_
print(f"\n{search.best_params_}\n{best.certificate_}")

# %%
# The picture
# -----------
# On the left the winner; on the right its gate, and what the rows say of themselves.

import matplotlib.pyplot as plt

from mixstat.plotting import FittedMeanDisplay

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
FittedMeanDisplay.from_estimator(best, X, y, ax=left)
left.set(xlabel="x", ylabel="y")
at = np.linspace(0, 3, 400)
for k, share in enumerate(best.gate_proba(at[:, None]).T):
    right.plot(at, share, color=f"C{k}")
    right.plot(x, best.responsibilities(X, y)[:, k], ".", color=f"C{k}", markersize=2, alpha=0.5)
right.set(xlabel="x", ylabel="share (lines), responsibility (dots)")
handles, names = left.get_legend_handles_labels()
left.get_legend().remove()
figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
plt.show()
