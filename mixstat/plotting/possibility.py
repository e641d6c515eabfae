"""Possibility distributions, over their variable or over the rows of a table."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Axes, Series
from mixstat.plotting.base import Display, dress_dates
from mixstat.plotting.checks import check_answers


@runtime_checkable
class OneContext(Protocol):
    """A context, as far as it is drawn."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def variables(self) -> Sequence[object]:
        """What it is stated on."""
        ...

    def at(self, values: Series, /) -> Float[np.ndarray, " n"]:
        """Possibility at values of its variable."""
        ...

    def grid(self) -> np.ndarray | None:
        """Values that show it, if it can tell."""
        ...


@runtime_checkable
class SeveralContexts(Protocol):
    """Possibilities of contexts on rows, as far as they are drawn."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the contexts."""
        ...

    @property
    def values(self) -> Float[np.ndarray, "n C"]:
        """Possibilities."""
        ...


class PossibilityDisplay(Display):
    """Possibilities of one context over its variable, or of several over rows.

    Parameters
    ----------
    position : ndarray of shape (n,)
        Values of the variable, or times of the rows.
    values : ndarray of shape (n, C)
        Possibilities between 0 and 1.
    names : list of str
        Names of the contexts.
    xlabel : str
        What the positions are.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat.contextual import Trapezoidal
    >>> from mixstat.plotting import PossibilityDisplay
    >>> heating = Trapezoidal("heating", on=0, corners=(10, 20, 40, 50))
    >>> display = PossibilityDisplay.from_context(heating, [10, 15, 20, 40, 50])
    >>> display.values.ravel()
    array([0. , 0.5, 1. , 1. , 0. ])
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, position, values, names, xlabel) -> None:
        self.position = position
        self.values = values
        self.names = names
        self.xlabel = xlabel

    @classmethod
    def from_context(
        cls, context: object, values: Series = None, *, ax: Axes = None
    ) -> "PossibilityDisplay":
        """Plot a context over its variable.

        Parameters
        ----------
        context : Context
            Of :mod:`mixstat.contextual`, stated on one variable.
        values : array-like of shape (n,), default=None
            Where to draw it; None takes the range in which it changes.
        ax : matplotlib Axes, default=None
            None makes a new figure.

        Returns
        -------
        PossibilityDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        check_answers("context", context, "variables", "at", "grid", "name")
        assert isinstance(context, OneContext)
        if len(context.variables) > 1:
            raise ValueError(
                f"context {context.name!r} is stated on several variables "
                f"({', '.join(map(str, context.variables))}); tabulate([context], X, y).plot() "
                "draws it over rows."
            )
        grid = context.grid() if values is None else np.sort(np.asarray(values))
        if grid is None:
            raise ValueError(
                f"values must be given: context {context.name!r} does not tell its range."
            )
        table = context.at(grid)[:, None]
        variable = context.variables[0]
        xlabel = variable if isinstance(variable, str) else f"column {variable}"
        display = cls(position=grid, values=table, names=[context.name], xlabel=xlabel)
        return display.plot(ax=ax)

    @classmethod
    def from_table(
        cls, table: object, *, time: Series = None, ax: Axes = None
    ) -> "PossibilityDisplay":
        """Plot the possibilities of all contexts over rows.

        Parameters
        ----------
        table : PossibilityTable
            What :func:`mixstat.contextual.tabulate` returned.
        time : array-like of shape (n,), default=None
            Positions of the rows; None numbers them.
        ax : matplotlib Axes, default=None
            None makes a new figure.

        Returns
        -------
        PossibilityDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        check_answers("table", table, "names", "values")
        assert isinstance(table, SeveralContexts)
        position = np.arange(len(table.values)) if time is None else np.asarray(time)
        if len(position) != len(table.values):
            raise ValueError(
                f"time must have one entry for each of {len(table.values)} rows, got "
                f"{len(position)}."
            )
        xlabel = "row" if time is None else "time"
        display = cls(position=position, values=table.values, names=table.names, xlabel=xlabel)
        return display.plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "PossibilityDisplay":
        """Draw a line for each context; labels get bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.

        Returns
        -------
        PossibilityDisplay
            This display.
        """
        ax = self._panels(ax, 1, figsize=(5, 2.6))[0]
        for name, column in zip(self.names, self.values.T, strict=True):
            if self.position.dtype.kind in "iufM":
                (line,) = ax.plot(self.position, column, label=name, linewidth=1.6)
                if len(self.names) == 1:
                    ax.fill_between(self.position, column, color=line.get_color(), alpha=0.15)
            else:
                ax.bar([str(p) for p in self.position], column, width=0.5, label=name, alpha=0.7)
        ax.set(xlabel=self.xlabel, ylabel="possibility", ylim=(-0.02, 1.05))
        ax.spines[["top", "right"]].set_visible(False)
        if len(self.names) == 1:
            ax.set_title(self.names[0])
        else:
            ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        dress_dates(ax)
        return self
