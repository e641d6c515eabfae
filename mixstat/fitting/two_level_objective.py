"""The likelihood of two levels: classes of units, and experts of rows within them.

p(y_u | x_u) = sum_c rho_c(w_u) prod_{i in u} sum_k pi_{k|c}(z_i) f_k(y_i | x_i)

Rows of a unit stand in one chunk, so that a sum over units is never split.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.gates.classed import ClassedGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import kernel
from mixstat.numerics.precision import AnyArray, in_float64
from mixstat.objective.objective import Derivatives, Objective, TracedDerivatives


class TwoLevelMixture(Mixture):
    """p(y_u | x_u) of units with classes; the gate has the shares of both levels."""

    gate: ClassedGate

    def permute(self, order: AnyArray) -> "TwoLevelMixture":
        """The same density with experts renumbered."""
        return TwoLevelMixture(self.gate.permute(order), self.experts.permute(order))

    def in_order(self) -> "TwoLevelMixture":
        """The same with classes of units by the logit of the first expert, the largest first."""
        order = np.argsort(-self.gate.constants()[:, 0], kind="stable")
        return TwoLevelMixture(self.gate.reordered(order), self.experts)


class TwoLevelRows(NamedTuple):
    """Rows of units, in one chunk."""

    rows: Rows
    W: AnyArray  # (u, r) features of the unit of each row


class Terms(NamedTuple):
    """What the likelihood of units is made of."""

    each: AnyArray  # (H, K, r) log of share times density of a row, in each class
    joint: AnyArray  # (H, r) log of share of a class times density of all rows of the unit


def terms(model: TwoLevelMixture, data: TwoLevelRows, without: int | None = None) -> Terms:
    """All terms, of the whole model or of one ``without`` an expert, the others filling in."""
    gate, rows = model.gate, data.rows
    assert rows.sharing is not None
    share, density = gate.of_experts(rows.Z), model.experts.log_prob(rows)
    if without is not None:
        out = np.arange(model.n_experts) == without
        share = jax.nn.log_softmax(jnp.where(out[:, None], -jnp.inf, share), axis=1)
    each = share + density[None]
    of_rows = jax.nn.logsumexp(each, axis=1)
    return Terms(each, gate.of_classes(data.W) + rows.sharing.pooled(of_rows))


def posterior(found: Terms) -> tuple[Float[AnyArray, "H r"], Float[AnyArray, "H K r"]]:
    """Probabilities of the classes of units, and of the experts of rows within each of them."""
    return jax.nn.softmax(found.joint, axis=0), jax.nn.softmax(found.each, axis=1)


def _log_likelihood(model: TwoLevelMixture, data: TwoLevelRows) -> Float[AnyArray, ""]:
    logs = jax.nn.logsumexp(terms(model, data).joint, axis=0)
    return jnp.sum(data.rows.once * logs)


def _mass(model: TwoLevelMixture, data: TwoLevelRows) -> Float[AnyArray, " K"]:
    """Share of the rows that each expert is responsible for."""
    classes, experts = posterior(terms(model, data))
    weight = data.rows.weight
    return jnp.einsum("hr,hkr,r->k", classes, experts, weight) / jnp.sum(weight)


@kernel()
def value(model: TwoLevelMixture, data: TwoLevelRows) -> Float[AnyArray, ""]:
    """Weighted mean over units of log p(y_u | x_u)."""
    return _log_likelihood(model, data)


@kernel()
def derivatives(model: TwoLevelMixture, data: TwoLevelRows) -> TracedDerivatives:
    """The mean log-likelihood, its gradient and its Hessian, one column after the other."""
    vector = parameter_vector.traced_vector(model)

    def of_vector(v: AnyArray) -> AnyArray:
        return _log_likelihood(parameter_vector.from_vector(model, v), data)

    slope = jax.grad(of_vector)

    def column(direction: AnyArray) -> AnyArray:
        return jax.jvp(slope, (vector,), (direction,))[1]

    hessian = jax.lax.map(column, jnp.eye(len(vector)))
    both = jax.value_and_grad(of_vector)(vector)
    return TracedDerivatives(*both, 0.5 * (hessian + hessian.T), _mass(model, data))


@kernel()
def scores(model: TwoLevelMixture, data: TwoLevelRows) -> Float[AnyArray, "r D"]:
    """Derivative of log p of the unit of each row, one parameter after the other."""
    vector = parameter_vector.traced_vector(model)

    def of_vector(v: AnyArray) -> AnyArray:
        found = terms(parameter_vector.from_vector(model, v), data)
        return jax.nn.logsumexp(found.joint, axis=0)

    def column(direction: AnyArray) -> AnyArray:
        return jax.jvp(of_vector, (vector,), (direction,))[1]

    return jax.lax.map(column, jnp.eye(len(vector))).T


@kernel()
def all_terms(model: TwoLevelMixture, data: TwoLevelRows) -> Terms:
    """:func:`terms`, compiled."""
    return terms(model, data)


@kernel()
def _gains(model: TwoLevelMixture, data: TwoLevelRows) -> Float[AnyArray, " K"]:
    def mean_without(k: int | None) -> AnyArray:
        logs = jax.nn.logsumexp(terms(model, data, k).joint, axis=0)
        return jnp.sum(data.rows.once * logs)

    return mean_without(None) - jnp.stack([mean_without(k) for k in range(model.n_experts)])


def rows_of(objective: "TwoLevelObjective") -> TwoLevelRows:
    """The only chunk of the rows of an objective."""
    rows = jax.tree.map(lambda table: table[0], objective.batch.rows)
    return TwoLevelRows(rows, objective.unit_features)


class TwoLevelObjective(Objective):
    """Maximise the mean log-likelihood of units with classes, within bounds."""

    template: TwoLevelMixture
    unit_features: AnyArray = eqx.field(default_factory=lambda: np.zeros((0, 0)))
    """(u, r) features of the unit of each row of the only chunk."""

    def model(self, vector: Float[AnyArray, " D"]) -> TwoLevelMixture:
        """The model at a point."""
        return parameter_vector.from_vector(self.template, vector)

    @in_float64
    def value(self, vector: Float[np.ndarray, " D"]) -> float:
        """The mean log-likelihood of units."""
        return float(value(self.model(vector), rows_of(self)))

    def value_and_gradient(
        self, vector: Float[np.ndarray, " D"]
    ) -> tuple[float, Float[np.ndarray, " D"]]:
        """The mean log-likelihood and its gradient."""
        known = self.derivatives(vector)
        return known.value, known.gradient

    @in_float64
    def derivatives(self, vector: Float[np.ndarray, " D"]) -> Derivatives:
        """The mean log-likelihood, its gradient and its Hessian."""
        found, *tables = derivatives(self.model(vector), rows_of(self))
        return Derivatives(float(found), *(np.asarray(table) for table in tables))

    def traced_derivatives(self, vector: Float[AnyArray, " D"]) -> TracedDerivatives:
        """:meth:`derivatives` inside a compiled program."""
        return derivatives(self.model(vector), rows_of(self))

    def hessian_product(
        self, vector: Float[np.ndarray, " D"], direction: Float[np.ndarray, " D"]
    ) -> Float[np.ndarray, " D"]:
        """The Hessian times a direction."""
        return self.derivatives(vector).hessian @ direction

    @in_float64
    def gains(self, model: TwoLevelMixture) -> Float[np.ndarray, " K"]:
        """What the mean log-likelihood would lose without each expert, in all classes."""
        return np.asarray(_gains(model, rows_of(self)))
