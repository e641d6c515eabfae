"""The display of convergence rates."""

from typing import Any

import numpy as np

from mixstat.arguments import Axes, Setting
from mixstat.plotting.base import Display, letters
from mixstat.plotting.checks import as_list, check_kind, check_slope, check_texts
from mixstat.plotting.drawn import Slope
from mixstat.validation import check_choice

BANDS = ("deviation", "quantiles", "std_error", "bootstrap", "none")
SIZES = {"column": (3.4, 2.7), "page": (6.8, 4.0)}  # inches; those of journals in two columns
POINTS = 8.0  # height of the letters in them
# told apart without colours too; Okabe and Ito's, and Paul Tol's where there are more
COLORS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"),
    *("#882255", "#44AA99", "#999933", "#AA4499", "#332288", "#88CCEE", "#661100"),
)
MARKERS = "os^Dv<>pXP*hd8"
LEAST = 0.01  # part of its mean at which a bar that would reach below zero ends


class RateDisplay(Display):
    """Losses against sample sizes on logarithmic axes, with fitted and theoretical lines.

    Parameters
    ----------
    rates : Rate or sequence of Rate
        What :func:`mixstat.rates.fit_rate` returned; each has its colour and its marker.
    theory : float, default=None
        A slope that theory states; drawn through the middle of the first rate.
    labels : sequence of str, default=None
        Names of the rates; None takes those of their losses.
    band : {"deviation", "quantiles", "std_error", "bootstrap", "none"}, default="deviation"
        What bars or bands show at each size: two standard deviations of the loss around its
        mean, the middle 80 % of the losses, two standard errors of the mean, the bootstrap
        interval of the statistic, or nothing.
    size : {"column", "page"}, default=None
        Of a new figure: as wide as a column (3.4 inches) or a page (6.8 inches) of a journal,
        with letters of 8 points. None takes Matplotlib's.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, numpy as np, pandas as pd
    >>> from mixstat.plotting import RateDisplay
    >>> from mixstat.rates import fit_rate
    >>> n = np.repeat([100, 200, 400], 20)
    >>> losses = np.random.default_rng(0).chisquare(5, size=60) / np.sqrt(n)
    >>> rate = fit_rate(pd.DataFrame({"n": n, "kl": losses}), "kl")
    >>> display = RateDisplay(rate, theory=-0.5).plot()
    >>> display.ax_.get_legend_handles_labels()[1][1]
    'theory: slope -0.5'
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        rates: Setting,
        theory: Setting = None,
        labels: Setting = None,
        *,
        band: Setting = "deviation",
        size: Setting = None,
    ) -> None:
        source = "mixstat.rates.fit_rate"
        self.rates = [check_kind("rates", rate, Slope, source) for rate in as_list(rates)]
        self.theory = None if theory is None else check_slope("theory", theory)
        self.labels = self._named() if labels is None else check_texts("labels", labels)
        if not self.rates or len(self.labels) != len(self.rates):
            raise ValueError(
                f"labels must be one for each of the rates, got {len(self.labels)} for "
                f"{len(self.rates)} rates."
            )
        self.band = str(check_choice("band", band, BANDS))
        self.size = size if size is None else str(check_choice("size", size, tuple(SIZES)))

    def plot(self, *, ax: Axes = None) -> "RateDisplay":
        """Draw the points with their bands, and the lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        RateDisplay
            This display, with ``ax_`` and ``figure_``.
        """
        with letters(None if self.size is None else POINTS):
            ax = self._axes(ax)
            for i, (rate, label) in enumerate(zip(self.rates, self.labels, strict=True)):
                self._draw(ax, rate, label, i)
            if self.theory is not None:
                self._draw_theory(ax)
            ax.set(xscale="log", yscale="log", xlabel="n", ylabel="loss")
            if self.size is None:
                ax.legend(fontsize="small", frameon=False)
            else:
                self._arrange(ax)
        return self

    def _named(self) -> list[str]:
        return [f"{rate.statistic} {rate.loss}" for rate in self.rates]

    def _new_figure(self) -> dict[str, Any]:
        if self.size is None:
            return {}
        return {"figsize": SIZES[self.size], "layout": "constrained"}

    def _arrange(self, ax: Axes) -> None:
        """Words that leave room for the data of a small figure."""
        from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.spines[["top", "right"]].set_visible(False)
        place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.1}
        ax.legend(fontsize="small", frameon=False, **place)

    def _draw(self, ax: Axes, rate: Slope, label: str, i: int) -> None:
        color, marker = COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]
        ends = _ends(rate, self.band)
        if ends is not None and self.band in ("quantiles", "bootstrap"):
            ax.fill_between(rate.sizes, *ends, color=color, alpha=0.15, lw=0)
        elif ends is not None:
            bars = np.abs(ends - rate.mean)
            ax.errorbar(rate.sizes, rate.mean, bars, fmt="none", color=color, alpha=0.4, lw=1)
        ax.plot(rate.sizes, rate.centre, marker, color=color, ms=3.5)
        low, high = rate.interval
        words = f"{label}: slope {rate.slope:.3f} ({low:.3f}, {high:.3f})"
        ax.plot(rate.sizes, rate.line(rate.sizes), color=color, label=words)

    def _draw_theory(self, ax: Axes) -> None:
        first = self.rates[0]
        middle = np.exp(np.mean(np.log(first.sizes)))
        line = first.line(middle) * (first.sizes / middle) ** float(self.theory or 0.0)
        words = f"theory: slope {self.theory:g}"
        ax.plot(first.sizes, line, "--", color="0.35", lw=1, label=words, zorder=3)


def _ends(rate: Slope, band: str) -> np.ndarray | None:
    """Both ends (2, s) of what is shown at each size; None for nothing."""
    if band == "quantiles":
        return rate.middle
    if band == "bootstrap":
        return rate.ends
    if band == "none":
        return None
    half = 2 * np.asarray(rate.deviation)
    if band == "std_error":
        half = half / np.sqrt(rate.n_replicates)
    return np.stack([np.maximum(rate.mean - half, LEAST * rate.mean), rate.mean + half])
