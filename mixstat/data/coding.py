"""Features of data frames with categories: each level but the first has a column of 0 and 1."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.arguments import DataFrame, Table
from mixstat.data import polynomial
from mixstat.data.categories import Levels, levels_of, place_of
from mixstat.data.design import PolynomialColumns
from mixstat.data.source import Source


class CodedColumns(Source):
    """Monomials of chosen inputs of a data frame, its categories in treatment coding.

    Columns of one category are never multiplied with themselves or each other: such products are
    the column itself, or zero.
    """

    constant = True

    def __init__(
        self,
        inputs: Sequence[str],
        categories: Sequence[str],
        degree: int,
        *,
        interactions: bool,
    ) -> None:
        self.inputs = tuple(inputs)
        self.categories = tuple(name for name in inputs if name in categories)
        self.degree = degree
        self.interactions = interactions

    def fit(self, X: DataFrame, weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """Learn levels, and what monomials learn; return these."""
        self.levels: dict[str, Levels] = {
            name: levels_of(X[name], f"X[{name!r}]") for name in self.categories
        }
        names = [label for one in self.inputs for label in self._labels(one)]
        exponents = polynomial.powers(len(names), self.degree, interactions=self.interactions)
        kept = self._makes_sense(exponents)
        self.inner = PolynomialColumns(np.arange(len(names)), exponents[kept], names)
        self.names = self.inner.names
        return self.inner.fit(self._coded(X), weight)

    def columns(self, X: DataFrame) -> np.ndarray:
        """Monomials of the standardised columns (n, p)."""
        return self.inner.columns(self._coded(X))

    def raw(self, X: DataFrame) -> np.ndarray:
        """Monomials of the columns as they are (n, p)."""
        return self.inner.raw(self._coded(X))

    def slopes(self, X: Table, column: int | str, deviation: float) -> Float[np.ndarray, "n p"]:
        """Derivatives of the monomials in an input that holds numbers."""
        coded, names = self._coded(X), list(self.inner.inputs)
        place = self._first(str(column)) if column in self.inputs else len(names)
        return self.inner.slopes(coded, place, deviation)

    def to_user(self) -> np.ndarray:
        """Map from coefficients on these columns to coefficients on raw monomials."""
        return self.inner.to_user()

    def same_as(self, other: object) -> bool:
        """Whether another set of columns has the same values on the same rows."""
        return isinstance(other, CodedColumns) and all(
            getattr(self, name) == getattr(other, name)
            for name in ("inputs", "categories", "degree", "interactions")
        )

    @property
    def used(self) -> set[str]:
        """Inputs that columns are made of."""
        return set(self.inputs) if self.degree else set()

    def _labels(self, name: str) -> list[str]:
        """Names of the columns of an input."""
        if name not in self.levels:
            return [name]
        return [f"{name}[{level}]" for level in self.levels[name][1:]]

    def _first(self, name: str) -> int:
        """The first column of an input."""
        before = self.inputs[: self.inputs.index(name)]
        return sum(len(self._labels(one)) for one in before)

    def _makes_sense(self, exponents: Int[np.ndarray, "p c"]) -> Bool[np.ndarray, " p"]:
        """Which monomials have each category at most once."""
        kept = np.ones(len(exponents), bool)
        for name in self.categories:
            first, count = self._first(name), len(self._labels(name))
            kept &= exponents[:, first : first + count].sum(axis=1) <= 1
        return kept

    def _coded(self, X: DataFrame) -> Float[np.ndarray, "n c"]:
        """The chosen inputs as numbers."""
        columns = [np.zeros((len(X), 0))]
        for name in self.inputs:
            if name in self.levels:
                columns.append(place_of(X[name], self.levels[name], f"X[{name!r}]"))
            else:
                columns.append(np.asarray(X[name], float)[:, None])
        return np.hstack(columns)
