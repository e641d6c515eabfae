"""One EM step from sums that are kept in place of rows: how a fitted model learns from new ones.

Online EM (Cappe, O. and Moulines, E. 2009, J. R. Statist. Soc. B 71, 593-613): the expected
statistics of earlier rows are kept, those of new rows are added at the current parameters, and
the M-step takes both. Sums of a Gaussian M-step are moved to new parameters exactly. Where the
M-step is a Newton step, earlier rows are kept as the quadratic around the current parameters,
and the step is shortened until it does not lose.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from mixstat import flat, linear
from mixstat.batch import Batch, Rows
from mixstat.experts.gaussian import ResidualSums
from mixstat.experts.mixed import MixedExperts
from mixstat.gates.base import Gate
from mixstat.gates.gaussian import GaussianGate
from mixstat.kernels import kernel
from mixstat.likelihood import responsibilities, total
from mixstat.model import Mixture
from mixstat.precision import AnyArray
from mixstat.solvers.m_step import slack
from mixstat.solvers.problem import Penalty, Problem
from mixstat.step import Shrink

SHORTEST = 2.0**-20  # steps are not halved below this


class Sums(NamedTuple):
    """What is kept of earlier rows, at the current parameters."""

    parts: tuple[Any, ...]  # statistics of each part
    weight: Float[AnyArray, ""]  # of the rows, as far as they are not forgotten


class Rules(NamedTuple):
    """Bounds and penalty of the fit."""

    lower: Mixture
    upper: Mixture
    shrink: Penalty | None


def rules(problem: Problem) -> Rules:
    """Those of the problem that was solved."""
    return Rules(problem.lower, problem.upper, problem.shrink)


@kernel()
def collect(model: Mixture, batch: Batch) -> Sums:
    """Sums of all rows at ``model``."""
    sums = total(_statistics, model, batch)
    return Sums(_times(sums, batch.total_weight), batch.total_weight)


@kernel()
def advance(
    model: Mixture, kept: Sums, batch: Batch, memory: Float[AnyArray, ""], rule: Rules
) -> tuple[Mixture, Sums]:
    """The M-step of earlier rows, whose weight is multiplied by ``memory``, and new ones."""
    weight = kept.weight * memory + batch.total_weight
    new = _times(total(_statistics, model, batch), batch.total_weight)
    sums = jax.tree.map(lambda old, own: old * memory + own, kept.parts, new)
    limits, shrinks = zip(_parts(rule.lower), _parts(rule.upper)), _shrinks(model, rule.shrink)
    before, after = _parts(model), []
    for j, (part, bounds, shrink) in enumerate(zip(before, limits, shrinks, strict=True)):
        target = part.m_step(_times(sums[j], 1.0 / weight), bounds, shrink)
        if not isinstance(sums[j], ResidualSums):  # a Newton step, which may overshoot
            earlier = _times(kept.parts[j], memory)
            value = _surrogate(j, model, batch, earlier, weight, shrink)
            target = _shortened(value, part, target)
        after.append(target)
    moved = tuple(_moved(*three) for three in zip(before, after, sums, strict=True))
    return _together(model, after), Sums(moved, weight)


def _parts(model: Any) -> tuple[Any, ...]:
    """The gate, and the experts: apart where their families differ."""
    experts = model.experts
    return (model.gate, *(experts.parts if isinstance(experts, MixedExperts) else (experts,)))


def _together(model: Mixture, parts: list[Any]) -> Mixture:
    mixed = isinstance(model.experts, MixedExperts)
    return Mixture(parts[0], MixedExperts(tuple(parts[1:])) if mixed else parts[1])


def _shares(model: Mixture, rows: Rows) -> list[AnyArray]:
    """Responsibilities of each part, times the row weights."""
    weighted = responsibilities(model, rows)[0] * rows.weight[None, :]
    if isinstance(model.experts, MixedExperts):
        return [weighted, *(one[None, :] for one in weighted)]
    return [weighted, weighted]


def _statistics(model: Mixture, rows: Rows) -> tuple[Any, ...]:
    pairs = zip(_parts(model), _shares(model, rows), strict=True)
    return tuple(part.statistics(rows, share) for part, share in pairs)


def _shrinks(model: Mixture, penalty: Penalty | None) -> list[Shrink | None]:
    parts = _parts(model)
    if penalty is None:
        return [None] * len(parts)
    if not isinstance(model.experts, MixedExperts):
        return [penalty.gate, penalty.experts]
    square, l1 = penalty.experts
    own = []
    for k, part in enumerate(parts[1:]):
        n = flat.size(part)
        own.append(Shrink(square[k : k + 1, :n, :n], None if l1 is None else l1[k : k + 1, :n]))
    return [penalty.gate, *own]


def _times(sums: Any, factor: AnyArray | float) -> Any:
    return jax.tree.map(lambda leaf: leaf * factor, sums)


def _moved(part: Any, new: Any, sums: Any) -> Any:
    """The same rows' sums, told from new parameters."""
    if isinstance(sums, ResidualSums):
        before, after = (p.inputs if isinstance(p, GaussianGate) else p for p in (part, new))
        return _residuals_moved(after.coef - before.coef, sums)
    slopes, curves = sums
    step = _coefficients(new) - _coefficients(part)
    turned = jnp.einsum("kij,kj->ki", _curvature(part, curves), step)
    return slopes - turned.reshape(slopes.shape), curves


