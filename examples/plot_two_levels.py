"""
Two levels: kinds of students, and kinds of weeks
=================================================

A student's weeks are not all alike: in some, every hour of study pays, in others hardly any does.
How often the first kind comes depends on the student, who belongs to one of two classes, and the
class depends on motivation. ``TwoLevelMixtureOfExperts`` finds both levels at once.
"""

# %%
# Data
# ----
# Made here: 120 students with six to ten weeks each.

import numpy as np
import pandas as pd

from mixstat import TwoLevelMixtureOfExperts

rng = np.random.default_rng(3)
motivation = rng.normal(size=120)
steady = rng.random(120) < 1 / (1 + np.exp(-1.5 * motivation))
student = np.repeat(np.arange(120), rng.integers(6, 11, 120))
data = pd.DataFrame({"student": student, "motivation": motivation[student]})
data["hours"] = rng.uniform(0, 12, len(data)).round(1)
pays = rng.random(len(data)) < np.where(steady[student], 0.85, 0.25)
gain = np.where(pays, 30 + 4.5 * data.hours, 35 + 0.5 * data.hours)
data["score"] = gain + 6 * rng.standard_normal(len(data))

# %%
# The fit
# -------
# Three formulas: scores within weeks of a kind, kinds of weeks within a class of students (the
# constants are those of the class), and classes of students.

model = TwoLevelMixtureOfExperts(
    formula="score ~ hours", gate_formula="~ 1", unit_formula="~ motivation", random_state=0
).fit(data, groups="student")
print(model.summary())

# %%
# Do students differ?
# -------------------
# BIC, in which students count, says so clearly: one class is the mixture of weeks, whoever they
# belong to.

one = TwoLevelMixtureOfExperts(**model.get_params() | {"n_classes": 1})
one.fit(data, groups="student")
print(f"BIC of one class {one.bic(data):.1f}, of two {model.bic(data):.1f}")

# %%
# What weeks tell of a student, and a student of weeks
# ----------------------------------------------------
# Left, the probability of the class in which hours pay more often: by motivation alone, and given
# all weeks of each student. Right, the weeks, by the probability that hours paid.

import matplotlib.pyplot as plt

pays_more = int(np.argmax(model.expert_coef_[:, 1]))
rows = data.groupby("student").head(1).sort_values("motivation")
chance = model.estimates().estimate[["gate0:1[class 0]", "gate0:1[class 1]"]].to_numpy()
often = int(np.argmax(chance if pays_more == 0 else -chance))
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
known = model.class_responsibilities(data)[:, often]
left.plot(rows.motivation, known[rows.index], "o", ms=4, alpha=0.5, label="given all weeks")
left.plot(rows.motivation, model.class_gate_proba(rows)[:, often], "k", label="given motivation")
left.set(xlabel="motivation", ylabel=f"probability of class {often}")
left.legend(frameon=False)
share = model.responsibilities(data)[:, pays_more]
dots = right.scatter(data.hours, data.score, c=share, s=12, cmap="coolwarm")
figure.colorbar(dots, label=f"probability of expert {pays_more}")
right.set(xlabel="hours", ylabel="score")
plt.show()
