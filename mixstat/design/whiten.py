"""Orthonormal features, so that no unit, shift or near-collinearity reaches a solver."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

RANK_TOL = 1e-12  # share of a column's variance that earlier columns must leave unexplained


class Whitening(NamedTuple):
    """Internal features are ``(columns[:, kept] - centre) @ matrix.T``, constant first."""

    matrix: Float[np.ndarray, "r r"]
    centre: Float[np.ndarray, " r"]
    kept: Bool[np.ndarray, " p"]  # columns that earlier ones do not explain

    def apply(self, columns: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n r"]:
        """Internal features of new rows."""
        return (columns[:, self.kept] - self.centre) @ self.matrix.T

    def to_columns(self) -> Float[np.ndarray, "r p"]:
        """Map T: a coefficient row ``c`` on internal features is ``c @ T`` on the columns."""
        out = np.zeros((len(self.matrix), len(self.kept)))
        out[:, self.kept] = self.matrix
        constant = np.flatnonzero(self.kept)[0] if len(self.centre) else 0
        out[:, constant] -= self.matrix @ self.centre
        return out


def whiten(
    columns: Float[np.ndarray, "n p"], weight: Float[np.ndarray, " n"], *, constant: bool
) -> Whitening:
    """Weighted Gram-Schmidt of the columns in their order; dependent ones are dropped.

    Parameters
    ----------
    columns
        Features; the first is the constant one if ``constant``, and the others are then
        centred.
    weight
        Row weights with sum one.
    """
    p = columns.shape[1]
    centre = weight @ columns if constant else np.zeros(p)
    centre[:1] = 0.0
    centred = columns - centre
    size = np.sqrt(weight @ centred**2)
    rounding = 1e-13 * np.sqrt(weight @ columns**2)  # a constant column is constant to rounding
    size[size <= rounding] = 0.0
    kept = _independent(centred, weight, size)
    scaled = centred[:, kept] / size[kept]
    matrix = np.eye(int(kept.sum()))
    for _ in range(2):  # the second pass removes what rounding left of the first
        gram = (scaled * weight[:, None]).T @ scaled
        inverse = np.linalg.inv(np.linalg.cholesky(gram))
        scaled, matrix = scaled @ inverse.T, inverse @ matrix
    matrix = matrix / size[kept]
    if constant:  # exactly: the constant stays itself and mixes into no other feature
        matrix[0], matrix[:, 0] = 0.0, 0.0
        matrix[0, 0] = 1.0
    return Whitening(matrix, centre[kept], kept)


def _independent(centred: np.ndarray, weight: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Columns whose part orthogonal to the earlier kept ones is more than rounding."""
    kept = np.zeros(len(size), bool)
    usable = np.where(size > 0, size, 1.0)
    gram = (centred * weight[:, None]).T @ centred / np.outer(usable, usable)
    factor = np.zeros((0, len(size)))  # rows of the Cholesky factor of the kept columns
    for j in np.flatnonzero(size > 0):
        rest = gram[j, j] - factor[:, j] @ factor[:, j]
        if rest > RANK_TOL:
            row = (gram[j] - factor[:, j] @ factor) / np.sqrt(rest)
            factor = np.vstack([factor, row])
            kept[j] = True
    return kept
