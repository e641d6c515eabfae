"""Negative binomial experts: counts that vary more than Poisson's."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma, polygamma
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import CountExperts, check_counts, log_offset, traced_mean
from mixstat.experts.spread import SpreadExperts
from mixstat.numerics.functions import gammaln, sigmoid, softplus
from mixstat.numerics.precision import AnyArray, library_of

DISPERSIONS = 1e-6, 1e6  # least, where y is Poisson to six digits, and most
LARGE = 32.0  # sizes from which on Stirling's series is exact: gammaln would leave 1e-12 and more
# of log Gamma(z) beyond (z - 1/2) log(z) - z + log(2 pi) / 2: of 1 / z, 1 / z^3, ...
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)


class NegativeBinomialExperts(CountExperts, SpreadExperts):
    """y | x, k with mean m = exp(coef_k phi(x)) and variance m + dispersion_k m^2 (NB2).

    A Poisson count whose rate varies as a gamma variable of shape ``1 / dispersion_k``.

    Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. Canad. J. Statist. 15,
    209-225.
    """

    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_dispersion: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        check_counts(y, "negative binomial")

    def first_spread(self, variance: Float[AnyArray, " K"]) -> Float[AnyArray, " K"]:
        return jnp.log(variance)

    def link(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        size, odds = library_of(eta, y).exp(-eta[:, 1]), eta[:, 0] + eta[:, 1]
        fall = (size + y[:1]) * softplus(odds)
        return _log_ways(y[:1], y[1:], eta[:, 1]) + y[:1] * eta[:, 0] - fall

    def derivatives(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
        """With ``share`` the part of the variance that is not Poisson's."""
        count, size, odds = y[:1], jnp.exp(-eta[:, 1]), eta[:, 0] + eta[:, 1]
        share, log_rest = sigmoid(odds), size * softplus(odds)
        first_rise, second_rise = _rises(jnp.broadcast_to(count, size.shape), size)
        total = (size + count) * share
        rest = total * sigmoid(-odds)
        slope = log_rest - total - first_rise
        bend = first_rise + second_rise - log_rest + 2 * size * share - rest
        cross = size * share - rest
        second = jnp.stack([-rest, cross, cross, bend], axis=1)
        first = jnp.stack([count - total, slope], axis=1)
        return first, second.reshape(len(size), 2, 2, -1)

    def information(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K 2 2 n"]:
        """Expected information: mean and dispersion are orthogonal.

        That of the dispersion has no closed form; this is exact where the mean or the size tends
        to infinity or the mean to zero.
        """
        size = jnp.exp(-eta[:, 1])
        share = sigmoid(eta[:, 0] + eta[:, 1])
        many, few = size**2 * polygamma(1, size) - size, 0.5 * size / (size + 1)
        own = share**2 * ((1 - share) * few + share * jnp.maximum(many, 0.5))
        mean, zero = size * share, jnp.zeros_like(size)
        return jnp.stack([mean, zero, zero, own], axis=1).reshape(len(size), 2, 2, -1)

    def bounds(self, min_scale: float) -> "tuple[NegativeBinomialExperts, NegativeBinomialExperts]":
        lower, upper = super().bounds(min_scale)
        least, most = (np.full(self.log_dispersion.shape, np.log(end)) for end in DISPERSIONS)
        return (
            eqx.tree_at(lambda e: e.log_dispersion, lower, least),
            eqx.tree_at(lambda e: e.log_dispersion, upper, most),
        )

    def collapsed(
        self, bounds: "tuple[NegativeBinomialExperts, NegativeBinomialExperts]"
    ) -> "NegativeBinomialExperts":
        """Nowhere: the least dispersion is Poisson's."""
        return jax.tree.map(lambda a: np.zeros(a.shape, bool), self)

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return {"dispersion_": np.exp(np.asarray(self.log_dispersion)[:, 0, 0])}

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]):
        from scipy import special, stats

        return stats.nbinom(np.exp(-eta[:, 1:]), special.expit(-eta[:, :1] - eta[:, 1:]))

    def traced_functions(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K 1 n"]:
        return traced_mean(eta[:, :1])

    def in_units(self, location, scale, to_user) -> "NegativeBinomialExperts":
        moved = log_offset(self.coef, scale, to_user)
        return NegativeBinomialExperts(moved, np.asarray(self.log_dispersion))

    def titles(self) -> dict[str, str]:
        return {"log_dispersion": "Log of dispersion (variance is mean + dispersion mean^2)"}


def _log_ways(
    count: Float[AnyArray, "1 n"], log_factorial: Float[AnyArray, "1 n"], log_inverse: AnyArray
) -> Float[AnyArray, "K n"]:
    """Log of Gamma(size + y) / (Gamma(size) y! size^y), without differences of large numbers.

    ``log_inverse`` (K, n) is the log of one over the size.
    """
    library = library_of(count, log_inverse)
    large, many = log_inverse <= -np.log(LARGE), count + 1 >= LARGE
    size = library.exp(-library.where(large, log_inverse, -np.log(LARGE)))
    by_size = _rise(count, size) - log_factorial
    few = library.exp(-library.where(large, 0.0, log_inverse))
    after = library.where(many, count + 1, LARGE)
    by_count = _rise(few - 1, after) + (few - 1) * library.log(after)
    plain = gammaln(few + library.where(many, 1.0, count)) - log_factorial
    rest = library.where(many, by_count, plain) - gammaln(few) + count * log_inverse
    return library.where(large, by_size, rest)


def _rise(step: AnyArray, size: AnyArray) -> AnyArray:
    """Log of Gamma(size + step) / (Gamma(size) size^step), for a large size."""
    library, whole = library_of(step, size), size + step
    return (whole - 0.5) * library.log1p(step / size) - step + _series(whole) - _series(size)


def _series(z: AnyArray) -> AnyArray:
    library, inverse = library_of(z), 1 / z
    return inverse * library.polyval(library.asarray(STIRLING[::-1], z.dtype), inverse**2)


def _rises(
    count: Float[AnyArray, "K n"], size: Float[AnyArray, "K n"]
) -> tuple[Float[AnyArray, "K n"], Float[AnyArray, "K n"]]:
    """What the digamma and trigamma functions rise from ``size`` to ``size + count``.

    Times the size, less the count; and times its square, plus the count.
    """
    large = size >= LARGE
    few, many = jnp.where(large, LARGE, size), jnp.where(large, size, LARGE)
    whole = many + count
    first = many * (jnp.log1p(count / many) + 0.5 * count / (many * whole)) - count
    first += many * (_series_slope(whole) - _series_slope(many))
    second = count**2 / whole - 0.5 * count * (many + whole) / whole**2
    second += many**2 * (_series_bend(whole) - _series_bend(many))
    exact = few * (digamma(few + count) - digamma(few)) - count
    exact_second = few**2 * (polygamma(1, few + count) - polygamma(1, few)) + count
    return jnp.where(large, first, exact), jnp.where(large, second, exact_second)


def _series_slope(z: AnyArray) -> AnyArray:
    terms = [-c * (2 * i + 1) for i, c in enumerate(STIRLING)]
    return z**-2 * jnp.polyval(jnp.asarray(terms[::-1], z.dtype), z**-2)


def _series_bend(z: AnyArray) -> AnyArray:
    terms = [c * (2 * i + 1) * (2 * i + 2) for i, c in enumerate(STIRLING)]
    return z**-3 * jnp.polyval(jnp.asarray(terms[::-1], z.dtype), z**-2)
