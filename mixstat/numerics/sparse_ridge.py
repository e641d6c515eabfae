"""Ridges of which few entries are not zero, for vectors of so many that a matrix is too large."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.numerics.penalty import Penalty, Ridge
from mixstat.numerics.precision import AnyArray, library_of


class DiagonalRidge(Penalty):
    """Half of ``sum(square v^2)``; stacked where experts are."""

    square: Float[AnyArray, "*experts D"]

    def value(self, vector: Float[AnyArray, " D"]) -> AnyArray | float:
        return 0.5 * self.square @ vector**2

    @property
    def smooth(self) -> "DiagonalRidge":
        return self

    def gradient(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return gradient - self.square * vector

    def information(
        self, information: Float[AnyArray, "D D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, "D D"]:
        return information + library_of(information, self.square).diag(self.square)

    def curve(
        self, direction: Float[AnyArray, " D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return self.square * direction

    def squares(self, size: int) -> Float[np.ndarray, " D"]:
        return np.asarray(self.square)

    def among(self, places: Int[np.ndarray, " d"]) -> Ridge:
        some = np.asarray(self.square)[..., places]
        return Ridge(some[..., None] * np.eye(len(places)))

    def free(self, n: int) -> Bool[AnyArray, " n"]:
        return jnp.all(self.square[:, :n] == 0, axis=0)

    def leading(self, n: int) -> "DiagonalRidge":
        return DiagonalRidge(self.square[:, :n])

    def of_expert(self, k: int, n: int) -> "DiagonalRidge":
        return DiagonalRidge(self.square[k : k + 1, :n])


class SparseRidge(Penalty):
    """Half of ``sum(entry v[row] v[column])``, of a symmetric form."""

    row: Int[AnyArray, " m"]
    column: Int[AnyArray, " m"]
    entry: Float[AnyArray, " m"]

    def value(self, vector: Float[AnyArray, " D"]) -> AnyArray | float:
        return 0.5 * self.entry @ (vector[self.row] * vector[self.column])

    @property
    def smooth(self) -> "SparseRidge":
        return self

    def gradient(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return gradient - self.curve(vector, vector)

    def information(
        self, information: Float[AnyArray, "D D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, "D D"]:
        if isinstance(information, np.ndarray):
            return information + self._dense(np.arange(len(information)))
        return information.at[self.row, self.column].add(self.entry)

    def curve(
        self, direction: Float[AnyArray, " D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        pulls = self.entry * direction[self.column]
        if library_of(pulls, self.row) is np:
            return np.bincount(self.row, weights=pulls, minlength=len(direction)).astype(float)
        return jnp.zeros_like(direction).at[self.row].add(pulls)

    def squares(self, size: int) -> Float[np.ndarray, " D"]:
        own = np.where(np.asarray(self.row) == np.asarray(self.column), self.entry, 0.0)
        return np.bincount(np.asarray(self.row), weights=own, minlength=size).astype(float)

    def among(self, places: Int[np.ndarray, " d"]) -> Ridge:
        return Ridge(self._dense(places))

    def _dense(self, places: Int[np.ndarray, " d"]) -> Float[np.ndarray, "d d"]:
        """The form of some parameters."""
        row, column, entry = (np.asarray(a) for a in (self.row, self.column, self.entry))
        size = 1 + max(int(row.max(initial=0)), int(places.max(initial=0)))
        where = np.full(size, -1)
        where[places] = np.arange(len(places))
        inside = (where[row] >= 0) & (where[column] >= 0)
        out = np.zeros((len(places), len(places)))
        out[where[row[inside]], where[column[inside]]] = entry[inside]
        return out

    def free(self, n: int) -> None:
        """Of one part, never stacked."""
        return

    def leading(self, n: int) -> "SparseRidge":
        return self

    def of_expert(self, k: int, n: int) -> "SparseRidge":
        return self


def entries_of(form: Penalty, strength: float) -> SparseRidge:
    """The entries of a quadratic form times a strength."""
    if isinstance(form, SparseRidge):
        return SparseRidge(form.row, form.column, strength * np.asarray(form.entry))
    assert isinstance(form, Ridge)
    row, column = np.nonzero(table := np.asarray(form.square))
    return SparseRidge(row, column, strength * table[row, column])
