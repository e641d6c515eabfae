"""The display of a convergence rate."""

from collections.abc import Sequence

import numpy as np

from mixstat.arguments import Axes
from mixstat.plotting.displays import Display
from mixstat.plotting.drawn import Slope


class RateDisplay(Display):
    """Loss against sample size on logarithmic axes, with fitted and theoretical lines.

    Parameters
    ----------
    rates : Rate or sequence of Rate
        What :func:`mixstat.rates.fitted.fit_rate` returned.
    theory : float, default=None
        A slope that theory states; drawn through the middle of the first rate.
    labels : sequence of str, default=None
        Names of the rates; None takes those of their losses.
    """

    def __init__(
        self,
        rates: Slope | Sequence[Slope],
        theory: float | int | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.rates = list(rates) if isinstance(rates, Sequence) else [rates]
        self.theory = theory
        self.labels = [f"{r.statistic} {r.loss}" for r in self.rates] if labels is None else labels

    def plot(self, *, ax: Axes = None) -> "RateDisplay":
        """Draw means with two standard deviations, and the lines.

        A bar that would reach below zero ends at a hundredth of its mean.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        RateDisplay
            This display, with ``ax_`` and ``figure_``.
        """
        ax = self._axes(ax)
        for i, (rate, label) in enumerate(zip(self.rates, self.labels, strict=True)):
            color = f"C{i}"
            down = np.minimum(2 * rate.deviation, 0.99 * rate.mean)
            bars = np.stack([down, 2 * rate.deviation])
            ax.errorbar(rate.sizes, rate.mean, bars, fmt="none", color=color, alpha=0.4, lw=1)
            ax.plot(rate.sizes, rate.centre, "o", color=color, ms=3.5)
            low, high = rate.interval
            words = f"{label}: slope {rate.slope:.3f} ({low:.3f}, {high:.3f})"
            ax.plot(rate.sizes, rate.line(rate.sizes), color=color, label=words)
        if self.theory is not None:
            self._draw_theory(ax)
        ax.set(xscale="log", yscale="log", xlabel="n", ylabel="loss")
        ax.legend(fontsize="small", frameon=False)
        return self

    def _draw_theory(self, ax: Axes) -> None:
        first = self.rates[0]
        middle = np.exp(np.mean(np.log(first.sizes)))
        line = first.line(middle) * (first.sizes / middle) ** float(self.theory or 0.0)
        words = f"theory: slope {self.theory:g}"
        ax.plot(first.sizes, line, "--", color="0.35", lw=1, label=words)
