"""Cells of fitted atoms, from the parameters in the table of a study."""

import numpy as np
import pandas as pd

from mixstat.numerics import parameter_vector
from mixstat.rates import Specification, find_truth
from mixstat.rates.losses.atoms import Measures, measures
from mixstat.rates.losses.cells import Cells, voronoi_cells
from mixstat.rates.losses.stated import SOFTMAX_OVER

STEEP, MILD = "softmax-gaussian", "softmax-gaussian-mild"
LEAST = 0.1  # of its cell's weight that the lighter atom has in fits with two full atoms


def fitted(table: pd.DataFrame, name: str, k: int) -> tuple[Measures, Cells]:
    """Mixing measures and cells of the fits of a study with k experts."""
    truth = find_truth(name)
    null = Specification(k).null(truth)
    values = table[[c for c in table.columns if c.startswith("param ")]].to_numpy(float)
    own = measures([parameter_vector.from_vector(null, row) for row in values])
    return own, voronoi_cells(own, measures([truth.mixture]), SOFTMAX_OVER.cells)


def in_reference_cell(table: pd.DataFrame, k: int) -> pd.Series:
    """How many fitted atoms are nearest to the true one whose logit is zero, row by row."""
    _, cells = fitted(table, STEEP, k)
    return pd.Series(np.sum(cells.label == 1, axis=1), index=table.index)


def lighter_share(table: pd.DataFrame, k: int) -> pd.Series:
    """Weight of the lightest atom of the shared cell, as a share of the cell's weight.

    Weights are exp(intercept of the gate). A loss multiplies each atom's error by its weight, so
    an atom that keeps little weight may stay far off; its error need not decay.
    """
    own, cells = fitted(table, MILD, k)
    shared = cells.size > 1
    total = np.sum(np.where(shared, own.weight, 0.0), axis=1)
    least = np.min(np.where(shared, own.weight, np.inf), axis=1)
    return pd.Series(least / total, index=table.index)