def _residuals_moved(step: Float[AnyArray, "K m p"], sums: ResidualSums) -> ResidualSums:
    gram = linear.symmetric(sums.gram, step.shape[2])
    moved = jnp.einsum("kmp,klp->kml", sums.cross, step)
    square = sums.square - moved - jnp.swapaxes(moved, 1, 2)
    square = square + jnp.einsum("kmp,kpq,klq->kml", step, gram, step)
    return ResidualSums(sums.mass, sums.gram, sums.cross - step @ gram, square)


def _coefficients(part: Any) -> Float[AnyArray, "k E"]:
    """Predictor coefficients, of the gate or of each expert; zero where there is no parameter."""
    is_gate = isinstance(part, Gate)
    index = flat.numbered(part).positions()[None] - 1 if is_gate else part.own_index()
    vector = jnp.concatenate([flat.traced_vector(part), jnp.zeros(1)])
    return vector[index]


def _curvature(part: Any, sums: Any) -> Float[AnyArray, "k E E"]:
    if isinstance(part, Gate):
        return linear.curvature(sums, linear.layout(part.groups()))[None]
    groups = tuple(linear.Group(g.feature, g.coef[0]) for g in part.groups())
    return jax.vmap(lambda one: linear.curvature(one, linear.layout(groups)))(sums)


def _surrogate(
    j: int, model: Mixture, batch: Batch, earlier: Any, weight: AnyArray, shrink: Shrink | None
):
    """What the M-step of part ``j`` raises, as a function of the part."""
    part = _parts(model)[j]
    slopes, curves = earlier
    start, curvature = _coefficients(part), _curvature(part, curves)

    def of_new(candidate: Any, rows: Rows):
        logs = candidate.log_weight(rows) if j == 0 else candidate.log_prob(rows)
        return jnp.sum(_shares(model, rows)[j] * logs)

    def value(candidate: Any):
        step = _coefficients(candidate) - start
        old = jnp.sum(slopes.reshape(step.shape) * step)
        old = old - 0.5 * jnp.einsum("ki,kij,kj->", step, curvature, step)
        gained = old + batch.total_weight * total(of_new, candidate, batch)
        return gained / weight - _penalty(candidate, shrink)

    return value


def _penalty(part: Any, shrink: Shrink | None) -> AnyArray:
    if shrink is None:
        return jnp.asarray(0.0)
    if isinstance(part, Gate):
        return shrink.value(flat.traced_vector(part))
    own = flat.traced_vector(part)[part.own_index()]
    n = own.shape[1]
    each = Shrink(shrink.square[:, :n, :n], None if shrink.l1 is None else shrink.l1[:, :n])
    return jnp.sum(jax.vmap(Shrink.value)(each, own))


def _shortened(value: Any, part: Any, target: Any) -> Any:
    """The step from ``part`` to ``target``, halved until it loses nothing."""

    def at(fraction: AnyArray) -> Any:
        return jax.tree.map(lambda a, b: a + fraction * (b - a), part, target)

    worst = value(part)
    worst = worst - slack(worst)

    def loses(fraction: AnyArray):
        return ~(value(at(fraction)) >= worst) & (fraction > SHORTEST)  # NaN loses too

    fraction = jax.lax.while_loop(loses, lambda f: 0.5 * f, jnp.asarray(1.0))
    return at(jnp.where(fraction > SHORTEST, fraction, 0.0))
