"""What the data can tell about a gate's parameters, whatever the data are."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from mixstat.numerics.precision import AnyArray


class Invariance(NamedTuple):
    """A direction in which the gate's probabilities do not change."""

    words: str  # what a person should know about it
    tangent: Float[np.ndarray, " G"]  # the direction, in the gate's parameter vector


class Identification:
    """Of a gate all of whose parameters may be determined; others override what differs."""

    def invariances(self) -> list[Invariance]:
        """Directions in which the gate's probabilities do not change, whatever the data."""
        return []

    def identified(self, vector: Float[AnyArray, " G"]) -> Float[AnyArray, " I"]:
        """Functions of the parameters that the data can determine where parameters are not."""
        return jnp.zeros(0)

    def identified_names(self, features: list[str]) -> list[str]:
        """Their names."""
        return []

    def independence(
        self, features: Float[np.ndarray, "n q"], inputs: Float[np.ndarray, "n d"]
    ) -> dict[str, list[np.ndarray]]:
        """Tables of functions of the rows whose independence the rates of this gate rest on.

        By order ("first", "second"), a table (n, functions) for each expert (or for the gate).
        ``features`` are those of the parameters' units, ``inputs`` what the gate's
        ``feature_map`` is applied to. Empty where there is no condition.
        """
        return {}


class FreeParameters(Identification):
    """Of a gate of one expert, which has nothing to choose: all it could vary is free."""

    def __init__(self, varying: Bool[np.ndarray, " G"]) -> None:
        self.varying = varying

    def invariances(self) -> list[Invariance]:
        """One for each parameter that is not held."""
        words = "with one expert the gate has nothing to choose, so its parameters are free"
        return [Invariance(words, row) for row in np.eye(len(self.varying))[self.varying]]
