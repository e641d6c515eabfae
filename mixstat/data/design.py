"""A fitted design: from a person's table to internal features, and back for coefficients."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.data import polynomial
from mixstat.data.scaling import Scaling
from mixstat.data.source import Source
from mixstat.data.whiten import Whitening, whiten

Function: TypeAlias = Callable[[np.ndarray], object]  # of the inputs; what it gives is checked

HUGE = 1e100  # squares and products of larger numbers overflow


def check_magnitude(name: str, values: np.ndarray) -> None:
    """Refuse numbers that cannot be squared."""
    largest = max(np.max(values, initial=0.0), -np.min(values, initial=0.0))
    if not largest <= HUGE:
        raise ValueError(f"{name} has values up to {largest:.1e}; rescale it below {HUGE:.0e}.")


class PolynomialColumns(Source):
    """Monomials of chosen inputs, computed on standardised inputs."""

    by_rows = True

    def __init__(self, inputs: np.ndarray, exponents: np.ndarray, names: Sequence[str]) -> None:
        self.inputs = inputs
        self.exponents = exponents
        self.names = polynomial.names(exponents, names)
        self.constant = True

    @cached_property
    def steps(self) -> list[polynomial.Step]:
        """How each monomial comes from an earlier one."""
        return polynomial.steps(self.exponents)

    def fit(self, X: Float[np.ndarray, "n d"], weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """Remember location and scale of the inputs; return the monomials."""
        chosen = X[:, self.inputs]
        check_magnitude("X", chosen)
        self.location = weight @ chosen
        deviation = np.sqrt(weight @ (chosen - self.location) ** 2)
        self.scale = np.where(deviation > 1e-13 * np.abs(self.location), deviation, 1.0)
        return self.columns(X)

    def uncentred(self, X: Float[np.ndarray, "n d"]) -> np.ndarray:
        """Monomials of inputs that are only scaled, from now on."""
        self.location = np.zeros_like(self.location)
        return self.columns(X)

    def columns(self, X: Float[np.ndarray, "n d"]) -> np.ndarray:
        """Monomials of the standardised inputs (n, p)."""
        return np.ascontiguousarray(self.columns_last(X).T)

    def columns_last(self, X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "p n"]:
        """Monomials of the standardised inputs (p, n)."""
        everything = np.array_equal(self.inputs, np.arange(X.shape[1]))
        standard = np.array((X if everything else X[:, self.inputs]).T, float, order="C")
        standard -= self.location[:, None]
        standard /= self.scale[:, None]
        return polynomial.follow(standard, self.steps)

    def raw(self, X: Float[np.ndarray, "n d"]) -> np.ndarray:
        """Monomials of the inputs as given (n, p)."""
        check_magnitude("X", X[:, self.inputs])
        return polynomial.monomials(X[:, self.inputs], self.exponents)

    def slopes(self, X: Table, column: int | str, deviation: float) -> Float[np.ndarray, "n p"]:
        """Derivatives of the monomials in one input."""
        rows, place = np.asarray(X), np.flatnonzero(self.inputs == column)
        if not len(place):
            return np.zeros((len(rows), len(self.exponents)))
        j = int(place[0])
        standard = (rows[:, self.inputs] - self.location) / self.scale
        return polynomial.slopes(standard, self.exponents, j) / self.scale[j]

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


class MappedColumns(Source):
    """Columns of another source as given, some function of them, with or without a constant.

    For gates that see a function M(x) of the inputs, or that have no constant in their linear
    predictors, so that features must not be centred.
    """

    def __init__(
        self, source: Source, function: Function | None, name: str, *, constant: bool
    ) -> None:
        self.source = source
        self.function = function
        self.name = name
        self.constant = constant

    def fit(self, X: Table, weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """Learn what the source has to learn; return the columns."""
        self.source.fit(X, weight)
        self.constant = self.constant and self.source.constant
        columns = self.columns(X)
        width = columns.shape[1] - self.constant
        inner = self.source.names[int(self.source.constant) :]
        if self.function is not None:
            if width == len(inner):
                inner = [f"{self.name}({one})" for one in inner]
            else:
                inner = [f"{self.name}{j}" for j in range(width)]
        self.names = ["1", *inner] if self.constant else list(inner)
        return columns

    def columns(self, X: Table) -> np.ndarray:
        """Constant (if any) and mapped columns of the same or other rows."""
        raw = self.source.raw(X)
        inner = raw[:, int(self.source.constant) :]
        if self.function is not None:
            inner = apply_finite(self.function, inner, self.name)
        return np.hstack([raw[:, :1], inner]) if self.constant else inner

    def to_user(self) -> np.ndarray:
        """Coefficients refer to the mapped columns themselves."""
        return np.eye(len(self.names))

    def same_as(self, other: object) -> bool:
        """Never: mapped columns are the gate's alone."""
        return False


