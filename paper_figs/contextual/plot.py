"""Figures of the contextual mixture of experts, from what simulate.py wrote.

    python paper_figs/contextual/plot.py [--out FOLDER]

writes possibilities.png, sru_time.png, sru_inputs.png, sru_rmse.png, batch.png and tent.png.
"""

import argparse
import json
import pickle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import ListedColormap

mpl.use("Agg")
import matplotlib.pyplot as plt
from batch import matched

from mixstat.plotting import FittedMeanDisplay, TimeDisplay

HERE = Path(__file__).parent
WINDOW = slice(0, 1200)  # of the test rows that are shown


def possibilities(figures: dict):
    """Both outputs' contexts over the output, above a histogram of the training rows."""
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 2.9), sharey=True, layout="constrained")
    for one, output in zip(axes, ("y1", "y2"), strict=True):
        y = np.asarray(figures["sru"][output]["y_train"])
        values = np.linspace(y.min(), y.max(), 500)
        share = np.histogram(y, bins=80, range=(y.min(), y.max()))
        one.stairs(share[0] / share[0].max(), share[1], fill=True, color="0.88", label="rows")
        for context in figures["sru"][output]["model"].contexts:
            one.plot(values, context.at(values), linewidth=1.8, label=context.name)
        one.set(xlabel=output, xlim=(y.min(), np.quantile(y, 0.995)), ylim=(0, 1.05))
        one.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("possibility")
    axes[1].legend(frameon=False, loc="center right")
    return figure


def sru_time(figures: dict):
    """Predictions of test rows with their interval, and context shares."""
    figure, axes = plt.subplots(
        4,
        1,
        figsize=(9.0, 7.4),
        sharex=True,
        layout="constrained",
        height_ratios=[2, 1, 2, 1],
    )
    for pair, output in zip(axes.reshape(2, 2), ("y1", "y2"), strict=True):
        part = figures["sru"][output]
        X, y = part["X"].iloc[WINDOW], part["y"].iloc[WINDOW]
        TimeDisplay.from_estimator(part["model"], X, y, ax=pair)
        pair[0].set_ylabel(output)
        pair[0].set_ylim(-0.05, 1.05 * y.max())
    axes[1].set_xlabel("")
    axes[3].set_xlabel("row")
    return figure


def sru_inputs(figures: dict):
    """Effects of the inputs by context, output by output."""
    counts = [len(figures["sru"][output]["report"].contexts) for output in ("y1", "y2")]
    figure = plt.figure(figsize=(2.6 * sum(counts) + 1.0, 5.2), layout="constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=[n + 0.25 for n in counts])
    for part, output, n in zip(parts, ("y1", "y2"), counts, strict=True):
        axes = part.subplots(1, n, sharey=True)
        figures["sru"][output]["report"].plot(ax=axes)
        part.suptitle(f"Effects on {output}", fontsize="medium")
        for one in np.ravel(axes):
            one.title.set_fontsize("small")
            one.tick_params(labelsize="small")
            one.set_xlabel("effect of one deviation", fontsize="small")
    return figure


def sru_rmse(results: dict):
    """Test RMSE of all methods, the best setting of each by the training rows."""
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 2.8), sharey=True, layout="constrained")
    for one, output in zip(axes, ("y1", "y2"), strict=True):
        rows = results["sru"][output]["chosen"]
        names = [row["method"] for row in rows]
        values = [row["test"] for row in rows]
        colors = ["C0" if name == "contextual" else "0.7" for name in names]
        bars = one.barh(range(len(rows)), values, color=colors, height=0.65)
        one.bar_label(bars, fmt="%.4f", padding=3, fontsize="small")
        one.set_yticks(range(len(rows)), names)
        one.set(xlabel=f"test RMSE of {output}", ylim=(len(rows) - 0.4, -0.6))
        one.set_xlim(0, 1.2 * max(values))
        one.spines[["top", "right"]].set_visible(False)
    return figure


def batch(figures: dict):
    """Phases of one batch: true, stated, found with contexts and without; and all rows' y."""
    process, moe, plain = figures["batch"]["fit"]
    X, y = process.data, process.target
    found = moe.responsibilities(X, y).argmax(axis=1)
    blind = _renumbered(plain.responsibilities(X, y).argmax(axis=1), process.phase)
    rows = process.batch == 0
    minutes = process.minute[rows]
    figure, axes = plt.subplots(
        2, 1, figsize=(8.4, 4.4), sharex=True, height_ratios=[1.4, 1], layout="constrained"
    )
    for k, name in enumerate(process.phase_names):
        mine = rows & (process.phase == k)
        axes[0].plot(process.minute[mine], y[mine], ".", color=f"C{k}", markersize=4, label=name)
    axes[0].plot(minutes, moe.predict(X[rows]), color="black", linewidth=0.9, label="predicted")
    axes[0].set_ylabel("quality")
    stripes = {
        "true phase": process.phase,
        "stated": process.stated_phase,
        "with contexts": found,
        "plain mixture": blind,
    }
    image = np.stack([labels[rows] for labels in stripes.values()])
    colors = ListedColormap([f"C{k}" for k in range(4)])
    extent = (minutes[0] - 0.5, minutes[-1] + 0.5, len(stripes) - 0.5, -0.5)
    axes[1].imshow(
        image, aspect="auto", cmap=colors, vmin=-0.5, vmax=3.5, extent=extent, interpolation="none"
    )
    axes[1].hlines(np.arange(3) + 0.5, *extent[:2], color="white", linewidth=3)
    shares = [100 * np.mean(labels == process.phase) for labels in stripes.values()]
    words = [f"{name} ({share:.0f} %)" for name, share in zip(stripes, shares, strict=True)]
    axes[1].set_yticks(range(len(words)), ["true phase", *words[1:]])
    axes[1].set_xlabel("minute of the first batch (shares are of all batches)")
    axes[1].spines[:].set_visible(False)
    axes[0].spines[["top", "right"]].set_visible(False)
    axes[0].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def _renumbered(found: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Experts numbered like the phases that suit them best."""
    from itertools import permutations

    orders = [np.array(order) for order in permutations(range(4))]
    best = max(orders, key=lambda order: np.mean(order[found] == phase))
    assert np.isclose(np.mean(best[found] == phase), matched(found, phase))
    return best[found]


def tent(figures: dict):
    """The fit of one seed."""
    X, y, best, _path = figures["tent"]["fit"]
    figure, ax = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    FittedMeanDisplay.from_estimator(best, X, y, ax=ax)
    ax.set(xlabel="x", ylabel="y")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Draw what there is."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "out")
    out = parser.parse_args().out
    results = json.loads((out / "results.json").read_text())
    figures = pickle.loads((out / "figures.pkl").read_bytes())
    drawn = {}
    if "sru" in figures:
        drawn = {
            "possibilities": possibilities(figures),
            "sru_time": sru_time(figures),
            "sru_inputs": sru_inputs(figures),
            "sru_rmse": sru_rmse(results),
        }
    if "batch" in figures:
        drawn["batch"] = batch(figures)
    if "tent" in figures:
        drawn["tent"] = tent(figures)
    for name, figure in drawn.items():
        figure.savefig(out / f"{name}.png", dpi=130)
        print(out / f"{name}.png")


if __name__ == "__main__":
    main()
