"""Display classes: what was drawn is kept, so that it can be drawn again."""

import numpy as np

from mixstat.alignment import check_same_rows
from mixstat.arguments import Axes, Estimator, Response, Setting, Table, count_rows
from mixstat.kinds import check_length, check_numbers
from mixstat.plotting.along import along
from mixstat.plotting.base import Display, colors_of, expert_names, stack_shares
from mixstat.plotting.checks import check_answers, check_output
from mixstat.plotting.drawn import Gated, Regressor
from mixstat.validation import check_integer, check_open_share


def response_name(estimator: object, output: int) -> str:
    """Name of a response, where the estimator knows it."""
    fit = getattr(estimator, "fit_", None)
    return "response" if fit is None else fit.response_name(output)


def regressor(estimator: Estimator) -> Regressor:
    """A fitted regressor, refused if it is none."""
    questions = ("predict", "predict_interval", "expert_means", "gate_proba")
    check_answers("estimator", estimator, *questions)
    assert isinstance(estimator, Regressor)
    return estimator


def _responses(X: Table, y: Response) -> np.ndarray | None:
    """Responses that are drawn, as a table."""
    if y is None:
        return None
    check_numbers("y", y)
    check_length("y", y, count_rows(X))
    return np.asarray(y).reshape(count_rows(y), -1)


