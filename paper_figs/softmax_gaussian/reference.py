"""Which fits split the reference atom."""

import numpy as np
import pandas as pd

from mixstat import flat
from mixstat.model import Mixture
from mixstat.rates import Specification, find_truth
from mixstat.rates.losses.atoms import measures
from mixstat.rates.losses.cells import voronoi_cells
from mixstat.rates.losses.stated import SOFTMAX_CODE


def models(table: pd.DataFrame, k: int) -> list[Mixture]:
    """The fitted models of a study of the published truth."""
    null = Specification(k).null(find_truth("softmax-gaussian"))
    values = table[[c for c in table.columns if c.startswith("param ")]].to_numpy(float)
    return [flat.from_vector(null, row) for row in values]


def in_reference_cell(table: pd.DataFrame, k: int) -> pd.Series:
    """How many fitted atoms are nearest to the true one whose logit is zero, row by row."""
    truth = find_truth("softmax-gaussian").mixture
    cells = voronoi_cells(measures(models(table, k)), measures([truth]), SOFTMAX_CODE.cells)
    return pd.Series(np.sum(cells.label == truth.n_experts - 1, axis=1), index=table.index)
