"""Poisson experts."""

from functools import partial
from typing import ClassVar

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
from mixstat.numerics.functions import gammainc, gammaincc
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.ranges import Range, log_probability

LEAST = 1e-300  # probability of a range


class PoissonExperts(CountExperts):
    """y | x, k ~ Poisson with mean exp(coef_k phi(x)).

    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, second edition, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import PoissonExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> mean = np.exp(np.where(rng.random(300) < 0.5, 1 + X[:, 0], 3 - X[:, 0]))
    >>> y = rng.poisson(mean)
    >>> moe = MixtureOfExperts(2, expert=PoissonExperts(), n_init=2, random_state=0).fit(X, y)
    >>> moe.expert_coef_.round(1)
    array([[ 1. ,  0.9],
           [ 3. , -0.9]])
    """

    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "PoissonExperts":
        return PoissonExperts(np.zeros((n_experts, 1, n_features)))

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        check_counts(y, "Poisson")

    def link(
        self, eta: Float[AnyArray, "K 1 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        return y[:1] * eta[:, 0] - library_of(eta, y).exp(eta[:, 0]) - y[1:]

    def log_range(self, eta: Float[AnyArray, "K 1 n"], ends: Range) -> Float[AnyArray, "K n"]:
        """Of counts from the lower end to the upper one."""
        library = library_of(eta, *ends)
        mean = library.exp(eta[:, 0])

        def log_cdf(count: AnyArray) -> AnyArray:
            return library.log(
                library.maximum(gammaincc(library.maximum(count, -0.5) + 1, mean), LEAST)
            )

        def log_survival(count: AnyArray) -> AnyArray:
            return library.log(
                library.maximum(gammainc(library.maximum(count, -0.5) + 1, mean), LEAST)
            )

        inside = ends._replace(low=ends.low - 1, below=ends.below | (ends.low <= 0))
        return log_probability(inside, log_cdf, log_survival)

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
