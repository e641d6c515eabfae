"""
Gates compared on the same data
===============================

Does inflation fall where unemployment is high? Not along one curve: the relation of the 1960s is
not that of the 1970s. Three regressions share the quarters of fifty years between them, and ten
gates say in ten ways how the share of each depends on unemployment. All are conditional densities
of the same response given the same input, so their log-likelihoods can be compared.
"""

# %%
# Data
# ----
# Quarterly figures of the United States, 1959 to 2009, which come with statsmodels.

import warnings

import statsmodels.api as sm
from sklearn.exceptions import ConvergenceWarning

from mixstat import MixtureOfExperts
from mixstat.gates import REGISTRY, HierarchicalGate, ModifiedSoftmaxGate

data = sm.datasets.macrodata.load_pandas().data
X = ((data[["unemp"]] - 6) / 1.5).set_axis(["unemployment"], axis=1)
y = data["infl"]
print(f"{len(y)} quarters; unemployment from {data.unemp.min():.1f} to {data.unemp.max():.1f} %")

# %%
# Ten gates
# ---------
# Unemployment was moved and scaled above because tanh and M(x) act on inputs as they are given.
# BIC charges for parameters that the data can determine: a learned temperature adds none to a
# softmax of linear logits, and reaches the same maximum.

gates = REGISTRY | {
    "modified": ModifiedSoftmaxGate(function="tanh"),
    "hierarchical": HierarchicalGate(tree=(0, (1, 2))),
}
fits = {}
for name, gate in gates.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        # a tree numbers experts by its leaves: begin where the softmax gate ended
        begin = fits["softmax"] if name == "hierarchical" else None
        init = "auto" if begin is None else begin.responsibilities(X, y)
        fits[name] = MixtureOfExperts(3, gate=gate, init=init, random_state=0).fit(X, y)
    fit = fits[name]
    total = fit.score_samples(X, y).sum()
    remark = "" if fit.certificate_.sound else f"  ({fit.status_.name.lower()})"
    print(
        f"{name:13s} log-likelihood {total:8.2f}  parameters {fit.n_parameters_:2d}  "
        f"BIC {fit.bic(X, y):7.1f}{remark}"
    )

# %%
# The Gaussian gate is fitted to the joint density of unemployment and inflation, so that its
# conditional log-likelihood, shown here, is a little below the best that its form allows.
#
# The picture
# -----------
# Shares of the three experts over unemployment, best BIC first. Experts are numbered by their mean
# prediction: expert 2 (green) is high inflation.

import matplotlib.pyplot as plt

from mixstat.plotting import GateDisplay

ranked = sorted(fits, key=lambda name: fits[name].bic(X, y))
figure, grid = plt.subplots(
    2, 5, figsize=(11.0, 5.0), sharex=True, sharey=True, layout="constrained"
)
for axes, name in zip(grid.ravel(), ranked, strict=True):
    fit = fits[name]
    GateDisplay.from_estimator(fit, X, ax=axes)
    axes.legend().remove()
    total = fit.score_samples(X, y).sum()
    axes.set_title(f"{name}\nlog L {total:.1f}, BIC {fit.bic(X, y):.1f}", fontsize=8)
    axes.set(xlabel="", ylabel="", yticks=[0, 0.5, 1])
for axes in grid[:, 0]:
    axes.set_ylabel("gate share")
for axes in grid[-1]:
    ticks = [4, 6, 8, 10]
    axes.set_xticks([(t - 6) / 1.5 for t in ticks], [str(t) for t in ticks])
    axes.set_xlabel("unemployment (%)")
handles, labels = grid[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
plt.show()
