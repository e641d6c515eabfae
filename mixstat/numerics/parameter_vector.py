"""Parameters as one vector, and back."""

from itertools import accumulate
from math import prod
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.numerics.precision import AnyArray

Tree = TypeVar("Tree")


def size(tree: object) -> int:
    """Number of parameters in all leaves."""
    return sum(prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def to_vector(tree: object) -> Float[np.ndarray, " D"]:
    """All parameters, leaf after leaf."""
    return np.concatenate([np.ravel(np.asarray(leaf)) for leaf in jax.tree.leaves(tree)])


def traced_vector(tree: object) -> Float[AnyArray, " D"]:
    """:func:`to_vector` inside jit."""
    return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def from_vector(tree: Tree, vector: AnyArray) -> Tree:
    """A tree like ``tree`` whose parameters are ``vector``; works on tracers too."""
    leaves, structure = jax.tree.flatten(tree)
    sizes = [prod(leaf.shape) for leaf in leaves]
    ends = accumulate(sizes)
    parts = [
        vector[end - size : end].reshape(leaf.shape)
        for end, size, leaf in zip(ends, sizes, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, parts)


def as_numpy(tree: Tree) -> Tree:
    """The same tree with NumPy leaves."""
    return jax.tree.map(np.asarray, tree)


def numbered(tree: Tree) -> Tree:
    """The same tree with each parameter replaced by its number, counted from one.

    Where a part pads its predictors with zeros, zero then means that there is no parameter.
    """
    return from_vector(tree, np.arange(1, size(tree) + 1))


def fold(expanded: AnyArray, index: np.ndarray, length: int) -> AnyArray:
    """Fold the first axis, one entry per predictor coefficient, into ``length`` parameters.

    ``index`` says which parameter each coefficient is, -1 for none; entries of a parameter that
    several predictors share are added (the chain rule of a broadcast).
    """
    if len(index) == length and (index >= 0).all():  # a permutation
        return expanded[np.argsort(index)]
    shape = (length + 1, *expanded.shape[1:])  # the last is where coefficients of nothing go
    if isinstance(expanded, np.ndarray):
        sums = np.zeros(shape, expanded.dtype)
        np.add.at(sums, index, expanded)
    else:
        sums = jnp.zeros(shape, expanded.dtype).at[index].add(expanded)
    return sums[:length]
