"""The mixture itself: a gate and experts, and the vector of their parameters."""

import equinox as eqx
import numpy as np

from mixstat import flat
from mixstat.experts.base import Experts
from mixstat.gates.base import Gate
from mixstat.precision import AnyArray


class Mixture(eqx.Module):
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


def expanded_index(model: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Where each coefficient of each predictor sits in the parameter vector.

    Returns the positions for the gate's predictors and for the experts' (expert after expert,
    its predictors in order). A parameter shared by several predictors appears several times.
    """
    numbered = flat.from_vector(model, np.arange(flat.size(model)))
    groups = numbered.experts.groups()
    experts = [np.ravel(g.coef[k]) for k in range(model.n_experts) for g in groups]
    return numbered.gate.positions(), np.concatenate(experts)
