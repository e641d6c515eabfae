"""The display of slopes against the smallest size that they rest on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mixstat.arguments import Axes, Setting
from mixstat.plotting.base import Display, letters
from mixstat.plotting.checks import as_list, check_kind, check_slope
from mixstat.plotting.drawn import Slope
from mixstat.plotting.rate import COLORS, MARKERS, POINTS, SIZES
from mixstat.validation import check_choice


class WindowDisplay(Display):
    """Slopes with their intervals from each smallest size on, to see whether they have settled.

    Parameters
    ----------
    rates : list of Rate, or dict of them
        What :func:`mixstat.rates.rates_from` returned; the keys of a dict are labels.
    theory : float, default=None
        A slope that theory states, as a dashed line.
    size : {"column", "page"}, default=None
        Of a new figure, as for :class:`RateDisplay`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, numpy as np, pandas as pd
    >>> from mixstat.plotting import WindowDisplay
    >>> from mixstat.rates import rates_from
    >>> n = np.repeat([100, 200, 400, 800], 20)
    >>> losses = np.random.default_rng(0).chisquare(5, size=80) / np.sqrt(n)
    >>> rates = rates_from(pd.DataFrame({"n": n, "kl": losses}), "kl")
    >>> display = WindowDisplay(rates, theory=-0.5).plot()
    >>> display.ax_.get_xlabel()
    'smallest n'
    >>> plt.close(display.figure_)
    """

    def __init__(self, rates: Setting, theory: Setting = None, *, size: Setting = None) -> None:
        self.rates = _by_label(rates)
        self.theory = None if theory is None else check_slope("theory", theory)
        self.size = size if size is None else str(check_choice("size", size, tuple(SIZES)))

    def plot(self, *, ax: Axes = None) -> "WindowDisplay":
        """Draw slopes and intervals over smallest sizes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        WindowDisplay
            This display, with ``ax_`` and ``figure_``.
        """
        with letters(None if self.size is None else POINTS):
            ax = self._axes(ax)
            for i, (label, rates) in enumerate(self.rates.items()):
                _draw(ax, label, rates, i)
            if self.theory is not None:
                words = f"theory: slope {self.theory:g}"
                ax.axhline(self.theory, ls="--", color="0.35", lw=1, label=words)
            ax.set(xscale="log", xlabel="smallest n", ylabel="slope")
            ax.spines[["top", "right"]].set_visible(False)
            ax.legend(fontsize="small", frameon=False)
        return self

    def _new_figure(self) -> dict[str, Any]:
        return {} if self.size is None else {"figsize": SIZES[self.size], "layout": "constrained"}


def _by_label(rates: Setting) -> dict[str, list[Slope]]:
    """Lists of rates by their labels."""
    source = "mixstat.rates.rates_from"
    if isinstance(rates, Mapping):
        named = {str(label): as_list(listed) for label, listed in rates.items()}
    else:
        named = {"": as_list(rates)}
    found = {
        label: [check_kind("rates", one, Slope, source) for one in listed]
        for label, listed in named.items()
    }
    if not found or not all(found.values()):
        raise ValueError(f"rates must be what {source} returns, got {rates!r}.")
    return {label or f"{one[0].statistic} {one[0].loss}": one for label, one in found.items()}


def _draw(ax: Axes, label: str, rates: list[Slope], i: int) -> None:
    color, marker = COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)]
    smallest = np.array([rate.sizes[0] for rate in rates])
    slopes = np.array([rate.slope for rate in rates])
    ends = np.array([rate.interval for rate in rates]).T
    bars = np.abs(ends - slopes)
    lines = {"color": color, "ms": 3.5, "lw": 1, "capsize": 2}
    ax.errorbar(smallest * 1.02**i, slopes, bars, fmt=f"{marker}-", label=label, **lines)
