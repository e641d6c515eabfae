"""Figures of the softmax gate with multinomial experts, from what simulate.py wrote.

    python paper_figs/multinomial/plot.py [--quick] [--out FOLDER] [--save FOLDER]

writes rates.png and raw_errors.png.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
from simulate import INPUT_FREE, STUDIES, with_cells

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402
from drawing import draw_rate, draw_theory, finish  # noqa: E402

GATES = (("regime2", "standard gate", "C3"), ("regime2-modified", "modified gate", "C0"))


def rates(tables: dict[str, pd.DataFrame]):
    """Losses of exact-specified and over-specified fits, in both regimes."""
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 9), layout="constrained")
    _exact(axes[0, 0], tables["regime1-exact"])
    _over(axes[0, 1], tables["regime1-over"])
    drawn = [
        draw_rate(
            axes[1, 0], tables[f"{name}-exact"], "voronoi_exact", f"Voronoi loss, {gate}", color
        )
        for name, gate, color in GATES
    ]
    draw_theory(axes[1, 0], -0.5, drawn[-1])
    finish(axes[1, 0], "regime 2, two experts (exact)")
    _regime2(axes[1, 1], tables)
    return figure


def _exact(ax, table: pd.DataFrame) -> None:
    rate = draw_rate(ax, table, "voronoi_exact", "Voronoi loss, mean", "C0")
    draw_rate(ax, table, "voronoi_exact", "Voronoi loss, median", "C1", "median", spread=False)
    density = draw_rate(ax, table, "hellinger", "Hellinger distance, mean", "C2")
    draw_theory(ax, -0.5, rate)
    draw_theory(ax, -0.5, density, label=False)
    finish(ax, "regime 1, two experts (exact)")


def _over(ax, table: pd.DataFrame) -> None:
    rate = draw_rate(ax, table, "voronoi_over", "Voronoi loss, mean", "C0")
    draw_rate(ax, table, "voronoi_over", "Voronoi loss, median", "C1", "median", spread=False)
    density = draw_rate(ax, table, "hellinger", "Hellinger distance, mean", "C2")
    draw_theory(ax, -0.5, rate)
    draw_theory(ax, -0.5, density, label=False)
    finish(ax, "regime 1, three experts")


def _regime2(ax, tables: dict[str, pd.DataFrame]) -> None:
    """The loss that asks for intercepts, and the one cell by cell that asks for averages."""
    table = tables["regime2-modified-over"]
    rate = draw_rate(ax, table, "by_cells", "loss by cells, modified gate", "C0")
    draw_rate(ax, table, "by_cells", "the same, median", "C1", "median", spread=False)
    plain = tables["regime2-over"]
    draw_rate(ax, plain, "by_cells", "loss by cells, standard gate", "C3", spread=False)
    words = "Voronoi loss, modified gate"
    draw_rate(ax, table, "voronoi_over", words, "C4", spread=False)
    draw_theory(ax, -0.5, rate)
    finish(ax, "regime 2, three experts")


def raw_errors(tables: dict[str, pd.DataFrame]):
    """Errors of atoms that share a cell, averaged by their weights."""
    figure, axes = plt.subplots(1, 3, figsize=(14.5, 5), layout="constrained")
    rate = None
    for block, color in (("gate", "C0"), ("slope", "C1"), ("intercept", "C2")):
        words = "gate slope" if block == "gate" else f"expert {block}s"
        rate = draw_rate(
            axes[0], tables["regime1-over"], f"{block}_shared", words, color, spread=block == "gate"
        )
    draw_theory(axes[0], -0.25, rate)
    finish(axes[0], "regime 1, all fits", "error in the shared cell")
    for name, gate, color in GATES:
        table = tables[f"{name}-over"]
        table = table[table["split"] == INPUT_FREE]
        rate = draw_rate(axes[1], table, "gate_shared", f"gate slope, {gate}", color)
        draw_theory(axes[1], -0.25 if name == "regime2" else -0.5, rate)
        words = f"expert intercepts, {gate}"
        draw_rate(axes[2], table, "intercept_shared", words, color, spread=False)
        words = f"average probabilities, {gate}"
        rate = draw_rate(axes[2], table, "average", words, color, "median", spread=False)
    draw_theory(axes[2], -0.5, rate)
    title = "regime 2, the expert without inputs split"
    finish(axes[1], title, "error in the shared cell")
    finish(axes[2], title, "error in the shared cell")
    return figure


def main() -> None:
    """Draw what there is."""
    out, save, _ = laboratory.plot_arguments(HERE, str(__doc__))
    tables = laboratory.tables(out)
    tables |= with_cells(tables)
    if not set(STUDIES) <= set(tables):
        lacking = ", ".join(sorted(set(STUDIES) - set(tables)))
        print(f"not drawn: {out} lacks {lacking}")
        return
    for name, draw in (("rates", rates), ("raw_errors", raw_errors)):
        draw(tables).savefig(save / f"{name}.png", dpi=150)
        print(save / f"{name}.png")


if __name__ == "__main__":
    main()
