"""From internal numbers to those of the user: units, names and the scales of intervals."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table, as_frame
from mixstat.inference.estimate import Estimate
from mixstat.inference.row_functions import Features

SCALES = {"count": "log", "positive": "log", "share": "logit", "binomial": "logit"}
SCALES |= {"class": "logit"}


class Means(NamedTuple):
    """How means, or probabilities of classes, are told."""

    names: list[str]
    """Of outputs or classes; "" for the only one."""
    location: Float[np.ndarray, " c"]
    factor: Float[np.ndarray, " c"]
    scale: str
    """On which intervals are symmetric."""
    top: float
    """Largest mean on the logit scale."""
    word: str
    """What they are: "mean" or "probability"."""
    experts: tuple[str, ...] | tuple[int, ...]
    """Names of the experts, or their numbers."""


def means_of(estimate: Estimate) -> Means:
    """How means of a fit are told."""
    experts = estimate.model.experts
    is_class = experts.response == "class"
    count = int(experts.n_values or 1) if is_class else experts.n_outputs
    location, factor = np.zeros(count), np.ones(count)
    if len(estimate.location) == count and not is_class:
        location, factor = estimate.location, estimate.scale
    names = [str(name) for name in estimate.outputs]
    named = len(names) == count and (count > 1 or is_class)
    trials = _trials(estimate)
    return Means(
        names if named else [""] * count,
        location,
        factor,
        SCALES.get(experts.response.removeprefix("censored "), "identity"),
        trials,
        "probability" if is_class else "mean",
        estimate.expert_keys,
    )


def _trials(estimate: Estimate) -> float:
    """Largest mean of a response of trials, from the mean where success is almost sure."""
    experts = estimate.model.experts
    if experts.response != "binomial":
        return 1.0
    eta = np.full((experts.n_experts, 1, 1), 1e3)
    return float(np.max(experts.functions(eta)))


def features_of(estimate: Estimate, X: Table, offset: Table = None) -> Features:
    """Internal features of rows as a person gives them."""
    return Features(*estimate.features(estimate.read(X)), estimate.offset(X, offset))


def row_index(X: Table, n: int) -> np.ndarray:
    """Names of rows: the index of a data frame, or numbers."""
    frame = as_frame(X)
    return np.arange(n) if frame is None else np.asarray(frame.index)
