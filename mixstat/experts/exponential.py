"""Exponential experts."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import finite_mean, log_offset, one_predictor, traced_mean
from mixstat.experts.spread import PositiveExperts
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import ranges
from mixstat.parts.ranges import FAR, Range


class ExponentialExperts(PositiveExperts):
    """y | x, k ~ exponential with mean exp(coef_k phi(x)): gamma or Weibull of shape one.

    Lawless, J. F. (2003). Statistical Models and Methods for Lifetime Data, second edition,
    section 6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import ExponentialExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = rng.exponential(np.exp(1 + X[:, 0]))
    >>> moe = MixtureOfExperts(1, expert=ExponentialExperts()).fit(X, y)
    >>> moe.expert_coef_.round(2)
    array([[0.99, 1.05]])
    """

    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "ExponentialExperts":
        return ExponentialExperts(np.zeros((n_experts, 1, n_features)))

    def link(
        self, eta: Float[AnyArray, "K 1 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        library = library_of(eta, y)
        return -eta[:, 0] - library.exp(library.minimum(y[1:] - eta[:, 0], FAR))

    def derivatives(self, eta: Float[AnyArray, "K 1 n"], y: Float[AnyArray, "2 n"]):
        ratio = jnp.exp(jnp.minimum(y[1:] - eta[:, 0], FAR))
        return one_predictor(ratio - 1, -ratio)

    def log_range(self, eta: Float[AnyArray, "K 1 n"], ends: Range) -> Float[AnyArray, "K n"]:
        library = library_of(eta, *ends)
        return ranges.of_lifetime(ends.mapped(lambda y: library.log(y) - eta[:, 0]))

    def permute(self, order: AnyArray) -> "ExponentialExperts":
        return ExponentialExperts(np.asarray(self.coef)[order])

    def marginals(self, eta: Float[np.ndarray, "K 1 n"]):
        from scipy import stats

        return stats.expon(scale=finite_mean(eta))

    def traced_functions(self, eta: Float[AnyArray, "K 1 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta)

    def in_units(self, location, scale, to_user) -> "ExponentialExperts":
        return ExponentialExperts(log_offset(self.coef, scale, to_user))
