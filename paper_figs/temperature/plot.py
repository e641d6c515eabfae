"""Figures of dense-to-sparse gates, from what simulate.py wrote.

    python paper_figs/temperature/plot.py [--quick] [--out FOLDER] [--save FOLDER]

writes plain.png, activations.png and over.png.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
from simulate import ACTIVATIONS, ALONE, RATIO, with_parameters

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402
from drawing import draw_rate, draw_theory, finish  # noqa: E402

COLORS = dict(zip(ACTIVATIONS, ("C0", "C1", "C2"), strict=True))


def plain(tables: dict[str, pd.DataFrame]):
    """Errors of w, of the temperature and of their ratio; beside them the losses."""
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 5), layout="constrained")
    table = with_parameters(tables["plain"])
    for column, color in zip(ALONE, ("C3", "C1"), strict=True):
        draw_rate(axes[0], table, column, f"{column} alone", color, spread=False)
    rate = draw_rate(axes[0], table, RATIO, RATIO, "C0")
    draw_theory(axes[0], -0.5, rate)
    finish(axes[0], "plain gate: parameters", "error")
    draw_rate(axes[1], table, "voronoi_exact", "Voronoi loss in w and temperature", "C3")
    words = "Voronoi loss in w / temperature"
    rate = draw_rate(axes[1], table, "voronoi_ratio_exact", words, "C0")
    draw_theory(axes[1], -0.5, rate)
    density = draw_rate(axes[1], table, "hellinger", "Hellinger distance", "C2")
    draw_theory(axes[1], -0.5, density, label=False)
    finish(axes[1], "plain gate: losses")
    return figure


def activations(tables: dict[str, pd.DataFrame]):
    """Exact and over-specified fits of all activations together."""
    figure, axes = plt.subplots(1, 3, figsize=(14.5, 5.2), layout="constrained")
    shown = (
        (axes[0], "exact", "voronoi_exact", "Voronoi loss, two experts (exact)"),
        (axes[1], "exact", "hellinger", "Hellinger distance, two experts (exact)"),
        (axes[2], "over", "voronoi_over", "Voronoi loss, three experts"),
    )
    for ax, kind, loss, title in shown:
        for name in ACTIVATIONS:
            rate = draw_rate(ax, tables[f"{name}-{kind}"], loss, name, COLORS[name])
            draw_theory(ax, -0.5, rate, label=name == ACTIVATIONS[-1])
        finish(ax, title)
    return figure


def over(tables: dict[str, pd.DataFrame]):
    """Over-specified fits: mean and median of the loss, activation by activation."""
    figure, axes = plt.subplots(1, 3, figsize=(14.5, 5.2), layout="constrained")
    for ax, name in zip(axes, ACTIVATIONS, strict=True):
        table = tables[f"{name}-over"]
        rate = draw_rate(ax, table, "voronoi_over", "Voronoi loss, mean", "C0")
        draw_rate(ax, table, "voronoi_over", "Voronoi loss, median", "C1", "median", spread=False)
        density = draw_rate(ax, table, "hellinger", "Hellinger distance", "C2")
        draw_theory(ax, -0.5, rate)
        draw_theory(ax, -0.5, density, label=False)
        finish(ax, f"{name}, three experts")
    return figure


def main() -> None:
    """Draw what there is."""
    out, save, _ = laboratory.plot_arguments(HERE, str(__doc__))
    tables = laboratory.tables(out)
    exact, more = ({f"{a}-{kind}" for a in ACTIVATIONS} for kind in ("exact", "over"))
    drawn = {}
    if "plain" in tables:
        drawn["plain"] = plain(tables)
    if exact | more <= set(tables):
        drawn["activations"] = activations(tables)
    if more <= set(tables):
        drawn["over"] = over(tables)
    for name, figure in drawn.items():
        figure.savefig(save / f"{name}.png", dpi=150)
        print(save / f"{name}.png")


if __name__ == "__main__":
    main()
