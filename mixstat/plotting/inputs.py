"""Effects of inputs in each context."""

import numpy as np

from mixstat.arguments import Axes
from mixstat.plotting.base import Display
from mixstat.plotting.checks import check_answers
from mixstat.plotting.drawn import Effects

WIDTH, ROW = 3.2, 0.24  # of a panel, and the height of an input, inches


class InputReportDisplay(Display):
    """Effects of the inputs on the response, with intervals, a panel for each context.

    Parameters
    ----------
    features : list of str
        Names of the inputs, from top to bottom.
    panels : list of (str, ndarray of shape (3, p))
        For each context a title, and effects with both ends of their intervals.
    level : float
        Level of the intervals.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import InputReportDisplay
    >>> from mixstat.soft_sensors import input_report
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> report = input_report(moe, X, y, n_boot=10, random_state=0)
    >>> display = InputReportDisplay.from_report(report, n_inputs=1)
    >>> display.features
    ['x0']
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, features, panels, level) -> None:
        self.features = features
        self.panels = panels
        self.level = level

    @classmethod
    def from_report(
        cls, report: object, *, n_inputs: int | None = None, ax: Axes = None
    ) -> "InputReportDisplay":
        """Plot a report.

        Parameters
        ----------
        report : InputReport
            What :func:`mixstat.soft_sensors.input_report` returned.
        n_inputs : int, default=None
            Show that many inputs, those of the largest effects; None shows all.
        ax : array of matplotlib Axes, default=None
            One for each context; None makes a new figure.

        Returns
        -------
        InputReportDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        check_answers("report", report, "effect", "coef", "low", "high", "deviation")
        assert isinstance(report, Effects)
        largest = np.abs(report.effect).max(axis=0)
        shown = np.sort(np.argsort(-largest, kind="stable")[:n_inputs])
        values = np.stack([report.coef, report.low, report.high]) * report.deviation
        titles = [
            f"{name} ({100 * share:.0f} % of rows)"
            for name, share in zip(report.contexts, report.share, strict=True)
        ]
        panels = [(title, values[:, k, shown]) for k, title in enumerate(titles)]
        features = [report.features[j] for j in shown]
        return cls(features=features, panels=panels, level=report.level).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "InputReportDisplay":
        """Draw a dot and a line for each input; faint where its interval has zero.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each context; None makes a new figure.

        Returns
        -------
        InputReportDisplay
            This display.
        """
        n = len(self.panels)
        size = (WIDTH * n + 0.8, 1.1 + ROW * len(self.features))
        axes = self._panels(ax, n, figsize=size, sharey=True)
        rows = np.arange(len(self.features))
        for k, (one, (title, values)) in enumerate(zip(axes, self.panels, strict=True)):
            middle, low, high = values
            clear = (low > 0) | (high < 0)
            one.axvline(0.0, color="0.7", linewidth=0.8, zorder=0)
            for chosen, alpha in ((clear, 1.0), (~clear, 0.35)):
                one.hlines(rows[chosen], low[chosen], high[chosen], color=f"C{k % 10}", alpha=alpha)
                one.plot(middle[chosen], rows[chosen], "o", color=f"C{k % 10}", ms=4, alpha=alpha)
            one.set(title=title, ylim=(len(rows) - 0.5, -0.5))
            one.set_xlabel("effect of one deviation")
            one.locator_params(axis="x", nbins=5)
            one.spines[["top", "right"]].set_visible(False)
        axes[0].set_yticks(rows, self.features)
        for one in axes[1:]:
            one.tick_params(labelleft=False)
        return self
