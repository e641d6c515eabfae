"""What contexts may be stated on: inputs, the response, time, and records of the past."""

import numbers
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from mixstat.arguments import Response, Series, Table, as_frame, count_rows
from mixstat.kinds import check_length

Variable: TypeAlias = object  # a column by name or position, a word below, or a list of them
OtherData: TypeAlias = object  # data frame or dict of columns beside X, or None
OUTPUT, TIME = "y", "time"  # words that stand for the response and for time


@runtime_checkable
class NamedColumns(Protocol):
    """A data frame or a dict of columns."""

    def keys(self) -> Iterable[object]:
        """Names of the columns."""
        ...

    def __getitem__(self, name: object, /) -> Series: ...


class Records:
    """Variables of the rows of a fit, by name or position.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, d)
        Inputs.
    y : array-like of shape (n,) or (n, m), default=None
        Responses.
    context_data : DataFrame or dict of arrays of length n, default=None
        Variables that are known of these rows but are not inputs: phases, timestamps,
        measurements of the laboratory.
    names : sequence of str, default=None
        Names of the columns of X; None takes those of a DataFrame.
    time : array-like of shape (n,), default=None
        Times of the rows; None takes the index of a DataFrame, or numbers the rows from 0.
    """

    def __init__(
        self,
        X: Table,
        y: Response = None,
        context_data: OtherData = None,
        *,
        names: Sequence[str] | None = None,
        time: Series = None,
    ) -> None:
        columns = getattr(X, "columns", [])
        self.inputs = X
        self.n = count_rows(X)
        self.names = [str(c) for c in columns] if names is None else list(names)
        self.outputs = None if y is None else _as_outputs(y, self.n)
        self.others = _as_columns(context_data, self.n)
        index = index_of(X) if time is None else time
        self.time = np.arange(self.n) if index is None else _values(index)

    def variable(self, on: Variable) -> np.ndarray:
        """Values (n,) of a variable, or (n, c) of a list of them."""
        if isinstance(on, list | tuple):
            return np.column_stack([self.variable(one) for one in on])
        if not isinstance(on, bool) and isinstance(on, numbers.Integral):
            return self._by_position(int(on))
        places = self._named(on) if isinstance(on, str) else []
        if len(places) > 1:
            raise ValueError(
                f"on={on!r} may mean {' or '.join(where for where, _ in places)}; rename one of "
                "them, or give the position of a column of X."
            )
        if not places:
            raise ValueError(
                f"on={on!r} is not among the variables of the fit: {self._variables()}."
            )
        return places[0][1]

    def _by_position(self, column: int) -> np.ndarray:
        d = self._width()
        if not -d <= column < d:
            raise ValueError(f"on={column} asks for column {column}, but X has {d} columns.")
        return self._column(column)

    def _width(self) -> int:
        frame = as_frame(self.inputs)
        return np.asarray(self.inputs).shape[1] if frame is None else len(frame.columns)

    def _column(self, j: int) -> np.ndarray:
        frame = as_frame(self.inputs)
        return np.asarray(self.inputs)[:, j] if frame is None else _values(frame.iloc[:, j])

    def _named(self, on: str) -> list[tuple[str, np.ndarray]]:
        """Everything of that name, with where it stands."""
        places: list[tuple[str, np.ndarray]] = []
        if on in self.names:
            places.append((f"column {on!r} of X", self._column(self.names.index(on))))
        if on in self.others:
            places.append((f"column {on!r} of context_data", self.others[on]))
        if on == TIME:
            places.append(("the time of the rows", self.time))
        for name, values in self._responses().items():
            # a table that holds the response too, as beside a formula, means one thing
            if on == name and not any(_equal(values, other) for _, other in places):
                places.append(("the response", values))
        return places

    def _responses(self) -> dict[str, np.ndarray]:
        if self.outputs is None:
            return {}
        columns = self.outputs.T
        if len(columns) == 1:
            return {OUTPUT: columns[0]}
        return {f"{OUTPUT}{j}": column for j, column in enumerate(columns)}

    def _variables(self) -> str:
        listed = self.names or [f"0..{self._width() - 1} (positions in X)"]
        return ", ".join([*listed, *self.others, *self._responses(), TIME])


def _as_outputs(y: Response, n: int) -> np.ndarray:
    """Responses as a table with a row for each of X."""
    if isinstance(y, str):
        raise ValueError(f"y must be an array, got {y!r}.")
    check_length("y", y, n)
    return np.asarray(y).reshape(n, -1)


def index_of(X: Table) -> Series:
    """The index of a data frame; None for other tables."""
    frame = as_frame(X)
    return None if frame is None else frame.index


def _as_columns(data: OtherData, n: int) -> dict[str, np.ndarray]:
    """Columns by name, each with an entry for every row."""
    if data is None:
        return {}
    if not isinstance(data, NamedColumns):
        raise ValueError(
            f"context_data must be a DataFrame or a dict of columns, got {type(data).__name__}."
        )
    columns = {str(name): _values(data[name]) for name in data.keys()}  # noqa: SIM118
    for name, values in columns.items():
        if values.shape != (n,):
            raise ValueError(
                f"context_data[{name!r}] must have one entry for each of the {n} rows of X, got "
                f"shape {values.shape}."
            )
    return columns


def _values(column: Series) -> np.ndarray:
    """A column as NumPy; times with a zone become times of UTC, categories their labels.

    What is masked is missing.
    """
    if isinstance(column, np.ma.MaskedArray):
        kind = column.dtype.kind
        values = np.array(column.data, float if kind == "f" else object)
        values[np.ma.getmaskarray(column)] = np.nan if kind == "f" else None
        return values
    to_numpy = getattr(column, "to_numpy", None)
    if to_numpy is None:
        return np.asarray(column)
    kind = str(getattr(column, "dtype", ""))
    if kind.startswith("datetime64["):
        return np.asarray(to_numpy(dtype="datetime64[ns]"))
    return to_numpy()


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(one.shape == other.shape and np.all(one == other))


def is_missing(values: np.ndarray) -> np.ndarray:
    """(n,) rows in which a variable, or one of several, is not known."""
    table = values.reshape(len(values), -1)
    if values.dtype.kind in "fMm":
        return np.any(np.isnat(table) if values.dtype.kind in "Mm" else np.isnan(table), axis=1)
    if values.dtype.kind == "O":
        return np.array([any(map(_unknown, row)) for row in table], bool)
    return np.zeros(len(values), bool)


def _unknown(value: object) -> bool:
    """None, and NaN, NaT and NA, which do not equal themselves."""
    same = value == value
    return value is None or not (same is True or same is np.True_)
