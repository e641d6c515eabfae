"""Rao's score test of one more column in the gate or in the experts.

Rao, C. R. (1948). Large sample tests of statistical hypotheses concerning several parameters.
Proc. Camb. Phil. Soc. 44, 50-57. The model with the column has a coefficient of it for each
expert; at zero it is the fitted one, so its scores and information are had without a fit. For
sandwich covariances the variance of the score, less what the other parameters explain, is that of
the rows (Boos 1992, Am. Stat. 46, 327-333).
"""

from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting, Table, as_frame
from mixstat.data.batch import Batch, lay_out_like
from mixstat.inference.covariances import Covariance, OuterProduct, SandwichCovariance
from mixstat.inference.covariances.base import Groups
from mixstat.inference.estimate import Estimate, outer_products
from mixstat.inference.hypotheses import InvalidTest, WaldTest
from mixstat.kinds import check_numbers
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.derivatives import derivatives
from mixstat.objective.scores import row_scores
from mixstat.validation import check_choice

NEW = "\x00new"  # names of the columns that are added, unlike any of a person
TOLD = 1e-10  # share of a direction's information that the fitted parameters must leave


class _Wider(NamedTuple):
    """The fitted model with room for more columns, whose coefficients are zero."""

    model: Mixture
    batch: Batch
    old: np.ndarray  # places of the fitted parameters, in their order
    new: np.ndarray  # places of the others


@in_float64
def score_test(
    estimate: Estimate, kind: Covariance, groups: Groups, column: Table, part: Setting
) -> WaldTest | InvalidTest:
    """The test; see :meth:`InferenceResults.score_test`."""
    where = check_choice("part", part, ("experts", "gate"))
    if estimate.unit is not None:
        raise ValueError(
            "The score test needs rows with experts of their own; of a fit with groups give the "
            "model with the column, and ask for a Wald test."
        )
    columns = _columns(estimate, column)
    null = f"no coefficient of the column in the {where}"
    if where == "gate" and estimate.model.n_experts == 1:
        return InvalidTest("With one expert there is no gate.", null, "Score test")
    if where == "gate" and estimate.model.gate.joint:
        reason = (
            "The gate is fitted to the inputs themselves: no coefficient of zero leaves one out."
        )
        return InvalidTest(reason, null, "Score test")
    wider = _widened(estimate, columns, where)
    score, variance, raw = _score_and_variance(estimate, kind, groups, wider)
    deviation = np.sqrt(np.maximum(np.diag(variance), 0.0))
    kept = deviation**2 > TOLD * raw
    if not kept.any():
        reason = "The fitted columns explain the new one: it adds nothing."
        return InvalidTest(reason, null, "Score test")
    correlation = variance[np.ix_(kept, kept)] / np.outer(deviation[kept], deviation[kept])
    values, vectors = np.linalg.eigh(correlation)
    clear = values > TOLD
    along = vectors[:, clear].T @ (score[kept] / deviation[kept])
    statistic = float(np.sum(along**2 / values[clear]))
    return WaldTest(statistic, int(clear.sum()), null, "Score test")


