"""Forests: dots with intervals, a line for each thing that is told; coefficients and effects."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Axes, DataFrame, Setting
from mixstat.inference.effects import PARTS, MarginalEffects
from mixstat.inference.results import InferenceResults
from mixstat.parts.labels import expert_title
from mixstat.plotting.base import Display, colors_of
from mixstat.plotting.checks import check_kind
from mixstat.validation import check_switch

WIDTH, ROW = 4.4, 0.34  # of a panel, and the least height of a line, inches
APART = 0.22  # of dots of several series on one line
HEAD = 1.3  # inches for title, axis and legend


class Series(NamedTuple):
    """Dots of one colour."""

    name: str
    """In the legend; empty for the only one."""
    color: object
    values: Float[np.ndarray, "r 3"]
    """Estimate and both ends of each line; NaN where there is none."""


class Panel(NamedTuple):
    """One axes of a forest."""

    title: str
    rows: list[str]
    """Names of the lines, from top to bottom."""
    series: list[Series]
    label: str
    """Of the horizontal axis."""


class ForestDisplay(Display):
    """Dots with intervals, in one panel or several.

    Parameters
    ----------
    panels : list of Panel
        What is drawn.
    level : float
        Level of the intervals.
    """

    def __init__(self, *, panels: Sequence[Panel], level: float) -> None:
        self.panels = list(panels)
        self.level = level

    def plot(self, *, ax: Axes = None) -> "ForestDisplay":
        """Draw a dot and a line for each number; hollow where it has no interval.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each panel; None makes a new figure.

        Returns
        -------
        ForestDisplay
            This display.
        """
        axes = self._figure(ax)
        colors = [[series[:2] for series in panel.series] for panel in self.panels]
        for number, (one, panel) in enumerate(zip(axes, self.panels, strict=True)):
            # panels of the same series share a legend, beside the last of them
            last = number + 1 == len(axes) or colors[number] != colors[number + 1]
            self._panel(one, panel, legend=last and len(panel.series) > 1)
        return self

    def _panel(self, ax: Axes, panel: Panel, *, legend: bool) -> None:
        rows, count = np.arange(len(panel.rows)), len(panel.series)
        ax.axvline(0.0, color="0.7", linewidth=0.8, zorder=0)
        for number, (name, color, values) in enumerate(panel.series):
            place = rows + APART * (number - 0.5 * (count - 1))
            middle, low, high = values.T
            told = np.isfinite(low) & np.isfinite(high)
            ax.hlines(place[told], low[told], high[told], color=color, linewidth=1.5)
            ax.plot(middle[told], place[told], "o", color=color, markersize=4.5, label=name)
            ax.plot(middle[~told], place[~told], "o", color=color, markersize=4.5, mfc="white")
        ax.set(title=panel.title, ylim=(len(rows) - 0.5, -0.5), xlabel=panel.label)
        ax.set_yticks(rows, panel.rows)
        ax.tick_params(axis="y", length=0)
        ax.locator_params(axis="x", nbins=5)
        ax.spines[["top", "right", "left"]].set_visible(False)
        for row in rows[:-1]:
            ax.axhline(row + 0.5, color="0.93", linewidth=0.8, zorder=0)
        if legend:
            ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)

    def _figure(self, ax: Axes) -> np.ndarray:
        heights = [
            len(panel.rows) * max(ROW, 1.3 * APART * ROW * len(panel.series))
            for panel in self.panels
        ]
        n = len(self.panels)
        return self._panels(ax, n, figsize=(WIDTH * n + 0.8, HEAD + max(heights)))


class CoefficientDisplay(ForestDisplay):
    """Coefficients of experts and gate with their intervals.

    Parameters
    ----------
    panels : list of Panel
        What is drawn.
    level : float
        Level of the intervals.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import CoefficientDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = CoefficientDisplay.from_results(moe.inference(X, y))
    >>> [panel.title for panel in display.panels]
    ['Experts', 'Gate']
    >>> plt.close(display.figure_)
    """

    @classmethod
    def from_results(
        cls, results: object, *, constants: Setting = False, ax: Axes = None
    ) -> "CoefficientDisplay":
        """Plot the coefficients of results of inference.

        Parameters
        ----------
        results : InferenceResults
            What ``moe.inference`` returned; intervals have its level.
        constants : bool, default=False
            Whether constants are drawn too.
        ax : array of matplotlib Axes, default=None
            One for the experts and one for the gate, if it has slopes; None makes a new figure.

        Returns
        -------
        CoefficientDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        found = check_kind("results", results, InferenceResults, "moe.inference")
        keep = check_switch("constants", constants)
        table = found.summary_frame()
        table = table[~found.estimate.logs_of_scales]
        hidden = [found.names[j] for j in found.estimate.description.hidden]
        table = table.drop(index=[name for name in hidden if name in table.index])
        if not keep:
            table = table[table["term"] != "1"]
        titles = {"experts": "Experts", "gate": "Gate"}
        panels = [
            _coefficients(titles[part], table[table["part"] == part])
            for part in titles
            if (table["part"] == part).any()
        ]
        if not panels:
            raise ValueError("results have no slopes to draw; constants=True draws constants.")
        display = cls(panels=panels, level=found.level)
        display.plot(ax=ax)
        return display


