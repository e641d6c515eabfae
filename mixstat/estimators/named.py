"""What is told of rows by the name of a column: the response and the weights, beside no formula."""

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Response, Table, Weights, as_frame
from mixstat.estimators.formula_rows import named_weights, row_weights
from mixstat.estimators.grouping import column_of
from mixstat.estimators.offsets import source_of, without_columns
from mixstat.fitting.schema import ColumnSource, Formulas, Schema


def named_in(X: Table, told: Table, formulas: Formulas | None) -> ColumnSource | None:
    """The column that a word names, which is then no input; None of what is no word."""
    alone = isinstance(told, str) and formulas is None and as_frame(X) is not None
    return source_of(told) if alone else None


def named_responses(X: Table, y: Response, formulas: Formulas | None) -> ColumnSource | None:
    """The columns that one word names, or a list of several; None of what is no word."""
    if formulas is None and _are_names(X, y):
        return ColumnSource(str(y[0]), tuple(y[1:]))  # type: ignore[index]
    return named_in(X, y, formulas)


def _are_names(X: Table, y: Response) -> bool:
    """Whether a list of words stands beside a frame."""
    words = list(y) if isinstance(y, list | tuple) else []
    return bool(words) and all(isinstance(one, str) for one in words) and as_frame(X) is not None


def response_of(X: Table, y: Response, *, several: bool = False) -> Response:
    """The response: as it is given, or the column of a frame that it names.

    A list of names stands for several responses, where there may be; labels may be such a list.
    """
    if several and _are_names(X, y):
        names = [str(one) for one in y]  # type: ignore[union-attr]
        if len(set(names)) < len(names):
            raise ValueError(f"y must name different columns of X, got {names}.")
        for name in names:
            column_of(X, "y", name)
        return as_frame(X)[names]  # type: ignore[index]
    return column_of(X, "y", y) if isinstance(y, str) and as_frame(X) is not None else y


def asked_response(X: Table, y: Response, schema: Schema) -> Response:
    """The response of a question, which may be left out where the fit named a column."""
    if X is None or schema.formulas is not None:
        return y
    several = schema.classes is None
    if y is None and schema.response is not None:
        y = list(schema.response.columns) if schema.response.more else schema.response.column
    return response_of(X, y, several=several)


def told_weights(
    X: Table, sample_weight: Weights, n: int, formulas: Formulas | None
) -> Float[np.ndarray, " n"]:
    """Weights of rows, given as numbers or by the name of a column."""
    return row_weights(X, of_column(X, sample_weight, formulas), n, formulas)


def of_column(X: Table, sample_weight: Weights, formulas: Formulas | None) -> Weights:
    """Weights as they are given, or the column of a frame that they name beside no formula."""
    if formulas is not None or not isinstance(sample_weight, str) or as_frame(X) is None:
        return sample_weight
    return column_of(X, "sample_weight", sample_weight)


def without_named(
    X: Table, y: Response, sample_weight: Weights, formulas: Formulas | None
) -> tuple[Table, Response, Weights]:
    """Inputs, response and weights, of which the last two may be named: then they are no inputs."""
    named = [named_in(X, one, formulas) for one in (y, sample_weight)]
    weights = named_weights(X, of_column(X, sample_weight, formulas), formulas)
    y = y if named[0] is None else response_of(X, y)
    return without_columns(X, *named), y, weights
