"""The mixture itself: a gate and experts, and the vector of their parameters."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from mixstat.experts.base import Experts
from mixstat.gates.base import Gate
from mixstat.numerics import parameter_vector
from mixstat.numerics.module import Module
from mixstat.numerics.precision import AnyArray


class Mixture(Module):
    """p(y | x) = sum_k pi_k(x) f_k(y | x). All leaves are unconstrained parameters."""

    gate: Gate
    experts: Experts

    @property
    def n_experts(self) -> int:
        """Number of experts K."""
        return self.experts.n_experts

    def permute(self, order: AnyArray) -> "Mixture":
        """The same density with experts renumbered: new k is old ``order[k]``."""
        return Mixture(self.gate.permute(order), self.experts.permute(order))

    def doubled(self, k: int, constant: bool) -> "Mixture | None":
        """The same density with expert ``k`` as two that are alike, the last ones, if possible.

        ``constant`` tells whether the gate's first feature is the constant one.
        """
        last = np.append(np.delete(np.arange(self.n_experts), k), k)
        gate = self.gate.permute(last).doubled(constant)
        if gate is None:
            return None
        return Mixture(gate, self.experts.permute(np.append(last, k)))

    @property
    def exchangeable(self) -> bool:
        """Whether experts may be renumbered: all of one kind, under a gate that allows it."""
        return self.gate.exchangeable and self.experts.exchangeable


def expanded_index(model: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Where each coefficient of each predictor sits in the parameter vector; -1 is nowhere.

    Returns the positions for the gate's predictors (G,) and for the experts' (K, E), an
    expert's predictors in order. A parameter shared by several predictors appears several
    times. The same arrays are returned for all models of one structure: do not write to them.
    """
    leaves, structure = jax.tree.flatten(model)
    key = (structure, tuple(leaf.shape for leaf in leaves))
    if key not in _positions:
        if len(_positions) >= KEPT:
            _positions.clear()
        _positions[key] = _find_positions(model)
    return _positions[key]


KEPT = 1000  # structures remembered
_positions: dict[Any, tuple[np.ndarray, np.ndarray]] = {}


def _find_positions(model: Mixture) -> tuple[np.ndarray, np.ndarray]:
    gate, experts = model.gate.coefficient_index()[0], model.experts.coefficient_index()
    return gate, np.where(experts < 0, experts, experts + parameter_vector.size(model.gate))


def canonical_order(model: Mixture) -> Int[np.ndarray, " K"]:
    """Experts by their first coefficient.

    With centred features that is what an expert predicts on average.
    """
    first = np.asarray(model.experts.groups()[0].coef)
    table = first.reshape(len(first), -1)
    return np.lexsort(table.T[::-1])