def _score_and_variance(
    estimate: Estimate, kind: Covariance, groups: Groups, wider: _Wider
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k k"], Float[np.ndarray, " k"]]:
    """Sum of the scores of the new coefficients, its variance given the others, and without."""
    total = estimate.total_weight
    hessian = np.asarray(derivatives(wider.model, wider.batch)[2])
    values, directions, _, _ = estimate.spectrum
    inverse = (directions / values) @ directions.T
    across = -hessian[np.ix_(wider.new, wider.old)]
    own = -hessian[np.ix_(wider.new, wider.new)]
    scores = row_scores(wider.model, wider.batch, estimate.n_rows)[:, wider.new]
    score = estimate.weight @ scores
    if isinstance(kind, OuterProduct):
        both = outer_products(np.hstack([estimate.scores @ directions, scores]), estimate.weight)
        k = directions.shape[1]
        explained = both[k:, :k] @ np.linalg.solve(both[:k, :k], both[:k, k:])
        return score, both[k:, k:] - explained, np.diag(both)[k:]
    if isinstance(kind, SandwichCovariance):
        efficient = scores - estimate.scores @ (inverse @ across.T)
        raw = np.diag(kind.middle(scores, estimate, groups))
        return score, kind.middle(efficient, estimate, groups), raw
    variance = total * (own - across @ inverse @ across.T)
    return score, 0.5 * (variance + variance.T), total * np.diag(own)


def _columns(estimate: Estimate, column: Table) -> Float[np.ndarray, "n q"]:
    """The new columns on the rows that count, each of deviation one."""
    frame = as_frame(estimate.rows)
    if isinstance(column, str):
        if frame is None or column not in frame.columns:
            raise ValueError(
                f"column must be values on the rows of the fit, or the name of a column of the X "
                f"that was given to inference; got {column!r}."
            )
        column = frame[column]
    table = np.asarray(check_numbers("column", column))
    if table.dtype.kind not in "biuf" or table.ndim not in (1, 2):
        raise ValueError(f"column must be numbers (n,) or (n, q), got {column!r}.")
    table = table.reshape(len(table), -1).astype(float)
    if len(table) == len(estimate.counted):
        table = table[estimate.counted]
    if len(table) != estimate.n_rows or table.shape[1] == 0:
        raise ValueError(
            f"column must have an entry for each of the {len(estimate.counted)} rows of the fit, "
            f"got shape {np.shape(column)}."  # type: ignore[arg-type]
        )
    if not np.isfinite(table).all():
        raise ValueError("column must be finite, got NaN or infinity.")
    deviation = table.std(axis=0)
    return table / np.where(deviation > 0, deviation, 1.0)


def _widened(estimate: Estimate, columns: Float[np.ndarray, "n q"], where: str) -> _Wider:
    """The model and its rows with more columns in one part."""
    batch, count = estimate.batch, columns.shape[1]
    rows = batch.rows
    table = lay_out_like(batch, columns)
    base = rows.Z if where == "gate" else rows.feature("Phi")
    wide = np.concatenate([np.asarray(base), table], axis=1)
    if where == "gate":
        rows = eqx.tree_at(lambda r: r.Phi, rows, rows.feature("Phi"), is_leaf=lambda x: x is None)
        rows = eqx.tree_at(lambda r: r.Z, rows, wide)
    else:
        rows = eqx.tree_at(lambda r: r.Phi, rows, wide, is_leaf=lambda x: x is None)
    model, old = _with_room(estimate, where, count)
    new = np.setdiff1d(np.arange(parameter_vector.size(model)), old)
    return _Wider(model, eqx.tree_at(lambda b: b.rows, batch, rows), old, new)


def _with_room(estimate: Estimate, where: str, count: int) -> tuple[Mixture, np.ndarray]:
    """The same mixture with zero coefficients of more columns, and where the others stand."""
    model, outputs = estimate.model, list(estimate.outputs)
    gate, experts, k = model.gate, model.experts, model.n_experts
    added = [f"{NEW}{j}" for j in range(count)]
    if where == "gate":
        features = [str(j) for j in range(gate.n_features)]
        before = gate.parameter_names(features)
        wide_gate, wide_experts = gate.null(k, len(features) + count), experts
        after = wide_gate.parameter_names([*features, *added])
    else:
        width = experts.coefficients().shape[2]
        features = [str(j) for j in range(width)]
        before = experts.parameter_names(features, outputs)
        wide_gate, wide_experts = gate, experts.null(k, width + count, experts.n_outputs)
        after = wide_experts.parameter_names([*features, *added], outputs)
    place = {name: j for j, name in enumerate(after)}
    inside = np.array([place[name] for name in before])
    size = parameter_vector.size(gate)
    n_old = parameter_vector.size(experts)
    if where == "gate":
        old = np.concatenate([inside, len(after) + np.arange(n_old)])
    else:
        old = np.concatenate([np.arange(size), size + inside])
    wide = Mixture(wide_gate, wide_experts)
    vector = np.zeros(parameter_vector.size(wide))
    vector[old.astype(int)] = parameter_vector.to_vector(model)
    return parameter_vector.from_vector(wide, vector), old.astype(int)