def apply_finite(function: Function, values: np.ndarray, name: str) -> np.ndarray:
    """``function(values)`` as a table with as many rows, refusing what is not finite."""
    mapped = np.asarray(function(values), float)
    if mapped.ndim != 2 or len(mapped) != len(values):
        raise ValueError(
            f"{name} must map an array of shape {values.shape} to one with as many rows and two "
            f"axes, got shape {mapped.shape}."
        )
    bad = ~np.isfinite(mapped).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name} must be finite on the data: row {row}, {values[row]}, is mapped to "
            f"{mapped[row]} ({int(bad.sum())} such rows)."
        )
    return mapped


class Design:
    """Columns made by ``source``, then made orthonormal.

    Without ``rotate`` columns are only centred and scaled, and all that vary are kept, so that a
    penalty acts on the coefficient of each. A zero coefficient inside is then a zero outside,
    where that can be: monomials of degree one, and any columns of a formula. Without ``centre``
    they are only scaled, so that the same holds of each coefficient, the constant's too.
    """

    centre: bool = True
    """Of no use once the design is fitted, and so not kept."""

    def __init__(self, source: Source, *, rotate: bool = True, centre: bool = True) -> None:
        self.source = source
        self.rotate = rotate
        self.centre = centre

    def fit(self, X: Table, weight: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n r"]:
        """Learn the whitening from weighted rows (weights sum to one); return the features."""
        columns = self.source.fit(X, weight)
        if not self.centre and isinstance(self.source, PolynomialColumns):
            columns = self.source.uncentred(X)  # type: ignore[arg-type]
        check_magnitude("X", columns)
        constant = self.source.constant and self.centre
        self.whitening: Whitening = whiten(columns, weight, constant=constant, rotate=self.rotate)
        self.to_user: np.ndarray | Scaling = self._to_user()
        return self.whitening.apply(columns)

    def _to_user(self) -> "np.ndarray | Scaling":
        """Map from coefficients on internal features to those on the columns of the user."""
        source, whitening = self.source, self.whitening
        if whitening.matrix.ndim == 2 or not isinstance(source, PolynomialColumns):
            return whitening.to_columns() @ source.to_user()
        if source.exponents.sum() + 1 != len(source.exponents):  # not of degree one
            return whitening.to_columns() @ source.to_user()
        kept = whitening.kept[1:]
        location, scale = source.location[kept], source.scale[kept]
        slope = np.append(1.0, whitening.matrix[1:] / scale)
        shift = -whitening.matrix[1:] * (whitening.centre[1:] + location / scale)
        return Scaling(slope, np.append(0.0, shift), whitening.kept)

    def transform(self, X: Table) -> Float[np.ndarray, "n r"]:
        """Internal features of rows, constant first."""
        columns = self.source.columns(X)
        check_magnitude("X", columns)
        return self.whitening.apply(columns)

    def of_parts(self, X: Table) -> Callable[[slice], Float[np.ndarray, "r n"]]:
        """Internal features of some of the rows, rows of data last, by their slice.

        What a row has does not depend on the rows beside it.
        """
        source = self.source
        whole = None if source.by_rows else source.columns_last(X)

        def features(part: slice) -> np.ndarray:
            columns = source.columns_last(X[part]) if whole is None else whole[:, part]  # type: ignore[index]
            check_magnitude("X", columns)
            return self.whitening.apply_last(columns)

        return features

    def slopes(self, X: Table, column: int | str, deviation: float) -> Float[np.ndarray, "n r"]:
        """Derivatives of the internal features in one input: a position, or a frame's column.

        ``deviation`` is that of the input in the rows of the fit.
        """
        moved = self.source.slopes(X, column, deviation)
        matrix, kept = self.whitening.matrix, moved[:, self.whitening.kept]
        return kept * matrix if matrix.ndim == 1 else kept @ matrix.T

    @property
    def names(self) -> list[str]:
        """Names of the user's columns."""
        return list(self.source.names)

    @property
    def dependent(self) -> list[str]:
        """Columns that carry nothing by themselves, as a constant; their coefficient is 0."""
        return [n for n, kept in zip(self.names, self.whitening.kept, strict=True) if not kept]
