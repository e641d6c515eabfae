"""The model each start begins with."""

from collections.abc import Iterable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from mixstat.data import batch as batches
from mixstat.fitting import gate_starts, wide_starts
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.narrow import WideObjective
from mixstat.objective.objective import Objective
from mixstat.solvers import m_step

TOGETHER = 50  # starts from which on they run as one batch, which takes seconds to compile
BLOCK = 64  # responsibilities turned into models at a time
SCARCE = 2.0  # rows for each coefficient of all experts that keep these from passing through
NULL = "null"  # kind of the start from the model in which a penalty has shrunk all to nothing


class Start(NamedTuple):
    """A start: its kind and its responsibilities on the start rows, or a model."""

    kind: str
    responsibilities: np.ndarray | None = None  # (n, K)
    model: Mixture | None = None


def first_models(
    objective: Objective,
    null: Mixture,
    starts: Iterable[Start],
    random: np.random.Generator,
    *,
    block: int | None = None,
) -> list[tuple[str, Mixture]]:
    """The model each start begins with: its own, or the M-step from its responsibilities.

    ``random`` scatters gates that do not begin at their null. ``block`` starts share a program
    where this is asked for again and again; by default those share one that are many.
    """
    starts = list(starts)
    few = null.n_experts > 1 and _scarce(objective, null)
    if objective.plane is not None:
        free = objective.replace(plane=None)
        made = first_models(free, null, starts, random, block=block)
        return [(kind, _placed(objective, model)) for kind, model in made]
    together = block or len(starts) >= TOGETHER
    if together and null.gate.starting().plain and not isinstance(objective, WideObjective):
        return _first_models_together(objective, null, starts, block or BLOCK, shrunk=few)
    models = []
    for start in starts:
        model = start.model
        if start.responsibilities is not None:
            # one expert has a start on each side: with all coefficients, and with none
            shrunk = few or start.kind == NULL
            shares = _of_units(objective, start.responsibilities)
            resp = batches.lay_out_like(objective.batch, shares)
            if isinstance(objective, WideObjective):
                model = wide_starts.first_model(objective, null, resp)
            else:
                model = gate_starts.first_model(objective, null, resp, random, shrunk=shrunk)
        elif model is not None:
            model = _with_held(objective, model)
        models.append((start.kind, model))
    return models


def _with_held(objective: Objective, model: Mixture) -> Mixture:
    """A model that was given, with the values of parameters that are held."""
    varying = objective.varying
    if varying.all():
        return model
    vector = np.where(varying, parameter_vector.to_vector(model), objective.lower)
    return objective.model(vector)


def _placed(objective: Objective, model: Mixture) -> Mixture:
    """A model moved to where the equations between parameters hold."""
    vector = objective.clip(parameter_vector.to_vector(model))
    return objective.model(np.asarray(vector))


def _of_units(objective: Objective, shares: np.ndarray | None) -> Float[np.ndarray, "n K"]:
    """Responsibilities that are the same for all rows which share an expert: their mean."""
    table, sharing = np.asarray(shares), objective.batch.rows.sharing
    if sharing is None:
        return table
    unit = np.ravel(np.asarray(sharing.number))[: len(table)]
    sums = np.zeros((int(unit.max()) + 1, table.shape[1]))
    np.add.at(sums, unit, table)
    return (sums / np.bincount(unit)[:, None])[unit]


def _scarce(objective: Objective, null: Mixture) -> bool:
    """Whether rows are so few that experts without a penalty would pass through them."""
    coef = null.experts.groups()[0].coef
    rows = np.count_nonzero(np.asarray(objective.batch.rows.weight))
    return bool(rows < SCARCE * coef.shape[0] * coef.shape[-1])


def _first_models_together(
    objective: Objective, null: Mixture, starts: list[Start], block: int, *, shrunk: bool
) -> list[tuple[str, Mixture]]:
    """M-steps from many responsibilities, some in one program at a time."""
    kinds_and_models = []
    for first in range(0, len(starts), block):
        some = starts[first : first + block]
        tables = [
            batches.lay_out_like(objective.batch, _of_units(objective, s.responsibilities))
            for s in some
        ]
        tables += [tables[-1]] * (block - len(tables))
        stacked = np.stack(tables)
        made = m_step.first_models(objective, null, stacked, shrunk=shrunk)
        models = parameter_vector.as_numpy(made)
        kinds_and_models += [
            (s.kind, jax.tree.map(lambda leaf, i=i: leaf[i], models)) for i, s in enumerate(some)
        ]
    return kinds_and_models
