"""The maximisation problem that every solver is given."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from mixstat import flat
from mixstat.batch import Batch
from mixstat.model import Mixture


class Problem(NamedTuple):
    """Maximise the mean log-likelihood minus half the ridge, within bounds."""

    batch: Batch
    lower: Mixture  # bounds in the structure of the model; -inf where there is none
    upper: Mixture
    ridge: Mixture | None = None  # weights of squared parameters; None is faster than zeros

    def penalty(self, vector: Float[np.ndarray, " D"]) -> float:
        """Half the weighted sum of squares."""
        return 0.0 if self.ridge is None else 0.5 * float(self.weights() @ vector**2)

    def weights(self) -> Float[np.ndarray, " D"]:
        """Ridge weights as a vector."""
        return np.zeros(flat.size(self.lower)) if self.ridge is None else flat.to_vector(self.ridge)


def make(template: Mixture, batch: Batch, *, min_scale: float, ridge: float = 0.0) -> Problem:
    """The problem for models like ``template``: a floor under the scales, a ridge on slopes."""
    free = jax.tree.map(lambda leaf: np.full(leaf.shape, -np.inf), template)
    lower = Mixture(free.gate, template.experts.lower_bounds(min_scale))
    upper = jax.tree.map(np.negative, free)
    weights = None
    if ridge > 0:
        slopes = Mixture(template.gate.slopes(), template.experts.slopes())
        weights = jax.tree.map(lambda one: ridge * one, slopes)
    return Problem(batch, lower, upper, weights)
