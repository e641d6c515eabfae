"""Negative binomial experts: counts that vary more than Poisson's."""

from functools import partial
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma, polygamma
from jaxtyping import Bool, Float

from mixstat.experts.base import blank
from mixstat.experts.glm import CountExperts, check_counts, log_offset, traced_mean
from mixstat.experts.spread import SpreadExperts
from mixstat.numerics.functions import gammaln, logsumexp, sigmoid, softplus
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import integrals
from mixstat.parts.integrals import FAR_OUT
from mixstat.parts.ranges import LEAST, Range, log_of_rest

DISPERSIONS = 1e-6, 1e6  # least, where y is Poisson to six digits, and most
LARGE = 32.0  # sizes from which on Stirling's series is exact: gammaln would leave 1e-12 and more
# of log Gamma(z) beyond (z - 1/2) log(z) - z + log(2 pi) / 2: of 1 / z, 1 / z^3, ...
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)


class NegativeBinomialExperts(CountExperts, SpreadExperts):
    """y | x, k with mean m = exp(coef_k phi(x)) and variance m + dispersion_k m^2 (NB2).

    A Poisson count whose rate varies as a gamma variable of shape ``1 / dispersion_k``.

    Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. Canad. J. Statist. 15,
    209-225.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import NegativeBinomialExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = rng.negative_binomial(2, 2 / (2 + np.exp(2 + X[:, 0])))
    >>> moe = MixtureOfExperts(1, expert=NegativeBinomialExperts()).fit(X, y)
    >>> moe.dispersion_.round(2)
    array([0.59])
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

    def log_range(self, eta: Float[AnyArray, "K 2 n"], ends: Range) -> Float[AnyArray, "K n"]:
        """Of counts from the lower end to the upper one."""
        return _two_tails(eta, ends)[0]

    def range_derivatives(
        self, eta: Float[AnyArray, "K 2 n"], ends: Range
    ) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
        log, tails = _two_tails(eta, ends)
        first, second = jnp.zeros((*log.shape, 2)), jnp.zeros((*log.shape, 2, 2))
        for tail, sign in tails:
            share = (sign * jnp.exp(jnp.where(sign == 0, 0.0, tail.log - log)))[..., None]
            slope, bend = tail.derivatives(eta)
            first += share * slope
            second += share[..., None] * (bend + slope[..., None] * slope[..., None, :])
        second -= first[..., None] * first[..., None, :]
        return jnp.moveaxis(first, 2, 1), jnp.moveaxis(second, 1, 3)

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


class Tail(NamedTuple):
    """Probability of a count and larger ones, or of the counts below it.

    In log means the first rises by ``count`` times the probability of that count: both are its
    integrals (incomplete beta functions), and so are their derivatives.
    """

    count: Float[AnyArray, "1 n"]
    above: Bool[AnyArray, "K n"]
    log: Float[AnyArray, "K n"]
    log_means: Float[AnyArray, "K J n"]
    log_shares: Float[AnyArray, "K J n"]
    """Of the places in the integral, up to a constant."""

    def derivatives(
        self, eta: Float[AnyArray, "K 2 n"]
    ) -> tuple[Float[AnyArray, "K n 2"], Float[AnyArray, "K n 2 2"]]:
        """First and second derivatives of the log."""
        count, size = self.count, jnp.exp(-eta[:, 1])
        first_rise, second_rise = _rises(jnp.broadcast_to(count, size.shape), size)
        share = jax.nn.softmax(self.log_shares, axis=1)
        wide = count[:, None], size[:, None], self.log_means + eta[:, 1][:, None]
        _, slopes, bends = _along_dispersion(*wide)
        slopes -= first_rise[:, None]
        slope = jnp.sum(share * slopes, axis=1)
        bend = jnp.sum(share * (bends + slopes**2), axis=1) + first_rise + second_rise - slope**2
        total, own, _ = _along_dispersion(count, size, eta[:, 0] + eta[:, 1])
        rise = jnp.where(self.above, 1.0, -1.0) * jnp.exp(self._log_rise(eta) - self.log)
        cross = rise * (own - first_rise - slope)
        second = jnp.stack([rise * (count - total) - rise**2, cross, cross, bend], axis=2)
        return jnp.stack([rise, slope], axis=2), second.reshape(*rise.shape, 2, 2)

    def _log_rise(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K n"]:
        """How fast the probability rises or falls with the log mean."""
        return _log_start(self.count, eta) + _density(self.count, eta[:, 0], eta[:, 1])


def _along_dispersion(count: AnyArray, size: AnyArray, odds: AnyArray) -> tuple[AnyArray, ...]:
    """Parts of the derivatives of a log probability: in the mean, and twice in the dispersion."""
    share, log_rest = sigmoid(odds), size * softplus(odds)
    total = (size + count) * share
    return total, log_rest - total, 2 * size * share - log_rest - total * sigmoid(-odds)


def _log_start(count: Float[AnyArray, "1 n"], eta: Float[AnyArray, "K 2 n"]) -> AnyArray:
    """What the log of ``count`` times its probability has beside :func:`_density`."""
    ways = _log_ways(count, gammaln(count + 1), eta[:, 1])
    return ways + library_of(count).log(count)


def _density(count: AnyArray, log_mean: AnyArray, log_dispersion: AnyArray) -> AnyArray:
    size = library_of(count, log_dispersion).exp(-log_dispersion)
    return count * log_mean - (size + count) * softplus(log_mean + log_dispersion)


def _tail(
    eta: Float[AnyArray, "K 2 n"], count: Float[AnyArray, "1 n"], above: Bool[AnyArray, "K n"]
) -> Tail:
    library, still = library_of(eta, count, above), integrals.fixed(eta)
    here, spread = still[:, 0], still[:, 1][:, None]
    low, high = library.where(above, -FAR_OUT, here), library.where(above, here, FAR_OUT)
    centre = library.broadcast_to(library.log(count), here.shape)
    at, log_weights = integrals.rule(
        lambda log_means: _density(count[:, None], log_means, spread), centre, low, high
    )
    log_means = eta[:, 0][:, None] + (at - here[:, None])  # with the end, which is the log mean
    logs = log_weights + _density(count[:, None], log_means, eta[:, 1][:, None])
    return Tail(count, above, _log_start(count, eta) + logsumexp(logs, axis=1), log_means, logs)


def _two_tails(
    eta: Float[AnyArray, "K 2 n"], ends: Range
) -> tuple[Float[AnyArray, "K n"], list[tuple[Tail, Float[AnyArray, "K n"]]]]:
    """Log probability of a range, and the tails of which it is a difference, with their signs."""
    library = library_of(eta, *ends)
    low = library.maximum(ends.low, 1.0)
    below = ends.below | (ends.low <= 0)
    above = ~below & (ends.above | (library.log(low) > eta[:, 0]))
    first = _tail(eta, low, above)
    last = _tail(eta, library.maximum(ends.high, 0.0) + 1, above)
    larger = library.where(above, first.log, last.log)
    smaller = library.where(above, last.log, first.log)
    one = below | ends.above
    fall = library.where(one, 1.0, library.maximum(larger - smaller, LEAST))
    log = library.where(one, larger, larger + log_of_rest(fall))
    nothing = below & ends.above
    of_first = library.where(above, 1.0, library.where(below, 0.0, -1.0))
    of_last = library.where(above, library.where(ends.above, 0.0, -1.0), 1.0)
    signs = [library.where(nothing, 0.0, sign) for sign in (of_first, of_last)]
    return library.where(nothing, 0.0, log), [(first, signs[0]), (last, signs[1])]


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
