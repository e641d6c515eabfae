"""The model of a fit, fitted again to other weights or data, from its estimate on."""

from collections.abc import Sequence

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment

from mixstat.data.batch import Batch, lay_out_like, take_rows, unit_numbers
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.fitting.fit import Fit
from mixstat.fitting.fit_table import FitTable
from mixstat.inference.estimate import Refits
from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.results import Status
from mixstat.solvers import admissible


@in_float64
def refit(
    fit: Fit,
    weights: Float[np.ndarray, "B n"] | None = None,
    data: Sequence[Batch] | None = None,
) -> Refits:
    """Fits of the same rows with other weights, or of other data like them, as one batch."""
    objective, tol = fit.maximum.objective.replace(draft=None), fit.request.options.tol
    unit = unit_numbers(objective.batch)
    if weights is not None and unit is not None:
        weights = weights[:, unit]
    ends = fit_many(objective, [fit.model], weights=weights, data=data, tol=tol)
    sound = clearly_apart(ends)
    for i in np.flatnonzero(~sound):
        sound[i] = has_rows_of_its_own(ends, int(i))
    # a gate that jumps is at its best where no slope can be zero
    arrived = ends.certified | (ends.table["status"] == Status.JUMP.name)
    counted = arrived & sound
    vectors = ends.vectors[counted]
    if _renumbers(fit):
        vectors = renumbered(fit.model, vectors)
    lost, unsettled = int(np.sum(~sound)), int(np.sum(sound & ~arrived))
    return Refits(vectors, lost, unsettled, np.flatnonzero(counted))


def with_response(fit: Fit, response: Float[np.ndarray, "n c"]) -> Batch:
    """The rows of the fit with another response."""
    batch = fit.maximum.batch
    before = take_rows(np.asarray(batch.rows.y), len(response))
    encoded = fit.model.experts.encode_as(fit.units.standardised(response), before)
    return eqx.tree_at(lambda b: b.rows.y, batch, lay_out_like(batch, encoded))


def clearly_apart(ends: FitTable) -> Bool[np.ndarray, " B"]:
    """Whether experts of each end have so many rows of their own that nobody need look at them."""
    return _have_many(ends) & _are_apart(ends)


def has_rows_of_its_own(ends: FitTable, i: int) -> bool:
    """Whether every expert of one end rests on rows of its own."""
    model = ends.model(i)
    if admissible.coinciding(model):
        return False
    return not admissible.inadmissible(ends.members.alone(i), model, ends.mass[i]).any()


def _have_many(ends: FitTable) -> Bool[np.ndarray, " B"]:
    """Whether experts have more rows than any that is doubted."""
    members = ends.members
    if np.isfinite(members.objective.max_scale_ratio):  # scales count too
        return np.zeros(len(ends), bool)
    total = np.array([float(members.objective.batch.total_weight)])
    if members.weights is not None:
        total = np.sum(members.weights, axis=1)
    own = (expanded_index(ends.model(0))[1] >= 0).sum(axis=1)
    few = ends.mass * total[:, None] <= admissible.FEW_IF_NARROW * own + 1
    return ~(few | ~(ends.mass >= members.objective.min_share)).any(axis=1)


def _are_apart(ends: FitTable) -> Bool[np.ndarray, " B"]:
    """Whether no two experts are nearly the same."""
    each = expanded_index(ends.model(0))[1]
    table = ends.vectors[:, each]  # (B, K, e)
    gaps = np.abs(table[:, :, None, :] - table[:, None, :, :]).max(axis=3)
    gaps[:, np.arange(len(each)), np.arange(len(each))] = np.inf
    return gaps.min(axis=(1, 2)) > admissible.SAME


def _renumbers(fit: Fit) -> bool:
    """Whether experts of a fit to other rows may have other numbers."""
    return (
        fit.n_experts > 1
        and fit.user_model.exchangeable
        and not fit.maximum.knows_contexts
        and not fit.request.options.own_degrees
        and not fit.request.options.restrictions.any
    )


def renumbered(model: Mixture, vectors: Float[np.ndarray, "B D"]) -> Float[np.ndarray, "B D"]:
    """Parameters with experts numbered like those of ``model``, at the least total distance."""
    each = expanded_index(model)[1]
    mine, yours = parameter_vector.to_vector(model)[each], vectors[:, each]
    distances = np.sum((mine[None, :, None, :] - yours[:, None, :, :]) ** 2, axis=3)
    # no other order can be nearer where each is nearest to its own
    kept = (distances.argmin(axis=2) == np.arange(len(mine))).all(axis=1)
    out = vectors.copy()
    for i in np.flatnonzero(~kept):
        order = linear_sum_assignment(distances[i])[1]
        other = parameter_vector.from_vector(model, vectors[i])
        out[i] = parameter_vector.to_vector(other.permute(order))
    return out
