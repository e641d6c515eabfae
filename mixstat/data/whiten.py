"""Orthonormal features, so that no unit, shift or near-collinearity reaches a solver."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

RANK_TOL = 1e-12  # share of a column's variance that earlier columns must leave unexplained
NEAR = 1e-3  # below this share one pass of Gram-Schmidt is not orthonormal to rounding


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
        if len(self.centre):
            out[:, np.flatnonzero(self.kept)[0]] -= self.matrix @ self.centre
        return out


def whiten(
    columns: Float[np.ndarray, "n p"],
    weight: Float[np.ndarray, " n"],
    *,
    constant: bool,
    rotate: bool = True,
) -> Whitening:
    """Weighted Gram-Schmidt of the columns in their order; dependent ones are dropped.

    Parameters
    ----------
    columns
        Features; the first is the constant one if ``constant``, and the others are then
        centred.
    weight
        Row weights with sum one.
    rotate
        Make the columns orthogonal; else they are centred and scaled alone.
    """
    p = columns.shape[1]
    centre = weight @ columns if constant else np.zeros(p)
    centre[:1] = 0.0
    centred = columns - centre
    gram = _gram(centred, weight)
    size = np.sqrt(np.diag(gram))
    rounding = 1e-13 * np.abs(centre)  # a constant column is constant to rounding
    size = np.where(size > rounding, size, 0.0)
    kept, rest = _independent(gram, size)
    if not rotate:
        return Whitening(np.diag(1.0 / size[kept]), centre[kept], kept)
    gram = gram[np.ix_(kept, kept)] / np.outer(size[kept], size[kept])
    matrix = np.linalg.inv(np.linalg.cholesky(gram)) / size[kept]
    if rest.min(initial=1.0) < NEAR:  # a second pass removes what rounding left of the first
        again = _gram(centred[:, kept] @ matrix.T, weight)
        matrix = np.linalg.inv(np.linalg.cholesky(again)) @ matrix
    if constant:  # exactly: the constant stays itself and mixes into no other feature
        matrix[0], matrix[:, 0] = 0.0, 0.0
        matrix[0, 0] = 1.0
    return Whitening(matrix, centre[kept], kept)


def _gram(columns: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (columns * weight[:, None]).T @ columns


def _independent(gram: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns with a part orthogonal to the earlier kept ones, and that part's share."""
    kept = np.zeros(len(size), bool)
    usable = np.where(size > 0, size, 1.0)
    gram = gram / np.outer(usable, usable)
    factor = np.zeros((0, len(size)))  # rows of the Cholesky factor of the kept columns
    shares = []
    for j in np.flatnonzero(size > 0):
        rest = gram[j, j] - factor[:, j] @ factor[:, j]
        if rest > RANK_TOL:
            row = (gram[j] - factor[:, j] @ factor) / np.sqrt(rest)
            factor = np.vstack([factor, row])
            kept[j] = True
            shares.append(rest)
    return kept, np.array(shares)
