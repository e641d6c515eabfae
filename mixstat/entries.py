"""A symmetric matrix that is zero outside of some rows and the columns of the same numbers."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class Entries:
    """A matrix of ``size`` rows of which ``inside`` is what is not zero.

    For second derivatives in parameters so many that a matrix of all of them is too large.
    Arithmetic is that of arrays: a part by ``matrix[np.ix_(rows, columns)]``, products, and
    ``np.asarray``, which makes all of it.
    """

    size: int
    places: Int[np.ndarray, " d"]
    """Rows and columns that are not zero."""
    inside: Float[np.ndarray, "d d"]

    __array_ufunc__ = None  # so that array @ entries comes here

    @property
    def shape(self) -> tuple[int, int]:
        """That of the whole."""
        return self.size, self.size

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        whole = np.zeros(self.shape)
        whole[np.ix_(self.places, self.places)] = self.inside
        return whole

    def __getitem__(self, where: tuple[np.ndarray, ...]) -> np.ndarray:
        number = np.full(self.size + 1, len(self.places))
        number[self.places] = np.arange(len(self.places))
        bordered = np.pad(self.inside, (0, 1))
        return bordered[number[where[0]], number[where[1]]]

    def __neg__(self) -> "Entries":
        return Entries(self.size, self.places, -self.inside)

    def __matmul__(self, right: np.ndarray) -> np.ndarray:
        out = np.zeros((self.size, *right.shape[1:]))
        out[self.places] = self.inside @ right[self.places]
        return out

    def __rmatmul__(self, left: np.ndarray) -> np.ndarray:
        out = np.zeros((*left.shape[:-1], self.size))
        out[..., self.places] = left[..., self.places] @ self.inside
        return out
