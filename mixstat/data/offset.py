"""Offsets in formulas: terms of known coefficient, which are no features."""

import ast
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.data.formula import check_rows_apart, evaluate
from mixstat.data.formula_text import (
    OFFSETS,
    QUOTED,
    Formula,
    formulaic,
    words,
)


class OffsetTerm(NamedTuple):
    """``offset(code)``, or ``exposure(code)``, which is the offset of its log."""

    word: str
    code: str

    @property
    def side(self) -> Formula:
        """The term as a side of a formula with one column."""
        code = f"log({self.code})" if self.word == "exposure" else self.code
        return formulaic().Formula(f"0 + I({code})")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that it names."""
        return words(self.side).columns

    def __str__(self) -> str:
        return f"{self.word}({self.code})"


def parted(side: Formula, argument: str) -> tuple[Formula, tuple[OffsetTerm, ...]]:
    """A side of a formula without its offsets, and these."""
    offsets, kept = [], []
    for term in side:
        found = [_read(str(factor.expr)) for factor in term.factors]
        told = [one for one in found if one is not None]
        if told and len(found) > 1:
            raise ValueError(
                f"{argument} must have {told[0]} as a term by itself, got the product {term}."
            )
        offsets += told
        kept += [] if told else [term]
    if not offsets:
        return side, ()
    return type(side)(kept, _ordering=side.ordering), tuple(offsets)


def _read(expression: str) -> OffsetTerm | None:
    """The offset that a factor is, if it is one."""
    found = re.fullmatch(rf"\s*({'|'.join(OFFSETS)})\s*\((.*)\)\s*", expression, re.DOTALL)
    if found is None:
        return None
    call: Any = ast.parse(QUOTED.sub("quoted", expression).strip(), mode="eval").body
    alone = isinstance(call, ast.Call) and getattr(call.func, "id", "") == found[1]
    if not alone or len(call.args) != 1 or call.keywords:
        raise ValueError(
            f"formula must have one expression in {found[1]}(...), got {expression!r}."
        )
    return OffsetTerm(found[1], found[2].strip())


def sum_of_terms(
    terms: Sequence[OffsetTerm], data: Table, argument: str
) -> Float[np.ndarray, " n"] | None:
    """The offset that terms make of each row of a data frame; None where there is none."""
    total = None
    for term in terms:
        side = term.side
        matrix = evaluate(side, data, argument)
        if matrix.shape[1] != 1:
            raise ValueError(
                f"{argument} must have numbers in {term}, got {matrix.shape[1]} columns."
            )
        check_rows_apart(side, data, matrix, argument)
        column = matrix.to_numpy(float)[:, 0]
        total = column if total is None else total + column
    return total
