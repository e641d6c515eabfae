"""From an end to other starts: an expert gives up rows far from it, or takes over close ones.

No split reaches an end with the same groups that are drawn a little tighter or wider.
"""

from collections.abc import Iterator
from itertools import chain, count

import numpy as np
from jaxtyping import Float

from mixstat.fitting.moves import quantile, regression, without
from mixstat.fitting.starts import StartRows

REACH = (0.4, 0.85)  # share of an expert's rows that lie closer to it than where the line is drawn


def shifts(
    rows: StartRows, shares: Float[np.ndarray, "n K"], random: np.random.Generator
) -> Iterator[Float[np.ndarray, "n K"]]:
    """Endless turns in which every expert is once narrower, and once wider.

    ``shares`` are the responsibilities of the end.
    """
    n_experts = shares.shape[1]
    for k in chain.from_iterable(random.permutation(n_experts) for _ in count()):
        own = shares[:, k]
        distance = np.linalg.norm(rows.view - regression(rows, own), axis=1)
        far = distance > quantile(distance, own * rows.weight, random.uniform(*REACH))
        yield np.where(far[:, None], without(shares, int(k)), shares)
        close = distance <= quantile(distance, own * rows.weight, random.uniform(*REACH))
        taken = np.zeros_like(shares)
        taken[:, k] = 1.0
        yield np.where(close[:, None], taken, shares)
