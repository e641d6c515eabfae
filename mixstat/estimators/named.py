"""What is told of rows by the name of a column: the response and the weights, beside no formula."""

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Response, Table, Weights, as_frame
from mixstat.estimators.formula_rows import row_weights
from mixstat.estimators.grouping import column_of
from mixstat.estimators.offsets import source_of
from mixstat.fitting.schema import ColumnSource, Formulas, Schema


def named_in(X: Table, told: Table, formulas: Formulas | None) -> ColumnSource | None:
    """The column that a word names, which is then no input; None of what is no word."""
    alone = isinstance(told, str) and formulas is None and as_frame(X) is not None
    return source_of(told) if alone else None


def response_of(X: Table, y: Response) -> Response:
    """The response: as it is given, or the column of a frame that it names."""
    return column_of(X, "y", y) if isinstance(y, str) and as_frame(X) is not None else y


def asked_response(X: Table, y: Response, schema: Schema) -> Response:
    """The response of a question, which may be left out where the fit named a column."""
    if X is None or schema.formulas is not None:
        return y
    if y is None and schema.response is not None:
        y = schema.response.column
    return response_of(X, y)


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
