"""Log probabilities of ranges of a response, from distribution functions in closed form."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from mixstat.numerics.functions import log_ndtr
from mixstat.numerics.precision import AnyArray, library_of

FAR = 300.0  # log of a lifetime, standardised, beyond which no density is left
LEAST = 1e-150  # difference of logs below which a range has no probability that shows

Function = Callable[[AnyArray], AnyArray]


class Range(NamedTuple):
    """Where a response of each row lies: above ``low`` and not above ``high``.

    An end that is open has a number that means nothing, so that it has derivatives all the same.
    """

    low: Float[AnyArray, "1 n"]
    high: Float[AnyArray, "1 n"]
    below: Bool[AnyArray, "1 n"]
    """Whether there is no lower end."""
    above: Bool[AnyArray, "1 n"]
    """Whether there is no upper end."""

    def mapped(self, function: Function) -> "Range":
        """With its ends on another scale, in which they increase."""
        return self._replace(low=function(self.low), high=function(self.high))

    def standardised(self, eta: Float[AnyArray, "K L n"]) -> "Range":
        """By a location and the log of a scale, the first two predictors."""
        inverse = library_of(eta).exp(-eta[:, 1])
        return self.mapped(lambda y: (y - eta[:, 0]) * inverse)


def log_probability(
    ends: Range, log_cdf: Function, log_survival: Function
) -> Float[AnyArray, "K n"]:
    """Of a variable with these logs of its distribution and survival functions.

    Of a range with two ends it is a difference in the tail that is the smaller one, so that it
    keeps its digits wherever the range lies.
    """
    library, high = library_of(*ends), ends.high
    low = library.where(ends.below | ends.above, high - 1.0, ends.low)
    start = library.where(ends.below, low, ends.low)
    both = ~(ends.below | ends.above)
    upper = log_survival(low) < log_cdf(high)
    fall = _log_less(log_survival(low), log_survival(high), both & upper)
    rise = _log_less(log_cdf(high), log_cdf(low), both & ~upper)
    one_end = library.where(ends.below, log_cdf(high), log_survival(start))
    log = library.where(both, library.where(upper, fall, rise), one_end)
    return library.where(ends.below & ends.above, 0.0, log)


def derivatives(
    eta: Float[AnyArray, "K 2 n"],
    ends: Range,
    log: Float[AnyArray, "K n"],
    log_density: Function,
    slope: Function,
) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
    """First and second derivatives of such a log in a location and the log of a scale.

    ``ends`` are standardised by both; ``slope`` is the derivative of the log density.
    """
    inverse = jnp.exp(-eta[:, 1])
    first, second = jnp.zeros((2, *log.shape)), jnp.zeros((3, *log.shape))
    for z, absent, sign in ((ends.low, ends.below, -1.0), (ends.high, ends.above, 1.0)):
        density = jnp.where(absent, 0.0, sign * jnp.exp(log_density(z) - log))
        move = jnp.stack([jnp.broadcast_to(-inverse, log.shape), -z])
        bend = jnp.stack([jnp.zeros_like(z), jnp.broadcast_to(inverse, log.shape), z])
        products = jnp.stack([move[0] ** 2, move[0] * move[1], move[1] ** 2])
        first += density[None] * move
        second += density[None] * (slope(z)[None] * products + bend)
    second -= jnp.stack([first[0] ** 2, first[0] * first[1], first[1] ** 2])
    table = second[jnp.array([0, 1, 1, 2])]
    return jnp.moveaxis(first, 0, 1), jnp.moveaxis(table, 0, 1).reshape(len(log), 2, 2, -1)


def _log_less(larger: AnyArray, smaller: AnyArray, used: AnyArray) -> AnyArray:
    """Log of the difference of exponentials; any number where it is not used."""
    library = library_of(larger, smaller, used)
    return larger + log_of_rest(library.where(used, library.maximum(larger - smaller, LEAST), 1.0))


def log_of_rest(fall: AnyArray) -> AnyArray:
    """Log of one less ``exp(-fall)``, for a positive ``fall``."""
    library, small = library_of(fall), fall < 0.7
    near = library.log(-library.expm1(-library.where(small, fall, 0.7)))
    far = library.log1p(-library.exp(-library.where(small, 0.7, fall)))
    return library.where(small, near, far)


# standard normal variables, and logs of standard exponential ones


def of_normal(ends: Range) -> Float[AnyArray, "K n"]:
    """Log probability of a range of a standard normal variable."""
    return log_probability(ends, log_ndtr, lambda z: log_ndtr(-z))


def normal_derivatives(
    eta: Float[AnyArray, "K 2 n"], ends: Range
) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
    """:func:`derivatives` for normal noise."""

    def log_density(z: AnyArray) -> AnyArray:
        return -0.5 * (z**2 + np.log(2 * np.pi))

    return derivatives(eta, ends, of_normal(ends), log_density, lambda z: -z)


def of_lifetime(ends: Range) -> Float[AnyArray, "K n"]:
    """Log probability of a range of the log of a standard exponential variable."""
    return log_probability(ends, lambda z: log_of_rest(_hazard(z)), lambda z: -_hazard(z))


def lifetime_derivatives(
    eta: Float[AnyArray, "K 2 n"], ends: Range
) -> tuple[Float[AnyArray, "K 2 n"], Float[AnyArray, "K 2 2 n"]]:
    """:func:`derivatives` for such noise."""

    def log_density(z: AnyArray) -> AnyArray:
        return z - _hazard(z)

    return derivatives(eta, ends, of_lifetime(ends), log_density, lambda z: 1 - _hazard(z))


def _hazard(z: AnyArray) -> AnyArray:
    library = library_of(z)
    return library.exp(library.clip(z, -FAR, FAR))
