"""Orthonormal features, so that no unit, shift or near-collinearity reaches a solver."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.data.scaling import WIDE
from mixstat.numerics import tiles

RANK_TOL = 1e-12  # share of a column's variance that earlier columns must leave unexplained
NEAR = 1e-3  # below this share products of columns no longer tell what is left of one


class Whitening(NamedTuple):
    """Internal features are ``(columns[:, kept] - centre) @ matrix.T``, constant first."""

    matrix: Float[np.ndarray, "r r"] | Float[np.ndarray, " r"]  # or its diagonal, if it has no more
    centre: Float[np.ndarray, " r"]
    kept: Bool[np.ndarray, " p"]  # columns that earlier ones do not explain

    def apply(self, columns: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n r"]:
        """Internal features of new rows."""
        if self.matrix.ndim == 1:
            return (columns[:, self.kept] - self.centre) * self.matrix
        return (columns[:, self.kept] - self.centre) @ self.matrix.T

    def apply_last(self, columns: Float[np.ndarray, "p n"]) -> Float[np.ndarray, "r n"]:
        """The same with rows of data last; that of a row does not depend on the rows beside it."""
        kept = columns if self.kept.all() else columns[self.kept]
        if self.matrix.ndim == 1:
            return (kept - self.centre[:, None]) * self.matrix[:, None]
        return tiles.product(self.matrix, kept - self.centre[:, None])

    def to_columns(self) -> Float[np.ndarray, "r p"]:
        """Map T: a coefficient row ``c`` on internal features is ``c @ T`` on the columns."""
        matrix = np.diag(self.matrix) if self.matrix.ndim == 1 else self.matrix
        out = np.zeros((len(matrix), len(self.kept)))
        out[:, self.kept] = matrix
        if len(self.centre):
            out[:, np.flatnonzero(self.kept)[0]] -= matrix @ self.centre
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
        Make the columns orthogonal; else they are centred and scaled alone, and all that vary
        are kept, since a penalty chooses among columns that depend on each other.
    """
    p = columns.shape[1]
    centre = weight @ columns if constant else np.zeros(p)
    centre[:1] = 0.0
    centred = columns - centre
    scaled_alone = not rotate and p > WIDE
    gram = np.zeros((0, 0)) if scaled_alone else _gram(centred, weight)
    size = np.sqrt(weight @ centred**2 if scaled_alone else np.diag(gram))
    rounding = 1e-13 * np.abs(centre)  # a constant column is constant to rounding
    size = np.where(size > rounding, size, 0.0)
    kept = size > 0
    if not rotate:
        size[:1] = np.where(constant, 1.0, size[:1])  # but for the rounding of the weights
        scales = 1.0 / size[kept]
        return Whitening(scales if scaled_alone else np.diag(scales), centre[kept], kept)
    if not _clearly_independent(gram, size, len(columns)):
        kept = _independent(_factor(centred, weight, size), kept)
        matrix = _orthogonal(centred[:, kept], weight, size[kept])
    else:
        matrix = np.linalg.inv(np.linalg.cholesky(_scaled(gram, size))) / size
    if constant:  # exactly: the constant stays itself and mixes into no other feature
        matrix[0], matrix[:, 0] = 0.0, 0.0
        matrix[0, 0] = 1.0
    return Whitening(matrix, centre[kept], kept)


def _gram(columns: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (columns * weight[:, None]).T @ columns


def _scaled(gram: np.ndarray, size: np.ndarray) -> np.ndarray:
    return gram / np.outer(size, size)


def _clearly_independent(gram: np.ndarray, size: np.ndarray, n_rows: int) -> bool:
    """Whether every column varies on its own, so clearly that products of columns show it."""
    if len(size) > n_rows or not np.all(size > 0):
        return False
    try:
        factor = np.linalg.cholesky(_scaled(gram, size))
    except np.linalg.LinAlgError:
        return False
    return bool(np.min(np.diag(factor), initial=1.0) ** 2 >= NEAR)


def _factor(columns: np.ndarray, weight: np.ndarray, size: np.ndarray) -> np.ndarray:
    """At most p rows with the same products of columns, each column of length one.

    The columns themselves are reduced, as their products hold half the digits only: the rank of
    those of more columns than rows is a matter of rounding.
    """
    scaled = columns * np.sqrt(weight)[:, None] / np.where(size > 0, size, 1.0)
    return scaled if len(scaled) <= scaled.shape[1] else _triangle(scaled)


def _triangle(columns: np.ndarray) -> np.ndarray:
    """R of a QR decomposition."""
    return np.asarray(np.linalg.qr(columns, mode="r"))


def _independent(factor: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Columns with a part orthogonal to the earlier kept ones; no more than there are rows."""
    kept = np.zeros(len(usable), bool)
    basis = np.empty((len(factor), min(factor.shape)))
    count = 0
    for j in np.flatnonzero(usable):
        if count == basis.shape[1]:
            break
        rest, before = factor[:, j], basis[:, :count]
        for _ in range(2):  # twice is enough (Kahan and Parlett; see Parlett 1980, section 6.9)
            rest = rest - before @ (before.T @ rest)
        share = rest @ rest
        if share > RANK_TOL:
            basis[:, count] = rest / np.sqrt(share)
            kept[j] = True
            count += 1
    return kept


def _orthogonal(columns: np.ndarray, weight: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Lower triangular matrix that makes independent columns orthonormal."""
    factor = _triangle(columns * np.sqrt(weight)[:, None] / size).T
    matrix = np.linalg.inv(factor * np.sign(np.diag(factor))) / size
    # a second pass removes what rounding left of the first
    again = _gram(columns @ matrix.T, weight)
    return np.linalg.inv(np.linalg.cholesky(again)) @ matrix
