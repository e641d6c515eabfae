"""Gamma experts."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import polygamma
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import finite_mean, log_offset, traced_mean
from mixstat.experts.spread import PositiveExperts, ShapeExperts
from mixstat.numerics.functions import gammaln
from mixstat.numerics.precision import AnyArray, library_of


class GammaExperts(PositiveExperts, ShapeExperts):
    """y | x, k ~ Gamma with mean exp(coef_k phi(x)) and shape exp(log_shape_k).

    The coefficient of variation of y is shape to the power -1/2.

    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, second edition, chapter 8,
    with the log link.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import GammaExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> mean = np.exp(np.where(rng.random(300) < 0.5, 1 + X[:, 0], 3 - X[:, 0]))
    >>> y = rng.gamma(9.0, mean / 9)
    >>> moe = MixtureOfExperts(2, expert=GammaExperts(), n_init=2, random_state=0).fit(X, y)
    >>> moe.expert_coef_.round(1)
    array([[ 0.9,  0.9],
           [ 3. , -1. ]])
    """

    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_shape: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def link(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        library = library_of(eta, y)
        shape = library.exp(eta[:, 1])
        # shape log shape - log Gamma(shape) is nearly a difference of equals: one function
        constant = shape * eta[:, 1] - gammaln(shape) - shape
        beyond = y[1:] - eta[:, 0]  # log of y over the mean
        return constant - shape * (library.expm1(beyond) - beyond) - y[1:]

    def information(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K 2 2 n"]:
        """Expected information: mean and shape are orthogonal."""
        shape = jnp.exp(eta[:, 1])
        own = shape**2 * polygamma(1, shape) - shape
        zero = jnp.zeros_like(shape)
        rows = [jnp.stack([shape, zero], axis=1), jnp.stack([zero, own], axis=1)]
        return jnp.stack(rows, axis=1)

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]):
        from scipy import stats

        shape = np.exp(eta[:, 1:])
        return stats.gamma(shape, scale=finite_mean(eta[:, :1]) / shape)

    def traced_functions(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta[:, :1])

    def in_units(self, location, scale, to_user) -> "GammaExperts":
        return GammaExperts(log_offset(self.coef, scale, to_user), np.asarray(self.log_shape))
