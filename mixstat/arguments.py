"""Names for what people hand in, which is checked at the door and may be anything until then."""

import os
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from sklearn.utils.validation import _num_samples  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

Table: TypeAlias = object  # array-like or data frame with a row for each observation
Response: TypeAlias = object  # array-like of one value, or of several outputs, for each row
Weights: TypeAlias = object  # array-like of a number for each row; None weights all alike
Series: TypeAlias = object  # array-like of a value for each row, of any kind
Columns: TypeAlias = object  # names, positions, a mask or a slice of columns; None means all
Seed: TypeAlias = object  # int, RandomState or None
Estimator: TypeAlias = object  # an estimator of mixstat, before it is checked to be one
Setting: TypeAlias = object  # a parameter before it is checked
Folder: TypeAlias = str | os.PathLike[str]  # path of a folder or file

# of libraries that are loaded when they are needed, and not for their types
DataFrame: TypeAlias = Any  # of pandas
Column: TypeAlias = Any  # a Series of pandas
Axes: TypeAlias = Any  # of Matplotlib; or an array of them, or None
Figure: TypeAlias = Any  # of Matplotlib


@runtime_checkable
class Frame(Protocol):
    """A data frame, as far as it is used here."""

    @property
    def columns(self) -> np.ndarray:
        """Names of the columns."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, column: str, /) -> np.ndarray: ...


def as_frame(table: Table) -> DataFrame | None:
    """The table itself if it is a data frame; None for others."""
    return table if hasattr(table, "iloc") else None


def count_rows(table: Table) -> int:
    """Number of rows of a table, or of entries of a response."""
    return int(_num_samples(table))  # pyright: ignore[reportUnknownArgumentType]
