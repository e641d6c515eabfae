"""The rows of a fit: whether others are the same, and models that are saved without them."""

import hashlib

import jax
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Batch, take_rows
from mixstat.objective.objective import Objective

FINE = 2.0**20  # parts of a deviation that tell values apart; rounding is far smaller

GONE = (
    "The rows of the fit are not saved with a model. Give them where X and y are taken, as by "
    "profile(name, X=X, y=y), or fit again."
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


def checksum(batch: Batch) -> str:
    """A number for the values of rows and of their weights, in their order."""
    weight = np.ravel(np.asarray(batch.rows.weight))
    counted = weight > 0
    digest = hashlib.sha256()
    for table in (batch.rows.Z, batch.rows.feature("Phi"), batch.rows.y):
        digest.update(_digits(take_rows(table, len(weight))[counted]))
    digest.update(_digits(weight[counted] * counted.sum()))
    return digest.hexdigest()


def _digits(values: Float[np.ndarray, "..."]) -> bytes:
    """What is left of values once rounding is taken off."""
    fine = np.asarray(values, float) * FINE
    with np.errstate(invalid="ignore"):
        whole = np.where(np.abs(fine) < 2.0**62, np.round(fine), 0.0).astype(np.int64)
    return np.ascontiguousarray(whole).tobytes()
