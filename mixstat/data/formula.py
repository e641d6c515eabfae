"""Designs written as formulas, evaluated by formulaic."""

import warnings
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.arguments import DataFrame, Frame, Table
from mixstat.data.source import Source

# of formulaic, which is loaded when a formula is read
Formula: TypeAlias = Any  # one side of a formula, as formulaic parses it
Spec: TypeAlias = Any  # a side of a formula, or one with what it has learnt from a table


def _formulaic():
    try:
        import formulaic
    except ImportError as error:
        raise ImportError(
            "from_formula needs formulaic; install it with: pip install 'mixstat[formula]'"
        ) from error
    return formulaic


class FormulaColumns(Source):
    """Columns of the right-hand side of a formula; transforms such as poly keep their state."""

    def __init__(self, right: Formula, argument: str) -> None:
        self.right = right
        self.argument = argument

    def fit(self, X: Table, weight: Float[np.ndarray, " n"]) -> np.ndarray:
        """Evaluate the formula on a data frame and remember how (levels, knots, centres)."""
        matrix = evaluate(self.right, X, self.argument)
        self.spec = matrix.model_spec
        self.names = ["1" if name == "Intercept" else str(name) for name in matrix.columns]
        self.constant = self.names[:1] == ["1"]
        return matrix.to_numpy(float)

    def columns(self, X: Table) -> np.ndarray:
        """The same columns on other rows."""
        return evaluate(self.spec, X, self.argument).to_numpy(float)

    def to_user(self) -> np.ndarray:
        """Coefficients refer to the formula's own columns."""
        return np.eye(len(self.names))

    def same_as(self, other: object) -> bool:
        """Whether another formula has the same columns."""
        return isinstance(other, FormulaColumns) and str(self.right) == str(other.right)


def split(formula: str) -> tuple[Formula, Formula]:
    """Left and right side of ``"y ~ x"``."""
    parsed = _formulaic().Formula(formula)
    if not hasattr(parsed, "lhs"):
        raise ValueError(f"formula must have a response, as in 'y ~ x'; got {formula!r}.")
    return parsed.lhs, parsed.rhs


def right_side(formula: str, argument: str) -> Formula:
    """The right side of ``"~ x"``."""
    parsed = _formulaic().Formula(formula)
    if hasattr(parsed, "lhs"):
        raise ValueError(f"{argument} must have no response, as in '~ x'; got {formula!r}.")
    return parsed


def evaluate(spec: Spec, data: Table, argument: str) -> DataFrame:
    """Model matrix as a data frame of finite numbers, refusing what cannot be one."""
    frame = _check_frame(data, argument)
    formulaic = _formulaic()
    wanted = {str(v) for v in getattr(spec, "required_variables", ())}
    missing = sorted(wanted - {str(c) for c in frame.columns})
    if missing:
        raise ValueError(
            f"{argument} names {', '.join(missing)}, which is not a column of data; "
            f"data has {', '.join(str(c) for c in frame.columns)}."
        )
    unseen = formulaic.errors.DataMismatchWarning  # a category that the fit has not seen
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", unseen)
            make = getattr(spec, "get_model_matrix", None)
            if make is not None:
                matrix = make(frame, na_action="raise")
            else:
                matrix = formulaic.model_matrix(spec, frame, na_action="raise")
    except (ValueError, formulaic.errors.FormulaicError, unseen) as error:
        raise ValueError(f"{argument} could not be evaluated: {error}") from error
    if matrix.shape[1] == 0:
        raise ValueError(f"{argument} has no columns; write 1 for a constant.")
    bad = ~np.isfinite(matrix.to_numpy(float)).all(axis=0)
    if bad.any():
        names = ", ".join(str(c) for c in matrix.columns[bad])
        raise ValueError(f"{argument}: {names} contains NaN or infinity; finite numbers wanted.")
    return matrix


def _check_frame(data: Table, argument: str) -> Frame:
    if not isinstance(data, Frame):
        raise TypeError(
            f"{argument} needs a data frame (with named columns), got {type(data).__name__}."
        )
    return data
