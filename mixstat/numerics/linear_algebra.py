"""Dense linear algebra inside compiled programs: one matrix at a time.

On the CPU a batched LAPACK call shares its batch out to the thread pool of XLA and waits for it.
The caller is itself a thread of that pool, so that two such calls at once, from two programs or
from one, can occupy the whole pool and wait for ever. Called for one matrix LAPACK runs where
it is called. Batches, also those that ``jax.vmap`` makes, therefore go through it one by one;
elsewhere than on the CPU they stay together.
"""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Float

from mixstat.numerics.precision import AnyArray

Function = TypeVar("Function", bound=Callable)


def one_at_a_time(function: Function) -> Function:
    """``function`` of matrices, whose batches are made one after the other."""
    single = custom_vmap(function)

    @single.def_vmap
    def _(size: int, batched: list[bool], *arguments: AnyArray):
        axes = tuple(0 if several else None for several in batched)
        if jax.default_backend() != "cpu":
            out = jax.vmap(function, axes)(*arguments)
        else:

            def at(i: AnyArray):
                chosen = zip(arguments, batched, strict=True)
                return single(
                    *(jnp.asarray(table)[i] if several else table for table, several in chosen)
                )

            out = jax.lax.map(at, jnp.arange(size))
        return out, jax.tree.map(lambda _: True, out)

    return single  # pyright: ignore[reportReturnType]


@one_at_a_time
def eigh(
    matrix: Float[AnyArray, "d d"],
) -> tuple[Float[AnyArray, " d"], Float[AnyArray, "d d"]]:
    """Eigenvalues, smallest first, and eigenvectors of a symmetric matrix."""
    values, vectors = jnp.linalg.eigh(matrix)
    return values, vectors


@one_at_a_time
def solve(matrix: Float[AnyArray, "d d"], right: Float[AnyArray, " d"]) -> Float[AnyArray, " d"]:
    """Solution of a square system."""
    return jnp.linalg.solve(matrix, right)


@one_at_a_time
def solve_positive(
    matrix: Float[AnyArray, "d d"], right: Float[AnyArray, "d r"]
) -> Float[AnyArray, "d r"]:
    """Solution of systems with a positive definite matrix; NaN where it is not."""
    factor = jnp.linalg.cholesky(matrix)
    return jax.scipy.linalg.cho_solve((factor, True), right)


@one_at_a_time
def unit_lower_inverse(matrix: Float[AnyArray, "d d"]) -> Float[AnyArray, "d d"]:
    """Inverse of a lower triangular matrix with ones on its diagonal."""
    eye = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    return jax.scipy.linalg.solve_triangular(matrix, eye, lower=True, unit_diagonal=True)
