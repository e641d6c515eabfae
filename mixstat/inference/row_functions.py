"""Functions of the model at rows, with their derivatives in the parameters and at draws."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Estimate
from mixstat.inference.quantity import Quantity, variances
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.parts import predictors

MOST_ROWS = 1024  # at once, so that derivatives in all parameters fit into memory
LEAST_ROWS = 64  # tables of fewer rows share a program

Arrays: TypeAlias = dict[str, AnyArray]  # each with rows on its last axis
RowFunction: TypeAlias = Callable[..., Arrays]  # of a model and tables (p, n), rows last


class Features(NamedTuple):
    """Internal features of rows, or their derivatives in an input."""

    Phi: Float[np.ndarray, "n p"]
    Z: Float[np.ndarray, "n q"]
    offset: Float[np.ndarray, "n o"] | None = None
    """Known part of the experts' first predictors, in internal units."""

    @property
    def tables(self) -> tuple[Float[np.ndarray, "n ..."], ...]:
        """Those that there are, in the order in which functions of rows take them."""
        return tuple(table for table in self if table is not None)


def predicted(
    model: Mixture,
    Phi: Float[AnyArray, "p n"],
    Z: Float[AnyArray, "q n"],
    offset: Float[AnyArray, "o n"] | None = None,
) -> Arrays:
    """Conditional mean, experts' means and shares of the gate, in internal units.

    Of classes, probabilities stand for means.
    """
    rows = Rows(Z, Phi, jnp.zeros((1, Z.shape[1])), jnp.ones(Z.shape[1]), offset=offset)
    share = jnp.exp(model.gate.log_prob(rows))
    each = model.experts.traced_functions(predictors.predict(model.experts.groups(), rows))
    return {"mean": jnp.sum(share[:, None] * each, axis=0), "expert": each, "share": share}


def slopes(
    model: Mixture,
    Phi: AnyArray,
    Z: AnyArray,
    move_Phi: AnyArray,
    move_Z: AnyArray,
    offset: AnyArray | None = None,
) -> Arrays:
    """Derivatives along a move of the features: through the gate, the experts, and in all."""
    gate = jax.jvp(lambda one: predicted(model, Phi, one, offset), (Z,), (move_Z,))[1]
    experts = jax.jvp(lambda one: predicted(model, one, Z, offset), (Phi,), (move_Phi,))[1]
    parts = [gate["mean"] + experts["mean"], gate["mean"], experts["mean"]]
    return {"mean": jnp.stack(parts), "share": gate["share"], "expert": experts["expert"]}


def contrasts(
    model: Mixture,
    Phi: AnyArray,
    Z: AnyArray,
    new_Phi: AnyArray,
    new_Z: AnyArray,
    offset: AnyArray | None = None,
) -> Arrays:
    """Differences between two sets of features, parted as Kitagawa (1955) does.

    Each part is the mean of its differences with the other part at its old and at its new place.
    """
    old, new, by_gate, by_experts = (
        predicted(model, *features, offset)
        for features in ((Phi, Z), (new_Phi, new_Z), (Phi, new_Z), (new_Phi, Z))
    )
    total = new["mean"] - old["mean"]
    gate = 0.5 * (by_gate["mean"] - old["mean"] + new["mean"] - by_experts["mean"])
    return {
        "mean": jnp.stack([total, gate, total - gate]),
        "share": new["share"] - old["share"],
        "expert": new["expert"] - old["expert"],
    }


class Evaluated(NamedTuple):
    """Values of one function, and what errors are made of."""

    value: Float[np.ndarray, "..."]
    variance: Float[np.ndarray, "..."]
    draws: Float[np.ndarray, "B ..."] | None

    def quantity(
        self,
        covariance: ParameterCovariance,
        level: float,
        *,
        location: np.ndarray | float = 0.0,
        factor: np.ndarray | float = 1.0,
        scale: str = "identity",
        top: float = 1.0,
    ) -> Quantity:
        """In the units of the user."""
        draws = None if self.draws is None else location + factor * self.draws
        error = factor * np.sqrt(self.variance)
        if draws is not None and len(draws):
            error = np.where(np.isnan(error), np.nan, draws.std(axis=0, ddof=1))
        value = location + factor * self.value
        return Quantity(value, error, level, scale, top, draws, covariance.interval)


