"""Scores: the gradient of the log density of each row by itself."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Batch, Rows, take_rows
from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray
from mixstat.objective.derivatives import posterior_of, predictor_layout
from mixstat.objective.reduction import each_row
from mixstat.parts import predictors


def row_scores(model: Mixture, batch: Batch, n_rows: int) -> Float[np.ndarray, "n D"]:
    """Gradient of the log density of each of the first rows, whatever their weights.

    Of rows that share one expert, what each adds to the gradient of their joint density.
    """
    return take_rows(_all_scores(model, batch), n_rows)


@kernel()
def _all_scores(model: Mixture, batch: Batch) -> Float[AnyArray, "c D r"]:
    return each_row(chunk_scores, model, batch.rows)


def chunk_scores(model: Mixture, rows: Rows) -> Float[AnyArray, "D r"]:
    """Scores of a chunk of rows in the parameter vector."""
    rows = eqx.tree_at(lambda r: r.weight, rows, jnp.ones_like(rows.weight))
    gate_eta, expert_eta, weighted, _, of_gate = posterior_of(model, rows)
    gate = model.gate.score(gate_eta, rows.Z, of_gate)
    experts = model.experts.score(expert_eta, rows.y, weighted)
    slopes = jnp.concatenate([gate, experts.reshape(-1, experts.shape[-1])])
    table = predictors.row_gradients(slopes, predictor_layout(model, rows), rows)
    index = np.concatenate([np.ravel(places) for places in expanded_index(model)])
    return parameter_vector.fold(table, index, parameter_vector.size(model))
