"""Figure of the choice of the number of experts, from what simulate.py wrote.

    python paper_figs/selection/plot.py [--quick] [--out FOLDER] [--save FOLDER]

writes selection.png, of all samples that are finished.
"""

import sys
from pathlib import Path
from typing import Any

import cells
import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
import rules
import truths

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

NOISES = {
    "normal": "normal noise",
    "contaminated": "10 % of the responses from anywhere",
    "t": "t noise, 4 degrees of freedom",
}
STYLES = {
    "aic": ("C0", "o-"),
    "bic": ("C1", "s-"),
    "icl": ("C2", "^-"),
    "dendrogram": ("C3", "D-"),
    "slope": ("C4", "v-"),
    "jump": ("C5", "P-"),
    "held_out": ("C7", "X-"),
    "eic": ("C8", "<--"),
    "test": ("k", "*--"),
    "aic_wrong_end": ("0.7", "+:"),
    "bic_wrong_end": ("0.4", "x:"),
}
APART = 0.02  # of the mean numbers of two rules, so that equal ones are both seen


def figure(out: Path) -> Any:
    """Mean number of experts over n: a row a truth, a column a kind of noise."""
    made, axes = plt.subplots(3, 3, figsize=(11, 9), sharex=True, sharey=True, layout="constrained")
    for ax, words in zip(axes[0], NOISES.values(), strict=True):
        ax.set_title(words, fontsize="medium")
    for row, (name, truth) in zip(axes, truths.TRUTHS.items(), strict=True):
        for ax, noise in zip(row, NOISES, strict=True):
            ax.axhline(truth.n_experts, color="0.8", lw=5, zorder=0)
            found = cells.kept(out / f"{name}-{noise}")
            if found:
                _lines(ax, rules.shares(found, truth.n_experts))
            ax.set_xscale("log")
            ax.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel(f"{name}: {truth.n_experts} experts\nmean number chosen")
    for ax in axes[-1]:
        ax.set_xlabel("sample size n")
    axes[0, 0].set_ylim(0.7, 6.3)
    axes[0, 0].set_yticks(range(1, 7))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return made


def _lines(ax: Any, chosen: dict[str, Any]) -> None:
    words = rules.WORDS | rules.WRONG
    for i, (rule, (color, style)) in enumerate(STYLES.items()):
        found = chosen[rule]
        sizes = np.array([int(n) for n in found])
        mean = np.array([one["mean"] for one in found.values()])
        shift = APART * (i - 0.5 * len(STYLES))
        ax.plot(sizes, mean + shift, style, color=color, ms=4, lw=1.2, label=words[rule])


def main() -> None:
    """Draw what there is."""
    out, save, _ = laboratory.plot_arguments(HERE, str(__doc__))
    figure(out).savefig(save / "selection.png", dpi=150)
    print(save / "selection.png")


if __name__ == "__main__":
    main()
