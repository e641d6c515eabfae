"""Profile likelihood of a reported parameter.

A reported parameter is an affine function of the internal parameter vector, ``row . theta``
plus a number. For each of its values the other parameters are maximised by Newton steps in the
null space of ``row``, from the maximum outwards, each value starting at its neighbour's end.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.stats import chi2

from mixstat.arguments import Setting
from mixstat.inference.profile_walk import ProfileWalk
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.objective import Objective
from mixstat.results import FitResult, Status

SPAN = 3.5  # standard errors on either side of the estimate
BLIND_SPAN = 2.0  # units on either side where there is no standard error
FLAT_DEVIANCE = 1e-6  # a profile that varies less says nothing about its parameter


@dataclass(frozen=True)
class ProfileLikelihood:
    """The profile log-likelihood of one parameter on a grid of its values.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> profile = moe.profile("expert0:x0", n_points=5)
    >>> print(profile.describe())
    expert0:x0: estimate 1.908, 95 % profile interval (1.806, 2.026).
    >>> profile.deviance.round(1)
    array([12.6,  3.2,  0. ,  2.3, 10.5])
    """

    name: str
    """The parameter, as in ``parameter_names``."""
    values: Float[np.ndarray, " g"]
    """Its values, in its reported units, increasing."""
    log_likelihood: Float[np.ndarray, " g"]
    """Total log-likelihood (less the penalty, if there is one), maximised over all others."""
    deviance: Float[np.ndarray, " g"]
    """Twice what is lost against the fit."""
    statuses: tuple[Status, ...]
    """Why the maximisation stopped at each value."""
    estimate: float
    """The fitted value."""
    std_error: float
    """Its standard error from the observed information; NaN where it has none."""
    level: float
    """Confidence level of :attr:`interval`."""
    interval: tuple[float, float]
    """Values whose deviance is below :attr:`cut`; infinite where it stays below on the grid."""

    @property
    def cut(self) -> float:
        """Deviance that ends the interval: the chi-squared quantile with 1 degree of freedom.

        Wilks, S. S. (1938). The large-sample distribution of the likelihood ratio for testing
        composite hypotheses. Ann. Math. Statist. 9, 60-62.
        """
        return float(chi2.ppf(self.level, 1))

    @property
    def is_flat(self) -> bool:
        """Whether the profile varies by less than 1e-6: the data do not speak of the parameter."""
        return bool(np.ptp(self.deviance) < FLAT_DEVIANCE)

    @property
    def gain(self) -> float:
        """By how much the best value beats the fit's log-likelihood.

        Above 0 the fit was no global maximum, and more starts should be tried.
        """
        return float(max(0.0, -0.5 * self.deviance.min()))

    def describe(self) -> str:
        """Estimate and interval in words, and anything odd."""
        low, high = self.interval
        text = f"{self.name}: estimate {self.estimate:.4g}, {100 * self.level:g} % profile "
        text += f"interval ({low:.4g}, {high:.4g})."
        if self.is_flat:
            text += " The profile is flat: the data do not determine this parameter."
        if self.gain > FLAT_DEVIANCE:
            text += (
                f" A better maximum was found: its log-likelihood is {self.gain:.3g} above that "
                "of the fit; fit again with more starts."
            )
        stuck = sum(status != Status.CONVERGED for status in self.statuses)
        return text + (f" {stuck} values did not converge." if stuck else "")


@dataclass(frozen=True, eq=False)
class Target:
    """A reported parameter of a fit: an affine function of the internal parameters."""

    name: str
    """As in ``parameter_names``."""
    row: Float[np.ndarray, " D"]
    """Its derivative in the internal parameters."""
    estimate: float
    """The fitted value."""
    std_error: float
    """NaN where it has none."""
    total_weight: float
    """Sum of the row weights."""
    log_unit: float = 0.0
    """Taken from every mean log-likelihood that is told: the log of the units of the data."""


@in_float64
def profile_likelihood(
    objective: Objective,
    result: FitResult,
    target: Target,
    *,
    grid: Setting = None,
    n_points: int = 21,
    level: float = 0.95,
) -> ProfileLikelihood:
    """Maximise over all parameters but one, for each value of that one.

    Parameters
    ----------
    objective, result
        What was maximised, and the fit.
    target
        The parameter.
    grid, n_points, level
        As in ``MixtureOfExperts.profile``.
    """
    _check_smooth(objective)
    top_vector, estimate = parameter_vector.to_vector(result.model), target.estimate
    low, high = _limits(objective, target, top_vector)
    if grid is None:
        wide = SPAN * target.std_error if np.isfinite(target.std_error) else BLIND_SPAN
        grid = np.clip(estimate + wide * np.linspace(-1, 1, n_points), low, high)
    values = _check_grid(grid, low, high, target.name)
    walk = ProfileWalk(objective, result, target.row, estimate)
    heights = np.empty(len(values))
    statuses = [Status.RUNNING] * len(values)
    for side in (values >= estimate, values < estimate):
        walk.home()
        where = np.flatnonzero(side)
        for i in where[np.argsort(np.abs(values[where] - estimate))]:
            heights[i], statuses[i] = walk.to(float(values[i]))

    top = _top(objective, result)
    scale = 2 * target.total_weight
    curve = scale * (top - heights)
    cut = float(chi2.ppf(level, 1))
    crossing = _Crossing(estimate, cut, walk, lambda mean: scale * (top - mean))
    below, above = values < estimate, values > estimate
    return ProfileLikelihood(
        name=target.name,
        values=values,
        log_likelihood=target.total_weight * (heights - target.log_unit),
        deviance=curve,
        statuses=tuple(statuses),
        estimate=estimate,
        std_error=target.std_error,
        level=level,
        interval=(
            crossing.along(values[below][::-1], curve[below][::-1], -np.inf),
            crossing.along(values[above], curve[above], np.inf),
        ),
    )


@in_float64
def profile_deviance(
    objective: Objective, result: FitResult, target: Target, value: float
) -> float:
    """Twice what is lost against the fit at one value, all other parameters at their best.

    Nothing is asked of other values, as :func:`profile_likelihood` does to find an interval.
    """
    _check_smooth(objective)
    limits = _limits(objective, target, parameter_vector.to_vector(result.model))
    _check_grid([value], *limits, target.name)
    height, _ = ProfileWalk(objective, result, target.row, target.estimate).to(value)
    return 2 * target.total_weight * (_top(objective, result) - height)


def _check_smooth(objective: Objective) -> None:
    if objective.penalty.kinked:
        raise ValueError("profile needs a fit without an L1 penalty; got l1_ratio > 0.")


def _top(objective: Objective, result: FitResult) -> float:
    """Value of the fit, of what was maximised."""
    vector = parameter_vector.to_vector(result.model)
    return result.log_likelihood - float(objective.penalty.value(vector))


def _limits(
    objective: Objective, target: Target, vector: Float[np.ndarray, " D"]
) -> tuple[float, float]:
    """Least and largest value that the bounds of the parameters allow."""
    used = target.row != 0
    if not (used & objective.varying).any():
        raise ValueError(
            f"{target.name} is held fixed (or its column was dropped), so it has no profile."
        )
    bounds = (np.asarray(objective.lower), np.asarray(objective.upper))
    ends = np.stack([target.row[used] * (bound - vector)[used] for bound in bounds])
    return target.estimate + ends.min(axis=0).sum(), target.estimate + ends.max(axis=0).sum()


def _check_grid(grid: Setting, low: float, high: float, name: str) -> Float[np.ndarray, " g"]:
    try:
        values = np.unique(np.asarray(grid, float))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if np.ndim(grid) > 1:  # type: ignore[arg-type]
        raise ValueError(f"grid must be a list of numbers, got shape {np.shape(grid)}.")  # type: ignore[arg-type]
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"grid must be finite numbers, at least one; got {grid!r}.")
    if values[0] < low or values[-1] > high:
        raise ValueError(
            f"grid must lie between {low:.6g} and {high:.6g}, the bounds of {name}; got "
            f"{values[0]:.6g}..{values[-1]:.6g}."
        )
    return values


@dataclass(frozen=True, eq=False)
class _Crossing:
    """Looks for values of the parameter at which the deviance reaches the cut."""

    estimate: float
    cut: float
    walk: ProfileWalk
    deviance: Callable[[float], float]

    def along(
        self, values: Float[np.ndarray, " g"], curve: Float[np.ndarray, " g"], otherwise: float
    ) -> float:
        """The first such value going outwards over ``values``; ``otherwise`` if there is none."""
        beyond = np.flatnonzero(curve > self.cut)
        if len(beyond) == 0:
            return otherwise
        out = int(beyond[0])
        inner, outer = (self.estimate if out == 0 else float(values[out - 1])), float(values[out])
        self.walk.home()
        if not self.excess(inner) < 0 < self.excess(outer):
            return outer
        return float(brentq(self.excess, inner, outer, xtol=1e-9 * abs(outer - inner)))  # pyright: ignore[reportArgumentType]

    def excess(self, value: float) -> float:
        """By how much the root of the deviance, which is nearly a straight line, is too large."""
        deviance = max(float(self.deviance(self.walk.to(value)[0])), 0.0)
        return np.sqrt(deviance) - np.sqrt(self.cut)
