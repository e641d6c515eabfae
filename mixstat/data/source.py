"""What makes the columns of a design from a person's table."""

import abc
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.data.inputs import differences


class Source(abc.ABC):
    """Interface: columns that are learnt from some rows and made of any others.

    Tables are arrays, or data frames where the columns are those of a formula.
    """

    names: Sequence[str]
    """Names of the columns, the constant first."""
    constant: bool
    """Whether the first column is the constant one."""
    by_rows: bool = False
    """Whether columns may be made of some of the rows at a time."""

    @abc.abstractmethod
    def fit(self, X: Table, weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """Learn what there is to learn from weighted rows; return the columns (n, p)."""

    @abc.abstractmethod
    def columns(self, X: Table) -> np.ndarray:
        """The columns (n, p) of the same or other rows."""

    def columns_last(self, X: Table) -> Float[np.ndarray, "p n"]:
        """The columns with rows of data last."""
        return np.ascontiguousarray(self.columns(X).T)

    def slopes(self, X: Table, column: int | str, deviation: float) -> Float[np.ndarray, "n p"]:
        """Derivatives of the columns in one input: by default differences of fourth order.

        ``deviation`` is that of the input in the rows of the fit.
        """
        return differences(self.columns, X, column, deviation)

    def raw(self, X: Table) -> np.ndarray:
        """The columns that reported coefficients multiply (n, p)."""
        return self.columns(X)

    @abc.abstractmethod
    def to_user(self) -> np.ndarray:
        """Map from coefficients on :meth:`columns` to reported coefficients."""

    @abc.abstractmethod
    def same_as(self, other: object) -> bool:
        """Whether other columns have the same values."""
