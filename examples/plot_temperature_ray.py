"""
A temperature that data cannot see, and one that they can
=========================================================

A gate with the logits (b + w . x) / tau is the same for (b, w, tau) and for (2 b, 2 w, 2 tau):
along that ray the likelihood is flat. With tanh applied to w . x the ray is gone, since the logits
then have plateaus, whose height tells the temperature. Following Nguyen, Akbarian and Ho (2024),
arXiv 2401.13875.
"""

# %%
# Rows come from a gate with tanh inside, tau = 0.5, and two regressions.

import matplotlib.pyplot as plt
import numpy as np

from mixstat import MixtureOfExperts
from mixstat.plotting import ProfileDisplay

rng = np.random.default_rng(1)
n, tau = 1200, 0.5
x = rng.uniform(-3, 3, (n, 2))
logits = (np.tanh(x * [2.0, 1.0]) + np.array([0.3, 0.0])) / tau
expert = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
y = np.where(expert == 0, 1 + x[:, 0], -1 - x[:, 0]) + 0.5 * rng.standard_normal(n)

# %%
# Both gates are fitted. The plain one is a certified maximum all the same: what is flat is a known
# invariance, which is told, costs no parameter in BIC and leaves w / tau and b / tau determined.

gates = {"plain": "temperature", "tanh": "activation"}
fits = {
    title: MixtureOfExperts(2, gate=gate, n_init=6, random_state=0).fit(x, y)
    for title, gate in gates.items()
}
for title, moe in fits.items():
    print(f"{title}: {moe.status_.name.lower()}, {moe.n_parameters_} parameters, ", end="")
    print(f"BIC {moe.bic(x, y):.1f}")
    print(moe.identifiability_.describe(), "\n")

# %%

for row in fits["plain"].identified():
    print(f"{row['name']:14s} {row['value']:8.4f}  standard error {row['std_error']:.4f}")

# %%
# The profile likelihood holds the temperature at one value after another and maximises over all
# other parameters.

profiles = {title: moe.profile("temperature:log_tau") for title, moe in fits.items()}
for title, profile in profiles.items():
    print(f"{title} gate, {profile.describe()}")

# %%
# The grey band is the 95 % interval, the dotted line the estimate.

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
for ax, (title, profile) in zip(axes, profiles.items()):
    ProfileDisplay(profile).plot(ax=ax)
    ax.set(title=f"{title} gate", xlabel="log temperature", ylim=(-0.4, 12))
    ax.spines[["top", "right"]].set_visible(False)
axes[1].axvline(np.log(tau), color="C3", linewidth=1)
axes[1].annotate("truth", (np.log(tau), 11), xytext=(4, 0), textcoords="offset points", color="C3")
axes[0].set(ylabel="deviance: 2 x log-likelihood lost")
axes[1].set(ylabel="")

plt.show()
