"""Figures of contaminated mixtures, from what simulate.py wrote.

    python paper_figs/contaminated/plot.py [--quick] [--out FOLDER] [--save FOLDER]

writes errors.png and slopes.png.
"""

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from simulate import PRINTED, TRUTHS

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402
from drawing import draw_rate, draw_theory, finish  # noqa: E402

TITLES = {
    "a": "a: Laplace f0",
    "b-i": "b-i: means approach",
    "b-ii": "b-ii as written",
    "b-ii-near": "b-ii around the mean of f0",
}
NEAR = "b-ii-near"
WORDS = {"exp_tau": "exp(tau)", "beta": "beta", "eta": "eta", "nu": "nu"}
COLORS = dict(zip(WORDS, ("C3", "C0", "C2", "C1"), strict=True))


def errors(tables: dict[str, pd.DataFrame]) -> Any:
    """Error of each parameter, a panel for each study; medians where fits sit on bounds."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 9.6), layout="constrained")
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=False):
        claims, statistic = _claims(name), "median" if name == NEAR else "mean"
        for loss, words in WORDS.items():
            rate = draw_rate(ax, table, loss, words, COLORS[loss], statistic)
            draw_theory(ax, claims[loss], rate, label=False)
        finish(ax, TITLES[name], f"{statistic} error")
    styles: dict[float, Any] = {-0.5: "--", -0.375: "-.", -0.25: ":"}
    lines = [Line2D([], [], linestyle=dashes, color="0.3") for dashes in styles.values()]
    words = [f"theory: slope {slope:g}" for slope in styles]
    figure.legend(lines, words, loc="outside lower center", ncols=3, frameon=False)
    return figure


def slopes(results: dict[str, Any]) -> Any:
    """Measured slopes with intervals beside those printed and those of theory."""
    names = [name for name in TITLES if name in results]
    size = (3.1 * len(names) + 0.6, 3.6)
    figure, axes = plt.subplots(
        1, len(names), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    rows = range(len(WORDS))
    for ax, name in zip(axes.flat, names, strict=True):
        means = [results[name]["rates"][loss]["mean"] for loss in WORDS]
        middle = [one["slope"] for one in means]
        ends = [[m - one["low"] for m, one in zip(middle, means, strict=True)]]
        ends += [[one["high"] - m for m, one in zip(middle, means, strict=True)]]
        ax.errorbar(middle, rows, xerr=ends, fmt="o", color="C0", ms=5, label="here, 95 %")
        if "information" in results:
            local = results["information"][name]["here"]
            ax.plot([local[loss] for loss in WORDS], rows, "D", color="C2", mfc="none", ms=8)
        ax.plot([PRINTED[name][loss] for loss in WORDS], rows, "x", color="C3", label="printed")
        ax.plot([_claims(name)[loss] for loss in WORDS], rows, "|", color="0.3", ms=18, mew=2)
        ax.plot([], [], "|", color="0.3", ms=9, mew=2, label="theory")
        ax.plot([], [], "D", color="C2", mfc="none", ms=8, label="information at the truth")
        ax.set(
            title=TITLES[name], xlabel="slope", yticks=list(rows), yticklabels=list(WORDS.values())
        )
        ax.margins(y=0.15)
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _claims(name: str) -> dict[str, float]:
    """Theory's slopes of a study."""
    truth = TRUTHS[name](1000)
    return {claim.loss: claim.slope for claim in truth.claims if claim.slope is not None}


def main() -> None:
    """Draw what there is."""
    out, save, _ = laboratory.plot_arguments(HERE, str(__doc__))
    tables = laboratory.tables(out)
    known = {name: tables[name] for name in TITLES if name in tables}
    for name, figure in (("errors", errors(known)), ("slopes", slopes(laboratory.stored(out)))):
        figure.savefig(save / f"{name}.png", dpi=150)
        print(save / f"{name}.png")


if __name__ == "__main__":
    main()
