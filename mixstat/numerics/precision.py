"""The float64 door, and the names of arrays that both NumPy and JAX may fill."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import PyTree

from mixstat.numerics.forks import check_not_forked

AnyArray = Array | np.ndarray

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def float64() -> Iterator[None]:
    """Context in which JAX computes in float64, whatever the caller's configuration.

    RuntimeError in a process in which JAX cannot compute at all.
    """
    check_not_forked()
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        yield


def in_float64(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` inside :func:`float64`; the caller's JAX configuration is untouched."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with float64():
            return function(*args, **kwargs)

    return wrapped


def like(tree: PyTree, table: AnyArray) -> PyTree:
    """``tree`` in the precision of ``table``."""
    if all(leaf.dtype == table.dtype for leaf in jax.tree.leaves(tree)):
        return tree
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, table.dtype), tree)


def wide(dtype: np.dtype) -> np.dtype:
    """The precision in which numbers of ``dtype`` are added up."""
    return jnp.promote_types(dtype, jnp.result_type(float))


def library_of(*arrays: AnyArray) -> ModuleType:
    """NumPy where all arrays are NumPy's, JAX's NumPy where one is not, as inside jit."""
    return np if all(isinstance(array, np.ndarray | np.generic) for array in arrays) else jnp
