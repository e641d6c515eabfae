"""Atoms of a mixing measure, as a part of a model gives them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Atoms(NamedTuple):
    """Named blocks of parameters of K atoms, and from a gate their weights.

    A weight is exp(intercept of the gate): up to a common factor, unless the gate has weights
    of its own, which sum to one.
    """

    blocks: dict[str, Float[np.ndarray, "K p"]]
    weight: Float[np.ndarray, " K"] | None = None


def linear_blocks(coef: Float[np.ndarray, "K L p"]) -> dict[str, Float[np.ndarray, "K s"]]:
    """Intercepts and slopes of experts whose first feature is the constant."""
    return {"intercept": coef[:, :, 0], "slope": coef[:, :, 1:].reshape(len(coef), -1)}
