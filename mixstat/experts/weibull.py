"""Weibull experts: accelerated failure times."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import finite_mean, log_offset, traced_mean
from mixstat.experts.spread import LogScaleExperts
from mixstat.numerics.functions import gammaln
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import ranges
from mixstat.parts.ranges import FAR, Range

EULER = float(np.euler_gamma)
VARIANCE = np.pi**2 / 6  # of log y, in squared scales


class WeibullExperts(LogScaleExperts):
    """log y | x, k = coef_k phi(x) + scale_k log(E), with E a standard exponential variable.

    So y is Weibull with shape ``1 / scale_k`` and scale ``exp(coef_k phi(x))``, its quantile at
    63.2 %: an accelerated failure time. The mean is larger by Gamma(1 + scale_k).

    Lawless, J. F. (2003). Statistical Models and Methods for Lifetime Data, second edition,
    section 6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import WeibullExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = np.exp(1 + X[:, 0]) * rng.weibull(2.0, size=300)
    >>> moe = MixtureOfExperts(1, expert=WeibullExperts()).fit(X, y)
    >>> moe.shape_.round(2)
    array([2.03])
    """

    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_scale: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def first_spread(self, variance: Float[AnyArray, " K"]) -> Float[AnyArray, " K"]:
        return 0.5 * jnp.log(variance / VARIANCE)

    def link(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        library = library_of(eta, y)
        z = (y[1:] - eta[:, 0]) * library.exp(-eta[:, 1])
        return z - library.exp(library.minimum(z, FAR)) - eta[:, 1] - y[1:]

    def derivatives(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
        inverse = jnp.exp(-eta[:, 1])
        z = (y[1:] - eta[:, 0]) * inverse
        power = jnp.exp(jnp.minimum(z, FAR))
        bend = z * power + power - 1
        first = jnp.stack([(power - 1) * inverse, (power - 1) * z - 1], axis=1)
        cross = -inverse * bend
        second = jnp.stack([-power * inverse**2, cross, cross, -z * bend], axis=1)
        return first, second.reshape(len(z), 2, 2, -1)

    def log_range(self, eta: Float[AnyArray, "K 2 n"], ends: Range) -> Float[AnyArray, "K n"]:
        return ranges.of_lifetime(ends.mapped(library_of(*ends).log).standardised(eta))

    def range_derivatives(
        self, eta: Float[AnyArray, "K 2 n"], ends: Range
    ) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
        return ranges.lifetime_derivatives(eta, ends.mapped(jnp.log).standardised(eta))

    def information(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K 2 2 n"]:
        """Expected information."""
        inverse = jnp.exp(-eta[:, 1])
        cross = (1 - EULER) * inverse
        own = jnp.full_like(inverse, VARIANCE + (1 - EULER) ** 2)
        return jnp.stack([inverse**2, cross, cross, own], axis=1).reshape(len(inverse), 2, 2, -1)

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return {"shape_": np.exp(-np.asarray(self.log_scale)[:, 0, 0])}

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]):
        from scipy import stats

        return stats.weibull_min(np.exp(-eta[:, 1:]), scale=finite_mean(eta[:, :1]))

    def traced_functions(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta[:, :1] + gammaln(1 + library_of(eta).exp(eta[:, 1:])))

    def in_units(self, location, scale, to_user) -> "WeibullExperts":
        return WeibullExperts(log_offset(self.coef, scale, to_user), np.asarray(self.log_scale))

    def titles(self) -> dict[str, str]:
        return {"log_scale": "Log of scale of log y (1 / shape)"}
