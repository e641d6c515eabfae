"""Figure of shared experts, from what simulate.py wrote.

    python paper_figs/shared_expert/plot.py [--quick] [--out FOLDER] [--save FOLDER]

writes losses.png.
"""

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
from simulate import PRINTED

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402
from drawing import draw_rate, draw_theory, finish  # noqa: E402

TITLES = {
    "softmax-relu": "theorem 1: softmax, two-layer experts",
    "softmax-linear": "theorem 2: softmax, linear experts",
    "sigmoid-sparse": "theorem 3: sigmoids, slopes zero",
    "sigmoid-dense": "theorem 4: sigmoids, linear routed experts",
}
SHORT = {"raw": "raw parameters", "product": "products"}


def losses(tables: dict[str, pd.DataFrame]) -> Any:
    """Medians of the paper's loss, raw and in products, and the mean Hellinger distance."""
    figure, axes = plt.subplots(2, 2, figsize=(11.5, 9.5), layout="constrained")
    for ax in axes.flat[len(tables) :]:
        ax.set_axis_off()
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=False):
        for loss, color in zip(reversed(PRINTED[name]), ("C0", "C3"), strict=False):
            kind, _, block = loss.partition("_")
            words = SHORT.get(block.removeprefix("shared_"), "")
            part = "shared part of D4" if kind == "D4" else kind
            label = f"{part}, {words}, median" if words else f"{part}, median"
            rate = draw_rate(ax, table, loss, label, color, "median", spread=color == "C0")
            draw_theory(ax, -0.5, rate, label=color == "C0")
        density = draw_rate(ax, table, "hellinger", "Hellinger distance, mean", "C2")
        if name != "sigmoid-dense":  # whose fits have another limit than the truth
            draw_theory(ax, -0.5, density, label=False)
        finish(ax, TITLES[name])
    return figure


def main() -> None:
    """Draw what there is."""
    out, save, _ = laboratory.plot_arguments(HERE, str(__doc__))
    tables = laboratory.tables(out)
    figure = losses({name: tables[name] for name in TITLES if name in tables})
    figure.savefig(save / "losses.png", dpi=150)
    print(save / "losses.png")


if __name__ == "__main__":
    main()
