"""Starts of a model whose experts have numbers: which group of a start is which expert."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from mixstat.fitting.first_models import Start, first_models
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective

MOST = 24  # numberings that are tried for a start: all of up to four experts


def numbered_models(
    objective: Objective, null: Mixture, starts: list[Start], random: np.random.Generator
) -> list[tuple[str, Mixture]]:
    """The model each start begins with, its groups numbered as suits the likelihood best."""
    chosen = []
    for start in starts:
        if start.responsibilities is None:
            chosen += first_models(objective, null, [start], random)
            continue
        tried = [
            start._replace(responsibilities=start.responsibilities[:, order])
            for order in _orders(null.n_experts, random)
        ]
        models = first_models(objective, null, tried, random)
        heights = [objective.value(parameter_vector.to_vector(model)) for _, model in models]
        chosen.append(models[int(np.argmax(np.nan_to_num(heights, nan=-np.inf)))])
    return chosen


def _orders(n_experts: int, random: np.random.Generator) -> Iterator[list[int]]:
    """All numberings, or the one that is there and some by chance."""
    if n_experts <= 4:
        yield from (list(order) for order in permutations(range(n_experts)))
        return
    yield list(range(n_experts))
    for _ in range(MOST - 1):
        yield random.permutation(n_experts).tolist()
