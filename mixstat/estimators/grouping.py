"""Units of rows that share one expert: read, and what earlier rows tell of theirs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from mixstat.arguments import Setting, Table, as_frame, count_rows
from mixstat.data.formula import check_frame
from mixstat.data.formula_text import listed
from mixstat.data.units import Labels
from mixstat.fitting.schema import ColumnSource
from mixstat.kinds import check_length, is_missing_value

HISTORY = "(X, y, groups), or (X, y, groups, offset)"


class History(NamedTuple):
    """Earlier rows of units, as a person gives them."""

    X: Table
    y: Table
    groups: Table
    offset: Table = None


def read_units(X: Table, groups: Table, source: ColumnSource | None) -> Labels | None:
    """The unit of each row; None for a fit in which each row has an expert of its own.

    Parameters
    ----------
    X
        The table as it was given.
    groups
        Labels, or the name of a column; None takes the column that the fit took.
    source
        How the fit was told.
    """
    if source is None:
        if groups is not None:
            raise ValueError(
                "groups must be given to fit, which had none, so that each row has an expert of "
                f"its own; got {shown(groups)}."
            )
        return None
    if groups is None and source.column is None:
        raise ValueError(
            "groups must be given, as they were to fit: the unit of each row; got None."
        )
    if groups is None or isinstance(groups, str):
        groups = column_of(X, "groups", str(source.column if groups is None else groups))
    n = count_rows(X)
    if np.ndim(groups) != 1:  # type: ignore[arg-type]
        raise ValueError(
            f"groups must have one label for each of the {n} rows of X, got {shown(groups)}."
        )
    check_length("groups", groups, n)
    return _as_labels(np.asarray(groups))


def _as_labels(labels: np.ndarray) -> Labels:
    """Labels that can be compared, none of them missing."""
    for row, label in enumerate(labels.tolist()):
        if is_missing_value(label):
            raise ValueError(f"groups must have no missing values, got {label!r} in row {row}.")
    return labels.astype(str) if labels.dtype.kind == "O" else labels


def column_of(X: Table, argument: str, name: str) -> Table:
    """The column of a frame that an argument names."""
    if as_frame(X) is None:
        raise ValueError(
            f"{argument} names {name!r}, a column of X, which must then be a data frame; got "
            f"{type(X).__name__}."
        )
    frame = check_frame(X, "X")
    if name not in frame.columns:
        raise ValueError(
            f"{argument} names {name!r}, which is not a column of X; it has "
            f"{listed(frame.columns)}."
        )
    return frame[name]


def check_history(history: Setting) -> History:
    """Earlier rows, in their places."""
    if not isinstance(history, tuple | list):
        raise ValueError(f"history must be {HISTORY}; got {shown(history)}.")
    if len(history) not in (3, 4):
        raise ValueError(f"history must be {HISTORY}; got {len(history)} tables.")
    return History(*history)


def known_shares(
    labels: Labels,
    log_gate: Float[np.ndarray, "n K"],
    earlier: Shaped[np.ndarray, " h"],
    posterior: Float[np.ndarray, "h K"],
) -> Float[np.ndarray, "n K"]:
    """Log probabilities of the experts of rows whose units have earlier rows, or not."""
    place = {label: row for row, label in enumerate(earlier.tolist())}
    rows = np.array([place.get(label, -1) for label in labels.tolist()])
    with np.errstate(divide="ignore"):
        known = np.log(posterior)
    return np.where((rows >= 0)[:, None], known[rows], log_gate)


def shown(value: Setting) -> str:
    """A value in a message: itself, or the shape of a table."""
    return repr(value) if np.ndim(value) == 0 else f"shape {np.shape(value)}"  # type: ignore[arg-type]
