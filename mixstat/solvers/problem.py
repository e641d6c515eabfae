"""The maximisation problem that every solver is given."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from mixstat import flat
from mixstat.batch import Batch
from mixstat.experts.base import Experts
from mixstat.model import Mixture
from mixstat.precision import AnyArray


class Ridge(NamedTuple):
    """Half of ``g' gate g + experts . e^2`` for gate parameters g and expert parameters e."""

    gate: AnyArray  # (G, G) quadratic form, the same whichever expert is the reference
    experts: Experts  # weights of squares, in the structure of the experts


class Problem(NamedTuple):
    """Maximise the mean log-likelihood minus the ridge, within bounds."""

    batch: Batch
    lower: Mixture  # bounds in the structure of the model; -inf where there is none
    upper: Mixture
    ridge: Ridge | None = None  # None is faster than zeros

    def penalty(self, vector: Float[np.ndarray, " D"]) -> float:
        """What the ridge takes from the mean log-likelihood."""
        return 0.5 * float(vector @ self.penalty_gradient(vector))

    def penalty_gradient(self, vector: Float[np.ndarray, " D"]) -> Float[np.ndarray, " D"]:
        """Its gradient."""
        if self.ridge is None:
            return np.zeros(len(vector))
        gate, n = self.ridge.gate, len(self.ridge.gate)
        weights = flat.to_vector(self.ridge.experts)
        return np.concatenate([gate @ vector[:n], weights * vector[n:]])

    def penalty_hessian(self) -> Float[np.ndarray, "D D"]:
        """Its second derivatives."""
        size = flat.size(self.lower)
        if self.ridge is None:
            return np.zeros((size, size))
        n, out = len(self.ridge.gate), np.diag(np.zeros(size))
        out[:n, :n] = self.ridge.gate
        out[range(n, size), range(n, size)] = flat.to_vector(self.ridge.experts)
        return out


def make(
    template: Mixture,
    batch: Batch,
    *,
    min_scale: float,
    ridge: float = 0.0,
    constants: tuple[bool, bool] = (True, True),
) -> Problem:
    """The problem for models like ``template``: a floor under the scales, a ridge on slopes.

    ``constants`` tells whether the first feature of the gate and of the experts is constant;
    its coefficients are not shrunk.
    """
    free = jax.tree.map(lambda leaf: np.full(leaf.shape, -np.inf), template)
    lower = Mixture(free.gate, template.experts.lower_bounds(min_scale))
    upper = jax.tree.map(np.negative, free)
    weights = None
    if ridge > 0:
        gate, experts = constants
        slopes = jax.tree.map(lambda one: ridge * one, template.experts.slopes(experts))
        weights = Ridge(ridge * template.gate.penalty(gate), slopes)
    return Problem(batch, lower, upper, weights)
