"""Offsets of rows: known terms of the experts' predictors, given beside X, in it, or by formula."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table, as_frame
from mixstat.data.design import check_magnitude
from mixstat.data.offset import sum_of_terms
from mixstat.estimators.grouping import column_of, shown
from mixstat.experts.base import Experts
from mixstat.fitting.schema import ColumnSource, Formulas, Schema
from mixstat.kinds import check_numbers

Offset: TypeAlias = Float[np.ndarray, "n o"] | None

LOG_LINKS = ("count", "positive")  # responses whose mean an exposure multiplies


def source_of(offset: Table) -> ColumnSource | None:
    """How a fit is told its offset."""
    if offset is None:
        return None
    return ColumnSource(offset if isinstance(offset, str) else None)


def without_columns(X: Table, *sources: ColumnSource | None) -> Table:
    """Inputs without the columns that tell something else of rows."""
    frame = as_frame(X)
    named = [name for one in sources if one is not None for name in one.columns]
    if frame is None or not named or not hasattr(frame, "columns"):
        return X
    return frame.drop(columns=[name for name in named if name in frame.columns])


def check_exposure(formulas: Formulas, family: Experts) -> None:
    """Refuse an exposure of a family without a log link."""
    for term in formulas.offsets:
        kind = family.response.removeprefix("censored ")
        if term.word == "exposure" and kind not in LOG_LINKS:
            raise ValueError(
                f"formula names {term}, which is for experts with a log link (counts, positive "
                f"responses); {type(family).__name__} take offset(...)."
            )


def check_dotted(formulas: Formulas, sources: Mapping[str, ColumnSource | None]) -> None:
    """Refuse a column beside the features that ``.`` makes one too, by its argument."""
    named = [("offset", name) for term in formulas.offsets for name in term.columns]
    for argument, source in sources.items():
        if source is not None and source.column is not None:
            named.append((argument, source.column))
    for argument, name in named:
        if name in formulas.dotted:
            raise ValueError(
                f"{argument} names {name!r}, which '.' makes an input too; write '. - {name}' in "
                "the formula, and in gate_formula if it has a '.'."
            )


def read_offset(
    X: Table, offset: Table, schema: Schema, family: Experts, n: int, n_outputs: int
) -> Offset:
    """The offset of rows, from all that tells of it; None where the fit has none.

    Parameters
    ----------
    X
        The table as it was given.
    offset
        Numbers, or the name of a column; None takes the column that the fit took.
    schema
        What the fit was told.
    family, n, n_outputs
        Of the rows: a real response has an offset for each of its outputs.
    """
    formulas, source = schema.formulas, schema.offset
    terms = () if formulas is None else formulas.offsets
    if source is None and offset is not None:
        raise ValueError(_not_wanted(offset, told=bool(terms)))
    known = sum_of_terms(terms, X, "formula") if terms else None
    parts = [] if known is None else [known[:, None]]
    if source is not None:
        parts.append(_told(X, offset, source, n))
    if not parts:
        return None
    width = len(family.offset_unit(np.ones(n_outputs)))
    for part in parts:
        _check_width(part, n, width)
    total = np.asarray(sum(parts[1:], start=parts[0]))
    check_magnitude("offset", total)
    return total


def _not_wanted(offset: Table, *, told: bool) -> str:
    why = "which has it in its formula" if told else "which had none"
    return f"offset must be given as it was to the fit, {why}; got {shown(offset)}."


def _told(X: Table, offset: Table, source: ColumnSource, n: int) -> Float[np.ndarray, "n o"]:
    """What is told beside formulas."""
    if offset is None and source.column is None:
        raise ValueError(
            "offset must be given, as it was to fit: the predictions of a model with an offset "
            "depend on it; got None. Zeros predict at an offset of zero (an exposure of one)."
        )
    if offset is None or isinstance(offset, str):
        offset = column_of(X, "offset", str(source.column if offset is None else offset))
    values = np.asarray(_numbers(offset), float)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"offset must have an entry for each of the {n} rows of X, got {shown(offset)}."
        )
    values = values.reshape(len(values), -1)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise ValueError(f"offset must be finite, got {values[row]} in row {row}.")
    return values


def _numbers(offset: Table) -> Table:
    try:
        return check_numbers("offset", offset, booleans=False)
    except TypeError as error:
        raise ValueError(
            f"offset must hold numbers, got {type(offset).__name__}: {error}"
        ) from error


def _check_width(values: Float[np.ndarray, "n o"], n: int, width: int) -> None:
    if values.shape != (n, width):
        wanted = f"({n},)" if width == 1 else f"({n}, {width}), a column for each output"
        raise ValueError(
            f"offset must have an entry for each of the {n} rows of X, of shape {wanted}; got "
            f"shape {values.shape if values.shape[1] > 1 else values.shape[:1]}."
        )
