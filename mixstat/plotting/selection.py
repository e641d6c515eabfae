"""Criteria of a grid of models over the number of experts."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Axes
from mixstat.plotting.base import Display
from mixstat.plotting.checks import check_answers
from mixstat.plotting.drawn import Compared

WIDTH, HEIGHT = 3.4, 3.0  # of a panel, inches
TITLES = {
    "bic": "BIC",
    "aic": "AIC",
    "sabic": "SABIC",
    "caic": "CAIC",
    "icl": "ICL",
    "eic": "EIC",
    "held_out": "held-out log density a row",
}
USUAL = ("bic", "icl", "held_out")
MARKERS = "osD^vP*X"  # one after the other where colours run out


class SelectionLine(NamedTuple):
    """Members that differ in their number of experts alone."""

    label: str
    rows: tuple[int, ...]
    """Of the table."""
    n_experts: Float[np.ndarray, " r"]
    regular: Bool[np.ndarray, " r"]
    values: dict[str, Float[np.ndarray, " r"]]
    """By column."""


class SelectionDisplay(Display):
    """Criteria over the number of experts, a line for each gate, family and what else differs.

    Parameters
    ----------
    lines : list of SelectionLine
        What is drawn.
    columns : tuple of str
        Criteria, a panel for each.
    chosen : int
        Row of the winner, which is marked.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import SelectionDisplay
    >>> from mixstat.selection import select
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(n_init=2, random_state=0)
    >>> display = SelectionDisplay.from_selection(select(X, y, estimator=moe, n_experts=[1, 2]))
    >>> [ax.get_title() for ax in display.axes_]
    ['BIC', 'ICL']
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, lines, columns, chosen) -> None:
        self.lines = lines
        self.columns = columns
        self.chosen = chosen

    @classmethod
    def from_selection(cls, selection: object, *, ax: Axes = None) -> "SelectionDisplay":
        """Plot a selection.

        Parameters
        ----------
        selection : Selection
            What :func:`mixstat.selection.select` returned.
        ax : array of matplotlib Axes, default=None
            One for each criterion that is drawn; None makes a new figure.

        Returns
        -------
        SelectionDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        check_answers("selection", selection, "table", "criterion", "setting_names")
        assert isinstance(selection, Compared)
        used = "held_out" if selection.criterion == "one_se" else selection.criterion
        wanted = dict.fromkeys((used, *USUAL))
        columns = tuple(name for name in wanted if selection.table[name].notna().any())
        lines = _lines(selection, columns)
        return cls(lines=lines, columns=columns, chosen=selection.best_index_).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "SelectionDisplay":
        """Draw a panel for each criterion; hollow marks are fits that are not regular maxima.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each panel; None makes a new figure.

        Returns
        -------
        SelectionDisplay
            This display.
        """
        from matplotlib.ticker import MaxNLocator

        n = len(self.columns)
        more = 0.3 * -(-len(self.lines) // 3) if len(self.lines) > 1 else 0.0
        axes = self._panels(ax, n, figsize=(WIDTH * n, HEIGHT + more))
        for one, column in zip(axes, self.columns, strict=True):
            for i, line in enumerate(self.lines):
                self._draw(one, line, column, f"C{i % 10}", MARKERS[i // 10 % len(MARKERS)])
            one.set(xlabel="experts", title=TITLES[column])
            one.xaxis.set_major_locator(MaxNLocator(integer=True))
            one.ticklabel_format(axis="y", useOffset=False)
            one.spines[["top", "right"]].set_visible(False)
        if len(self.lines) > 1:
            handles, labels = axes[0].get_legend_handles_labels()
            self.figure_.legend(handles, labels, loc="outside lower center", frameon=False, ncols=3)
        return self

    def _draw(self, ax: Axes, line: SelectionLine, column: str, color: str, marker: str) -> None:
        """One line, its marks, the winner's ring and the error of the held-out density."""
        x, y = line.n_experts, line.values[column]
        ax.plot(x, y, color=color, linewidth=1.5, label=line.label)
        for chosen, face in ((line.regular, color), (~line.regular, "white")):
            style = {"linestyle": "", "markersize": 5, "markeredgecolor": color}
            ax.plot(x[chosen], y[chosen], marker=marker, markerfacecolor=face, **style)
        if column == "held_out":
            error = line.values["held_out_se"]
            ax.errorbar(x, y, error, color=color, linewidth=0, elinewidth=1, capsize=2)
        if self.chosen in line.rows:
            place = line.rows.index(self.chosen)
            ring = {"markersize": 13, "markerfacecolor": "none", "markeredgecolor": "0.3"}
            ax.plot(x[place], y[place], marker="o", linestyle="", **ring)


def _lines(selection: Compared, columns: tuple[str, ...]) -> list[SelectionLine]:
    """Rows of the table that share all settings but the number of experts."""
    table = selection.table
    others = [name for name in selection.setting_names if name != "n_experts"]
    varying = [name for name in others if table[name].astype(str).nunique() > 1]
    keys = [tuple(str(table[name][i]) for name in varying) for i in range(len(table))]
    numbers = (*columns, "held_out_se")
    lines = []
    for key in dict.fromkeys(keys):
        label = ", ".join(
            value if name in ("gate", "expert") and value.isalpha() else f"{name} {value}"
            for name, value in zip(varying, key, strict=True)
        )
        rows = [i for i, one in enumerate(keys) if one == key]
        rows.sort(key=lambda i: table["n_experts"][i])
        part = table.iloc[rows]
        lines.append(
            SelectionLine(
                label=label,
                rows=tuple(rows),
                n_experts=part["n_experts"].to_numpy(float),
                regular=part["regular"].to_numpy(bool),
                values={name: part[name].to_numpy(float) for name in numbers},
            )
        )
    return lines
