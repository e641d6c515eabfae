"""Figures of the Gaussian gate, from what simulate.py wrote.

    python paper_figs/gaussian_gate/plot.py [--quick] [--out FOLDER] [--save FOLDER]

writes exact.png, over.png and mild.png.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402
from drawing import draw_rate, draw_theory, finish  # noqa: E402

MODELS = {
    "I-1d": "type I, one input",
    "II-1d": "type II, one input",
    "I-2d": "type I, two inputs",
    "II-2d": "type II, two inputs",
}
MILD = {"mild-exact": ("exact", "two experts"), "mild-over": ("over", "three experts")}


def exact(tables: dict[str, pd.DataFrame]):
    """Three experts fitted to three: Voronoi loss and Hellinger distance."""
    names = [model for model in MODELS if f"{model}-exact" in tables]
    figure, axes = _panels(len(names))
    for ax, model in zip(axes.flat, names, strict=False):
        _both(ax, tables[f"{model}-exact"], "voronoi_exact")
        finish(ax, MODELS[model])
    return figure


def over(tables: dict[str, pd.DataFrame]):
    """Medians of the Voronoi loss with one and two experts too many."""
    names = [model for model in MODELS if f"{model}-K4" in tables]
    figure, axes = _panels(len(names))
    for ax, model in zip(axes.flat, names, strict=False):
        for k, color in ((4, "C0"), (5, "C3")):
            table = tables.get(f"{model}-K{k}")
            if table is None:
                continue
            words = f"Voronoi loss, K = {k}, median"
            rate = draw_rate(ax, table, "voronoi_over", words, color, "median")
            draw_theory(ax, -0.5, rate, label=False)
            words = f"Hellinger distance, K = {k}, mean"
            shade = {4: "C2", 5: "C4"}[k]
            density = draw_rate(ax, table, "hellinger", words, shade, spread=False)
        draw_theory(ax, -0.5, density)
        finish(ax, MODELS[model])
    return figure


def mild(tables: dict[str, pd.DataFrame]):
    """The mild truth, exact and with one expert too many."""
    names = [name for name in MILD if name in tables]
    figure, axes = plt.subplots(
        1, len(names), figsize=(5 * len(names), 4.2), squeeze=False, layout="constrained"
    )
    for ax, name in zip(axes.flat, names, strict=True):
        kind, words = MILD[name]
        _both(ax, tables[name], f"voronoi_{kind}")
        finish(ax, f"mild truth, {words}")
    return figure


def _panels(count: int):
    rows = (count + 1) // 2
    figure, axes = plt.subplots(
        rows, 2, figsize=(10, 4.2 * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[count:]:
        ax.set_axis_off()
    return figure, axes


def _both(ax, table: pd.DataFrame, loss: str) -> None:
    """Voronoi loss (mean and median) and Hellinger distance, with theory's slope."""
    mean = draw_rate(ax, table, loss, "Voronoi loss, mean", "C0")
    draw_rate(ax, table, loss, "Voronoi loss, median", "C1", "median", spread=False)
    density = draw_rate(ax, table, "hellinger", "Hellinger distance, mean", "C2")
    draw_theory(ax, -0.5, mean)
    draw_theory(ax, -0.5, density, label=False)


def main() -> None:
    """Draw what there is."""
    out, save, _ = laboratory.plot_arguments(HERE, str(__doc__))
    tables = laboratory.tables(out)
    drawn = {
        "exact": (exact, [f"{model}-exact" for model in MODELS]),
        "over": (over, [f"{model}-K4" for model in MODELS]),
        "mild": (mild, list(MILD)),
    }
    for name, (draw, needed) in drawn.items():
        if set(needed) & set(tables):
            draw(tables).savefig(save / f"{name}.png", dpi=150)
            print(save / f"{name}.png")


if __name__ == "__main__":
    main()
