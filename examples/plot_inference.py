"""
Inference: from a question to its answer
========================================

Does blood pressure tell how diabetes will progress within a year, beside the body mass index? The
442 patients come with scikit-learn.
"""

# %%
# How many experts?
# -----------------
# Patients may progress in different ways, and which way may depend on the body mass index.

from sklearn.datasets import load_diabetes

from mixstat import MixtureOfExperts

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X = X[["bmi", "bp", "sex", "age"]].assign(sex=X["sex"] - 1)
y = y.rename("progression")
fits = {k: MixtureOfExperts(k, gate_features=["bmi"], random_state=0).fit(X, y) for k in (1, 2, 3)}
for k, fit in fits.items():
    print(f"{k} expert(s): BIC {fit.bic(X, y):.1f}, {fit.status_.name.lower()}")

# %%
# Two. Errors that do not rest on the model being true:

results = fits[2].inference(X, y, cov_type="robust")
print(results.summary())

# %%
# One group progresses little, whatever its blood pressure; in the other one progression rises with
# it and with the body mass index.

from mixstat.plotting import CoefficientDisplay, EffectsDisplay

CoefficientDisplay.from_results(results)

# %%
# Effects
# -------
# A unit of the body mass index moves the mean twice: within the experts, and because patients of a
# larger one more often belong to the second group.

effects = results.marginal_effects()
print(effects)
EffectsDisplay.from_effects(effects)

# %%
# For a given patient, with the range that nine of ten such patients will be in:

patient = X.iloc[[0]]
predicted = results.get_prediction(patient, quantiles=[0.05, 0.95])
print(predicted.summary_frame().drop(columns=["row", "output"]).round(2).to_string())

# %%
# Can the model be trusted?
# -------------------------
# Residuals show no trend, and the worm stays within its band.

import matplotlib.pyplot as plt

from mixstat.plotting import (
    GateReliabilityDisplay,
    InfluenceDisplay,
    QuantileResidualDisplay,
    RootogramDisplay,
)

QuantileResidualDisplay.from_results(results)

# %%
# Experts overlap: many patients cannot be told to be of one group. The gate's shares, however, are
# those that the responses show.

print(results.expert_diagnostics().round(2).T)
RootogramDisplay.from_results(results)
GateReliabilityDisplay.from_results(results)

# %%
# No patient by himself carries the answer; the slope of blood pressure without the one who matters
# most:

influence = results.influence()
InfluenceDisplay.from_influence(influence)
most = influence.cooks_distance.argmax()
slope = results.names.index("expert1:bp")
print(f"{results.params['expert1:bp']:.2f} with, {influence.deleted[most, slope]:.2f} without")
plt.show()

# %%
# The sentence for the paper
# --------------------------

bp = effects.summary_frame().query("column == 'bp' and part == 'total'").iloc[0]
share = 100 * results.expert_diagnostics()["share"]
slopes = [results.params[f"expert{k}:bp"] for k in range(2)]
print(
    f"Progression rises by {bp['estimate']:.2f} per unit of blood pressure (average marginal "
    f"effect, 95 % interval {bp['low']:.2f} to {bp['high']:.2f}, sandwich errors): by "
    f"{slopes[1]:.2f} in a group of about {share[1]:.0f} % of the patients, and by "
    f"{slopes[0]:.2f} among the others."
)
