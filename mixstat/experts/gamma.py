"""Gamma experts."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, polygamma
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.experts.base import NEAR, WorkingSums, blank
from mixstat.experts.glm import OnePredictorExperts, finite_mean, log_offset, traced_mean
from mixstat.numerics.precision import AnyArray
from mixstat.parts import predictors
from mixstat.parts.part import within
from mixstat.parts.predictors import Group

LARGEST_SHAPE = 1e8  # above, y is constant to four digits given x


class GammaExperts(OnePredictorExperts):
    """y | x, k ~ Gamma with mean exp(coef_k phi(x)) and shape exp(log_shape_k).

    The coefficient of variation of y is shape to the power -1/2.

    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, second edition, chapter 8,
    with the log link.
    """

    response: ClassVar[str] = "positive"

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_shape: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "GammaExperts":
        return GammaExperts(np.zeros((n_experts, 1, n_features)), np.zeros((n_experts, 1, 1)))

    def groups(self) -> tuple[Group, ...]:
        return Group("Phi", self.coef), Group("1", self.log_shape)

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        if not np.all(y > 0):
            row = int(np.flatnonzero(y[:, 0] <= 0)[0])
            raise ValueError(
                f"y must be positive for gamma experts, got {y[row, 0]:g} in row {row}."
            )

    def standard(self, y, share, *, constant: bool):
        return np.zeros(1), share @ y if constant else np.ones(1)

    def encode(self, y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "n 2"]:
        """y and its log."""
        return np.hstack([y, np.log(y)])

    def view(self, y: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 1"]:
        return y[:, 1:]

    def working(self, y: Float[AnyArray, "2 n"]) -> Float[AnyArray, "1 n"]:
        return y[1:]

    def start_statistics(
        self, rows: Rows, resp: Float[AnyArray, "K n"]
    ) -> tuple[WorkingSums, AnyArray, AnyArray]:
        log_y = predictors.without_offset(rows.y[1:], rows)
        squares = jnp.sum(resp * log_y**2, axis=1)
        return super().start_statistics(rows, resp), jnp.sum(resp, axis=1), squares

    def start(
        self,
        statistics: tuple[WorkingSums, AnyArray, AnyArray],
        bounds: "tuple[GammaExperts, GammaExperts]",
    ) -> "GammaExperts":
        """Regression of log y; its residual variance is about one over the shape."""
        sums, mass, squares = statistics
        coef = super().start(sums, bounds).groups()[0].coef
        explained = jnp.sum(coef[:, 0] * sums.cross[:, 0], axis=1)
        variance = (squares - explained) / jnp.maximum(mass, 1e-300)
        log_shape = -jnp.log(jnp.clip(variance, 1e-6, 1e2))[:, None, None]
        return within(GammaExperts(coef, log_shape), bounds)

    def link(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        shape = jnp.exp(eta[:, 1])
        # shape log shape - log Gamma(shape) is nearly a difference of equals: one function
        constant = shape * eta[:, 1] - gammaln(shape) - shape
        beyond = y[1:] - eta[:, 0]  # log of y over the mean
        return constant - shape * (jnp.expm1(beyond) - beyond) - y[1:]

    def information(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K 2 2 n"]:
        """Expected information: mean and shape are orthogonal."""
        shape = jnp.exp(eta[:, 1])
        own = shape**2 * polygamma(1, shape) - shape
        zero = jnp.zeros_like(shape)
        rows = [jnp.stack([shape, zero], axis=1), jnp.stack([zero, own], axis=1)]
        return jnp.stack(rows, axis=1)

    def bounds(self, min_scale: float) -> "tuple[GammaExperts, GammaExperts]":
        """The coefficient of variation has a floor, as a scale has."""
        lower, upper = super().bounds(min_scale)
        most = min(-2 * np.log(min_scale), np.log(LARGEST_SHAPE))
        return lower, eqx.tree_at(lambda e: e.log_shape, upper, np.full(self.log_shape.shape, most))

    def collapsed(self, bounds: "tuple[GammaExperts, GammaExperts]") -> "GammaExperts":
        """Where the coefficient of variation is on its floor, the shape is on its ceiling."""
        none = jax.tree.map(lambda a: np.zeros(a.shape, bool), self)
        at = np.asarray(self.log_shape) >= bounds[1].log_shape - NEAR
        return eqx.tree_at(lambda e: e.log_shape, none, at)

    def permute(self, order: AnyArray) -> "GammaExperts":
        return GammaExperts(np.asarray(self.coef)[order], np.asarray(self.log_shape)[order])

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return {"shape_": np.exp(np.asarray(self.log_shape)[:, 0, 0])}

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]):
        from scipy import stats

        shape = np.exp(eta[:, 1:])
        return stats.gamma(shape, scale=finite_mean(eta[:, :1]) / shape)

    def traced_functions(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta[:, :1])

    def in_units(self, location, scale, to_user) -> "GammaExperts":
        return GammaExperts(log_offset(self.coef, scale, to_user), np.asarray(self.log_shape))

    def titles(self) -> dict[str, str]:
        return {"log_shape": "Log of shape (1 / squared coefficient of variation)"}
