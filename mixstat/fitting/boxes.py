"""Limits of reported parameters, as those of the parameters that a solver sees."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.fitting.inequalities import Limit, read_limits
from mixstat.fitting.restrictions import Restrictions
from mixstat.objective.objective import Objective
from mixstat.objective.plane import Plane
from mixstat.parts.labels import ParameterLabel

SMALL = 1e-12  # share of a row of the map beside its largest entry that is rounding


class Reported(NamedTuple):
    """Reported parameters as affine functions of internal ones."""

    labels: Sequence[ParameterLabel]
    origin: Float[np.ndarray, " E"]
    """Where all internal ones are zero."""
    jacobian: Float[np.ndarray, "E D"]


def box_of(
    restrictions: Restrictions, reported: Reported, plane: Plane, pinned: Bool[np.ndarray, " D"]
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, " D"]] | None:
    """What internal parameters are at least and at most; None where nothing is bounded.

    ``pinned`` are those that equations hold at their value in ``plane.origin``.
    """
    if not restrictions.inequalities:
        return None
    size = reported.jacobian.shape[1]
    lower, upper = np.full(size, -np.inf), np.full(size, np.inf)
    for limit in read_limits(restrictions.inequalities, [one.name for one in reported.labels]):
        row, start = reported.jacobian[limit.place], reported.origin[limit.place]
        at = np.flatnonzero(np.abs(row) > SMALL * np.abs(row).max(initial=0.0))
        if pinned[at].all():  # or its column was dropped
            _check_value(limit, start + row @ np.where(pinned, plane.origin, 0.0))
            continue
        _check_alone(limit, plane, at)
        ends = np.sort((np.array([limit.low, limit.high]) - start) / row[at[0]])
        lower[at[0]] = max(lower[at[0]], ends[0])
        upper[at[0]] = min(upper[at[0]], ends[1])
    return lower, upper


def _check_value(limit: Limit, value: float) -> None:
    """Refuse limits that a value which is held, as of a column that is dropped, does not meet."""
    if not limit.low <= value <= limit.high:
        raise ValueError(
            f"constraints must not contradict each other; {limit.words!r} is of a parameter that "
            f"is held at {value:g}."
        )


def _check_alone(limit: Limit, plane: Plane, at: np.ndarray) -> None:
    """Refuse limits of what is no parameter of its own."""
    if len(at) > 1:
        raise ValueError(
            "constraints with inequalities must be of parameters that stand alone in the model as "
            f"it is fitted; got {limit.words!r}."
        )
    if plane.normal[at[0]].any():
        raise ValueError(
            f"constraints must not bound what equations (or common) tie; got {limit.words!r}."
        )


def within_box(objective: Objective, plane: Plane | None) -> Objective:
    """An objective on a plane, within the limits that people set.

    Raises
    ------
    ValueError
        If they leave no room beside the bounds that a model has anyway.
    """
    if plane is None or plane.box is None:
        return objective.replace(plane=plane)
    lower = np.maximum(objective.lower, plane.box[0])
    upper = np.minimum(objective.upper, plane.box[1])
    if np.any(lower > upper):
        raise ValueError(
            "constraints must leave scales above their floor (min_scale) and other parameters "
            "within their range; got an upper limit below it."
        )
    return objective.within(lower, upper).replace(plane=plane)
