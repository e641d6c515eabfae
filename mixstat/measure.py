"""One order of experts for everybody: label switching removed."""

import numpy as np
from jaxtyping import Int

from mixstat.model import Mixture


def canonical_order(model: Mixture) -> Int[np.ndarray, " K"]:
    """Experts by their first coefficient.

    With centred features that is what an expert predicts on average.
    """
    first = np.asarray(model.experts.groups()[0].coef)
    table = first.reshape(len(first), -1)
    return np.lexsort(table.T[::-1])
