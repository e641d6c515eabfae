"""
A million rows on the disk
==========================

Rows that do not fit into memory are read block by block. Each pass adds up sums over them, the
search for a start looks at a sample only, and the optimum is the one that it would be in memory.
What do so many rows buy? Errors that shrink with the root of their number, as long as the model is
right.
"""

# %%
# Data
# ----
# A made-up meter: at low flow it follows one line, at high flow another, and in between both occur.
# The million rows are written into a file, of which the program never holds more than a part.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from mixstat import Blocks, MixtureOfExperts

N = 1_000_000
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "meter.npy"
rows = np.lib.format.open_memmap(path, mode="w+", shape=(N, 2))
rng = np.random.default_rng(0)
for begin in range(0, N, 100_000):
    flow = rng.uniform(0, 10, 100_000)
    high = rng.random(100_000) < 1 / (1 + np.exp(-1.5 * (flow - 5)))
    read = np.where(high, 9 - 0.3 * flow, 1 + 0.8 * flow) + 0.4 * rng.standard_normal(100_000)
    rows[begin : begin + 100_000] = np.column_stack([flow, read])
rows.flush()

# %%
# A fit to the file
# -----------------
# ``sample`` rows are enough to find where the search begins.

on_disk = np.load(path, mmap_mode="r")
blocks = Blocks.of_arrays(on_disk[:, :1], on_disk[:, 1], rows=100_000, sample=20_000)
moe = MixtureOfExperts(2, random_state=0).fit(blocks)
print(f"{moe.certificate_.status.name} after {moe.n_iter_} iterations over {N:,} rows")
print(moe.expert_coef_.round(4))

# %%
# What more rows buy
# ------------------
# The same model fitted to the first rows alone, a few and more of them. One slope with its interval
# of 95 %, beside the true one.

sizes = (1_000, 10_000, 100_000, N)
name, true = "expert1:x0", -0.3  # experts are numbered by their mean prediction
ends = []
for n in sizes[:-1]:
    part = np.array(on_disk[:n])
    few = MixtureOfExperts(2, random_state=0).fit(part[:, :1], part[:, 1])
    ends.append(few.inference().conf_int().loc[name])
ends.append(moe.inference(blocks).conf_int().loc[name])

figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
shown = np.array(on_disk[::10])
left.hexbin(*shown.T, gridsize=60, bins="log", cmap="Greys", linewidths=0.1)
grid = np.linspace(0, 10, 200)[:, None]
shares, means = moe.gate_proba(grid), moe.expert_means(grid)[:, :, 0]
for expert, color in enumerate(("tab:blue", "tab:orange")):
    there = shares[:, expert] > 0.02
    left.plot(grid[there, 0], means[there, expert], color=color, lw=2.5, label=f"expert {expert}")
left.set(xlabel="flow", ylabel="reading", title="every tenth row, and the experts where they count")
left.legend(loc="lower right")

low, high = np.transpose(ends)
right.errorbar(sizes, (low + high) / 2, (high - low) / 2, fmt="o", capsize=4)
right.axhline(true, color="0.4", ls="--", lw=1)
right.annotate("true slope", (sizes[-1], true), (0, 8), textcoords="offset points", ha="right")
right.set(xscale="log", xlabel="rows", ylabel="slope of expert 1", title="95 % intervals")
plt.show()

# %%
# Ten times the rows are an interval about a third as long. Beyond some number it is the model that
# errs, not the estimate: then look at more experts or other inputs, not at more rows.

print((high - low).round(4))
del on_disk, blocks, rows
folder.cleanup()
