"""Rows of a table on which formulas are evaluated: their responses and their weights."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_array, column_or_1d

from mixstat.arguments import Response, Table, Weights, as_frame, count_rows
from mixstat.data.formula import check_frame, check_rows_apart, evaluate
from mixstat.data.formula_text import categories, check_names, listed
from mixstat.experts.base import Experts
from mixstat.fitting.schema import Formulas
from mixstat.kinds import check_labels, check_length, check_numbers, check_outputs
from mixstat.validation import check_weights

NEAR = 1e-9  # relative difference of a response that was computed twice


def agreed_y(
    formulas: Formulas, data: Table, y: Response, family: Experts
) -> Float[np.ndarray, "n ..."]:
    """The response of a fit to a family, see :func:`agreed`."""
    booleans = family.response == "binomial"
    y = check_numbers("y", y, booleans=booleans)
    read = partial(read_numbers, formulas, data, booleans=booleans, family=family)
    return np.asarray(agreed(formulas, data, y, read), float)


def read_numbers(
    formulas: Formulas, data: Table, *, booleans: bool = True, family: Experts | None = None
) -> Float[np.ndarray, "n ..."]:
    """The response that the left side of a formula names."""
    data = data if family is None else bounded(data, formulas, family)
    left, frame = formulas.response, check_frame(data, "formula")
    response = evaluate(left, frame, "formula")
    if any(str(name).endswith("]") for name in response.columns):
        raise ValueError(
            f"formula: the response must be numeric, got categories {listed(response.columns, 3)}."
        )
    names = _columns_alone(formulas)
    for name in names:
        check_numbers(f"formula: {name}", frame[name], booleans=booleans)
    if names != list(response.columns):
        check_rows_apart(left, frame, response, "formula")
    y = response.to_numpy(float)
    return y[:, 0] if y.shape[1] == 1 else y


def read_labels(formulas: Formulas, data: Table) -> np.ndarray:
    """The labels that the left side of a formula names."""
    left, frame = formulas.response, check_frame(data, "formula")
    names = check_names(left, [str(c) for c in frame.columns], "formula")
    alone = [name for name, _ in categories(left)]
    if len(left) != 1 or (not alone and len(names) > 1):
        raise ValueError(
            f"formula must have one column of labels on the left; got {formulas.experts!r}."
        )
    if alone:
        labels = frame[alone[0]]
        if labels.ndim > 1:
            raise ValueError(f"formula names {alone[0]}, of which data has several columns.")
        return np.asarray(check_labels(f"formula: {alone[0]}", labels))
    matrix = evaluate(left, frame, "formula")
    if matrix.shape[1] != 1:
        raise ValueError(
            f"formula must have one column of labels on the left; got {list(matrix.columns)}."
        )
    check_rows_apart(left, frame, matrix, "formula")
    return matrix.to_numpy()[:, 0]


def agreed(
    formulas: Formulas, data: Table, y: Response, read: Callable[[], np.ndarray]
) -> np.ndarray:
    """The response of a fit: that of the table, which a given one must equal where both are.

    Parameters
    ----------
    formulas, data
        The left side, and the table that may hold its columns.
    y
        What was given beside the table; None for nothing.
    read
        Reads the response from the table.
    """
    if y is None:
        return read()
    check_outputs("y", y)
    given = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    check_length("y", given, count_rows(data))
    if not _has_columns(formulas, data):
        return given
    own = read()
    differs = _differing(given, own)
    if differs.any():
        row = int(np.argmax(differs))
        raise ValueError(
            f"y must be the left side of the formula {formulas.experts!r} where X has its columns; "
            f"got {given[row]} in row {row}, where X gives {own[row]}. Leave y out, or leave "
            f"{', '.join(formulas.outputs)} out of X."
        )
    return given


def check_transformed(formulas: Formulas, data: Table, y: np.ndarray) -> None:
    """Refuse a column as it stands where the left side is a function of it.

    Questions take the response that is given beside a table, whatever its columns hold.
    """
    if len(formulas.outputs) != 1 or _columns_alone(formulas) or not _has_columns(formulas, data):
        return
    name = formulas.outputs[0]
    column = np.asarray(check_frame(data, "X")[name])
    if column.shape != y.shape or column.dtype.kind not in "biuf" or y.dtype.kind not in "biuf":
        return
    own = read_numbers(formulas, data)
    if not _differing(y, column).any() and _differing(y, own).any():
        raise ValueError(
            f"y must be the left side of the formula {formulas.experts!r}, got the column {name} "
            "as it stands; leave y out to have it read from X."
        )


def row_weights(
    data: Table, sample_weight: Weights, n: int, formulas: Formulas | None
) -> Float[np.ndarray, " n"]:
    """Weights of rows; beside a formula they may be named, as a column of the table."""
    return check_weights(named_weights(data, sample_weight, formulas), n)


def named_weights(data: Table, sample_weight: Weights, formulas: Formulas | None) -> Weights:
    """Weights as they were given, or the column of the table that they name."""
    if not isinstance(sample_weight, str) or formulas is None:
        return sample_weight
    frame = check_frame(data, "formula")
    if sample_weight not in frame.columns:
        raise ValueError(
            f"sample_weight names {sample_weight!r}, which is not a column of data; data has "
            f"{listed(frame.columns)}."
        )
    if sample_weight in formulas.of_table(frame).dotted:
        raise ValueError(
            f"sample_weight names {sample_weight!r}, which '.' makes an input too; write "
            f"'. - {sample_weight}' in the formula, and in gate_formula if it has a '.'."
        )
    return frame[sample_weight]


def as_labels(y: Response) -> np.ndarray:
    """A vector of labels, one for each row."""
    checked = check_array(check_labels("y", y), ensure_2d=False, dtype=None, input_name="y")
    return column_or_1d(checked, warn=True)


def _columns_alone(formulas: Formulas) -> list[str]:
    """Columns of the left side, if it has nothing but columns."""
    alone = [name for name, in_c in categories(formulas.response) if not in_c]
    return alone if len(alone) == len(formulas.response) else []  # type: ignore[arg-type]


def _has_columns(formulas: Formulas, data: Table) -> bool:
    columns = {str(name) for name in check_frame(data, "formula").columns}
    return columns.issuperset(formulas.outputs)


def _differing(given: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(n,) rows in which two responses are not the same."""
    one, other = given.reshape(len(given), -1), own.reshape(len(own), -1)
    if one.shape != other.shape:
        return np.ones(len(given), bool)
    if one.dtype.kind in "biuf" and other.dtype.kind in "biuf":
        return np.any(~np.isclose(one, other, rtol=NEAR, atol=0.0), axis=1)
    return np.any(np.asarray(one != other), axis=1)


def bounded(table: Table, formulas: Formulas, family: Experts) -> Table:
    """A frame without infinite ends among the columns that stand on the left of a formula."""
    frame = as_frame(table)
    if frame is None:
        return table
    columns = {name: frame[name] for name in formulas.outputs if name in frame.columns}
    moved = {name: family.bounded(column) for name, column in columns.items()}
    changed = {name: column for name, column in moved.items() if column is not columns[name]}
    return frame.assign(**changed) if changed else table