@in_float64
def evaluate(
    estimate: Estimate,
    covariance: ParameterCovariance,
    function: RowFunction,
    tables: tuple[Float[np.ndarray, "n ..."], ...],
    weight: Float[np.ndarray, " n"] | None = None,
) -> dict[str, Evaluated]:
    """A function of the model at rows, its variance and its values at the draws.

    Parameters
    ----------
    estimate, covariance
        The fit, and the covariance of its parameters.
    function
        At module level, so that its program is made once.
    tables
        What it wants beside the model, rows first.
    weight
        Weights with which rows are averaged; None keeps rows apart, on a last axis.
    """
    pieces: list[dict[str, Evaluated]] = []
    slopes: list[dict[str, np.ndarray]] = []
    for start, count, piece in _pieces(tables):
        value, jacobian = jax.tree.map(np.asarray, _with_slopes(function, estimate.model, piece))
        value = {name: one[..., :count] for name, one in value.items()}
        jacobian = {name: one[..., :count, :] for name, one in jacobian.items()}
        draws = _at_draws(estimate, covariance, function, piece, count)
        if weight is None:
            found = {n: (value[n], variances(covariance, jacobian[n])) for n in value}
        else:
            share = weight[start : start + count]
            value = {n: one @ share for n, one in value.items()}
            slopes.append({n: share @ one for n, one in jacobian.items()})
            draws = None if draws is None else {n: one @ share for n, one in draws.items()}
            found = {n: (one, one) for n, one in value.items()}
        pieces.append({n: Evaluated(*found[n], None if draws is None else draws[n]) for n in found})
    if weight is None:
        return {name: _joined([piece[name] for piece in pieces]) for name in pieces[0]}
    return {
        name: _added(
            [piece[name] for piece in pieces],
            variances(covariance, np.sum([one[name] for one in slopes], axis=0)),
        )
        for name in pieces[0]
    }


@in_float64
def at_vectors(
    estimate: Estimate,
    function: RowFunction,
    vectors: Float[np.ndarray, "B D"],
    tables: tuple[Float[np.ndarray, "n ..."], ...],
) -> dict[str, Float[np.ndarray, "B ... n"]]:
    """A function of the model at rows, for several vectors of its parameters."""
    pieces = [
        {name: np.asarray(one)[..., :count] for name, one in found.items()}
        for _, count, piece in _pieces(tables)
        for found in [_each(function, estimate.model, vectors, piece)]
    ]
    return {name: np.concatenate([p[name] for p in pieces], axis=-1) for name in pieces[0]}


def _joined(pieces: list[Evaluated]) -> Evaluated:
    value = np.concatenate([piece.value for piece in pieces], axis=-1)
    variance = np.concatenate([piece.variance for piece in pieces], axis=-1)
    draws = [piece.draws for piece in pieces if piece.draws is not None]
    return Evaluated(value, variance, np.concatenate(draws, axis=-1) if draws else None)


def _added(pieces: list[Evaluated], variance: Float[np.ndarray, "..."]) -> Evaluated:
    value = np.sum([piece.value for piece in pieces], axis=0)
    draws = [piece.draws for piece in pieces if piece.draws is not None]
    return Evaluated(value, variance, np.sum(draws, axis=0) if draws else None)


def _pieces(
    tables: tuple[Float[np.ndarray, "n ..."], ...],
) -> Iterator[tuple[int, int, tuple[np.ndarray, ...]]]:
    """Where each piece of the rows begins, how many it has, and its tables, rows last."""
    n = len(tables[0])
    length = int(np.clip(2 ** np.ceil(np.log2(max(n, 1))), LEAST_ROWS, MOST_ROWS))
    for start in range(0, n, length):
        count = min(length, n - start)
        rows = start + np.minimum(np.arange(length), count - 1)  # padded by the last one
        yield start, count, tuple(np.ascontiguousarray(one[rows].T) for one in tables)


def _at_draws(
    estimate: Estimate,
    covariance: ParameterCovariance,
    function: RowFunction,
    tables: tuple[np.ndarray, ...],
    count: int,
) -> Mapping[str, np.ndarray] | None:
    if covariance.draws is None:
        return None
    found = _each(function, estimate.model, covariance.draws, tables)
    return {name: np.asarray(one)[..., :count] for name, one in found.items()}


@kernel("function")
def _with_slopes(
    function: RowFunction, model: Mixture, tables: tuple[AnyArray, ...]
) -> tuple[Arrays, Arrays]:
    """Values, and derivatives in the parameters on a last axis."""

    def at(vector: AnyArray) -> Arrays:
        return function(parameter_vector.from_vector(model, vector), *tables)

    vector = parameter_vector.traced_vector(model)
    return at(vector), jax.jacfwd(at)(vector)


@kernel("function")
def _each(
    function: RowFunction, model: Mixture, vectors: AnyArray, tables: tuple[AnyArray, ...]
) -> Arrays:
    """Values at several parameter vectors, on a first axis."""

    def at(vector: AnyArray) -> Arrays:
        return function(parameter_vector.from_vector(model, vector), *tables)

    return jax.lax.map(at, vectors)