def _coefficients(title: str, table: DataFrame) -> Panel:
    """A line for each term, and a colour for each expert or equation of the gate."""
    names = [
        f"{row.output}: {row.term}" if row.output else str(row.term) for row in table.itertuples()
    ]
    rows, owners = list(dict.fromkeys(names)), list(dict.fromkeys(table["expert"]))
    colors = colors_of(len(owners))
    series = []
    for owner, color in zip(owners, colors, strict=True):
        values = np.full((len(rows), 3), np.nan)
        own = (table["expert"] == owner).to_numpy() | (owner is None)
        for name, row in zip(np.array(names)[own], table[own].itertuples(), strict=True):
            values[rows.index(name)] = row.estimate, row.low, row.high
        word = expert_title(owner) if title == "Experts" else f"equation {owner}"
        series.append(Series(word, color, values))
    return Panel(title, rows, series, "coefficient")


class EffectsDisplay(ForestDisplay):
    """Marginal effects with their intervals: in all, through the gate and through the experts.

    Parameters
    ----------
    panels : list of Panel
        What is drawn.
    level : float
        Level of the intervals.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import EffectsDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = EffectsDisplay.from_effects(moe.inference(X, y).marginal_effects())
    >>> [series.name for series in display.panels[0].series]
    ['total', 'through the gate', 'through the experts']
    >>> plt.close(display.figure_)
    """

    @classmethod
    def from_effects(cls, effects: object, *, ax: Axes = None) -> "EffectsDisplay":
        """Plot marginal effects.

        Parameters
        ----------
        effects : MarginalEffects
            What ``results.marginal_effects`` returned, averaged or at means.
        ax : array of matplotlib Axes, default=None
            One for each output or class; None makes a new figure.

        Returns
        -------
        EffectsDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        found = check_kind("effects", effects, MarginalEffects, "results.marginal_effects")
        if found.at == "rows":
            raise ValueError("effects must be averaged or at means; got those of single rows.")
        table = found.summary_frame()
        titles = list(dict.fromkeys(table["output"]))
        panels = [_effects(found, str(t), table[table["output"] == t]) for t in titles]
        display = cls(panels=panels, level=found.level)
        display.plot(ax=ax)
        return display


def _effects(effects: MarginalEffects, title: str, table: DataFrame) -> Panel:
    """A line for each move of an input, and a colour for each part or expert."""
    names = {move: _line(*move) for move in dict.fromkeys(zip(table["column"], table["contrast"]))}
    parted = effects.of in ("mean", "probability")
    key = "part" if parted else "expert"
    groups = list(dict.fromkeys(table[key]))
    colors = ["black", "C4", "C5"] if parted else colors_of(len(groups))
    words: dict[str, str] = {part: f"through the {part}" for part in PARTS} | {"total": "total"}
    series = [
        Series(
            words[str(group)] if parted else expert_title(group),
            color,
            table[table[key] == group][["estimate", "low", "high"]].to_numpy(float),
        )
        for group, color in zip(groups, colors, strict=False)
    ]
    # no dots for a part in which no input is, nor for the other one, which is then the total
    if not all(one.values.any() for one in series) and parted:
        series = series[:1]
    of = {"mean": "the mean", "probability": "a probability", "share": "a share"}
    title = f"P(y = {title})" if effects.of == "probability" else title
    label = f"effect on {of.get(effects.of, 'the mean of an expert')}"
    return Panel(title, list(names.values()), series, label)


def _line(column: str, contrast: str) -> str:
    return column if contrast == "dy/dx" else f"{column}: {contrast}"
