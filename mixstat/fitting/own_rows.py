"""The rows of a fit: whether others are the same, and models that are saved without them."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Batch, take_rows
from mixstat.numerics.precision import AnyArray
from mixstat.objective.objective import Objective

FINE = 2.0**20  # parts of a deviation that tell values apart; rounding is far smaller

TABLES = ("Z", "Phi", "y", "offset", "weight", "unit")

GONE = (
    "The rows of the fit are not saved with a model. Give them where X and y are taken, as by "
    "profile(name, X=X, y=y), and what the fit was told beside them, or fit again."
)


def has_rows(objective: Objective) -> bool:
    """Whether the rows are still there."""
    return objective.batch.rows.weight.size > 0


def without_rows(objective: Objective) -> Objective:
    """The same on no row at all."""
    batch = objective.batch
    rows = jax.tree.map(lambda table: np.asarray(table)[:0], batch.rows)
    return objective.replace(
        batch=Batch(rows, np.asarray(0), np.asarray(batch.total_weight)), draft=None
    )


class Checksums(NamedTuple):
    """Numbers that tell the rows of a fit from others."""

    rows: str
    """Of their values and weights, in their order."""
    knowledge: str
    """Of the possibilities of the experts on them; empty where nothing is ruled out."""


def checksums(batch: Batch) -> Checksums:
    """Those of rows that count."""
    count = int((np.asarray(batch.rows.weight) > 0).sum())
    running = RunningChecksums(count)
    running.add(batch)
    return running.result()


class RunningChecksums:
    """Those of rows in several batches, ``count`` in all, whose weights sum to one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._digests = {one: hashlib.sha256() for one in TABLES}
        self._known = hashlib.sha256()
        self._informed = False

    def add(self, batch: Batch) -> None:
        """Take in some more rows."""
        for name, content in _contents(batch, self.count):
            self._digests[name].update(content)
        if (possibility := batch.rows.log_possibility) is not None:
            self._informed = True
            self._known.update(_digits(np.exp(_counted(batch, possibility))))

    def result(self) -> Checksums:
        """Of all rows so far."""
        whole = hashlib.sha256(b"".join(digest.digest() for digest in self._digests.values()))
        return Checksums(whole.hexdigest(), self._known.hexdigest() if self._informed else "")


def _contents(batch: Batch, count: int) -> Iterator[tuple[str, bytes]]:
    """Tables of a batch by name, as bytes."""
    rows, weight = batch.rows, np.ravel(np.asarray(batch.rows.weight))
    tables = {"Z": rows.Z, "Phi": rows.feature("Phi"), "y": rows.y, "offset": rows.offset}
    for name, table in tables.items():
        if table is not None:  # of an offset
            yield name, _digits(_counted(batch, table))
    yield "weight", _digits(weight[weight > 0] * count)
    if rows.sharing is not None:
        number = np.ravel(np.asarray(rows.sharing.number, np.int64))
        yield "unit", number[weight > 0].tobytes()


def _counted(batch: Batch, table: AnyArray) -> Float[np.ndarray, "n k"]:
    """Rows of a table that count, rows first."""
    counted = np.ravel(np.asarray(batch.rows.weight)) > 0
    return take_rows(table, len(counted))[counted]


def check_own(batch: Batch, own: Checksums, *, knowledge: bool) -> None:
    """Refuse rows that are not those of a fit, and (if ``knowledge``) possibilities too."""
    check_same_rows(checksums(batch), own, knowledge=knowledge)


def check_same_rows(given: Checksums, own: Checksums, *, knowledge: bool) -> None:
    """:func:`check_own` of checksums that were made."""
    if given.rows != own.rows:
        raise ValueError(
            "X, y, sample_weight and offset must be the rows of the fit, in their order: at least "
            "one value differs."
        )
    if knowledge and given.knowledge != own.knowledge:
        raise ValueError(
            "possibilities, or contexts and context_data, or known_experts, must be those of the "
            "fit, row by row: at least one possibility differs."
        )


def _digits(values: Float[np.ndarray, "..."]) -> bytes:
    """What is left of values once rounding is taken off."""
    fine = np.asarray(values, float) * FINE
    with np.errstate(invalid="ignore"):
        whole = np.where(np.abs(fine) < 2.0**62, np.round(fine), 0.0).astype(np.int64)
    return np.ascontiguousarray(whole).tobytes()
