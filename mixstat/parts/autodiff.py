"""Derivatives of links, row by row."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float

from mixstat.numerics.precision import AnyArray


def each_derivatives(
    link: Callable[[AnyArray, AnyArray], AnyArray],
    eta: Float[AnyArray, "K L n"],
    y: Float[AnyArray, "r n"],
) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
    """First and second derivatives of log densities in each expert's own predictors."""

    def total(eta, y):  # experts do not interact, so the sum keeps their derivatives apart
        return link(eta[:, :, None], y[:, None])[:, 0].sum()

    def first(eta, y):
        return jax.grad(total)(eta, y)

    def second(eta, y):
        full = jax.jacfwd(first)(eta, y)  # (K, L, K, L), zero off the diagonal of experts
        return jnp.einsum("kakb->kab", full)

    per_row = {"in_axes": (-1, -1), "out_axes": -1}
    return jax.vmap(first, **per_row)(eta, y), jax.vmap(second, **per_row)(eta, y)
