"""What all displays are: the data of a figure, and its axes once it is drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mixstat.arguments import Axes, Figure
from mixstat.plotting.checks import check_all_axes

SIZE = (7.0, 4.2)  # inches, with a legend beside the axes


class Display:
    """A figure's data and, once plotted, its axes."""

    figure_: Figure
    """The figure."""
    axes_: np.ndarray
    """Its axes, one for each panel."""

    @property
    def ax_(self) -> Axes:
        """The axes of the only panel, or those of all panels."""
        return self.axes_[0] if len(self.axes_) == 1 else self.axes_

    def _axes(self, ax: Axes) -> Axes:
        """The axes of one panel; None opens a figure."""
        return self._panels(ax, 1, **self._new_figure())[0]

    def _new_figure(self) -> dict[str, Any]:
        """Settings of a new figure of one panel."""
        return {"figsize": SIZE}

    def _panels(self, ax: Axes, count: int, **figure: Any) -> np.ndarray:
        """Axes of all panels; None opens a figure, in one row unless there are fewer ``columns``.

        Never the axes of an earlier figure, whose scales would stay.
        """
        import matplotlib.pyplot as plt

        self._own = ax is None
        if ax is None:
            columns = figure.pop("columns", count)
            rows = -(-count // columns)
            figure = {"layout": "constrained", "squeeze": False} | figure
            grid = plt.subplots(rows, columns, **figure)[1]
            for spare in grid.ravel()[count:]:
                spare.remove()
            ax = grid.ravel()[:count]
        self.axes_ = check_all_axes(ax, count)
        self.figure_ = self.axes_[0].figure
        return self.axes_

    def _legend(self, ax: Axes, *, reverse: bool = False) -> None:
        """A legend beside the data; within axes that were given, beside which others may stand."""
        if self._own:
            beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
            ax.legend(reverse=reverse, **beside)
        else:
            ax.legend(reverse=reverse, loc="best", framealpha=0.9)


def letters(points: float | None) -> Any:
    """A context in which letters are so high; None for what Matplotlib has."""
    import matplotlib as mpl

    return mpl.rc_context({} if points is None else {"font.size": points})


def dress_dates(ax: Axes) -> None:
    """Short dates that do not collide, where the horizontal axis has dates."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateConverter

    axis = ax.xaxis
    # its name before Matplotlib 3.10
    converter = axis.get_converter() if hasattr(axis, "get_converter") else axis.converter
    if isinstance(converter, DateConverter) or type(converter).__name__.endswith("DateConverter"):
        locator = AutoDateLocator(minticks=3, maxticks=7)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def stack_shares(ax: Axes, place: np.ndarray, share: np.ndarray, names: Sequence[str]) -> None:
    """Shares (K, n) stacked to one, without seams between them."""
    colors = [pale(color) for color in colors_of(len(share))]
    # opaque: where translucent areas meet, the paper would shine through
    areas = ax.stackplot(place, share, colors=colors, labels=names)
    for area in areas:
        area.set(edgecolor="face", linewidth=0.4)
    ax.set(ylabel="gate share", ylim=(0, 1), xlim=(place[0], place[-1]))


def colors_of(k: int) -> list[Any]:
    """One colour per expert, the same in every display."""
    import matplotlib as mpl

    return [mpl.colormaps["tab10"](i % 10) for i in range(k)]


def pale(color: Any, share: float = 0.8) -> tuple[float, ...]:
    """A colour mixed with white."""
    from matplotlib.colors import to_rgb

    return tuple(1 - share * (1 - part) for part in to_rgb(color))


def expert_names(estimator: object, count: int) -> list[str]:
    """What each expert is called: by its name or context where it has one, else by its number."""
    told = getattr(estimator, "expert_titles_", None)
    return [f"expert {k}" for k in range(count)] if told is None else told
