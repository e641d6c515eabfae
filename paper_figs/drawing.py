"""How the papers' figures draw a loss against n: points, spread, fitted line, theory's line."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from mixstat.rates import Rate, RateWarning, fit_rate

MIDDLE = (0.1, 0.9)  # quantiles of the shaded spread
WIDE = 80  # ratio of the ends of an axis from which on powers of ten are enough
DASHES = {-0.5: "--", -0.25: ":"}  # of theory's slopes; others are dash-dotted
ROOM = 0.13  # of the height of the data, for each line of the legend


def draw_rate(
    ax: Any,
    table: pd.DataFrame,
    loss: str,
    label: str,
    color: str,
    statistic: str = "mean",
    *,
    spread: bool = True,
) -> Rate:
    """Points of a statistic, its fitted line, and the middle 80 % of the losses."""
    with warnings.catch_warnings():  # shares without a certificate are in results.json
        warnings.simplefilter("ignore", RateWarning)
        rate = fit_rate(table, loss, statistic=statistic)
    low, high = rate.interval
    words = f"{label}: slope {rate.slope:.3f} ({low:.3f}, {high:.3f})"
    face = color if statistic == "mean" else "white"
    ax.plot(rate.sizes, rate.centre, "o", color=color, mfc=face, ms=4, zorder=3)
    ax.plot(rate.sizes, rate.line(rate.sizes), color=color, lw=1.4)
    # hollow points are medians: the legend shows them with their line
    ax.plot([], [], "-o", color=color, mfc=face, ms=4, lw=1.4, label=words)
    if spread:
        ends = table.groupby("n")[loss].quantile(list(MIDDLE)).unstack()
        ax.fill_between(ends.index, *ends.to_numpy().T, color=color, alpha=0.15, lw=0)
    return rate


def draw_theory(ax: Any, slope: float, rate: Rate, *, label: bool = True) -> None:
    """A dashed line of the slope that theory states, through the middle of a fitted one."""
    middle = np.exp(np.mean(np.log(rate.sizes)))
    line = rate.line(middle) * (rate.sizes / middle) ** slope
    words = f"theory: slope {slope:g}" if label else None
    dashes = DASHES.get(slope, "-.")
    ax.plot(rate.sizes, line, linestyle=dashes, color="0.3", lw=1.1, zorder=2.5, label=words)


def finish(ax: Any, title: str = "", ylabel: str = "loss", legend: bool = True) -> None:
    """Logarithmic axes, words, and a legend below the data."""
    ax.set(xscale="log", yscale="log", xlabel="sample size n", ylabel=ylabel, title=title)
    ax.spines[["top", "right"]].set_visible(False)
    low, high = ax.get_xlim()
    if high < WIDE * low:  # more ticks with words, and none between them
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    if legend:
        lines = len(ax.get_legend_handles_labels()[1])
        low, high = np.log(ax.get_ylim())
        ax.set_ylim(np.exp(low - ROOM * lines * (high - low)), np.exp(high))
        ax.legend(fontsize="small", frameon=False, loc="lower left", borderaxespad=0.2)
