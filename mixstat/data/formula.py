"""Designs written as formulas, evaluated by formulaic."""

import decimal
import numbers
import warnings
from collections.abc import Hashable, Mapping
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.arguments import DataFrame, Table, as_frame
from mixstat.data.formula_text import (
    FUNCTIONS,
    Formula,
    categories,
    check_names,
    formulaic,
    listed,
    plainly,
)
from mixstat.data.source import Source

Spec: TypeAlias = Any  # a side of a formula, or one with what it has learnt from a table
Levels: TypeAlias = Mapping[str, tuple[Hashable, ...]]  # categories by column
UNLIKE = 1e-8  # relative difference that is no rounding


class FormulaColumns(Source):
    """Columns of the right-hand side of a formula; transforms such as poly keep their state."""

    def __init__(self, right: Formula, argument: str) -> None:
        self.right = right
        self.argument = argument

    def fit(self, X: Table, weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """Evaluate the formula on a data frame and remember how (levels, knots, centres)."""
        matrix = evaluate(self.right, X, self.argument)
        self.spec = matrix.model_spec
        prepared = _prepared(check_frame(X, self.argument), self.right, self.argument)
        self.levels: Levels = _levels(self.right, prepared)
        self.names = ["1" if name == "Intercept" else str(name) for name in matrix.columns]
        self.constant = self.names[:1] == ["1"]
        check_rows_apart(self.spec, X, matrix, self.argument)
        return matrix.to_numpy(float)

    def columns(self, X: Table) -> np.ndarray:
        """The same columns on other rows."""
        _check_levels(self.levels, check_frame(X, self.argument), self.argument)
        matrix = evaluate(self.spec, X, self.argument, side=self.right)
        names = ["1" if name == "Intercept" else str(name) for name in matrix.columns]
        if names != self.names:  # a fit that was read, by another version of formulaic
            raise ValueError(
                f"{self.argument} must have the columns {listed(self.names)} as in the fit; "
                f"formulaic {formulaic().__version__} makes {listed(names)} of it."
            )
        return matrix.to_numpy(float)

    def to_user(self) -> np.ndarray:
        """Coefficients refer to the formula's own columns."""
        return np.eye(len(self.names))

    def same_as(self, other: object) -> bool:
        """Whether another formula has the same columns."""
        return isinstance(other, FormulaColumns) and str(self.right) == str(other.right)


def evaluate(spec: Spec, data: Table, argument: str, *, side: Formula = None) -> DataFrame:
    """Model matrix as a data frame of finite numbers, refusing what cannot be one.

    Parameters
    ----------
    spec
        A side of a formula, or what it has learnt from other rows.
    data
        A data frame.
    argument
        Whose fault it is.
    side
        The side of the formula, where ``spec`` is what was learnt.
    """
    frame = check_frame(data, argument)
    side = spec if side is None else side
    frame = _prepared(frame, side, argument)
    unseen = formulaic().errors.DataMismatchWarning  # a category that the fit has not seen
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("error", unseen)
            make = getattr(spec, "get_model_matrix", None)
            settings = {"na_action": "raise", "context": FUNCTIONS}
            if make is None:
                matrix = formulaic().model_matrix(spec, frame, **settings)
            else:
                matrix = make(frame, **settings)
        values = matrix.to_numpy(float)
    except Exception as error:
        raise ValueError(f"{argument} could not be evaluated: {plainly(error)}.") from error
    if matrix.shape[1] == 0:
        raise ValueError(f"{argument} has no columns; write 1 for a constant.")
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        bad_names = listed(matrix.columns[bad])
        raise ValueError(
            f"{argument}: {bad_names} contains NaN or infinity; finite numbers wanted."
        )
    return matrix


def check_rows_apart(spec: Spec, data: Table, matrix: DataFrame, argument: str) -> None:
    """Refuse columns whose values in a row depend on which other rows there are."""
    n = len(matrix)
    chosen = np.unique([0, n // 2, n - 1])[::-1]
    few = check_frame(data, argument).iloc[chosen]
    side = getattr(spec, "formula", spec)
    again = evaluate(spec, few, argument, side=side).to_numpy(float)
    whole = matrix.to_numpy(float)[chosen]
    if again.shape == whole.shape:
        other = ~np.isclose(again, whole, rtol=UNLIKE, atol=1e-12).all(axis=0)
        if not other.any():
            return
        names = listed(matrix.columns[other])
    else:
        names = listed(matrix.columns)
    raise ValueError(
        f"{argument}: {names} must be made of each row by itself, but changes with the other rows; "
        "on the right center(x), scale(x), poly(x, 2) and bs(x, df=5) remember the rows of the fit."
    )


def check_frame(data: Table, argument: str, *, n_rows: int = 1) -> DataFrame:
    """A data frame of pandas with at least so many rows."""
    convert = getattr(data, "to_pandas", None)
    frame = as_frame(convert() if callable(convert) else data)
    if frame is None or not hasattr(frame, "columns"):
        hint = "; in a pipeline call set_output(transform='pandas') before it"
        raise TypeError(
            f"{argument} needs a data frame (with named columns), got {type(data).__name__}"
            f"{hint if isinstance(data, np.ndarray) else ''}."
        )
    if len(frame) < n_rows:
        raise ValueError(
            f"{argument} needs a data frame with at least {n_rows} rows, got {len(frame)} rows."
        )
    if not all(isinstance(name, str) for name in frame.columns):
        return frame.set_axis([str(name) for name in frame.columns], axis=1)
    return frame


def _prepared(data: DataFrame, side: Formula, argument: str) -> DataFrame:
    """The columns that a side names, as numbers or as categories that occur."""
    names = check_names(side, [str(c) for c in data.columns], argument)
    plain = {name for name, in_c in categories(side) if not in_c}
    columns = {name: _column(data[name], name, argument, plain=name in plain) for name in names}
    return data[names].assign(**columns)


def _column(column: DataFrame, name: str, argument: str, *, plain: bool) -> DataFrame:
    """A column of a data frame that can stand in a formula; ``plain`` if it stands alone there."""
    if column.ndim > 1:
        raise ValueError(f"{argument} names {name}, of which data has several columns.")
    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        raise ValueError(
            f"{argument} could not be evaluated: {name} has a null value (NaN or None) in row "
            f"{missing[0]}, {len(missing)} in all; drop or fill such rows."
        )
    if hasattr(column, "cat"):
        return column.cat.remove_unused_categories()
    kind = getattr(column.dtype, "kind", "O")
    if kind == "O" and all(_is_number(value) for value in column):
        return column.astype(float)
    if kind in "OU" and all(isinstance(value, str) for value in column):
        return column.astype(object)  # formulaic does not know every kind of string
    if plain and kind in "mMcO":
        raise ValueError(
            f"{argument}: {name} must hold numbers or categories (as strings), got "
            f"{column.dtype} such as {column.iloc[0]!r}; make a column of numbers of it, such as "
            "days since the first date, or of strings."
        )
    return column


def _is_number(value: object) -> bool:
    real = isinstance(value, numbers.Real | decimal.Decimal)
    return real and not isinstance(value, bool | np.bool_)


def _levels(side: Formula, frame: DataFrame) -> Levels:
    """Categories that occur in the rows, of columns that are taken as categories."""
    out: dict[str, tuple[Hashable, ...]] = {}
    for name, in_c in categories(side):
        if in_c or getattr(frame[name].dtype, "kind", "O") not in "biuf":
            out[name] = tuple(frame[name].unique())
    return out


def _check_levels(levels: Levels, frame: DataFrame, argument: str) -> None:
    """Refuse categories that the rows of the fit did not have."""
    for name, seen in levels.items():
        if name not in frame.columns:
            continue  # told when the formula is evaluated
        column = frame[name]
        strange = column[~column.isin(list(seen)) & column.notna()]
        if len(strange):
            raise ValueError(
                f"{argument} could not be evaluated: {name} has the category "
                f"{listed(strange.unique(), 3)}, which the fit has not seen; it saw {listed(seen)}."
            )
