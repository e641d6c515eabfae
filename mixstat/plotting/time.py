"""A soft sensor over time: predictions above, gate shares below."""

import numpy as np

from mixstat.alignment import check_same_rows
from mixstat.arguments import (
    Axes,
    Estimator,
    Response,
    Series,
    Setting,
    Table,
    as_frame,
    count_rows,
)
from mixstat.contextual.records import index_of
from mixstat.kinds import check_length, check_numbers, check_table
from mixstat.plotting.base import (
    Display,
    colors_of,
    dress_dates,
    expert_names,
    stack_shares,
)
from mixstat.plotting.checks import check_output
from mixstat.plotting.displays import regressor, response_name
from mixstat.validation import check_open_share, check_switch

MOST_NAMES = 8  # on an axis of names


class TimeDisplay(Display):
    """Prediction with its interval over time, and the gate's shares under it.

    Parameters
    ----------
    time : ndarray of shape (n,)
        Positions of the rows.
    mean : ndarray of shape (n,)
        Predictions.
    interval : ndarray of shape (n, 2)
        Prediction interval.
    share : ndarray of shape (n, n_experts)
        Gate shares.
    names : list of str
        What each expert stands for.
    coverage : float
        Probability of the interval.
    y : ndarray of shape (n,), optional
        Measurements.
    contributions : ndarray of shape (n, n_experts), optional
        Gate share times mean of each expert, drawn in place of the shares.
    response : str, default="response"
        Name of the response.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import TimeDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = TimeDisplay.from_estimator(moe, X[:50], y[:50])
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['response', 'gate share']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        time,
        mean,
        interval,
        share,
        names,
        coverage,
        y=None,
        contributions=None,
        response="response",
    ) -> None:
        self.time = time
        self.mean = mean
        self.interval = interval
        self.share = share
        self.names = names
        self.coverage = coverage
        self.y = y
        self.contributions = contributions
        self.response = response

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        y: Response = None,
        *,
        time: Series = None,
        output: Setting = 0,
        coverage: Setting = 0.9,
        contributions: Setting = False,
        ax: Axes = None,
    ) -> "TimeDisplay":
        """Predict rows in the order of time and plot them.

        Parameters
        ----------
        estimator : MixtureOfExperts or ContextualMixtureOfExperts
            A fitted regressor.
        X : array-like of shape (n, d)
            Inputs in the order of time.
        y : array-like of shape (n,) or (n, m), default=None
            Measurements, drawn as points if given.
        time : array-like of shape (n,), default=None
            Numbers or timestamps of the rows; None takes the index of a data frame, or numbers
            them from 0.
        output : int, default=0
            Which response, where there are several.
        coverage : float, default=0.9
            Probability inside the shaded interval.
        contributions : bool, default=False
            Draw what each expert adds to the prediction in place of its share.
        ax : pair of matplotlib Axes, default=None
            For predictions and for shares; None makes a new figure.

        Returns
        -------
        TimeDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        model = regressor(estimator)
        check_same_rows(X=X, y=y, time=time)
        check_switch("contributions", contributions)
        if as_frame(X) is None:
            check_table("X", X)
        check_numbers("y", y)
        n = count_rows(X)
        check_length("y", y, n)
        check_length("time", time, n)
        index = index_of(X) if time is None else time
        level = check_open_share("coverage", coverage)
        interval = np.asarray(model.predict_interval(X, level)).reshape(n, -1, 2)
        chosen = check_output(output, interval.shape[1])
        share = model.gate_proba(X)
        parts = share * model.expert_means(X)[:, :, chosen] if contributions else None
        return cls(
            time=np.arange(n) if index is None else np.asarray(index),
            mean=np.asarray(model.predict(X)).reshape(n, -1)[:, chosen],
            interval=interval[:, chosen],
            share=share,
            names=expert_names(estimator, share.shape[1]),
            coverage=level,
            y=None if y is None else np.asarray(y).reshape(n, -1)[:, chosen],
            contributions=parts,
            response=response_name(estimator, chosen),
        ).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "TimeDisplay":
        """Draw points, predictions and their interval; below, shares stacked to one.

        Parameters
        ----------
        ax : pair of matplotlib Axes, default=None
            For predictions and for shares; None makes a new figure.

        Returns
        -------
        TimeDisplay
            This display.
        """
        figure = {"columns": 1, "figsize": (8.4, 4.2), "sharex": True, "height_ratios": [2, 1]}
        upper, lower = self._panels(ax, 2, **figure)
        time, names = _moments(self.time)
        band = f"{100 * self.coverage:g} % interval"
        upper.fill_between(time, *self.interval.T, color="0.82", linewidth=0, label=band)
        if self.y is not None:
            upper.plot(time, self.y, ".", color="0.35", markersize=2.5, label="measured")
        upper.plot(time, self.mean, color="C3", linewidth=1.1, label="predicted")
        upper.set_ylabel(self.response)
        colors = colors_of(len(self.names))
        if self.contributions is None:
            stack_shares(lower, time, self.share.T, self.names)
        else:
            for part, color, name in zip(self.contributions.T, colors, self.names, strict=True):
                lower.plot(time, part, color=color, linewidth=1.1, label=name)
            lower.set_ylabel("contribution")
        lower.set_xlabel("time")
        dress_dates(lower)
        if names is not None:
            shown = np.unique(np.linspace(0, len(time) - 1, MOST_NAMES).astype(int))
            lower.set_xticks(shown, [names[i] for i in shown])
        lower.set_xlim(time[0], time[-1])
        for one in (upper, lower):
            one.spines[["top", "right"]].set_visible(False)
            one.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        return self


def _moments(time: np.ndarray) -> tuple[np.ndarray, list[str] | None]:
    """Numbers or dates as they are; anything else by its place, with its name.

    Matplotlib would draw equal names at one place.
    """
    time = np.asarray(time)
    if time.dtype.kind in "iufMm":
        return time, None
    return np.arange(len(time)), [str(one) for one in time]
