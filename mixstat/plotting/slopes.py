"""Log-likelihoods over numbers of parameters, and what a parameter costs."""

import numpy as np

from mixstat.arguments import Axes
from mixstat.plotting.base import Display
from mixstat.plotting.checks import check_answers
from mixstat.plotting.drawn import Priced


class SlopeDisplay(Display):
    """Log-likelihoods of members over their numbers of parameters, with the minimal slope.

    Parameters
    ----------
    n_parameters : ndarray of shape (m,)
        Of the members.
    log_likelihood : ndarray of shape (m,)
        Summed over rows.
    chosen : int
        Position of the chosen member.
    minimal : float
        Slope of the line.
    first : int
        Position from which on members were used for it.
    method : str
        "slope" or "jump".

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import SlopeDisplay
    >>> from mixstat.selection import select, slope_heuristic
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0)
    >>> columns = {"expert_features": [[0], [0, 1, 2]], "gate_features": [[0], [0, 1, 2]]}
    >>> found = select(X, y, estimator=moe, n_experts=2, **columns)
    >>> display = SlopeDisplay.from_slopes(slope_heuristic(found))
    >>> display.n_parameters
    array([ 8, 10, 12, 14])
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, n_parameters, log_likelihood, chosen, minimal, first, method) -> None:
        self.n_parameters = n_parameters
        self.log_likelihood = log_likelihood
        self.chosen = chosen
        self.minimal = minimal
        self.first = first
        self.method = method

    @classmethod
    def from_slopes(cls, slopes: object, *, ax: Axes = None) -> "SlopeDisplay":
        """Plot what slope heuristics found.

        Parameters
        ----------
        slopes : SlopeHeuristic
            What :func:`mixstat.selection.slope_heuristic` returned.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        SlopeDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        check_answers("slopes", slopes, "minimal", "n_parameters", "log_likelihood", "plateau")
        assert isinstance(slopes, Priced)
        first = (sum(slopes.plateau) + 1) // 2 if slopes.method == "slope" else 0
        return cls(
            n_parameters=slopes.n_parameters,
            log_likelihood=slopes.log_likelihood,
            chosen=int(np.flatnonzero(slopes.rows == slopes.best_index_)[0]),
            minimal=slopes.minimal,
            first=first,
            method=slopes.method,
        ).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "SlopeDisplay":
        """Draw the members, the line of the minimal slope, and a ring around the chosen one.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        SlopeDisplay
            This display.
        """
        from matplotlib.ticker import MaxNLocator

        ax = self._axes(ax)
        x, y = self.n_parameters, self.log_likelihood
        used = np.arange(len(x)) >= self.first
        ax.plot(x[used], y[used], "o", color="C0", markersize=5)
        ax.plot(x[~used], y[~used], "o", color="C0", markersize=5, markerfacecolor="white")
        level = np.median((y - self.minimal * x)[used])
        words = f"{self.minimal:.3g} a parameter"
        ax.plot(x[used], level + self.minimal * x[used], color="C1", linewidth=1.4, label=words)
        ring = {"markersize": 13, "markerfacecolor": "none", "markeredgecolor": "0.3"}
        ax.plot(x[self.chosen], y[self.chosen], "o", label="chosen", **ring)
        ax.set(xlabel="parameters", ylabel="log-likelihood")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, loc="lower right")
        return self
