"""Inference on a fit whose rows are read in blocks: what sums over them can tell."""

from dataclasses import dataclass, field, fields
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Batch, Rows
from mixstat.inference.covariances import REGISTRY, Covariance
from mixstat.inference.covariances.sandwich import IndependentScores
from mixstat.inference.estimate import INTEGER, Estimate
from mixstat.model import Mixture
from mixstat.numerics.module import Module
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.objective.likelihood import responsibilities
from mixstat.objective.reduction import total
from mixstat.objective.scores import chunk_scores


class Moments(NamedTuple):
    """Sums over rows from which errors, and what is told beside them, are made."""

    products: AnyArray  # (2, D, D) outer products of scores, by weights and by their squares
    n_rows: AnyArray
    squared_weight: AnyArray
    fractions: AnyArray  # number of rows whose weight is no whole number
    sure: AnyArray  # (K,) weighted squares of responsibilities
    entropy: AnyArray  # weighted, of responsibilities


class _Weighed(Module):
    """A model, and what a weight of one in the units of the user is in those of the rows."""

    model: Mixture
    total_weight: AnyArray


def _chunk_moments(at: _Weighed, rows: Rows) -> Moments:
    scores = chunk_scores(at.model, rows)
    share, _ = responsibilities(at.model, rows)
    weight = rows.weight * at.total_weight
    weighted = scores * weight[None, :]
    counted = rows.weight > 0
    logs = jnp.log(jnp.where(share > 0, share, 1.0))
    whole = jnp.abs(weight - jnp.round(weight)) <= INTEGER
    return Moments(
        jnp.stack([weighted @ scores.T, weighted @ weighted.T]),
        jnp.sum(counted, dtype=weight.dtype),
        jnp.sum(weight**2),
        jnp.sum(counted & ~whole, dtype=weight.dtype),
        share**2 @ weight,
        -jnp.sum(weight * jnp.sum(share * logs, axis=0)),
    )


@in_float64
def moments(model: Mixture, batch: Batch, total_weight: float) -> Moments:
    """The sums of rows whose weights sum to one, in one pass."""
    return total(_chunk_moments, _Weighed(model, np.asarray(total_weight)), batch)


def _no_rows(what: str) -> ValueError:
    kinds = ", ".join(repr(name) for name, kind in REGISTRY.items() if takes_blocks(kind))
    return ValueError(
        f"X: Blocks give sums over rows, which are enough for cov_type {kinds}; {what} needs all "
        "rows in memory: give them as X and y."
    )


def takes_blocks(kind: Covariance) -> bool:
    """Whether sums over rows are enough for a kind of covariance."""
    return kind.name in ("observed", "opg") or isinstance(kind, IndependentScores)


def check_takes_blocks(kind: Covariance) -> None:
    """Refuse kinds that need all rows at once."""
    if not takes_blocks(kind):
        raise _no_rows(f"{kind.name!r}")


@dataclass(frozen=True, eq=False)
class ReadEstimate(Estimate):
    """A fitted model whose rows are read in blocks. Questions about single rows are refused."""

    sums: Moments = field(kw_only=True, repr=False)

    @classmethod
    def of(cls, estimate: Estimate, sums: Moments) -> "ReadEstimate":
        """An estimate, with sums in the place of rows."""
        told = {one.name: getattr(estimate, one.name) for one in fields(Estimate)}
        return cls(**told, sums=sums)

    def score_products(self, power: int = 1) -> Float[np.ndarray, "D D"]:
        """Sum over rows of the outer products of their scores, by a power of their weights."""
        return np.asarray(self.sums.products[power - 1])

    @property
    def sum_of_squared_weights(self) -> float:
        """Over the rows."""
        return float(self.sums.squared_weight)

    @property
    def sure_rows(self) -> Float[np.ndarray, " K"]:
        """Rows of each expert, each counting by the square of its responsibility."""
        return np.asarray(self.sums.sure)

    @property
    def entropy(self) -> float:
        """Weighted sum over rows of the entropy of their responsibilities."""
        return float(self.sums.entropy)

    @property
    def n_rows(self) -> int:
        """Number of rows that count."""
        return int(self.sums.n_rows)

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return float(self.objective.batch.total_weight)

    @property
    def counts_rows(self) -> bool:
        """Whether weights are whole numbers, as numbers of equal rows are."""
        return int(self.sums.fractions) == 0

    @property
    def batch(self) -> Batch:
        """Not to be had."""
        raise _no_rows("this")

    @property
    def scores(self) -> Float[np.ndarray, "n D"]:
        """Not to be had."""
        raise _no_rows("this")

    @property
    def responsibilities(self) -> Float[np.ndarray, "n K"]:
        """Not to be had."""
        raise _no_rows("this")

    @property
    def log_densities(self) -> Float[np.ndarray, " n"]:
        """Not to be had."""
        raise _no_rows("this")