class FittedMeanDisplay(Display):
    """Fitted conditional mean, each expert's mean and a prediction interval, over one input.

    Parameters
    ----------
    values : ndarray of shape (n_points,)
        The input.
    mean : ndarray of shape (n_points,)
        Conditional mean.
    experts : ndarray of shape (n_experts, n_points)
        Mean of each expert.
    share : ndarray of shape (n_experts, n_points)
        Gate probabilities.
    interval : ndarray of shape (n_points, 2)
        Central prediction interval.
    coverage : float
        Its probability.
    name : str
        Name of the input.
    points : pair of ndarray, optional
        The data, to be drawn below the curves.
    along : Along, optional
        How the axis is drawn, where the input is a date or a category.
    response : str, default="response"
        Name of the response.
    names : list of str, optional
        What each expert stands for.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import FittedMeanDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> FittedMeanDisplay.from_estimator(moe, X, y).ax_.get_title(loc="right")
    'at x1 = 0.456, x2 = 0.512'
    """

    def __init__(
        self,
        *,
        values,
        mean,
        experts,
        share,
        interval,
        coverage,
        name,
        points=None,
        along=None,
        response="response",
        names=None,
    ) -> None:
        self.values = values
        self.mean = mean
        self.experts = experts
        self.share = share
        self.interval = interval
        self.coverage = coverage
        self.name = name
        self.points = points
        self.along = along
        self.response = response
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        y: Response = None,
        *,
        feature: Setting = 0,
        output: Setting = 0,
        coverage: Setting = 0.9,
        n_points: Setting = 300,
        ax: Axes = None,
    ) -> "FittedMeanDisplay":
        """Evaluate a fitted estimator over one input and plot it.

        Parameters
        ----------
        estimator : MixtureOfExperts
            A fitted regressor.
        X : array-like of shape (n, d)
            Rows that give the input's range; other inputs stay at their medians.
        y : array-like of shape (n,) or (n, m), default=None
            Responses, drawn as points if given.
        feature : int or str, default=0
            The input on the horizontal axis.
        output : int, default=0
            Which response, where there are several.
        coverage : float, default=0.9
            Probability inside the shaded interval.
        n_points : int, default=300
            Points along the curves.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        FittedMeanDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        model = regressor(estimator)
        check_same_rows(X=X, y=y)
        responses = _responses(X, y)
        line = along(X, feature, check_integer("n_points", n_points, 2))
        share, rows = check_open_share("coverage", coverage), line.rows
        means = np.asarray(model.predict(rows)).reshape(len(line.positions), -1)
        chosen = check_output(output, means.shape[1])
        interval, shares = model.predict_interval(rows, share), model.gate_proba(rows).T
        interval = interval[:, chosen] if interval.ndim == 3 else interval
        return cls(
            values=line.positions,
            mean=means[:, chosen],
            experts=model.expert_means(rows)[:, :, chosen].T,
            share=shares,
            interval=interval,
            coverage=share,
            name=line.name,
            points=None if responses is None else (line.place(X), responses[:, chosen]),
            along=line,
            response=response_name(model, chosen),
            names=expert_names(model, len(shares)),
        ).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "FittedMeanDisplay":
        """Draw points, interval, experts (opaque where their share is large) and the mean.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        FittedMeanDisplay
            This display.
        """
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgba

        ax = self._axes(ax)
        if self.points is not None:
            ax.plot(*self.points, ".", color="0.6", markersize=4, zorder=1, label="data")
        band = f"{100 * self.coverage:g} % prediction interval"
        ax.fill_between(self.values, *self.interval.T, color="0.85", zorder=0, label=band)
        names = self.names or expert_names(None, len(self.experts))
        for k, color in enumerate(colors_of(len(self.experts))):
            line = np.column_stack([self.values, self.experts[k]])
            middle = 0.5 * (self.share[k, 1:] + self.share[k, :-1])
            shades = [(*to_rgba(color)[:3], 0.12 + 0.88 * s) for s in middle]
            pieces = np.stack([line[:-1], line[1:]], axis=1)
            ax.add_collection(LineCollection(list(pieces), colors=shades, linewidths=2, zorder=2))
            ax.plot([], [], color=color, linewidth=2, label=names[k])
        ax.plot(self.values, self.mean, color="black", linewidth=1.2, zorder=3, label="mean")
        lowest = self.interval.min() if self.points is None else self.points[1].min()
        highest = self.interval.max() if self.points is None else self.points[1].max()
        low, high = min(lowest, self.interval.min()), max(highest, self.interval.max())
        margin = 0.03 * (high - low)
        ax.set(xlabel=self.name, ylabel=self.response, ylim=(low - margin, high + margin))
        if self.along is not None:
            self.along.dress(ax)
        self._legend(ax)
        return self


class GateDisplay(Display):
    """Gate shares over one input, stacked to one.

    Parameters
    ----------
    values : ndarray of shape (n_points,)
        The input.
    share : ndarray of shape (n_experts, n_points)
        Gate probabilities.
    name : str
        Name of the input.
    along : Along, optional
        How the axis is drawn, where the input is a date or a category.
    names : list of str, optional
        What each expert stands for.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import GateDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> GateDisplay.from_estimator(moe, X).ax_.get_ylabel()
    'gate share'
    """

    def __init__(self, *, values, share, name, along=None, names=None) -> None:
        self.values = values
        self.share = share
        self.name = name
        self.along = along
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        *,
        feature: Setting = 0,
        n_points: Setting = 300,
        ax: Axes = None,
    ) -> "GateDisplay":
        """Evaluate a fitted gate over one input and plot it.

        Parameters
        ----------
        estimator : fitted estimator
            Anything with ``gate_proba``.
        X : array-like of shape (n, d)
            Rows that give the input's range; other inputs stay at their medians.
        feature : int or str, default=0
            The input on the horizontal axis.
        n_points : int, default=300
            Points along the curves.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        GateDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        check_answers("estimator", estimator, "gate_proba")
        assert isinstance(estimator, Gated)
        line = along(X, feature, check_integer("n_points", n_points, 2))
        share = estimator.gate_proba(line.rows).T
        names = expert_names(estimator, len(share))
        display = cls(values=line.positions, share=share, name=line.name, along=line, names=names)
        return display.plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "GateDisplay":
        """Draw the shares as stacked areas.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        GateDisplay
            This display.
        """
        ax = self._axes(ax)
        names = self.names or expert_names(None, len(self.share))
        stack_shares(ax, self.values, self.share, names)
        ax.set_xlabel(self.name)
        if self.along is not None:
            self.along.dress(ax)
        self._legend(ax, reverse=True)
        return self
