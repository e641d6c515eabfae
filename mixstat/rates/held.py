"""Experts that fits of a study hold at known values."""

from collections.abc import Mapping

import numpy as np

from mixstat.arguments import Setting
from mixstat.fitting.restrictions import Restrictions, read_restrictions
from mixstat.model import Mixture
from mixstat.objective.objective import Objective
from mixstat.rates.box import labels

Frozen = Mapping[int, Mapping[str, np.ndarray]]


def read_frozen(frozen: Setting, n_experts: int) -> Frozen:
    """Values by the number of an expert, checked as estimators check them."""
    return read_restrictions(None, None, frozen, n_experts).frozen


def held_values(model: Mixture, frozen: Frozen) -> dict[int, float]:
    """Values, as they are stored, by the number of the parameter that is held."""
    found = Restrictions(frozen=frozen).rows(labels(model))
    places = np.argmax(found.matrix, axis=1) if len(found.matrix) else np.zeros(0, int)
    return dict(zip(places.tolist(), found.value.tolist(), strict=True))


def hold(objective: Objective, frozen: Frozen) -> Objective:
    """The objective with those parameters held.

    Raises ValueError if a value lies outside the bounds that the study has.
    """
    values = held_values(objective.template, frozen)
    if not values:
        return objective
    vector, held = np.zeros(len(objective.lower)), np.zeros(len(objective.lower), bool)
    places = list(values)
    vector[places], held[places] = list(values.values()), True
    outside = held & ((vector < objective.lower) | (vector > objective.upper))
    if np.any(outside):
        label = labels(objective.template)[int(np.argmax(outside))]
        raise ValueError(
            f"frozen must lie within box and min_scale, got {vector[outside][0]:g} for "
            f"{label.name}."
        )
    return objective.holding(held, vector)
