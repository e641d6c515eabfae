"""Figures of the softmax gate with Gaussian experts, from what simulate.py wrote.

    python paper_figs/softmax_gaussian/plot.py [--quick] [--out FOLDER] [--save FOLDER]

writes rates.png, raw_errors.png and protocol.png.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
from atoms import LEAST, in_reference_cell, lighter_share

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402
from drawing import draw_rate, draw_theory, finish  # noqa: E402

FITS = {  # study, title, column of its Voronoi loss
    "mild-exact": ("mild truth, two experts (exact)", "voronoi_exact"),
    "steep-exact": ("published truth, two experts (exact)", "voronoi_exact"),
    "mild-over3": ("mild truth, three experts", "voronoi_over"),
    "mild-over4": ("mild truth, four experts", "voronoi_over"),
}
RAW = (
    (("gate", "gate slope"), ("intercept", "expert intercept"), -0.125),
    (("slope", "expert slope"), ("variance", "expert variance"), -0.25),
)
LINES = (  # study, column, label, style
    ("protocol", "voronoi_code_untranslated", "authors' fits, no translation", "C3", "s-"),
    ("protocol", "voronoi_code", "authors' fits, translated", "C0", "o-"),
    ("maximum", "voronoi_code", "maximum in the box, translated", "C2", "^-"),
)


def rates(tables: dict[str, pd.DataFrame]):
    """Voronoi loss (mean and median) and Hellinger distance of certified maxima."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 8.2), layout="constrained")
    for ax, (name, (title, loss)) in zip(axes.flat, FITS.items(), strict=True):
        if name not in tables:
            ax.set_axis_off()
            continue
        table = tables[name]
        mean = draw_rate(ax, table, loss, "Voronoi loss, mean", "C0")
        draw_rate(ax, table, loss, "Voronoi loss, median", "C1", "median", spread=False)
        density = draw_rate(ax, table, "hellinger", "Hellinger distance, mean", "C2")
        draw_theory(ax, -0.5, mean)
        draw_theory(ax, -0.5, density, label=False)
        finish(ax, title)
    return figure


def raw_errors(table: pd.DataFrame):
    """Largest errors in the cell that two fitted atoms share, beside what theory states.

    Above all fits; below those whose lighter atom of the cell has some weight.
    """
    full = table[lighter_share(table, 3) > LEAST]
    titles = ("all fits", f"lighter atom above {100 * LEAST:g} % of the cell")
    figure, axes = plt.subplots(2, 2, figsize=(10, 8.2), layout="constrained")
    for row, rows, title in zip(axes, (table, full), titles, strict=True):
        for ax, (*blocks, theory) in zip(row, RAW, strict=True):
            for (block, words), color in zip(blocks, ("C0", "C1"), strict=True):
                name = f"error_{block}_shared"
                rate = draw_rate(ax, rows, name, f"{words}, median", color, "median")
                draw_theory(ax, theory, rate, label=color == "C1")
            finish(ax, title, "largest error in the shared cell")
    return figure


def protocol(tables: dict[str, pd.DataFrame], experts: list[int]):
    """Medians over n; below, single fits that tell where the medians come from."""
    shape = (2, len(experts))
    figure, axes = plt.subplots(
        *shape, figsize=(4.2 * shape[1], 7.4), squeeze=False, layout="constrained"
    )
    for (top, low), k in zip(axes.T, experts, strict=True):
        for study, column, label, color, style in LINES:
            table = tables[f"{study}-K{k}"]
            middle = table.groupby("n")[column].median()
            top.plot(middle.index, middle, style, color=color, label=label, ms=4, alpha=0.85)
        finish(top, f"K = {k}", "median loss", legend=k == experts[0])
        sizes = sorted(tables[f"protocol-K{k}"]["n"].unique())
        top.set_xticks(sizes, [f"{n:,}" for n in sizes], fontsize="small")
        top.set_xticks([], minor=True)
        if k == 2:
            _stopped_and_finished(low, tables["protocol-K2"], tables["maximum-K2"])
        else:
            _strips(low, tables[f"protocol-K{k}"], k)
    return figure


def _stopped_and_finished(ax, early: pd.DataFrame, done: pd.DataFrame) -> None:
    """Each data set's loss at the authors' stop and at the maximum."""
    both = early.merge(done, on=["n", "replicate"])
    ax.plot(both["voronoi_code_y"], both["voronoi_code_x"], ".", color="C0", ms=4)
    ends = [both["voronoi_code_y"].min(), both["voronoi_code_y"].max()]
    ax.plot(ends, ends, color="0.6", lw=1, zorder=0)
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="loss of the maximum", ylabel="loss of the authors' fit")
    ax.spines[["top", "right"]].set_visible(False)


def _strips(ax, table: pd.DataFrame, k: int) -> None:
    """Losses of the authors' fits that split the reference atom, size by size."""
    table = table[in_reference_cell(table, k) > 1]
    sizes = sorted(table["n"].unique())
    random = np.random.default_rng(0)
    for (_, column, label, color, style), side in zip(LINES[:2], (-0.18, 0.18), strict=True):
        at = table["n"].map({n: i + side for i, n in enumerate(sizes)}).to_numpy(float)
        at = at + random.uniform(-0.1, 0.1, len(at))
        ax.plot(at, table[column], style[0], color=color, ms=3, alpha=0.6, label=label)
    for extra in range(1, k - 1):  # atoms too many in the reference's cell
        ax.axhline(extra, color="0.35", ls="--", lw=1)
    ax.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes])
    ax.set(yscale="log", xlabel="sample size n", ylabel="loss of fits that split the reference")
    ax.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw what there is."""
    out, save, _ = laboratory.plot_arguments(HERE, str(__doc__))
    tables = laboratory.tables(out)
    drawn = {}
    if set(FITS) & set(tables):
        drawn["rates"] = rates(tables)
    if "mild-over3" in tables:
        drawn["raw_errors"] = raw_errors(tables["mild-over3"])
    experts = [k for k in (2, 3, 4) if {f"protocol-K{k}", f"maximum-K{k}"} <= set(tables)]
    if experts:
        drawn["protocol"] = protocol(tables, experts)
    for name, figure in drawn.items():
        figure.savefig(save / f"{name}.png", dpi=150)
        print(save / f"{name}.png")


if __name__ == "__main__":
    main()
