"""From coefficients on standardised columns to those on columns as they were given."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float

WIDE = 60  # columns above which a table is wide: no matrix of all their coefficients is made


@dataclass(frozen=True, eq=False)
class Scaling:
    """The map of :attr:`mixstat.data.design.Design.to_user` for columns that are only scaled.

    A coefficient row ``c`` on internal features is ``c @ scaling`` on the columns: of a matrix it
    has the diagonal and the first column, which is the constant's.
    """

    slope: Float[np.ndarray, " r"]
    shift: Float[np.ndarray, " r"]
    """What each coefficient adds to the constant."""
    kept: Bool[np.ndarray, " p"]

    __array_ufunc__ = None  # so that array @ scaling comes here

    @property
    def shape(self) -> tuple[int, int]:
        """That of the matrix."""
        return len(self.slope), len(self.kept)

    def __rmatmul__(self, coef: Float[np.ndarray, "... r"]) -> Float[np.ndarray, "... p"]:
        out = np.zeros((*coef.shape[:-1], len(self.kept)))
        out[..., self.kept] = coef * self.slope
        out[..., 0] += coef @ self.shift
        return out

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.eye(len(self.slope)) @ self

    def deviations(self) -> Float[np.ndarray, " p"]:
        """Of the columns over the rows they were learnt from; zero for the constant."""
        out = np.zeros(len(self.kept))
        out[self.kept] = 1.0 / np.abs(self.slope)
        out[0] = 0.0
        return out

    def inverse(self) -> "InverseScaling":
        """From coefficients on the columns to those on internal features."""
        return InverseScaling(self)


@dataclass(frozen=True, eq=False)
class InverseScaling:
    """The inverse map; coefficients of columns that were not kept are left out."""

    scaling: Scaling

    __array_ufunc__ = None

    @property
    def shape(self) -> tuple[int, int]:
        """That of the matrix."""
        rows, columns = self.scaling.shape
        return columns, rows

    def __rmatmul__(self, coef: Float[np.ndarray, "... p"]) -> Float[np.ndarray, "... r"]:
        inner = coef[..., self.scaling.kept] / self.scaling.slope
        inner[..., 0] -= inner @ self.scaling.shift
        return inner


def inverse_of(to_user: np.ndarray | Scaling) -> np.ndarray | InverseScaling:
    """From coefficients on the columns to those on internal features."""
    return to_user.inverse() if isinstance(to_user, Scaling) else np.linalg.pinv(to_user)


ToUser: TypeAlias = np.ndarray | Scaling | InverseScaling
"""A map of coefficient rows, as the right factor of a product."""
