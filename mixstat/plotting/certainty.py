"""Displays of experts: how sure the model is of them, and whether the gate can be trusted."""

import numpy as np

from mixstat.arguments import Axes, DataFrame, Setting
from mixstat.inference.results import InferenceResults
from mixstat.parts.labels import expert_title
from mixstat.plotting.base import Display, colors_of
from mixstat.plotting.checks import check_kind

WIDTH, HEIGHT = 2.6, 3.0  # of a panel, inches
ERRORS = 1.96  # of the bars


class RootogramDisplay(Display):
    """Histograms of the responsibilities of each expert, heights as square roots.

    A peak at one and none in the middle is an expert that is told apart.

    Parameters
    ----------
    table : DataFrame
        What ``results.posterior_rootogram()`` returned.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import RootogramDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = RootogramDisplay.from_results(moe.inference(X, y), n_bins=4)
    >>> [ax.get_title() for ax in display.axes_]
    ['expert 0', 'expert 1']
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, table: DataFrame) -> None:
        self.table = table

    @classmethod
    def from_results(
        cls, results: object, *, n_bins: Setting = 20, omit: Setting = 1e-4, ax: Axes = None
    ) -> "RootogramDisplay":
        """Count responsibilities of the rows of a fit and plot them.

        Parameters
        ----------
        results : InferenceResults
            What ``moe.inference`` returned.
        n_bins : int, default=20
            Bins from 0 to 1.
        omit : float, default=1e-4
            Responsibilities below this are left out.
        ax : array of matplotlib Axes, default=None
            One for each expert; None makes a new figure.

        Returns
        -------
        RootogramDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        found = check_kind("results", results, InferenceResults, "moe.inference")
        return cls(table=found.posterior_rootogram(n_bins, omit)).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "RootogramDisplay":
        """Draw a panel for each expert.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each expert; None makes a new figure.

        Returns
        -------
        RootogramDisplay
            This display.
        """
        experts = self.table["expert"].unique()
        size = (WIDTH * len(experts) + 0.6, HEIGHT)
        self._panels(ax, len(experts), figsize=size, sharey=True)
        colors = colors_of(len(experts))
        for one, expert, color in zip(self.axes_, experts, colors, strict=True):
            own = self.table[self.table["expert"] == expert]
            width = own["high"] - own["low"]
            height = np.sqrt(own["count"])
            one.bar(own["low"], height, width, align="edge", color=color, edgecolor="white")
            one.set(title=expert_title(expert), xlabel="responsibility", xlim=(0, 1))
            one.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            one.spines[["top", "right"]].set_visible(False)
        self.axes_[0].set_ylabel("root of number of rows")
        return self


class GateReliabilityDisplay(Display):
    """Mean responsibility over mean share, in bins of rows of like shares.

    Parameters
    ----------
    table : DataFrame
        What ``results.gate_reliability()`` returned.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import GateReliabilityDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = GateReliabilityDisplay.from_results(moe.inference(X, y), n_bins=3)
    >>> display.table["responsibility"].round(1).tolist()
    [0.0, 0.6, 1.0, 0.0, 0.4, 1.0]
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, table: DataFrame) -> None:
        self.table = table

    @classmethod
    def from_results(
        cls, results: object, *, n_bins: Setting = 10, ax: Axes = None
    ) -> "GateReliabilityDisplay":
        """Compare shares with responsibilities of the rows of a fit and plot them.

        Parameters
        ----------
        results : InferenceResults
            What ``moe.inference`` returned.
        n_bins : int, default=10
            Bins of equally many rows.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        GateReliabilityDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        found = check_kind("results", results, InferenceResults, "moe.inference")
        return cls(table=found.gate_reliability(n_bins)).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "GateReliabilityDisplay":
        """Draw bins with bars of 1.96 errors; a gate that can be trusted lies on the diagonal.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        GateReliabilityDisplay
            This display.
        """
        ax = self._axes(ax)
        experts = self.table["expert"].unique()
        ax.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, zorder=0)
        for expert, color in zip(experts, colors_of(len(experts)), strict=True):
            own = self.table[self.table["expert"] == expert]
            ax.errorbar(
                own["share"],
                own["responsibility"],
                ERRORS * own["std_error"],
                fmt="o",
                color=color,
                markersize=4.5,
                elinewidth=1,
                label=expert_title(expert),
            )
        ax.set(xlabel="mean share of the gate", ylabel="mean responsibility")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.05, 1.05))
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(loc="upper left", frameon=False)
        return self
