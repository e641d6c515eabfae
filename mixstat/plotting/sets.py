"""Prediction sets over one input."""

import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Axes, Response, Setting, Table
from mixstat.plotting.along import along
from mixstat.plotting.base import Display
from mixstat.plotting.checks import check_answers
from mixstat.plotting.drawn import SetsOfIntervals

PALE = "#9ecae1"
FEW = 120  # sets up to which each is a line; more are a band of thin ones
REACH = 0.08  # of the range of what is finite, by which endless intervals go beyond it


class PredictionSetDisplay(Display):
    """Unions of intervals at each row, over one input.

    Parameters
    ----------
    position : ndarray of shape (n,)
        Where each row stands on the axis.
    intervals : ndarray
        Structured, with ``row``, ``lower`` and ``upper``.
    along : Along
        How the axis is drawn.
    level : float
        Of the sets.
    points : pair of ndarray, optional
        Responses, and whether each is in its set.
    response : str, default="response"
        Name of the response.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.conformal import ConformalPredictor
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import PredictionSetDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0)
    >>> sets = ConformalPredictor(moe, random_state=0).fit(X, y).predict_set(X[:50])
    >>> display = PredictionSetDisplay.from_sets(sets, X[:50], y[:50])
    >>> display.ax_.get_legend_handles_labels()[1]
    ['90% sets', 'inside', 'outside (4.0%)']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, *, position, intervals, along, level, points=None, response="response"
    ) -> None:
        self.position = position
        self.intervals = intervals
        self.along = along
        self.level = level
        self.points = points
        self.response = response

    @classmethod
    def from_sets(
        cls, sets: object, X: Table, y: Response = None, feature: Setting = 0, *, ax: Axes = None
    ) -> "PredictionSetDisplay":
        """Plot sets.

        Parameters
        ----------
        sets : IntervalSets
            What ``ConformalPredictor.predict_set`` returned for a real response or counts.
        X : array-like of shape (n, d)
            The inputs that they were made for.
        y : array-like of shape (n,), default=None
            Responses, those outside of their sets in another colour.
        feature : int or str, default=0
            Position or name of the input.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        PredictionSetDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        check_answers("sets", sets, "intervals", "contains", "level")
        assert isinstance(sets, SetsOfIntervals)
        line = along(X, feature, 2)
        position = line.place(X)
        if len(position) != len(sets):
            raise ValueError(
                f"X must have the {len(sets)} rows of the sets, got {len(position)} rows."
            )
        points = None if y is None else (np.asarray(y, float).ravel(), sets.contains(y))
        return cls(
            position=position,
            intervals=sets.intervals,
            along=line,
            level=sets.level,
            points=points,
            response=sets.response,
        ).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "PredictionSetDisplay":
        """Draw a line for each interval.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        PredictionSetDisplay
            This display.
        """
        ax = self._axes(ax)
        lower, upper = self._within()
        many = len(self.position) > FEW
        ax.vlines(
            self.position[self.intervals["row"]],
            lower,
            upper,
            color=PALE,
            linewidth=1.5 if many else 3,
            label=f"{self.level:.0%} sets",
        )
        if self.points is not None:
            _draw_points(ax, self.position, *self.points)
        self.along.dress(ax)
        ax.set_ylabel(self.response)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, loc="best")
        return self

    def _within(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the intervals; those without end go a little beyond all others."""
        lower, upper = self.intervals["lower"], self.intervals["upper"]
        seen = np.concatenate([lower, upper, [] if self.points is None else self.points[0]])
        seen = seen[np.isfinite(seen)]
        low, high = (seen.min(), seen.max()) if len(seen) else (0.0, 1.0)
        room = REACH * (high - low)
        return np.maximum(lower, low - room), np.minimum(upper, high + room)


def _draw_points(
    ax: Axes, x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], held: Bool[np.ndarray, " n"]
) -> None:
    style = {"linestyle": "", "marker": ".", "markersize": 4, "zorder": 3}
    ax.plot(x[held], y[held], color="0.15", label="inside", **style)
    share = f"outside ({np.mean(~held):.1%})"
    ax.plot(x[~held], y[~held], color="C3", label=share, **{**style, "markersize": 6})
