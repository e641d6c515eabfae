"""Profile likelihood of a reported parameter.

A reported parameter is an affine function of the internal parameter vector, ``row . theta``
plus a number. For each of its values the other parameters are maximised by Newton steps in the
null space of ``row``, from the maximum outwards, each value starting at its neighbour's end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import null_space
from scipy.optimize import brentq
from scipy.stats import chi2

from mixstat import flat
from mixstat.precision import in_float64
from mixstat.results import FitResult, Status
from mixstat.solvers.certify import (
    GRADIENT_TOL,
    Derivatives,
    free_parameters,
    invariant_directions,
    objective_derivatives,
)
from mixstat.solvers.newton import ROUNDING, SHORTEST, SURPLUS, trust_region_step
from mixstat.solvers.problem import Problem

SPAN = 3.5  # standard errors on either side of the estimate
BLIND_SPAN = 2.0  # units on either side where there is no standard error
FLAT_DEVIANCE = 1e-6  # a profile that varies less says nothing about its parameter


@dataclass(frozen=True)
class ProfileLikelihood:
    """The profile log-likelihood of one parameter on a grid of its values."""

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


@in_float64
def profile_likelihood(
    problem: Problem,
    result: FitResult,
    row: Float[np.ndarray, " D"],
    estimate: float,
    *,
    name: str,
    std_error: float,
    total_weight: float,
    units: float = 0.0,
    grid: Any = None,
    n_points: int = 21,
    level: float = 0.95,
) -> ProfileLikelihood:
    """Maximise over all parameters but one, for each value of that one.

    Parameters
    ----------
    problem, result
        What was maximised, and the fit.
    row
        Derivative of the reported parameter in the internal ones.
    estimate
        Its fitted value.
    name, std_error
        Of the parameter.
    total_weight
        Sum of the row weights.
    units
        Taken from every mean log-likelihood told: the log of the units of the data.
    grid, n_points, level
        As in ``MixtureOfExperts.profile``.
    """
    if problem.shrink is not None and problem.shrink.l1 is not None:
        raise ValueError("profile needs a fit without an L1 penalty; got l1_ratio > 0.")
    low, high = _limits(problem, row, flat.to_vector(result.model), estimate, name)
    if grid is None:
        half = SPAN * std_error if np.isfinite(std_error) else BLIND_SPAN
        grid = np.clip(estimate + half * np.linspace(-1, 1, n_points), low, high)
    values = _check_grid(grid, low, high, name)
    walk = _Walk(problem, result, row, estimate)
    top = result.log_likelihood - problem.penalty(flat.to_vector(result.model))

    objective = np.empty(len(values))
    statuses = [Status.RUNNING] * len(values)
    for side in (values >= estimate, values < estimate):
        walk.home()
        where = np.flatnonzero(side)
        for i in where[np.argsort(np.abs(values[where] - estimate))]:
            objective[i], statuses[i] = walk.to(float(values[i]))

    def deviance(mean: Any) -> Any:
        return 2 * total_weight * (top - mean)

    curve = deviance(objective)
    cut = float(chi2.ppf(level, 1))
    ends = [
        _crossing(values[side][::step], curve[side][::step], estimate, cut, walk, deviance)
        for side, step in ((values < estimate, -1), (values > estimate, 1))
    ]
    interval = (-np.inf if ends[0] is None else ends[0], np.inf if ends[1] is None else ends[1])
    total = total_weight * (objective - units)
    found = tuple(statuses)
    return ProfileLikelihood(
        name, values, total, curve, found, estimate, std_error, level, interval
    )


def _limits(
    problem: Problem, row: np.ndarray, vector: np.ndarray, estimate: float, name: str
) -> tuple[float, float]:
    """Least and largest value that the bounds of the parameters allow."""
    lower, upper = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
    used = row != 0
    if not (used & problem.varying).any():
        raise ValueError(f"{name} is held fixed (or its column was dropped), so it has no profile.")
    ends = np.stack([row[used] * (bound - vector)[used] for bound in (lower, upper)])
    return estimate + ends.min(axis=0).sum(), estimate + ends.max(axis=0).sum()


def _check_grid(grid: Any, low: float, high: float, name: str) -> np.ndarray:
    values = np.unique(np.asarray(grid, float))
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"grid must be finite numbers, at least one; got {grid!r}.")
    if values[0] < low or values[-1] > high:
        raise ValueError(
            f"grid must lie between {low:.6g} and {high:.6g}, the bounds of {name}; got "
            f"{values[0]:.6g}..{values[-1]:.6g}."
        )
    return values


def _crossing(
    values: np.ndarray,
    curve: np.ndarray,
    estimate: float,
    cut: float,
    walk: "_Walk",
    deviance: Callable[[Any], Any],
) -> float | None:
    """Where the deviance first reaches ``cut`` going outwards; None if it does not."""
    beyond = np.flatnonzero(curve > cut)
    if len(beyond) == 0:
        return None
    out = beyond[0]
    inner, outer = (estimate if out == 0 else float(values[out - 1])), float(values[out])
    walk.home()

    def excess(value: float) -> float:
        # the root of the deviance is nearly a straight line
        here = max(float(deviance(walk.to(value)[0])), 0.0)
        return np.sqrt(here) - np.sqrt(cut)

    if not excess(inner) < 0 < excess(outer):
        return outer
    return float(brentq(excess, inner, outer, xtol=1e-9 * abs(outer - inner)))  # pyright: ignore[reportArgumentType]


class _Walk:
    """Moves from one value of the parameter to the next, others at their best."""

    def __init__(
        self, problem: Problem, result: FitResult, row: np.ndarray, estimate: float
    ) -> None:
        self.problem, self.row, self.estimate = problem, row, estimate
        self.template = result.model
        self.top = flat.to_vector(result.model)
        self.information, self.free = result.information, result.free
        self.limits = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
        self.home()

    def home(self) -> None:
        """Back to the fit; from there the first direction is that of the quadratic model."""
        self.vector, self.value = self.top, self.estimate
        self.direction = self._first_direction()

    def _first_direction(self) -> np.ndarray:
        varying = self.problem.varying if self.free is None else self.free | (self.row != 0)
        varying = varying & self.problem.varying
        part = self.row[varying]
        direction = np.zeros(len(self.row))
        if self.information is None:
            direction[varying] = part / (part @ part)
            return direction
        inside = self.information[np.ix_(varying, varying)]
        # a small guard makes the direction follow what the data leave open
        guard = 1e-9 * max(float(np.trace(inside)) / len(inside), 1e-9)
        bent = np.linalg.lstsq(inside + guard * np.eye(len(inside)), part, rcond=None)[0]
        if not part @ bent > 0:
            bent = part
        direction[varying] = bent / (part @ bent)
        return direction

    def to(self, value: float) -> tuple[float, Status]:
        """Maximum at a value of the parameter, and why the search stopped."""
        vector = np.clip(self.vector + (value - self.value) * self.direction, *self.limits)
        missing = value - self.estimate - self.row @ (vector - self.top)
        moving = (self.row != 0) & self.problem.varying
        part = np.where(moving, self.row, 0.0)
        vector = np.clip(vector + missing * part / (part @ part), *self.limits)
        vector, best, status = climb(self.problem, self.template, vector, self.row)
        if value != self.value:
            self.direction = (vector - self.vector) / (value - self.value)
        self.vector, self.value = vector, value
        return best, status


def climb(
    problem: Problem,
    template: Any,
    vector: Float[np.ndarray, " D"],
    row: Float[np.ndarray, " D"],
    *,
    tol: float = GRADIENT_TOL,
    max_iter: int = 100,
) -> tuple[Float[np.ndarray, " D"], float, Status]:
    """Maximise over parameters with the same ``row . theta``, within bounds, by Newton."""

    def look(at: np.ndarray) -> Derivatives:
        return objective_derivatives(problem, flat.from_vector(template, at))

    now, radius, norm = look(vector), 1.0, np.inf
    for _ in range(3 * max_iter):
        basis = _along(problem, template, row, vector, now)
        slope, information = basis.T @ now[1], -basis.T @ now[2] @ basis
        norm = _norm(basis, now)
        if norm <= SURPLUS * tol or radius < SHORTEST:
            break
        step, predicted = trust_region_step(slope, information, radius)
        share = _room(vector, basis @ step, problem)
        predicted = float(share * slope @ step - 0.5 * share**2 * step @ information @ step)
        ahead = vector + share * (basis @ step)
        ahead = np.clip(ahead, flat.to_vector(problem.lower), flat.to_vector(problem.upper))
        trial = look(ahead)
        if predicted <= ROUNDING * (1 + abs(now[0])):  # too small to be seen in values
            better = _norm(_along(problem, template, row, ahead, trial), trial) < norm
            vector, now = (ahead, trial) if better else (vector, now)
            if not better:
                break
            continue
        ratio = (trial[0] - now[0]) / predicted if np.isfinite(trial[0]) else -1.0
        length = float(np.linalg.norm(ahead - vector))
        if ratio > 1e-4:
            vector, now = ahead, trial
            radius = max(radius, 2 * length) if ratio > 0.75 else radius
        radius = radius if ratio > 0.25 else 0.25 * length
    norm = _norm(_along(problem, template, row, vector, now), now)
    return vector, now[0], Status.CONVERGED if norm <= tol else Status.STALLED


def _along(
    problem: Problem, template: Any, row: np.ndarray, vector: np.ndarray, at: Derivatives
) -> Float[np.ndarray, "D f"]:
    """Orthonormal directions of free parameters that leave ``row . theta`` as it is.

    Without those in which the model never changes: a step has nothing to gain there.
    """
    free = free_parameters(problem, vector, at[1])
    idle = invariant_directions(problem, flat.from_vector(template, vector), free)[1]
    across = row @ idle
    if np.abs(across).max(initial=0.0) > 1e-12 * np.linalg.norm(row):
        idle = idle @ null_space(across[None])
    taken = np.column_stack([row, idle])[free]
    taken = taken[:, np.linalg.norm(taken, axis=0) > 0]
    basis = np.eye(len(row))[:, free]
    return basis @ null_space(taken.T) if taken.shape[1] else basis


def _norm(basis: np.ndarray, at: Derivatives) -> float:
    return float(np.max(np.abs(basis.T @ at[1]), initial=0.0))


def _room(vector: np.ndarray, move: np.ndarray, problem: Problem) -> float:
    """Largest share of a move, at most one, that stays within bounds."""
    lower, upper = flat.to_vector(problem.lower), flat.to_vector(problem.upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(move > 0, (upper - vector) / move, (lower - vector) / move)
    room = np.where(move == 0, np.inf, room)
    return float(min(1.0, room.min(initial=np.inf)))
