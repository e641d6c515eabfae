"""Displays of rows: quantile residuals with a worm plot, and influence."""

import numpy as np
from scipy import stats

from mixstat.arguments import Axes, Seed, Setting
from mixstat.inference.influence import Influence
from mixstat.inference.results import InferenceResults
from mixstat.plotting.base import Display
from mixstat.plotting.checks import check_kind, check_output
from mixstat.validation import check_integer

SIZE = (8.4, 3.6)  # inches, of two panels
SMOOTH = 0.3  # share of the rows that each point of the running mean looks at
BAND = 0.95  # probability of the band around the worm, at each point by itself


class QuantileResidualDisplay(Display):
    """Quantile residuals over the fitted mean, and their worm plot.

    The worm is the sorted residuals less what is expected of them, which is flat at zero if the
    model is true (van Buuren and Fredriks 2001, Statist. Med. 20, 1259-1277): a slope shows a
    wrong spread, a bow a skew, an S heavy or light tails.

    Parameters
    ----------
    fitted : ndarray of shape (n,)
        What residuals are drawn over.
    residuals : ndarray of shape (n,)
        Quantile residuals.
    name : str
        What ``fitted`` is.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import QuantileResidualDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = QuantileResidualDisplay.from_results(moe.inference(X, y))
    >>> print(f"{display.residuals.std():.1f}")
    1.0
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, fitted: np.ndarray, residuals: np.ndarray, name: str) -> None:
        self.fitted = fitted
        self.residuals = residuals
        self.name = name

    @classmethod
    def from_results(
        cls, results: object, *, output: Setting = 0, random_state: Seed = 0, ax: Axes = None
    ) -> "QuantileResidualDisplay":
        """Make quantile residuals of the rows of a fit and plot them.

        Parameters
        ----------
        results : InferenceResults
            What ``moe.inference(X, y)`` returned.
        output : int, default=0
            Which response, where there are several.
        random_state : int, RandomState or None, default=0
            Seed of the draws, for counts and classes.
        ax : pair of matplotlib Axes, default=None
            For residuals and for the worm; None makes a new figure.

        Returns
        -------
        QuantileResidualDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        found = check_kind("results", results, InferenceResults, "moe.inference")
        table = found.quantile_residuals(random_state)
        table = table.reshape(len(table), -1)
        chosen = check_output(output, table.shape[1])
        fitted = found.fitted_means()[:, chosen]
        display = cls(fitted=fitted, residuals=table[:, chosen], name="fitted mean")
        return display.plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "QuantileResidualDisplay":
        """Draw residuals with their running mean, and the worm with a band.

        Parameters
        ----------
        ax : pair of matplotlib Axes, default=None
            For residuals and for the worm; None makes a new figure.

        Returns
        -------
        QuantileResidualDisplay
            This display.
        """
        self._panels(ax, 2, figsize=SIZE)
        self._residuals(self.axes_[0])
        self._worm(self.axes_[1])
        for one in self.axes_:
            one.spines[["top", "right"]].set_visible(False)
        return self

    def _residuals(self, ax: Axes) -> None:
        ax.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
        for z in (-1.96, 1.96):
            ax.axhline(z, color="0.75", linewidth=0.8, linestyle=":", zorder=0)
        ax.plot(self.fitted, self.residuals, ".", color="C0", markersize=4, alpha=0.6)
        order = np.argsort(self.fitted, kind="stable")
        width = max(int(SMOOTH * len(order)), 1)
        if width > 2 and np.ptp(self.fitted) > 0:
            kernel = np.ones(width) / width
            place, mean = (
                np.convolve(one[order], kernel, mode="valid")
                for one in (self.fitted, self.residuals)
            )
            ax.plot(place, mean, color="C3", linewidth=1.5)
        ax.set(xlabel=self.name, ylabel="quantile residual", title="residuals, running mean")

    def _worm(self, ax: Axes) -> None:
        n = len(self.residuals)
        share = (np.arange(n) + 0.5) / n
        expected = stats.norm.ppf(share)
        gap = np.sort(self.residuals) - expected
        error = np.sqrt(share * (1 - share) / n) / stats.norm.pdf(expected)
        half = stats.norm.ppf(0.5 + 0.5 * BAND) * error
        ax.fill_between(expected, -half, half, color="0.9", linewidth=0, zorder=0)
        ax.axhline(0.0, color="0.6", linewidth=0.8, zorder=1)
        ax.plot(expected, gap, ".", color="C0", markersize=4)
        top = 1.15 * max(np.abs(gap).max(), half[n // 2 :][: max(n // 3, 1)].max())
        ax.set(xlabel="normal quantile", ylabel="residual less quantile", ylim=(-top, top))
        ax.set_title(f"worm, {100 * BAND:g} % band at each point")


class InfluenceDisplay(Display):
    """Cook's distance over leverage; the rows that matter most are named.

    Parameters
    ----------
    leverage, distance : ndarray of shape (n,)
        Of the rows.
    names : list of str
        Of the rows.
    n_named : int
        How many of the largest distances are named.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import InfluenceDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = InfluenceDisplay.from_influence(moe.inference(X, y).influence(), n_named=2)
    >>> [text.get_text() for text in display.ax_.texts]
    ['280', '220']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, *, leverage: np.ndarray, distance: np.ndarray, names: list[str], n_named: int
    ) -> None:
        self.leverage = leverage
        self.distance = distance
        self.names = names
        self.n_named = n_named

    @classmethod
    def from_influence(
        cls, influence: object, *, n_named: Setting = 5, ax: Axes = None
    ) -> "InfluenceDisplay":
        """Plot the influence of rows.

        Parameters
        ----------
        influence : Influence
            What ``results.influence()`` returned.
        n_named : int, default=5
            Rows that are named, those of the largest distances.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        InfluenceDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        found = check_kind("influence", influence, Influence, "results.influence")
        return cls(
            leverage=found.leverage,
            distance=found.cooks_distance,
            names=[str(one) for one in found.index],
            n_named=check_integer("n_named", n_named, 0),
        ).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "InfluenceDisplay":
        """Draw a dot for each row; triangles on the upper edge are infinite.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        InfluenceDisplay
            This display.
        """
        ax = self._axes(ax)
        finite = np.isfinite(self.distance)
        largest = self.distance[finite].max(initial=0.0) or 1.0
        shown = np.where(finite, self.distance, 1.12 * largest)
        ax.plot(self.leverage[finite], shown[finite], ".", color="C0", markersize=6)
        ax.plot(self.leverage[~finite], shown[~finite], "^", color="C3", markersize=6)
        middle = 0.5 * (self.leverage.min() + self.leverage.max())
        for row in np.argsort(-shown, kind="stable")[: self.n_named]:
            left = self.leverage[row] > middle  # so that names stay inside
            ax.annotate(
                self.names[row],
                (self.leverage[row], shown[row]),
                xytext=(-5 if left else 5, 2),
                textcoords="offset points",
                ha="right" if left else "left",
                fontsize="small",
            )
        ax.set(xlabel="leverage", ylabel="Cook's distance", ylim=(-0.03 * largest, 1.2 * largest))
        ax.spines[["top", "right"]].set_visible(False)
        return self
