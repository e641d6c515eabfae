"""The display of a profile likelihood."""

import numpy as np

from mixstat.arguments import Axes, Estimator, Setting
from mixstat.inference.profile import ProfileLikelihood
from mixstat.plotting.base import Display
from mixstat.plotting.checks import check_answers, check_axes
from mixstat.plotting.drawn import Profiled

ROOM = 3.0  # the axis of deviances ends at most this many times the cut


class ProfileDisplay(Display):
    """Deviance of one parameter over its values, with the line that ends its interval.

    Parameters
    ----------
    profile : ProfileLikelihood
        What ``profile`` of an estimator returned.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.plotting import ProfileDisplay
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> display = ProfileDisplay.from_estimator(moe, "expert0:x0", n_points=5)
    >>> display.ax_.get_xlabel()
    'expert0:x0'
    >>> plt.close(display.figure_)
    """

    def __init__(self, profile: ProfileLikelihood) -> None:
        self.profile = profile

    @classmethod
    def from_estimator(
        cls, estimator: Estimator, name: Setting, *, ax: Axes = None, **settings: Setting
    ) -> "ProfileDisplay":
        """Profile a parameter of a fitted estimator and plot it.

        Parameters
        ----------
        estimator : MixtureOfExperts or MixtureOfExpertsClassifier
            A fitted estimator.
        name : str
            One of its ``parameter_names``.
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.
        **settings
            As for ``estimator.profile``: ``grid``, ``n_points``, ``level``.

        Returns
        -------
        ProfileDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        check_answers("estimator", estimator, "profile")
        check_axes(ax)
        assert isinstance(estimator, Profiled)
        return cls(estimator.profile(name, **settings)).plot(ax=ax)

    def plot(self, *, ax: Axes = None) -> "ProfileDisplay":
        """Draw the deviance, the estimate, and the interval where it is closed or not.

        The axis ends at three times the cut; steeper parts of the curve leave it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means those of a new figure.

        Returns
        -------
        ProfileDisplay
            This display.
        """
        ax = self._axes(ax)
        profile = self.profile
        values, cut = profile.values, profile.cut
        low, high = np.clip(profile.interval, values[0], values[-1])
        label = f"{100 * profile.level:g} % interval"
        ax.axvspan(low, high, color="0.92", linewidth=0, zorder=0, label=label)
        ax.axhline(cut, color="0.45", linestyle="--", linewidth=1, zorder=1)
        ax.axvline(profile.estimate, color="0.45", linestyle=":", linewidth=1, zorder=1)
        ax.plot(values, profile.deviance, ".-", color="C0", zorder=2, label="profile")
        lowest = min(0.0, float(profile.deviance.min()))
        top = min(max(float(profile.deviance.max()), 1.5 * cut), ROOM * cut)
        margin = 0.04 * (top - lowest)
        ax.set(xlabel=profile.name, ylabel="deviance", ylim=(lowest - margin, top + margin))
        ax.set_xlim(values[0], values[-1])
        ax.annotate(
            f"{100 * profile.level:g} % cut",
            (values[-1], cut),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
            color="0.35",
            fontsize="small",
        )
        return self
