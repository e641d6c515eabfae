"""Inverse Gaussian experts."""

from functools import partial
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import finite_mean, log_offset, traced_mean
from mixstat.experts.spread import PositiveExperts, ShapeExperts, SpreadSums
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.integrals import Line
from mixstat.parts.normal import LOG_2PI
from mixstat.parts.part import within

FAR = 300.0  # log of a distance, beyond which no density is left


class InverseGaussianExperts(PositiveExperts, ShapeExperts):
    """y | x, k ~ inverse Gaussian with mean m = exp(coef_k phi(x)) and shape exp(log_shape_k).

    The variance of y is ``m^3 / shape``, so the shape has the units of y.

    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, second edition, section
    2.2, with the log link.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import InverseGaussianExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = rng.wald(np.exp(1 + X[:, 0]), 4.0)
    >>> moe = MixtureOfExperts(1, expert=InverseGaussianExperts()).fit(X, y)
    >>> moe.shape_.round(1)
    array([4.6])
    """

    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_shape: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def link(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        return 0.5 * (eta[:, 1] - LOG_2PI) - 1.5 * y[1:] - _distance(eta, y)

    def derivatives(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
        beyond = jnp.minimum(y[1:] - eta[:, 0], FAR)
        ratio = jnp.exp(eta[:, 1] - eta[:, 0])  # one over the squared coefficient of variation
        distance, rise = _distance(eta, y), ratio * jnp.expm1(beyond)
        first = jnp.stack([rise, 0.5 - distance], axis=1)
        second = jnp.stack([-(2 * rise + ratio), rise, rise, -distance], axis=1)
        return first, second.reshape(len(ratio), 2, 2, -1)

    def information(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K 2 2 n"]:
        """Expected information: mean and shape are orthogonal."""
        ratio = jnp.exp(eta[:, 1] - eta[:, 0])
        zero = jnp.zeros_like(ratio)
        table = jnp.stack([ratio, zero, zero, jnp.full_like(ratio, 0.5)], axis=1)
        return table.reshape(len(ratio), 2, 2, -1)

    def start(self, statistics: SpreadSums, bounds: tuple[Self, Self]) -> Self:
        """With a shape in the units of each expert's own responses."""
        begun = super().start(statistics, bounds)
        log_shape = begun.log_shape + statistics.mean()[:, None, None]
        return within(self._like(begun.coef, log_shape), bounds)

    def line(self, eta: Float[AnyArray, "K L n"]) -> Line:
        """Along log y, from its mode: far below the mean where the shape is small beside it."""
        library, wide = library_of(eta), eta[:, 0] - eta[:, 1]
        below = library.arcsinh(0.5 * library.exp(library.minimum(wide, FAR)))
        below = library.where(wide > FAR, wide, below)
        return super().line(eta)._replace(centre=eta[:, 0] - below)

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]) -> "InverseGaussianLaw":
        return InverseGaussianLaw(finite_mean(eta[:, :1] - eta[:, 1:]), finite_mean(eta[:, 1:]))

    def traced_functions(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta[:, :1])

    def in_units(self, location, scale, to_user) -> "InverseGaussianExperts":
        moved = np.asarray(self.log_shape) + np.log(scale[0])
        return InverseGaussianExperts(log_offset(self.coef, scale, to_user), moved)

    def titles(self) -> dict[str, str]:
        return {"log_shape": "Log of shape (variance is mean^3 / shape)"}


def _distance(eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]) -> Float[AnyArray, "K n"]:
    """``shape (y / m - 1)^2 / (2 y)``, which stays ``shape / (2 y)`` however large the mean."""
    library, beyond = library_of(eta, y), y[1:] - eta[:, 0]  # log of y over the mean
    far = library.where(beyond < 0, -beyond, beyond)
    most = library.minimum(eta[:, 1] - eta[:, 0] + far, FAR)
    return 0.5 * library.exp(most) * library.expm1(-far) ** 2


class InverseGaussianLaw:
    """SciPy's distributions, with quantiles by their logs: SciPy's own fail far out."""

    def __init__(self, mu: np.ndarray, scale: np.ndarray) -> None:
        from scipy import stats

        self._family, self._mu, self._scale = stats.invgauss, mu, scale
        self._law = stats.invgauss(mu, scale=scale)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_law"), name)

    def ppf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles."""
        below = np.asarray(q, float)
        return self._quantile(below, np.asarray(1 - below))

    def isf(self, q: float | np.ndarray) -> np.ndarray:
        """Quantiles by what lies above."""
        above = np.asarray(q, float)
        return self._quantile(np.asarray(1 - above), above)

    def _quantile(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        from scipy.optimize import elementwise

        mu, below, above = np.broadcast_arrays(self._mu, below, above)
        lower = below < above
        # what the smaller of the two can be without its log being infinite
        log_share = np.log(np.maximum(np.where(lower, below, above), np.finfo(float).tiny))

        def excess(log_y: np.ndarray, mu: np.ndarray, log_share: np.ndarray, lower: np.ndarray):
            y = np.exp(log_y)
            left, right = self._family.logcdf(y, mu), self._family.logsf(y, mu)
            return np.where(lower, left - log_share, log_share - right)

        ends = np.minimum(np.log(mu), 0.0) - 9, np.log(mu * (60 + 1600 * mu))
        with np.errstate(divide="ignore"):
            log_y = elementwise.find_root(excess, ends, args=(mu, log_share, lower)).x
        y = np.where(below <= 0, 0.0, np.where(above <= 0, np.inf, np.exp(log_y)))
        return y * self._scale
