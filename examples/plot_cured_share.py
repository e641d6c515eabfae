"""
Survival with a cured share
===========================

Some patients relapse, others are cured; at the end of the study nobody can tell a cured patient
from one whose relapse is still to come. Times are censored, and a point mass at infinity stands for
those who never relapse.
"""

# %%
# Data
# ----
# Made here: the treatment cures more patients, and delays the relapse of the others. Follow-up ends
# after ten years at the latest. Of a time that is censored only the lower end is known.

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts
from mixstat.experts import Censored

rng = np.random.default_rng(0)
n = 600
treated = rng.integers(0, 2, n)
cured = rng.random(n) < np.where(treated == 1, 0.55, 0.25)
relapse = np.where(cured, np.inf, np.exp(0.6 + 0.5 * treated) * rng.weibull(1.4, n))
end = np.minimum(rng.exponential(12.0, n), 10.0)
low = np.minimum(relapse, end)
high = np.where(relapse <= end, low, np.inf)
X = pd.DataFrame({"treated": treated.astype(float)})
y = np.column_stack([low, high])
print(f"relapses seen: {np.mean(relapse <= end):.3f}; cured, which nobody sees: {cured.mean():.3f}")

# %%
# Models
# ------
# Without a cured share everybody relapses in the end, and the Weibull distribution must stretch.
# With one, the gate is a logistic regression of being cured, and the expert an accelerated failure
# time.

plain = MixtureOfExperts(1, expert=Censored("weibull")).fit(X, y)
cure = MixtureOfExperts(2, expert=["never", Censored("weibull")], random_state=0).fit(X, y)
for name, fit in {"Weibull": plain, "with a cured share": cure}.items():
    print(f"{name:20} {fit.n_parameters_} parameters, BIC {fit.bic(X, y):.1f}")
print(cure.summary())

# %%
# Shares of the cured, and the odds that the treatment multiplies.

both = pd.DataFrame({"treated": [0.0, 1.0]})
print("cured:", cure.gate_proba(both)[:, 0].round(2))
print("odds ratio:", np.exp(cure.gate_coef_[0, 1]).round(2))
print("median time to relapse, of all:", cure.predict_quantile(both, 0.5).round(1))

# %%
# The picture
# -----------
# Steps are the estimates of Kaplan and Meier, which need no model. Where they level off, the cured
# are.

import matplotlib.pyplot as plt
from statsmodels.duration.survfunc import SurvfuncRight

times = np.linspace(0.01, 10, 200)
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for group, color, name in ((0, "tab:orange", "untreated"), (1, "tab:blue", "treated")):
    rows = treated == group
    known = SurvfuncRight(low[rows], (relapse <= end)[rows].astype(int))
    axes.step(known.surv_times, known.surv_prob, where="post", color=color, label=name)
    at = pd.DataFrame({"treated": np.full(len(times), float(group))})
    axes.plot(times, 1 - cure.cdf(at, times), color=color, linewidth=2, alpha=0.6)
    axes.plot(times, 1 - plain.cdf(at, times), color=color, linestyle=":")
axes.plot([], [], color="gray", linewidth=2, alpha=0.6, label="with a cured share")
axes.plot([], [], color="gray", linestyle=":", label="Weibull alone")
axes.set(xlabel="years", ylabel="share without relapse", ylim=(0, 1))
axes.legend()
plt.show()
