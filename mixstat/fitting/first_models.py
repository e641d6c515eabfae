"""The model each start begins with."""

from collections.abc import Iterable
from typing import NamedTuple

import jax
import numpy as np

from mixstat.data import batch as batches
from mixstat.fitting import gate_starts
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.solvers import m_step

TOGETHER = 50  # starts from which on they run as one batch, which takes seconds to compile
BLOCK = 64  # responsibilities turned into models at a time


class Start(NamedTuple):
    """A start: its kind and its responsibilities on the start rows, or a model."""

    kind: str
    responsibilities: np.ndarray | None = None  # (n, K)
    model: Mixture | None = None


def first_models(
    objective: Objective, null: Mixture, starts: Iterable[Start], random: np.random.Generator
) -> list[tuple[str, Mixture]]:
    """The model each start begins with: its own, or the M-step from its responsibilities.

    ``random`` scatters gates that do not begin at their null.
    """
    starts = list(starts)
    if len(starts) >= TOGETHER and null.gate.starting().plain:
        return _first_models_together(objective, null, starts)
    models = []
    for start in starts:
        model = start.model
        if start.responsibilities is not None:
            resp = batches.lay_out_like(objective.batch, start.responsibilities)
            model = gate_starts.first_model(objective, null, resp, random)
        models.append((start.kind, model))
    return models


def _first_models_together(
    objective: Objective, null: Mixture, starts: list[Start]
) -> list[tuple[str, Mixture]]:
    """M-steps from many responsibilities, some in one program at a time."""
    kinds_and_models = []
    for first in range(0, len(starts), BLOCK):
        some = starts[first : first + BLOCK]
        tables = [
            batches.lay_out_like(objective.batch, np.asarray(s.responsibilities)) for s in some
        ]
        tables += [tables[-1]] * (BLOCK - len(tables))
        models = parameter_vector.as_numpy(m_step.first_models(objective, null, np.stack(tables)))
        kinds_and_models += [
            (s.kind, jax.tree.map(lambda leaf, i=i: leaf[i], models)) for i, s in enumerate(some)
        ]
    return kinds_and_models
