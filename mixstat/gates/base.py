"""What a gate must answer."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat import flat, linear
from mixstat.batch import Rows
from mixstat.linear import Group
from mixstat.precision import AnyArray


class Gate(eqx.Module):
    """Interface: prior probabilities pi_k(x) of K experts, through linear predictors.

    A gate states :meth:`groups` and :meth:`link`; everything else has a default that
    differentiates the link per row. Override a default only by an equal closed form.
    """

    @property
    @abc.abstractmethod
    def n_experts(self) -> int:
        """Number of experts K."""

    @classmethod
    @abc.abstractmethod
    def null(cls, n_experts: int, n_features: int) -> "Gate":
        """The gate with equal shares everywhere; ``n_features`` counts the constant."""

    @abc.abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """Linear predictors: coefficients (rows, features). No arithmetic, only reshaping."""

    @abc.abstractmethod
    def link(self, eta: Float[AnyArray, "E n"]) -> Float[AnyArray, "K n"]:
        """Log probabilities from the predictors; exp of each column sums to one."""

    @abc.abstractmethod
    def permute(self, order: AnyArray) -> "Gate":
        """The same gate with experts renumbered: new expert k is old expert ``order[k]``."""

    def log_prob(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """Log probability that each row belongs to each expert."""
        return self.link(linear.predict(self.groups(), rows))

    def jacobian(self, eta: Float[AnyArray, "E n"]) -> Float[AnyArray, "K E n"]:
        """Derivatives of the log probabilities in the predictors."""
        return _per_row(jax.jacfwd(self._link_one))(eta)

    def surrogate_hessian(
        self, eta: Float[AnyArray, "E n"], resp: Float[AnyArray, "K n"]
    ) -> Float[AnyArray, "E E n"]:
        """Second derivatives of ``sum_k resp_k log pi_k`` in the predictors."""

        def surrogate(one, share):
            return jnp.sum(share * self._link_one(one))

        return _per_row(jax.hessian(surrogate))(eta, resp)

    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> Any:
        """Sums for :meth:`m_step`: of the surrogate's gradient and Hessian.

        ``resp`` holds responsibilities times row weights.
        """
        eta = linear.predict(self.groups(), rows)
        where = linear.layout(self.groups())
        slopes = jnp.sum(resp[:, None, :] * self.jacobian(eta), axis=0)
        hessian = self.surrogate_hessian(eta, resp)
        return (
            linear.gradient(slopes, where, rows),
            linear.curvature_sums(hessian, where, rows),
        )

    def positions(self) -> np.ndarray:
        """For an instance whose leaves are numbered: the number of each predictor coefficient."""
        return np.concatenate([np.ravel(g.coef) for g in self.groups()])

    def m_step(self, statistics: Any, ridge: Float[AnyArray, "G G"] | None) -> "Gate":
        """One Newton step on the gate's surrogate, minus half the ridge's quadratic form.

        The surrogate is concave where the link is a softmax of linear predictors; the caller
        shortens a step that overshoots.
        """
        size = flat.size(self)
        index = flat.from_vector(self, np.arange(size)).positions()
        slopes, sums = statistics
        gradient = flat.fold(slopes, index, size)
        information = -linear.curvature(sums, linear.layout(self.groups()))
        information = flat.fold(flat.fold(information, index, size).T, index, size)
        vector = flat.traced_vector(self)
        if ridge is not None:
            gradient, information = gradient - ridge @ vector, information + ridge
        guard = 1e-10 * jnp.trace(information) / max(size, 1) + 1e-200  # singular if separated
        system = information + guard * jnp.eye(size)
        step = jax.scipy.linalg.solve(system, gradient[:, None], assume_a="pos")[:, 0]
        return flat.from_vector(self, vector + step)

    @abc.abstractmethod
    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        """Quadratic form of a unit ridge on the slopes, the same however experts are numbered.

        ``constant`` tells whether the first feature is the constant one, which is left free.
        """

    def in_units(self, to_user: np.ndarray) -> "Gate":
        """The gate on the user's features, from ``to_user`` (internal, user)."""
        return jax.tree.map(lambda a: np.asarray(a) @ to_user, self)

    def _link_one(self, eta: Float[AnyArray, " E"]) -> Float[AnyArray, " K"]:
        return self.link(eta[:, None])[:, 0]


def _per_row(function):
    return jax.vmap(function, in_axes=-1, out_axes=-1)
