"""Figures of polynomial experts: KL against n, against m, and against parameters."""

import sys
from pathlib import Path
from typing import Any

import cells
import matplotlib.pyplot as plt
import numpy as np
from summaries import SMOOTHNESS, Means

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import laboratory  # noqa: E402

WORDS = {"smooth": "smooth target", "rough": "rough target (exponent 3/4)"}
DEGREES = {0: "constants", 1: "lines", 3: "cubics"}
COLOURS = {0: "C2", 1: "C0", 3: "C1"}
SHOWN = ((2, 1), (4, 1), (8, 1), (12, 1), (2, 3), (4, 3), (8, 3))  # cells of figure A
MARKS = {2: "o", 4: "s", 6: "v", 8: "^", 12: "D"}
Found = dict[str, Means]


def main() -> None:
    """Draw what has been run."""
    out, save, _ = laboratory.plot_arguments(HERE, __doc__ or "")
    done = laboratory.stored(out)
    means = {name: Means(t) for name, t in laboratory.tables(out).items() if name in done}
    # the least that any fit reached, which may be below the one to the even data
    excess = done.get("summary", {}).get("excess", {})
    floors = {name: {"kl": found["floor"]} for name, found in excess.items()}
    against_n(means, floors).savefig(save / "polynomial_n.png", dpi=150)
    against_m(means).savefig(save / "polynomial_m.png", dpi=150)
    against_parameters(means).savefig(save / "polynomial_parameters.png", dpi=150)


def _two() -> tuple[Any, Any]:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    for ax, target in zip(axes, cells.TARGETS, strict=True):
        ax.set(yscale="log", title=WORDS[target])
    axes[0].set_ylabel("mean KL, 95 % interval")
    return figure, axes


def _points(ax: Any, x: Any, one: Means, at: Any, **style: Any) -> None:
    """Means with bootstrap intervals at some sizes."""
    low, high = np.quantile(one.draws[at], [0.025, 0.975], axis=-1)
    mean = one.mean[at]
    bars = np.reshape([mean - low, high - mean], (2, -1))
    ax.errorbar(x, mean, bars, capsize=2, ms=4.5, lw=1.2, **style)


def against_n(means: Found, floors: dict[str, Any]) -> Any:
    """(A): down to the floor of each (m, k)."""
    figure, axes = _two()
    for ax, target in zip(axes, cells.TARGETS, strict=True):
        for m, k in SHOWN:
            name = cells.label(target, m, k)
            if name not in means:
                continue
            one, colour = means[name], COLOURS[k]
            label = f"{m} {DEGREES[k]}"
            _points(ax, one.sizes, one, slice(None), color=colour, marker=MARKS[m], label=label)
            if name in floors and floors[name]["kl"] > 1e-4:
                floor = floors[name]["kl"]
                ends = [one.sizes[-1] * 1.25, one.sizes[-1] * 1.9]
                ax.plot(ends, [floor] * 2, color=colour, lw=1.5, ls=":")
                ax.annotate(f"{m}", (ends[1], floor), color=colour, va="center", fontsize="small")
        sizes = np.geomspace(250, 8_000, 2)
        half = cells.n_parameters(4, 3) / (2 * sizes)
        ax.plot(sizes, half, "--", color="0.35", lw=1, label="p / (2n) of 4 cubics, slope -1")
        ax.axvline(1.12 * 8_000, color="0.8", lw=0.8)  # beyond are no sample sizes
        ax.set(xscale="log", xlabel="n; beyond the line, dotted: least KL of so many experts")
    _legend(figure, axes)
    return figure


def _legend(figure: Any, axes: Any) -> None:
    """One legend for both panels."""
    entries = {w: h for ax in axes for h, w in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(entries.values(), entries, loc="outside lower center", ncols=4, frameon=False)


def against_m(means: Found) -> Any:
    """(B): the best m at each n."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained", sharex=True)
    for row, target in zip(axes, cells.TARGETS, strict=True):
        for ax, k in zip(row, (1, 3), strict=True):
            ax.set(yscale="log")
            ax.set_title(f"{WORDS[target]}, {DEGREES[k]}", fontsize="medium")
            _curves(ax, target, k, means)
        row[0].set_ylabel("mean KL, 95 % interval")
    for ax in axes[1]:
        ax.set_xlabel("number of experts m")
    _legend(figure, axes.ravel())
    return figure


def _curves(ax: Any, target: str, k: int, means: Found) -> None:
    some = {m: means.get(cells.label(target, m, k)) for m in cells.FULL[k]}
    there = {m: one for m, one in some.items() if one is not None}
    if not there:
        return
    sizes = next(iter(there.values())).sizes
    for i, n in enumerate(sizes):
        mean = np.array([one.mean[i] for one in there.values()])
        ends = np.array([np.quantile(one.draws[i], [0.025, 0.975]) for one in there.values()]).T
        bars, colour = np.abs(ends - mean), plt.get_cmap("viridis")(0.9 * i / len(sizes))
        label = f"n = {n:,}"
        ax.errorbar(list(there), mean, bars, marker="o", ms=4, color=colour, capsize=2, label=label)
        best = int(mean.argmin())
        ax.plot(list(there)[best], mean[best], "*", color=colour, ms=14)
    tau = min(SMOOTHNESS[target], k + 1)
    optimal = (sizes / ((k + 3) * np.log(sizes))) ** (1 / (2 * tau + 1))
    told = f"theory: best m grows {optimal[-1] / optimal[0]:.1f}-fold over these n"
    ax.set_title(f"{ax.get_title()}\n{told}", fontsize="medium")


def against_parameters(means: Found) -> Any:
    """(C): few complex experts against many simple ones, at the smallest and the largest n."""
    figure, axes = _two()
    for ax, target in zip(axes, cells.TARGETS, strict=True):
        for k, words in DEGREES.items():
            some = {m: means.get(cells.label(target, m, k)) for m in cells.FULL[k]}
            there = {m: one for m, one in some.items() if one is not None}
            for at, line in ((1, ":"), (-1, "-")):
                if not there:
                    continue
                n = next(iter(there.values())).sizes[at]
                p = [cells.n_parameters(m, k) for m in there]
                mean = [one.mean[at] for one in there.values()]
                ax.plot(p, mean, line, color=COLOURS[k], label=f"{words}, n = {n:,}")
                for x, (m, one) in zip(p, there.items(), strict=True):
                    _points(ax, x, one, at, color=COLOURS[k], marker=MARKS[m])
        ax.axvline(22, color="0.8", lw=1, zorder=0)
        ax.set_xlabel("number of parameters (noise known)")
    _legend(figure, axes)
    return figure


if __name__ == "__main__":
    main()
