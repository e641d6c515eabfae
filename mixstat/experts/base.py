"""What a family of experts must answer."""

import abc
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from mixstat import linear
from mixstat.batch import Rows
from mixstat.linear import Group
from mixstat.precision import AnyArray


class Experts(eqx.Module):
    """Interface: K conditional densities f_k(y given x) of one family, stacked on axis 0.

    A family states :meth:`groups` and :meth:`link`; derivatives default to automatic
    differentiation of the link per row and expert.
    """

    @property
    @abc.abstractmethod
    def n_experts(self) -> int:
        """Number of experts K."""

    @property
    @abc.abstractmethod
    def n_outputs(self) -> int:
        """Number of outputs m."""

    @classmethod
    @abc.abstractmethod
    def null(cls, n_experts: int, n_features: int, n_outputs: int, covariance: str) -> "Experts":
        """Experts that are all alike, for standardised y; where starts begin."""

    @abc.abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """Linear predictors: coefficients (K, rows, features). Only reshaping, no arithmetic."""

    @abc.abstractmethod
    def link(self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "m n"]) -> AnyArray:
        """Log density of each row under each expert (K, n), from the predictors."""

    @abc.abstractmethod
    def permute(self, order: AnyArray) -> "Experts":
        """The same experts renumbered: new expert k is old expert ``order[k]``."""

    @abc.abstractmethod
    def statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> Any:
        """Sums over rows that the M-step needs; ``resp`` includes the row weights."""

    @abc.abstractmethod
    def m_step(self, statistics: Any, lower: "Experts", ridge: "Experts | None") -> "Experts":
        """Experts that maximise (or, with a ridge, raise) the surrogate."""

    @abc.abstractmethod
    def lower_bounds(self, min_scale: float) -> "Experts":
        """Lower bounds of all parameters, in the same structure."""

    @abc.abstractmethod
    def slopes(self, constant: bool) -> "Experts":
        """One where a parameter is a slope (to be shrunk by a ridge), else zero.

        ``constant`` tells whether the first feature is the constant one.
        """

    @abc.abstractmethod
    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> Any:
        """Frozen scipy distribution of each output, with arrays of shape (K, m, n)."""

    @abc.abstractmethod
    def sample(
        self, eta: Float[np.ndarray, "L n"], k: int, random: np.random.Generator
    ) -> Float[np.ndarray, "m n"]:
        """One draw (m, n) of expert ``k`` for each column of its predictors."""

    @abc.abstractmethod
    def in_units(self, location: np.ndarray, scale: np.ndarray, to_user: np.ndarray) -> "Experts":
        """The experts of ``location + scale * y`` on the user's features."""

    def log_prob(self, rows: Rows) -> Float[AnyArray, "K n"]:
        """Log density of each row under each expert."""
        return self.link(linear.predict(self.groups(), rows), rows.y)

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "m n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        """First and second derivatives of the log densities in each expert's own predictors."""

        def total(eta, y):  # experts do not interact, so the sum keeps their derivatives apart
            return self.link(eta[:, :, None], y[:, None])[:, 0].sum()

        def first(eta, y):
            return jax.grad(total)(eta, y)

        def second(eta, y):
            full = jax.jacfwd(first)(eta, y)  # (K, L, K, L), zero off the diagonal of experts
            return jax.numpy.einsum("kakb->kab", full)

        per_row = {"in_axes": (-1, -1), "out_axes": -1}
        return jax.vmap(first, **per_row)(eta, y), jax.vmap(second, **per_row)(eta, y)
