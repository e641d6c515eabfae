"""On which bounds an expert has collapsed."""

import jax
import numpy as np
from jaxtyping import Bool

from mixstat.experts.base import Experts
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector


def where_experts_collapse(
    template: Mixture, bounds: tuple[Experts, Experts]
) -> tuple[Bool[np.ndarray, " D"], Bool[np.ndarray, " D"]]:
    """Lower and upper bounds on which an expert has collapsed."""
    none = np.zeros(parameter_vector.size(template.gate), bool)
    sides = []
    for bound in bounds:
        marks = jax.tree.leaves(bound.collapsed(bounds))  # of experts that sit on all of them
        at = np.concatenate([none, *map(np.ravel, marks)])
        limits = np.append(np.zeros(len(none)), parameter_vector.to_vector(bound))
        sides.append(at & np.isfinite(limits))
    return sides[0], sides[1]
