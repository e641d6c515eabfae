"""Starts of wide tables: from the columns that say most of the response, one by one.

In many columns of which few matter, distances between rows and regressions through few of them
tell nothing. Fan, J. and Lv, J. (2008). Sure independence screening for ultrahigh dimensional
feature space. J. R. Statist. Soc. B 70, 849-911.
"""

import numpy as np
from jaxtyping import Float

from mixstat.data.scaling import WIDE
from mixstat.fitting.starts import StartRows
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.narrow import LEAST, best_columns, narrow
from mixstat.objective.objective import Objective
from mixstat.solvers import m_step

SCREENED = 8  # columns that starts look at


def screened(rows: StartRows) -> StartRows:
    """Start rows with few columns, where there are many."""
    if max(rows.Z.shape[1], rows.Phi.shape[1]) <= WIDE:
        return rows
    share = rows.weight / rows.weight.sum()
    curved = rows.view**2
    targets = np.hstack([rows.view, curved - share @ curved])
    Z = _some(rows.Z, targets, share)
    Phi = Z if rows.Z is rows.Phi else _some(rows.Phi, targets, share)
    return rows._replace(Z=Z, Phi=Phi)


def _some(
    table: Float[np.ndarray, "n p"], targets: Float[np.ndarray, "n t"], share: np.ndarray
) -> np.ndarray:
    """The first column, and a few that correlate most with the targets, in their order."""
    if table.shape[1] <= WIDE:
        return table
    score = _correlations(table.T[None], targets.T[:, None], share[None])
    chosen = 1 + np.sort(np.argsort(-score[1:], kind="stable")[:SCREENED])
    return table[:, np.append(0, chosen)]


def first_model(objective: Objective, null: Mixture, resp: Float[np.ndarray, "c K r"]) -> Mixture:
    """The M-step from responsibilities, with slopes in few columns.

    They are those that say most of who is responsible for which rows, and of their responses.
    """
    rows = objective.batch.rows
    weight, Z, y = (np.asarray(table) for table in (rows.weight, rows.Z, rows.y))
    working = np.stack([np.asarray(null.experts.working(chunk)) for chunk in y], axis=1)
    Phi = Z if rows.Phi is None else np.asarray(rows.Phi)
    of_gate = _correlations(Z, np.moveaxis(resp, 1, 0), weight)
    shares = weight * np.moveaxis(resp, 1, 0)
    each = [_correlations(Phi, working, own / own.sum()) for own in shares if own.any()]
    of_experts = np.max(each, axis=0)
    scores = (of_gate, of_experts)
    if rows.Phi is None:
        scores = (both := np.maximum(*scores), both)
    piece = narrow(objective, best_columns(scores, LEAST))
    few = piece.objective.model(parameter_vector.to_vector(null)[piece.places])
    first = m_step.first_model(piece.objective, few, resp, shrunk=True)
    return objective.model(piece.widened(parameter_vector.to_vector(first)))


def _correlations(
    table: Float[np.ndarray, "c p r"], targets: Float[np.ndarray, "t c r"], share: np.ndarray
) -> Float[np.ndarray, " p"]:
    """The largest correlation of each column with what is told of rows."""
    centred = targets - np.sum(share * targets, axis=(1, 2), keepdims=True)
    deviation = np.sqrt(np.sum(share * centred**2, axis=(1, 2), keepdims=True))
    centred = share * centred / np.where(deviation > 0, deviation, 1.0)
    return np.abs(np.einsum("cpr,tcr->pt", table, centred, optimize=True)).max(axis=1)
