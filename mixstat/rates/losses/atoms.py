"""Mixing measures: weights W_k and named blocks of parameters of the atoms of a model."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.model import Mixture


class Measures(NamedTuple):
    """R mixing measures of K atoms each.

    A weight is exp(intercept of the gate): up to a common factor, unless the gate has weights
    of its own, which sum to one.
    """

    weight: Float[np.ndarray, "R K"]
    blocks: dict[str, Float[np.ndarray, "R K p"]]

    def stacked(self, names: Sequence[str]) -> Float[np.ndarray, "R K s"]:
        """Blocks side by side."""
        return np.concatenate([self.blocks[name] for name in names], axis=2)


def measures(models: Sequence[Mixture]) -> Measures:
    """The mixing measures of models of one shape.

    Blocks of the gates and families of mixstat: "gate" (slopes w), "temperature", "ratio"
    (w / temperature), "centre" and "spread" (covariance) of a Gaussian gate; "slope" and
    "intercept" of the experts, "variance" of Gaussian ones.

    Raises
    ------
    ValueError
        If a gate or family has no atoms.
    """
    pairs = [(model.gate.atoms(), model.experts.atoms()) for model in models]
    blocks = [gate.blocks | experts.blocks for gate, experts in pairs]
    weight = np.stack([np.asarray(gate.weight) for gate, _ in pairs])
    return Measures(weight, {name: np.stack([one[name] for one in blocks]) for name in blocks[0]})
