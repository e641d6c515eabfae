"""Poisson experts."""

from functools import partial

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import (
    CountExperts,
    check_counts,
    finite_mean,
    log_offset,
    one_predictor,
    traced_mean,
)
from mixstat.numerics.precision import AnyArray


class PoissonExperts(CountExperts):
    """y | x, k ~ Poisson with mean exp(coef_k phi(x)).

    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, second edition, chapter 6.
    """

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "PoissonExperts":
        return PoissonExperts(np.zeros((n_experts, 1, n_features)))

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        check_counts(y, "Poisson")

    def link(
        self, eta: Float[AnyArray, "K 1 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        return y[:1] * eta[:, 0] - jnp.exp(eta[:, 0]) - y[1:]

    def derivatives(self, eta: Float[AnyArray, "K 1 n"], y: Float[AnyArray, "2 n"]):
        mean = jnp.exp(eta[:, 0])
        return one_predictor(y[:1] - mean, -mean)

    def permute(self, order: AnyArray) -> "PoissonExperts":
        return PoissonExperts(np.asarray(self.coef)[order])

    def marginals(self, eta: Float[np.ndarray, "K 1 n"]):
        from scipy import stats

        return stats.poisson(finite_mean(eta))

    def traced_functions(self, eta: Float[AnyArray, "K 1 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta)

    def in_units(self, location, scale, to_user) -> "PoissonExperts":
        return PoissonExperts(log_offset(self.coef, scale, to_user))
