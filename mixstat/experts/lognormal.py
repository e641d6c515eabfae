"""Lognormal experts: normal regressions of log y."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import finite_mean, log_offset, traced_mean
from mixstat.experts.spread import LogScaleExperts
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import ranges
from mixstat.parts.normal import LOG_2PI
from mixstat.parts.ranges import Range


class LognormalExperts(LogScaleExperts):
    """log y | x, k ~ Normal with mean coef_k phi(x) and deviation exp(log_scale_k).

    ``exp(coef_k phi(x))`` is the median of y; its mean is larger by ``exp(scale_k^2 / 2)``.

    Lawless, J. F. (2003). Statistical Models and Methods for Lifetime Data, second edition,
    section 6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import LognormalExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = np.exp(1 + X[:, 0] + 0.5 * rng.standard_normal(300))
    >>> moe = MixtureOfExperts(1, expert=LognormalExperts()).fit(X, y)
    >>> moe.expert_coef_.round(1), moe.scale_.round(1)
    (array([[1., 1.]]), array([0.5]))
    """

    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_scale: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def link(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        z = (y[1:] - eta[:, 0]) * library_of(eta, y).exp(-eta[:, 1])
        return -0.5 * (z**2 + LOG_2PI) - eta[:, 1] - y[1:]

    def derivatives(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
        inverse = jnp.exp(-eta[:, 1])
        z = (y[1:] - eta[:, 0]) * inverse
        cross = -2 * z * inverse
        first = jnp.stack([z * inverse, z**2 - 1], axis=1)
        second = jnp.stack([-(inverse**2), cross, cross, -2 * z**2], axis=1)
        return first, second.reshape(len(z), 2, 2, -1)

    def log_range(self, eta: Float[AnyArray, "K 2 n"], ends: Range) -> Float[AnyArray, "K n"]:
        return ranges.of_normal(ends.mapped(library_of(*ends).log).standardised(eta))

    def range_derivatives(
        self, eta: Float[AnyArray, "K 2 n"], ends: Range
    ) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
        return ranges.normal_derivatives(eta, ends.mapped(jnp.log).standardised(eta))

    def information(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K 2 2 n"]:
        """Expected information: mean and scale are orthogonal."""
        mean = jnp.exp(-2 * eta[:, 1])
        zero = jnp.zeros_like(mean)
        table = jnp.stack([mean, zero, zero, jnp.full_like(mean, 2.0)], axis=1)
        return table.reshape(len(mean), 2, 2, -1)

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]):
        from scipy import stats

        return stats.lognorm(np.exp(eta[:, 1:]), scale=finite_mean(eta[:, :1]))

    def traced_functions(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta[:, :1] + 0.5 * library_of(eta).exp(2 * eta[:, 1:]))

    def in_units(self, location, scale, to_user) -> "LognormalExperts":
        return LognormalExperts(log_offset(self.coef, scale, to_user), np.asarray(self.log_scale))
