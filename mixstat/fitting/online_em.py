"""One EM step from sums that are kept in place of rows: how a fitted model learns from new ones.

Online EM (Cappe, O. and Moulines, E. 2009, J. R. Statist. Soc. B 71, 593-613): the expected
statistics of earlier rows are kept, those of new rows are added at the current parameters, and
the M-step takes both. Sums of a Gaussian M-step are moved to new parameters exactly. Where the
M-step is a Newton step, earlier rows are kept as the quadratic around the current parameters,
and the step is shortened until it does not lose.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from mixstat.data.batch import Batch, Rows
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray
from mixstat.objective.likelihood import responsibilities
from mixstat.objective.objective import Objective
from mixstat.objective.reduction import total
from mixstat.parts.part import Part
from mixstat.solvers.m_step import slack

SomePart = TypeVar("SomePart", bound=Part)
SomeTree = TypeVar("SomeTree", bound=PyTree)

SHORTEST = 2.0**-20  # steps are not halved below this


class Sums(NamedTuple):
    """What is kept of earlier rows, at the current parameters."""

    parts: tuple[PyTree, ...]  # statistics of each part
    weight: Float[AnyArray, ""]  # of the rows, as far as they are not forgotten


class Rules(NamedTuple):
    """Bounds and penalty of the fit."""

    lower: Mixture
    upper: Mixture
    gate_penalty: Penalty
    expert_penalty: Penalty


@dataclass(frozen=True, eq=False)
class Memory:
    """What a model that learns from new rows keeps of the old ones."""

    sums: Sums
    rules: Rules


def rules(objective: Objective) -> Rules:
    """Those of the objective that was maximised."""
    lower, upper = (
        parameter_vector.as_numpy(objective.model(b)) for b in (objective.lower, objective.upper)
    )
    return Rules(lower, upper, objective.penalties.gate, objective.penalties.experts)


@kernel()
def collect(model: Mixture, batch: Batch) -> Sums:
    """Sums of all rows at ``model``."""
    sums = total(_statistics, model, batch)
    return Sums(_times(sums, batch.total_weight), batch.total_weight)


@kernel()
def advance(
    model: Mixture, past: Sums, batch: Batch, memory: Float[AnyArray, ""], rule: Rules
) -> tuple[Mixture, Sums]:
    """The M-step of earlier rows, whose weight is multiplied by ``memory``, and new ones."""
    weight = past.weight * memory + batch.total_weight
    new = _times(total(_statistics, model, batch), batch.total_weight)
    sums = jax.tree.map(lambda old, added: old * memory + added, past.parts, new)
    limits, penalties = zip(_parts(rule.lower), _parts(rule.upper)), _penalties(model, rule)
    before, after = _parts(model), []
    for j, (part, bounds, penalty) in enumerate(zip(before, limits, penalties, strict=True)):
        target = part.m_step(_times(sums[j], 1.0 / weight), bounds, penalty)
        if not part.exact_step:  # a Newton step, which may overshoot
            earlier = _times(past.parts[j], memory)
            value = _surrogate(j, model, batch, earlier, weight, penalty)
            target = _shortened(value, part, target)
        after.append(target)
    triples = zip(before, after, sums, strict=True)
    moved = tuple(part.moved_statistics(new, part_sums) for part, new, part_sums in triples)
    return Mixture(after[0], model.experts.join(tuple(after[1:]))), Sums(moved, weight)


def _parts(model: Mixture) -> tuple[Part, ...]:
    """The gate, and experts that each have an M-step of their own."""
    return (model.gate, *model.experts.split())


def _owners(model: Mixture) -> list[slice]:
    """The experts of each part: all of the gate's, then those of each family."""
    ends = np.cumsum([0, *(part.n_experts for part in model.experts.split())])
    return [slice(0, ends[-1]), *(slice(a, b) for a, b in pairwise(ends))]


def _shares(model: Mixture, rows: Rows) -> list[AnyArray]:
    """Responsibilities of each part, times the row weights."""
    resp = responsibilities(model, rows)[0]
    weighted = resp * rows.weight[None, :]
    of_gate = weighted if rows.sharing is None else resp * rows.once[None, :]
    gate, *experts = _owners(model)
    return [of_gate[gate], *(weighted[own] for own in experts)]


def _statistics(model: Mixture, rows: Rows) -> tuple[PyTree, ...]:
    each = zip(_parts(model), _rows(model, rows), _shares(model, rows), strict=True)
    return tuple(part.statistics(own, share) for part, own, share in each)


def _rows(model: Mixture, rows: Rows) -> list[Rows]:
    """What each part sees of rows."""
    return [rows, *model.experts.seen(rows)]


def _penalties(model: Mixture, rule: Rules) -> list[Penalty]:
    """The penalty of each part."""
    families = model.experts.split()
    if len(families) == 1:
        return [rule.gate_penalty, rule.expert_penalty]
    sizes = (part.coefficient_index().shape[1] for part in families)  # others may have more
    each = (rule.expert_penalty.of_expert(k, n) for k, n in enumerate(sizes))
    return [rule.gate_penalty, *each]


def _times(sums: SomeTree, factor: AnyArray | float) -> SomeTree:
    return jax.tree.map(lambda leaf: leaf * factor, sums)


def _surrogate(
    j: int,
    model: Mixture,
    batch: Batch,
    earlier: PyTree,
    weight: AnyArray,
    penalty: Penalty,
) -> Callable[[Part], AnyArray]:
    """What the M-step of part ``j`` raises, as a function of the part."""
    part = _parts(model)[j]

    def of_new(candidate: Part, rows: Rows) -> AnyArray:
        log = candidate.log_terms(_rows(model, rows)[j])
        return jnp.sum(_shares(model, rows)[j] * log)

    def value(candidate: Part) -> AnyArray:
        new = batch.total_weight * total(of_new, candidate, batch)
        gained = (part.gain(candidate, earlier) + new) / weight
        return gained - candidate.penalty_value(penalty)

    return value


def _shortened(value: Callable[[SomePart], AnyArray], part: SomePart, target: SomePart) -> SomePart:
    """The step from ``part`` to ``target``, halved until it loses nothing.

    Where no step does, ``part`` itself, also if the target is not finite: on the way to
    infinity a Newton step need not be. What is not finite at ``part`` stays so.
    """

    def at(fraction: AnyArray) -> SomePart:
        return jax.tree.map(lambda a, b: a + fraction * (b - a), part, target)

    here = value(part)
    worst = here - slack(here)

    def loses(fraction: AnyArray) -> AnyArray:
        return ~(value(at(fraction)) >= worst) & (fraction > SHORTEST)  # NaN loses too

    fraction = jax.lax.while_loop(loses, lambda f: 0.5 * f, jnp.asarray(1.0))
    moved = at(jnp.where(fraction > SHORTEST, fraction, 0.0))
    stays = (fraction <= SHORTEST) & jnp.isfinite(here)
    return jax.tree.map(lambda old, new: jnp.where(stays, old, new), part, moved)
