"""Where each expert is the most probable, over two inputs."""

import numpy as np

from mixstat.arguments import Axes, Estimator, Series, Setting, Table
from mixstat.kinds import check_length
from mixstat.plotting.along import Along, along, held_values, position_of, tell_held, with_two
from mixstat.plotting.base import Display, colors_of, expert_names
from mixstat.plotting.checks import check_answers
from mixstat.plotting.drawn import Gated
from mixstat.validation import check_integer

FAINT = 0.12  # opacity where shares are equal


class GateRegionsDisplay(Display):
    """Regions of two inputs in which each expert is the most probable; strong where it is sure.

    Parameters
    ----------
    first, second : ndarray of shape (n_points,)
        The inputs.
    share : ndarray of shape (n_experts, n_points, n_points)
        Gate probabilities; rows are of the second input.
    labels : pair of str
        Names of the inputs.
    names : list of str
        What each expert stands for.
    held : tuple of str
        Where the other inputs stay.
    points : tuple of ndarray, optional
        Both inputs of rows, and the number of the expert of each.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import GateRegionsDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = GateRegionsDisplay.from_estimator(moe, X, features=(0, 2), n_points=30)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('x0', 'x2')
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, first, second, share, labels, names, held, points=None) -> None:
        self.first = first
        self.second = second
        self.share = share
        self.labels = labels
        self.names = names
        self.held = held
        self.points = points

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        *,
        features: Setting = (0, 1),
        experts: Series = None,
        n_points: Setting = 120,
        ax: Axes = None,
    ) -> "GateRegionsDisplay":
        """Evaluate a fitted gate over two inputs and plot it.

        Parameters
        ----------
        estimator : fitted estimator
            Anything with ``gate_proba``.
        X : array-like of shape (n, d)
            Rows that give the ranges of the inputs; other inputs stay at their medians.
        features : pair of int or str, default=(0, 1)
            The inputs on the horizontal and on the vertical axis, both of numbers.
        experts : array-like of shape (n,), default=None
            Number of the expert of each row, such as ``responsibilities(X, y).argmax(axis=1)``;
            rows are then drawn in its colour.
        n_points : int, default=120
            Points along each axis.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        GateRegionsDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        check_answers("estimator", estimator, "gate_proba")
        assert isinstance(estimator, Gated)
        count = check_integer("n_points", n_points, 2)
        lines, position = _two(X, features, count)
        check_length("experts", experts, len(lines[0].place(X)))
        rows = with_two(*lines, position)
        share = estimator.gate_proba(rows).T.reshape(-1, count, count)
        names, numbers = expert_names(estimator, len(share)), None
        if experts is not None:
            numbers = np.asarray(experts)
            if not np.isin(numbers, np.arange(len(share))).all():
                raise ValueError(
                    f"experts must be numbers from 0 to {len(share) - 1}, got {experts!r}."
                )
        return cls(
            first=lines[0].positions,
            second=lines[1].positions,
            share=share,
            labels=tuple(line.name for line in lines),
            names=names,
            held=held_values(rows, [line.name for line in lines]),
            points=None if numbers is None else (*(line.place(X) for line in lines), numbers),
        ).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "GateRegionsDisplay":
        """Draw the regions, lines between them, and rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        GateRegionsDisplay
            This display.
        """
        from matplotlib.colors import to_rgb

        ax = self._axes(ax)
        k = len(self.share)
        colors = np.array([to_rgb(color) for color in colors_of(k)])
        best, top = self.share.argmax(axis=0), self.share.max(axis=0)
        sure = (top - 1 / k) / (1 - 1 / k) if k > 1 else np.ones_like(top)
        depth = (FAINT + (0.75 - FAINT) * sure)[..., None]
        ends = (*self.first[[0, -1]], *self.second[[0, -1]])
        image = 1 - depth * (1 - colors[best])
        ax.imshow(image, origin="lower", extent=ends, aspect="auto", interpolation="nearest")
        for one in range(k if k > 1 else 0):
            rest = np.delete(self.share, one, axis=0).max(axis=0)
            gap = self.share[one] - rest
            if gap.min() < 0 < gap.max():
                line = {"colors": "white", "linewidths": 1.2}
                ax.contour(self.first, self.second, gap, levels=[0], **line)
        for one, name in enumerate(self.names):
            ax.plot([], [], "s", color=colors[one], label=name)
            if self.points is not None:
                own = self.points[2] == one
                style = {"color": colors[one], "markeredgecolor": "white", "markeredgewidth": 0.5}
                ax.plot(self.points[0][own], self.points[1][own], "o", markersize=4, **style)
        ax.set(xlabel=self.labels[0], ylabel=self.labels[1], xlim=ends[:2], ylim=ends[2:])
        tell_held(ax, self.held)
        self._legend(ax)
        return self


def _two(X: Table, features: Setting, n_points: int) -> tuple[tuple[Along, Along], int]:
    """Both inputs along their ranges, and the position of the second one."""
    if not isinstance(features, list | tuple) or len(features) != 2:
        raise ValueError(f"features must be a pair of inputs, by name or number; got {features!r}.")
    positions = [position_of(X, one, "features")[0] for one in features]
    if positions[0] == positions[1]:
        raise ValueError(f"features must be two inputs that differ, got {features!r}.")
    lines = [along(X, one, n_points) for one in features]
    for line, feature in zip(lines, features, strict=True):
        if line.levels is not None or line.dates:
            raise ValueError(
                f"features must be of numbers, and {feature!r} is not; got {features!r}."
            )
    return (lines[0], lines[1]), positions[1]
