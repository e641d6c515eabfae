"""Families whose scale depends on features, by themselves or inside others."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Bool

from mixstat.experts.base import Experts
from mixstat.experts.heteroscedastic import Heteroscedastic


def told_columns(
    family: Experts, names: Sequence[str], kept: Bool[np.ndarray, " P"], inputs: Sequence[str]
) -> Experts:
    """A family, or one that stands around others, after :meth:`Heteroscedastic.told`."""
    return jax.tree.map(
        lambda one: one.told(names, kept, inputs) if isinstance(one, Heteroscedastic) else one,
        family,
        is_leaf=lambda one: isinstance(one, Heteroscedastic),
    )


def chooses_columns(family: Experts) -> bool:
    """Whether the scale of a family depends on some features and not on others."""
    leaves = jax.tree.leaves(family, is_leaf=lambda one: isinstance(one, Heteroscedastic))
    return any(isinstance(one, Heteroscedastic) and one.scale_features for one in leaves)
