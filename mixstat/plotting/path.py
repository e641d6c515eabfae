"""Coefficients along a path of penalties."""

from typing import Any

import numpy as np

from mixstat.arguments import Axes
from mixstat.data.design import Design
from mixstat.data.scaling import Scaling
from mixstat.plotting.base import Display
from mixstat.plotting.checks import check_answers
from mixstat.plotting.drawn import Path

WIDTH, HEIGHT = 3.2, 2.7  # of a panel, inches
COLUMNS = 3  # panels in a row of a new figure
STYLES = ("-", "--", ":", "-.")  # one after the other where colours run out


class PenaltyPathDisplay(Display):
    """Slopes of each expert and gate equation over the strength of their penalty.

    Parameters
    ----------
    strengths : ndarray of shape (s,)
        Strengths of the path.
    panels : list of (str, list of str, ndarray of shape (s, p))
        For each expert and gate equation a title, the names of its slopes, and the slopes per
        deviation of their feature (for a real response in deviations of it).
    chosen : float
        The strength to be marked.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import PenaltyPathDisplay
    >>> from mixstat.selection import penalty_path
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, l1_ratio=1.0, random_state=0)
    >>> path = penalty_path(moe, X, y, part="experts", strengths=[0.3, 0.1, 0.03])
    >>> display = PenaltyPathDisplay.from_path(path)
    >>> [ax.get_title() for ax in display.axes_]
    ['expert 0', 'expert 1', 'gate: expert 0 against 1']
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, strengths, panels, chosen) -> None:
        self.strengths = strengths
        self.panels = panels
        self.chosen = chosen

    @classmethod
    def from_path(cls, path: object, *, ax: Axes = None) -> "PenaltyPathDisplay":
        """Plot a path.

        Parameters
        ----------
        path : PenaltyPath
            What :func:`mixstat.selection.penalty_path` returned.
        ax : array of matplotlib Axes, default=None
            One for each expert and gate equation; None makes a new figure.

        Returns
        -------
        PenaltyPathDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        check_answers("path", path, "strengths", "best_estimator_", "expert_coef", "gate_coef")
        assert isinstance(path, Path)
        panels = _expert_panels(path) + _gate_panels(path)
        return cls(strengths=path.strengths, panels=panels, chosen=path.best_strength_).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "PenaltyPathDisplay":
        """Draw a panel for each expert and gate equation; a colour is a feature.

        Parameters
        ----------
        ax : array of matplotlib Axes, default=None
            One for each panel; None makes a new figure.

        Returns
        -------
        PenaltyPathDisplay
            This display.
        """
        n = len(self.panels)
        columns = min(n, COLUMNS)
        size = (WIDTH * columns + 1.2, HEIGHT * -(-n // columns))
        axes = self._panels(ax, n, columns=columns, figsize=size)
        names = list(dict.fromkeys(name for _, panel, _ in self.panels for name in panel))
        shown = self.strengths > 0  # zero has no place on a log axis
        lines = {}
        for one, (title, panel, slopes) in zip(axes, self.panels, strict=True):
            one.axvline(self.chosen, color="0.6", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            one.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
            for name, slope in zip(panel, slopes.T, strict=True):
                (lines[name],) = one.plot(
                    self.strengths[shown], slope[shown], label=name, **_style(names.index(name))
                )
            one.set(xscale="log", title=title, xlabel="strength")
            one.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel("standardised slope")
        handles = [lines[name] for name in names]
        self.figure_.legend(handles, names, loc="outside right center", frameon=False)
        return self


def _style(i: int) -> dict[str, Any]:
    import matplotlib as mpl

    return {
        "color": mpl.colormaps["tab10"](i % 10),
        "linestyle": STYLES[i // 10 % len(STYLES)],
        "linewidth": 1.6,
    }


def _deviations(design: Design) -> np.ndarray:
    """(p,) deviation of each of the user's features over the training rows."""
    if isinstance(design.to_user, Scaling):
        return design.to_user.deviations()
    inner = np.linalg.pinv(design.to_user)  # internal features have no mean and deviation one
    return np.linalg.norm(inner[:, 1:] if design.source.constant else inner, axis=1)


def _slopes(table: np.ndarray, design: Design) -> tuple[list[str], np.ndarray]:
    """Names and standardised slopes (s, ..., p), the constant left out."""
    first = int(design.source.constant)
    return design.names[first:], (table * _deviations(design))[..., first:]


def _expert_panels(path: Path) -> list[tuple[str, list[str], np.ndarray]]:
    fit = path.best_estimator_.fit_
    names, slopes = _slopes(path.expert_coef, fit.designs.experts)
    rows = np.reshape(slopes, (len(slopes), fit.n_experts, -1, len(names)))
    scale = np.resize(fit.units.scale, rows.shape[2])  # one for each output or class
    outputs = fit.output_names[: rows.shape[2]] if rows.shape[2] > 1 else [""]
    return [
        (f"{title}, {output}" if output else title, names, rows[:, k, j] / scale[j])
        for k, title in enumerate(fit.expert_titles)
        for j, output in enumerate(outputs)
    ]


def _gate_panels(path: Path) -> list[tuple[str, list[str], np.ndarray]]:
    fit = path.best_estimator_.fit_
    names, slopes = _slopes(path.gate_coef, fit.designs.gate)
    titles = [title.lower() for title in fit.user_model.gate.titles().values()]
    rows = [j for j in range(slopes.shape[1]) if np.any(slopes[:, j])]  # not the reference
    titles += [f"gate {j}" for j in range(len(titles), slopes.shape[1])]
    return [(titles[j], names, slopes[:, j]) for j in rows]
