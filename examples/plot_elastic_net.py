"""
Elastic net: which inputs matter to which expert
================================================

Ten measurements of 442 diabetes patients, and how far the disease had gone a year later. With
two experts, ten inputs and a gate on the same inputs there are 35 parameters, far more than
such data can carry. An L1 penalty sets most slopes to zero, in each expert and in the gate for
itself, and a path of strengths says how many are worth keeping.
"""

# %%
# Data
# ----
# They come with scikit-learn.

from sklearn.datasets import load_diabetes

from mixstat import MixtureOfExperts
from mixstat.selection import penalty_path

diabetes = load_diabetes(as_frame=True, scaled=False)
names = {"s1": "tc", "s2": "ldl", "s3": "hdl", "s4": "tch", "s5": "ltg", "s6": "glu"}
X, y = diabetes.data.rename(columns=names), diabetes.target

plain = {k: MixtureOfExperts(k, random_state=0).fit(X, y) for k in (1, 2)}
for k, moe in plain.items():
    print(f"{k} experts, no penalty: BIC {moe.bic(X, y):.1f}, {moe.n_parameters_} parameters")

# %%
# Without a penalty a second expert does not pay.
#
# The path
# --------
# From the strength at which no slope is left down to a hundredth of it, each fit starting at its
# neighbour's. BIC counts the parameters that are not zero.

paths = {
    k: penalty_path(MixtureOfExperts(k, random_state=0), X, y, n_strengths=16, ratio=0.01)
    for k in (1, 2)
}
for k, path in paths.items():
    best = path.best_estimator_
    print(
        f"{k} experts, strength {path.best_strength_:.3f}: BIC {path.criterion.min():.1f}, "
        f"{best.n_parameters_} parameters, {best.status_.name.lower()}"
    )

# %%
# With few slopes the second expert pays. Zeros are exact, in the units of the data too.

print(paths[2].best_estimator_.summary())

# %%
# The picture
# -----------
# Slopes per deviation of the input, in deviations of the response; the dashed line is the
# strength that BIC chose.

display = paths[2].plot()

# %%
# What the second expert brings: at the strengths that BIC chooses (stars), two experts have the
# lower one.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(4.4, 3.3), layout="constrained")
for k, path in paths.items():
    axes.semilogx(path.strengths, path.criterion, ".-", label=f"{k} expert{'s' * (k > 1)}")
    axes.plot(path.best_strength_, path.criterion.min(), "k*", markersize=9)
axes.set(xlabel="strength", ylabel="BIC")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
# sphinx_gallery_thumbnail_number = 2
plt.show()
