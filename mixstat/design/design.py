"""A fitted design: from a person's table to internal features, and back for coefficients."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mixstat.design import polynomial
from mixstat.design.whiten import Whitening, whiten

HUGE = 1e100  # squares and products of larger numbers overflow


def check_magnitude(name: str, values: np.ndarray) -> None:
    """Refuse numbers that cannot be squared."""
    largest = np.max(np.abs(values), initial=0.0)
    if largest > HUGE:
        raise ValueError(f"{name} has values up to {largest:.1e}; rescale it below {HUGE:.0e}.")


class PolynomialColumns:
    """Monomials of chosen inputs, computed on standardised inputs."""

    def __init__(self, inputs: np.ndarray, exponents: np.ndarray, names: Sequence[str]) -> None:
        self.inputs = inputs
        self.exponents = exponents
        self.names = polynomial.names(exponents, names)
        self.constant = True

    def fit(self, X: Float[np.ndarray, "n d"], weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """Remember location and scale of the inputs; return the monomials."""
        chosen = X[:, self.inputs]
        check_magnitude("X", chosen)
        self.location = weight @ chosen
        deviation = np.sqrt(weight @ (chosen - self.location) ** 2)
        self.scale = np.where(deviation > 1e-13 * np.abs(self.location), deviation, 1.0)
        return self.columns(X)

    def columns(self, X: Float[np.ndarray, "n d"]) -> np.ndarray:
        """Monomials of the standardised inputs (n, p)."""
        standard = (X[:, self.inputs] - self.location) / self.scale
        return polynomial.monomials(standard, self.exponents)

    def to_user(self) -> np.ndarray:
        """Map from coefficients on these columns to coefficients on raw monomials."""
        return polynomial.shift_map(self.exponents, self.location, self.scale)

    def same_as(self, other: object) -> bool:
        """Whether another set of columns has the same values."""
        return (
            isinstance(other, PolynomialColumns)
            and np.array_equal(self.inputs, other.inputs)
            and np.array_equal(self.exponents, other.exponents)
        )


class Design:
    """Columns made by ``source``, then made orthonormal.

    ``source`` has ``fit(X, weight)``, ``columns(X)``, ``to_user()``, ``names``, ``constant``
    and ``same_as``.
    """

    def __init__(self, source: Any) -> None:
        self.source = source

    def fit(self, X: Any, weight: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n r"]:
        """Learn the whitening from weighted rows (weights sum to one); return the features."""
        columns = self.source.fit(X, weight)
        check_magnitude("X", columns)
        self.whitening: Whitening = whiten(columns, weight, constant=self.source.constant)
        self.to_user: Float[np.ndarray, "r p"] = self.whitening.to_columns() @ self.source.to_user()
        return self.whitening.apply(columns)

    def transform(self, X: Any) -> Float[np.ndarray, "n r"]:
        """Internal features of rows, constant first."""
        return self.whitening.apply(self.source.columns(X))

    @property
    def names(self) -> list[str]:
        """Names of the user's columns."""
        return list(self.source.names)

    @property
    def dependent(self) -> list[str]:
        """Columns that are constant or a combination of earlier ones; their coefficient is 0."""
        return [n for n, kept in zip(self.names, self.whitening.kept, strict=True) if not kept]
