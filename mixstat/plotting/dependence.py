"""Partial dependence: means over rows of what the model says where one input is moved."""

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Axes, Estimator, Setting, Table, as_frame, count_rows
from mixstat.plotting.along import Along, along, column_of, position_of
from mixstat.plotting.base import Display, colors_of, expert_names
from mixstat.plotting.checks import check_answers, check_output
from mixstat.plotting.displays import response_name
from mixstat.validation import check_choice, check_integer

# what is averaged, and the questions that an estimator answers for it
KINDS = {
    "share": ("gate_proba",),
    "mean": ("gate_proba", "predict"),
    "deviation": ("gate_proba", "predict"),
    "expert": ("gate_proba", "expert_means"),
}
LABELS = {
    "share": "mean gate share",
    "mean": "mean of {}",
    "deviation": "deviation of {}",
    "expert": "experts' mean of {}",
}
MOST_ROWS = 500  # of X over which is averaged


class PartialDependenceDisplay(Display):
    """Gate shares, means or deviations over one input, averaged over the other inputs of rows.

    Unlike curves at medians, these are of rows as they are: the input is set to each value in
    all of them (Friedman 2001).

    Parameters
    ----------
    values : ndarray of shape (n_points,)
        The input.
    curves : ndarray of shape (n_curves, n_points)
        Means over rows.
    names : list of str
        Of the curves; of one curve it is not drawn.
    label : str
        What is averaged.
    along : Along
        How the axis is drawn.
    seen : ndarray of shape (n,)
        Values of the rows, marked below the curves.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import PartialDependenceDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = PartialDependenceDisplay.from_estimator(moe, X, of="mean", n_points=3)
    >>> display.curves.round(1)
    array([[0., 1., 0.]])
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, values, curves, names, label, along, seen) -> None:
        self.values = values
        self.curves = curves
        self.names = names
        self.label = label
        self.along = along
        self.seen = seen

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        *,
        feature: Setting = 0,
        of: Setting = "share",
        output: Setting = 0,
        n_points: Setting = 40,
        ax: Axes = None,
    ) -> "PartialDependenceDisplay":
        """Average over rows and plot.

        Parameters
        ----------
        estimator : MixtureOfExperts
            A fitted estimator; for "share" any with ``gate_proba``.
        X : array-like of shape (n, d)
            Rows that are averaged over, at most 500 of them.
        feature : int or str, default=0
            The input on the horizontal axis.
        of : {"share", "mean", "deviation", "expert"}, default="share"
            Gate shares of the experts, the mean or the deviation of y, or each expert's mean.
        output : int, default=0
            Which response, where there are several.
        n_points : int, default=40
            Points along the curves.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        PartialDependenceDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        kind = check_choice("of", of, tuple(KINDS))
        check_answers("estimator", estimator, *KINDS[kind])
        line = along(X, feature, check_integer("n_points", n_points, 2))
        rows, seen = _every(X, line, feature)
        table = _answers(kind, estimator, rows, output)
        curves = table.reshape(len(table), len(line.positions), -1).mean(axis=2)
        names = expert_names(estimator, len(curves)) if len(curves) > 1 else [""]
        name = "response" if kind == "share" else response_name(estimator, int(str(output)))
        return cls(
            values=line.positions,
            curves=curves,
            names=names,
            label=LABELS[kind].format(name),
            along=Along(line.name, line.rows, line.positions, line.levels, line.dates),
            seen=seen,
        ).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "PartialDependenceDisplay":
        """Draw the curves, and a mark for each row along the axis.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        PartialDependenceDisplay
            This display.
        """
        ax = self._axes(ax)
        several = len(self.curves) > 1
        colors = colors_of(len(self.curves)) if several else ["black"]
        for curve, name, color in zip(self.curves, self.names, colors, strict=True):
            style = "o" if self.along.levels is not None else "-"
            ax.plot(self.values, curve, style, color=color, linewidth=1.8, label=name)
        if self.along.levels is None:
            marks = {"color": "0.4", "linewidth": 0.5, "alpha": 0.5}
            ax.vlines(self.seen, 0, 0.03, transform=ax.get_xaxis_transform(), **marks)
        ax.set_ylabel(self.label)
        if several and self.label == LABELS["share"]:
            ax.set_ylim(-0.02, 1.02)
        self.along.dress(ax)
        ax.spines[["top", "right"]].set_visible(False)
        if several:
            self._legend(ax)
        return self


def _every(X: Table, line: Along, feature: Setting) -> tuple[Table, np.ndarray]:
    """Rows of X once for each value of the input, and the values that they had."""
    position, name = position_of(X, feature)
    n, frame = count_rows(X), as_frame(X)
    chosen = np.unique(np.linspace(0, n - 1, min(n, MOST_ROWS)).astype(int))
    every, seen = np.tile(chosen, len(line.positions)), line.place(X)[chosen]
    if frame is None:
        rows = np.asarray(X, float)[every]
        rows[:, position] = np.repeat(line.positions, len(chosen))
        return rows, seen
    rows = frame.iloc[every].reset_index(drop=True)
    values = as_frame(line.rows).iloc[:, position]  # type: ignore[union-attr]
    repeated = values.iloc[np.repeat(np.arange(len(values)), len(chosen))]
    rows.isetitem(position, repeated.reset_index(drop=True))
    assert len(column_of(rows, name)) == len(every)
    return rows, seen


def _answers(
    kind: str, estimator: object, rows: Table, output: Setting
) -> Float[np.ndarray, "c N"]:
    """What the estimator says of all rows, a line for each curve."""
    model: object = estimator
    if kind == "share":
        return np.asarray(model.gate_proba(rows)).T  # type: ignore[attr-defined]
    if kind == "expert":
        means = np.asarray(model.expert_means(rows))  # type: ignore[attr-defined]
        return means[:, :, check_output(output, means.shape[2])].T
    found = model.predict(rows, return_std=True)  # type: ignore[attr-defined]
    table = np.asarray(found[int(kind == "deviation")]).reshape(count_rows(rows), -1)
    return table[:, [check_output(output, table.shape[1])]].T
