"""
Repeated measurements: one expert for each patient
==================================================

Patients come several times, and whether a drug works on one of them does not change from visit to
visit. ``groups`` says which rows belong together: a patient has one expert for all visits, and
patients, not visits, are what errors and BIC count.
"""

# %%
# Data
# ----
# Made here: 80 patients with two to six visits. Older ones respond less often.

import numpy as np
import pandas as pd

from mixstat import MixtureOfExperts

rng = np.random.default_rng(11)
age = rng.uniform(30, 80, 80)
responds = rng.random(80) < 1 / (1 + np.exp(0.12 * (age - 55)))
visits = rng.integers(2, 7, 80)
patient = np.repeat(np.arange(80), visits)
data = pd.DataFrame({"patient": patient, "age": age[patient]})
data["month"] = data.groupby("patient").cumcount() + rng.uniform(0, 0.5, len(data))
slope = np.where(responds[patient], -2.4, -0.3)
data["pain"] = 20 + slope * data.month + 2.5 * rng.standard_normal(len(data))

# %%
# The fit
# -------
# The gate sees age, which is constant within patients. Taken row by row, visits say little of who
# responds; together they do.

settings = {"formula": "pain ~ month", "gate_formula": "~ age", "random_state": 0}
moe = MixtureOfExperts(2, **settings).fit(data, groups="patient")
print(moe.summary())
print(
    f"BIC with patients counted {moe.bic(data):.1f}, with visits {moe.bic(data, count='rows'):.1f}"
)

# %%
# Who responds, as visits come in
# -------------------------------
# Before the first visit age alone tells; each visit adds what it knows (``history``), and so
# predictions of the next visit become those of one expert.

import matplotlib.pyplot as plt

shares = moe.responsibilities(data)[:, 0]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
for _, one in data.assign(share=shares).groupby("patient"):
    left.plot(one.month, one.pain, color=plt.cm.coolwarm_r(one.share.iloc[0]), alpha=0.7)
left.set(xlabel="month", ylabel="pain", title="color: probability of a responder")

unclear = np.abs(age - 55) + 100 * (visits < 6)  # of an age that tells little
chosen = [int(np.argmin(unclear + 1000 * other)) for other in (~responds, responds)]
for who, color in zip(chosen, ("tab:blue", "tab:red"), strict=True):
    own = data[data.patient == who]
    later = own.iloc[[-1]]
    seen = [
        moe.predict(later, groups="patient", history=(own[:count], None, "patient"))[0]
        if count
        else moe.predict(later)[0]
        for count in range(len(own))
    ]
    right.plot(range(len(own)), seen, "o-", color=color, label=f"patient {who}")
    right.axhline(later.pain.iloc[0], color=color, linestyle=":")
right.set(
    xlabel="visits seen so far",
    ylabel="predicted pain at the last visit",
    title="dotted: what was measured then",
)
right.legend()
plt.show()
