"""
Quickstart: two regressions in one scatter plot
===============================================

Measure 150 iris flowers and longer sepals seem to be slightly narrower ones. Every species says
the opposite: the pooled line falls only because short sepals come from a species with wide ones.

A mixture of experts sees this without being told the species. *Experts* are regressions of width
on length; a *gate* says which of them is likely at a given length. Both are estimated together
by maximum likelihood.
"""

# %%
# Data
# ----
# The flowers come with scikit-learn. The species is put aside and only used at the end.

import numpy as np
from sklearn.datasets import load_iris

from mixstat import MixtureOfExperts

iris = load_iris(as_frame=True)
X = iris.data[["sepal length (cm)"]]
y = iris.data["sepal width (cm)"]
species = iris.target_names[iris.target]

slope, intercept = np.polyfit(X["sepal length (cm)"], y, 1)
print(f"one line for all flowers: width = {intercept:.2f} {slope:+.2f} length")

# %%
# How many experts?
# -----------------
# Fit one to four of them. The Bayesian criterion is minus twice the log-likelihood plus a price
# for parameters, so small is good.

fits = {k: MixtureOfExperts(n_experts=k, random_state=0).fit(X, y) for k in range(1, 5)}
for k, fit in fits.items():
    print(f"{k} experts: BIC {fit.bic(X, y):6.1f}, {fit.status_.name.lower()}")

# %%
# The fit
# -------
# Two experts, both with a rising line. The last expert is the gate's reference; against it, the
# log odds of expert 0 grow with length.

moe = min(fits.values(), key=lambda fit: fit.bic(X, y))
print(moe.summary())

# %%
# Every fit is certified: the gradient at the returned parameters, the curvature there, how many
# starts led to the same maximum, and anything that makes a maximum doubtful.

certificate = moe.certificate_
print(certificate.status.message)
print(f"largest gradient component  {certificate.gradient_norm:.0e}")
print(f"smallest curvature          {certificate.min_eigenvalue:.0e}")
print(f"starts that agree           {certificate.starts_agreeing} of {certificate.starts_finished}")

# %%
# What the experts are
# --------------------
# Given length *and* width, :meth:`~mixstat.MixtureOfExperts.responsibilities` is the probability
# that a flower belongs to each expert. One expert turns out to be the species *setosa*.

responsibility = moe.responsibilities(X, y)
for name in iris.target_names:
    count = np.bincount(responsibility[species == name].argmax(axis=1), minlength=2)
    print(f"{name:10s} expert 0: {count[0]:2d}   expert 1: {count[1]:2d}")

# %%
# Effects and residuals
# ---------------------
# A longer sepal makes the expected width larger along both lines, and smaller because it makes the
# other line more likely: the two parts of its average effect.

results = moe.inference(X, y)
print(results.marginal_effects())

# %%
# If the model is true, these residuals are standard normal.

from mixstat.plotting import QuantileResidualDisplay

QuantileResidualDisplay.from_results(results)

# %%
# The picture
# -----------
# The displays draw the fitted density over one input. An expert's line fades where the gate gives
# it little weight. Where both experts are likely the density has two modes, and the mean lies
# between them where few flowers are: report the interval, or the experts, rather than the mean.

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

from mixstat.plotting import FittedMeanDisplay, GateDisplay

figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(7.2, 5.6), height_ratios=[3, 1], sharex=True, layout="constrained"
)
FittedMeanDisplay.from_estimator(moe, X, ax=top)
GateDisplay.from_estimator(moe, X, ax=bottom)

between = LinearSegmentedColormap.from_list("experts", ["tab:blue", "tab:orange"])
color = {"c": responsibility[:, 1], "cmap": between, "edgecolors": "white", "linewidths": 0.5}
top.scatter(X, y, s=24, zorder=4, clip_on=False, **color)
ends = np.array(top.get_xlim())
top.plot(ends, intercept + slope * ends, "--", color="0.45", linewidth=1, label="one line")

top.set(xlabel="", ylabel="sepal width (cm)", ylim=(1.9, 4.75))
top.legend(loc="upper right", frameon=False)
bottom.legend().remove()
bottom.set(ylabel="gate share", yticks=[0, 0.5, 1])
for axes in (top, bottom):
    axes.spines[["top", "right"]].set_visible(False)

if "__file__" in globals():  # run as a script, not by the gallery
    static = Path(__file__).resolve().parents[1] / "docs" / "_static"
    picture = (static if static.is_dir() else Path()) / "quickstart.png"
    figure.savefig(picture, dpi=160)
    print(f"wrote {picture.name}")
