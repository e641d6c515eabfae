"""Matrix products of rows whose numbers do not depend on the rows beside them."""

import numpy as np
from jaxtyping import Float

TILE = 96  # rows that are multiplied at a time: whole blocks of every kernel of a BLAS


def product(
    left: Float[np.ndarray, "... e p"], right: Float[np.ndarray, "p n"]
) -> Float[np.ndarray, "... e n"]:
    """``left @ right``, by products of one shape whatever the number n of rows.

    A BLAS adds up in another order for other shapes, so that a row would be answered otherwise
    alone than among others.
    """
    p, n = right.shape
    tiles = -(-n // TILE)
    if n < tiles * TILE:
        padded = np.zeros((p, tiles * TILE))
        padded[:, :n] = right
        right = padded
    right = np.ascontiguousarray(right)  # of another layout a BLAS makes another product
    flat = np.ascontiguousarray(left).reshape(-1, p)
    out = np.empty((len(flat), tiles, TILE))
    in_tiles = right.reshape(p, tiles, TILE).swapaxes(0, 1)
    np.matmul(flat, in_tiles, out=out.swapaxes(0, 1))
    return out.reshape(*left.shape[:-1], tiles * TILE)[..., :n]
