"""
Classification: two logistic regressions and the border between them
====================================================================

Is a tumour malignant, given the texture and the smoothness of its cell nuclei? Logistic regression
answers with one straight border. A mixture of two logistic experts, with a gate that sees the same
two measurements, bends it, and stays a model whose coefficients can be read.
"""

# %%
# Data
# ----
# 569 tumours, which come with scikit-learn; two of the thirty measurements.

import numpy as np
from sklearn.datasets import load_breast_cancer

from mixstat import MixtureOfExpertsClassifier

cancer = load_breast_cancer(as_frame=True)
X = cancer.data[["mean texture", "mean smoothness"]].set_axis(["texture", "smoothness"], axis=1)
y = cancer.target_names[cancer.target]

# %%
# How many experts?
# -----------------
# One expert is ordinary logistic regression. Without a ridge the best gate of two is a step, which
# has no finite coefficients (the fit would say so); a small ridge keeps it a slope.

fits = {k: MixtureOfExpertsClassifier(k, ridge=1e-4, random_state=0).fit(X, y) for k in (1, 2)}
for k, fit in fits.items():
    print(
        f"{k} expert(s): log-likelihood {fit.log_likelihood_ * len(y):.1f}, "
        f"BIC {fit.bic(X, y):.1f}, correct {fit.score(X, y):.3f}, {fit.status_.name.lower()}"
    )
print(fits[2].summary())

# %%
# The picture
# -----------
# Probability of a malignant tumour, with the border at one half; on the right the gate, which says
# where each expert speaks.

import matplotlib.pyplot as plt

low, high = X.min().to_numpy(), X.max().to_numpy()
first, second = np.meshgrid(*(np.linspace(a, b, 200) for a, b in zip(low, high)))
grid = (
    X.iloc[:0].reindex(range(first.size)).assign(texture=first.ravel(), smoothness=second.ravel())
)
malignant = list(fits[2].classes_).index("malignant")

figure, panels = plt.subplots(1, 3, figsize=(10.8, 3.6), sharey=True, layout="constrained")
for axes, (k, fit) in zip(panels, fits.items()):
    proba = fit.predict_proba(grid)[:, malignant].reshape(first.shape)
    shades = axes.contourf(first, second, proba, levels=np.linspace(0, 1, 11), cmap="RdBu_r")
    axes.contour(first, second, proba, levels=[0.5], colors="black", linewidths=1.5)
    for name, color in (("benign", "tab:blue"), ("malignant", "tab:red")):
        rows = y == name
        axes.scatter(
            X["texture"][rows], X["smoothness"][rows], s=8, color=color, edgecolors="white",
            linewidths=0.3, label=name,
        )  # fmt: skip
    axes.set_title(f"{k} expert{'s' * (k > 1)}, BIC {fit.bic(X, y):.1f}", fontsize=10)
panels[0].legend(loc="upper right", fontsize=8)
figure.colorbar(shades, ax=panels[1], label="P(malignant)")
share = fits[2].gate_proba(grid)[:, 1].reshape(first.shape)
gate = panels[2].contourf(first, second, share, levels=np.linspace(0, 1, 11), cmap="Greens")
figure.colorbar(gate, ax=panels[2], label="share of expert 1")
panels[2].set_title("gate of the two experts", fontsize=10)
for axes in panels:
    axes.set(xlabel="texture", ylabel="smoothness", xlim=first[0, [0, -1]], ylim=second[[0, -1], 0])
    axes.tick_params(labelleft=True)  # colour bars stand between the panels
plt.show()
