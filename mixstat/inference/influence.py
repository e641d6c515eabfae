"""Leverage and influence of rows: what one Newton step says would change without each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import cholesky, null_space, solve_triangular

from mixstat.arguments import DataFrame
from mixstat.data.batch import Rows
from mixstat.inference.estimate import Estimate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.numerics.quiet import quiet_methods
from mixstat.objective.derivatives import derivatives
from mixstat.objective.likelihood import responsibilities

LEFT = 1e-6  # share of the information in a direction that must be left without a row


@quiet_methods
@dataclass(frozen=True, eq=False)
class Influence:
    """What each row of the fit does to the estimates; made by ``results.influence()``.

    For one expert these are the leverage and Cook's distance of least squares (with the variance
    divided by n) and of generalised linear models with their canonical link.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> influence = moe.inference(X, y).influence()
    >>> influence.leverage.sum().round(6).item()  # the number of coefficients
    12.0
    >>> influence.dfbetas.shape
    (300, 14)
    """

    leverage: Float[np.ndarray, " n"]
    """Share of the information on coefficients that a row brings: they add up to the number of
    coefficients. Negative for a row that blurs where experts divide."""
    cooks_distance: Float[np.ndarray, " n"]
    """Squared move of the coefficients without the row, in their errors, over their number;
    infinite where a coefficient could not be told without the row."""
    deleted: Float[np.ndarray, "n E"]
    """Reported parameters that one Newton step without the row leads to; NaN where none does."""
    params: Float[np.ndarray, " E"]
    """Those of the fit."""
    std_errors: Float[np.ndarray, " E"]
    """From the observed information."""
    names: list[str]
    """Of the parameters."""
    index: np.ndarray
    """Numbers of the rows that count among those that were given."""

    @property
    def dfbetas(self) -> Float[np.ndarray, "n E"]:
        """Estimates less those without the row, in standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.params - self.deleted) / self.std_errors

    def summary_frame(self) -> DataFrame:
        """A row for each row of the fit.

        Returns
        -------
        DataFrame
            Columns leverage, cooks_distance, and the moves of the parameters in standard errors.
        """
        import pandas as pd

        head = {"leverage": self.leverage, "cooks_distance": self.cooks_distance}
        moves = {f"dfbetas {name}": self.dfbetas[:, j] for j, name in enumerate(self.names)}
        return pd.DataFrame(head | moves, index=self.index)


@in_float64
def influence_of(estimate: Estimate) -> Influence:
    """Influence of the rows of a fit; see :meth:`RowResults.influence`."""
    if estimate.unit is not None:
        raise ValueError(
            "Influence is of rows with experts of their own; a fit with groups cannot be asked."
        )
    scales = np.any(estimate.jacobian[estimate.logs_of_scales] != 0, axis=0)
    coefficients = _basis(estimate, estimate.held | scales)
    every = _basis(estimate, estimate.held)
    steps, traces, moves = [], [], []
    for rows, information in _row_information(estimate):
        step, trace = _deletions(estimate, rows, information, coefficients)
        steps.append(step)
        traces.append(trace)
        moves.append(_deletions(estimate, rows, information, every)[0])
    distance = np.sum(np.concatenate(steps) ** 2, axis=1) / max(coefficients.shape[1], 1)
    reported = estimate.jacobian @ every
    unknown = np.array([why != "" for why in estimate.unknown], bool)
    return Influence(
        leverage=np.concatenate(traces),
        cooks_distance=np.where(np.isnan(distance), np.inf, distance),
        deleted=estimate.params - np.concatenate(moves) @ reported.T,
        params=estimate.params,
        std_errors=np.where(unknown, np.nan, np.sqrt(np.sum(reported**2, axis=1))),
        names=estimate.names,
        index=np.flatnonzero(estimate.counted),
    )


def _basis(estimate: Estimate, known: Bool[np.ndarray, " D"]) -> Float[np.ndarray, "D g"]:
    """Directions in which the information of all rows is one, with ``known`` held."""
    values, directions, _, _ = estimate.spectrum
    inside = directions @ null_space(directions[known]) if known.any() else directions
    along = directions.T @ inside
    information = (along.T * (estimate.total_weight * values)) @ along
    if not len(information):
        return inside
    factor = cholesky(information, lower=True)
    return solve_triangular(factor, inside.T, lower=True).T


def _deletions(
    estimate: Estimate,
    rows: slice,
    information: Float[np.ndarray, "r D D"],
    basis: Float[np.ndarray, "D g"],
) -> tuple[Float[np.ndarray, "r g"], Float[np.ndarray, " r"]]:
    """Newton steps away from each row, in a basis, and the information of each row there."""
    weight, size = estimate.weight[rows], basis.shape[1]
    own = weight[:, None, None] * (basis.T @ information @ basis)
    score = (weight[:, None] * estimate.scores[rows]) @ basis
    trace = np.trace(own, axis1=1, axis2=2)
    if size == 0:
        return score, trace
    left = np.eye(size) - own
    clear = np.linalg.eigvalsh(left)[:, 0] > LEFT
    left[~clear] = np.eye(size)
    step = np.linalg.solve(left, score[:, :, None])[:, :, 0]
    return np.where(clear[:, None], step, np.nan), trace


def _row_information(estimate: Estimate) -> Iterator[tuple[slice, Float[np.ndarray, "r D D"]]]:
    """Minus the second derivatives of the log density of rows, piece after piece.

    A penalty is shared by all rows alike.
    """
    model, batch, size = estimate.model, estimate.batch, len(estimate.vector)
    curvature = np.asarray(derivatives(model, batch)[2])
    of_penalty = np.asarray(estimate.result.information) + curvature
    length = batch.rows.weight.shape[-1]
    for start in range(0, estimate.n_rows, length):
        chunk = jax.tree.map(lambda table, i=start // length: table[i], batch.rows)
        count = min(length, estimate.n_rows - start)
        table = np.asarray(_curvatures(model, chunk))[..., :count]
        own = np.moveaxis(table, -1, 0).reshape(count, size, size)
        yield slice(start, start + count), of_penalty - own


@kernel()
def _curvatures(model: Mixture, rows: Rows) -> Float[AnyArray, "D D r"]:
    """Second derivatives of the log density of each row in the parameters."""
    vector = parameter_vector.traced_vector(model)

    def curvature(row: Rows) -> AnyArray:
        def log_density(v: AnyArray) -> AnyArray:
            one = jax.tree.map(lambda leaf: leaf[..., None], row)
            one = replace(one, weight=jnp.ones(1))
            return responsibilities(parameter_vector.from_vector(model, v), one)[1][0]

        return jax.hessian(log_density)(vector)

    return jax.vmap(curvature, in_axes=-1, out_axes=-1)(rows)
