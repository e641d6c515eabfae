"""Log probabilities of ranges by quadrature, for densities whose integrals have no closed form.

On a line where its log is concave, a density is integrated to both sides of a centre, from there to
where nothing is left of it or to the end of the range. So nothing is a difference of probabilities,
and a range keeps its digits wherever it lies. Places of the rule follow the parameters, but count
as fixed in derivatives: these are means of those of the log density over the range.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, PyTree

from mixstat.numerics.functions import logsumexp
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.ranges import Range

FAR_OUT = 1e9  # where a line ends, and no density is left
DROP = 40.0  # fall of a log density, below which nothing of it shows
LEAST = 2.0**-34  # first step of the search for such a place
COARSE = 4.0 ** np.arange(34)
FINE = 4.0 ** (np.arange(-7, 1) / 8)
# Gauss's rule on [0, 1] for the third root of the distance from the centre
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
SHARES = (0.5 * (NODES + 1)) ** 3
LOG_WEIGHTS = np.log(1.5 * WEIGHTS) + 2 / 3 * np.log(SHARES)

Link = Callable[[AnyArray, AnyArray], AnyArray]
Density = Callable[[AnyArray], AnyArray]  # log densities at places (K, J, n) of a line


class Line(NamedTuple):
    """Where the log density of a response is concave, for each expert and row."""

    to: Callable[[Float[AnyArray, "1 n"]], Float[AnyArray, "K n"]]
    """The place of a response."""
    back: Callable[[Float[AnyArray, "K J n"]], tuple[AnyArray, AnyArray]]
    """What a link sees of places (K, r, J, n), and the logs of what y rises by there (K, J, n)."""
    centre: Float[AnyArray, "K n"]
    """A place near the mode."""
    limit: float
    """The largest place, up or down."""


def standard_line(eta: Float[AnyArray, "K L n"]) -> Line:
    """Along y, standardised by a location and the log of a scale, the first two predictors."""
    library, location = library_of(eta), eta[:, 0]
    scale = library.exp(eta[:, 1])

    def back(places: AnyArray) -> tuple[AnyArray, AnyArray]:
        y = location[:, None] + scale[:, None] * places
        return y[:, None], library.broadcast_to(eta[:, 1][:, None], places.shape)

    return Line(lambda y: (y - location) / scale, back, library.zeros_like(location), FAR_OUT)


def fixed(array: AnyArray) -> AnyArray:
    """The same, as a constant."""
    return array if library_of(array) is np else jax.lax.stop_gradient(array)


def link_at(link: Link, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "K r J n"]) -> AnyArray:
    """A link at several responses (K, J, n) of each expert and row."""
    if library_of(eta, y) is not np:
        return at_each(link, eta, y)
    _, r, j, n = y.shape
    wide = np.repeat(eta[:, :, None], j, axis=2).reshape(*eta.shape[:2], j * n)
    each = [link(wide[k : k + 1], y[k].reshape(r, j * n)) for k in range(len(eta))]
    return np.concatenate(each).reshape(-1, j, n)


def at_each(
    function: Callable[[AnyArray, AnyArray], PyTree],
    eta: Float[AnyArray, "K L n"],
    y: Float[AnyArray, "K r J n"],
) -> PyTree:
    """What a function of predictors and responses says of each of several, (K, J, ...).

    What depends on predictors alone is computed once, not at each place.
    """

    def one(own: AnyArray, at: AnyArray) -> PyTree:
        return jax.tree.map(lambda leaf: leaf[0], function(own[None], at))

    return jax.vmap(jax.vmap(one, in_axes=(None, 1)))(eta, y)


class Places(NamedTuple):
    """Responses at which a range is summed up, and the logs of what they count."""

    y: Float[AnyArray, "K r J n"]
    log_weights: Float[AnyArray, "K J n"]
    anywhere: Bool[AnyArray, "1 n"]
    """Whether the range has no end."""


def places(link: Link, line: Line, eta: Float[AnyArray, "K L n"], ends: Range) -> Places:
    """Where to look at the range of each row; ``line`` is that of the same predictors, fixed."""
    library, still = library_of(eta, *ends), fixed(eta)

    def density(at: AnyArray) -> AnyArray:
        y, rise = line.back(at)
        return link_at(link, still, y) + rise

    low = library.where(ends.below, -line.limit, line.to(ends.low))
    high = library.where(ends.above, line.limit, line.to(ends.high))
    low, high = (library.broadcast_to(end, line.centre.shape) for end in (low, high))
    at, log_weights = rule(density, line.centre, low, high)
    y, rise = line.back(at)
    return Places(y, log_weights + rise, ends.below & ends.above)


def log_range(link: Link, eta: Float[AnyArray, "K L n"], at: Places) -> Float[AnyArray, "K n"]:
    """Log probability of the range of each row."""
    log = logsumexp(at.log_weights + link_at(link, eta, at.y), axis=1)
    library = library_of(log)
    # of a density that is narrower than the distance of two numbers the rule knows nothing
    return library.where(at.anywhere, 0.0, library.minimum(log, 0.0))


def derivatives(
    link: Link,
    own: Callable[[AnyArray, AnyArray], tuple[AnyArray, AnyArray]],
    eta: Float[AnyArray, "K L n"],
    at: Places,
) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
    """First and second derivatives of :func:`log_range`, from those of the link by ``own``.

    Louis, T. A. (1982). Finding the observed information matrix when using the EM algorithm. J.
    Roy. Statist. Soc. B 44, 226-233.
    """
    share = jax.nn.softmax(at.log_weights + at_each(link, eta, at.y), axis=1)
    share = jnp.where(at.anywhere[:, None], 0.0, share)
    slopes, bends = at_each(own, eta, at.y)
    first = jnp.einsum("kjn,kjan->kan", share, slopes)
    second = jnp.einsum("kjn,kjabn->kabn", share, bends)
    second += jnp.einsum("kjn,kjan,kjbn->kabn", share, slopes, slopes)
    return first, second - first[:, :, None] * first[:, None]


def information(
    link: Link, score: Link, eta: Float[AnyArray, "K L n"], at: Places
) -> Float[AnyArray, "K L L n"]:
    """Expected information of responses in the range: the covariance of their scores."""
    share = jax.nn.softmax(at.log_weights + at_each(link, eta, at.y), axis=1)
    slopes = at_each(score, eta, at.y)
    mean = jnp.einsum("kjn,kjan->kan", share, slopes)
    rest = slopes - mean[:, None]
    return jnp.einsum("kjn,kjan,kjbn->kabn", share, rest, rest)


def rule(
    density: Density,
    centre: Float[AnyArray, "K n"],
    low: Float[AnyArray, "K n"],
    high: Float[AnyArray, "K n"],
) -> tuple[Float[AnyArray, "K J n"], Float[AnyArray, "K J n"]]:
    """Places and log weights that integrate the exponential of ``density`` between ends."""
    library = library_of(centre, low, high)
    start = library.clip(centre, low, high)
    room = library.stack([start - low, high - start], axis=1)
    side = np.array([-1.0, 1.0]).astype(room.dtype)[None, :, None, None]
    least = density(start[:, None]) - DROP

    def first(steps: AnyArray) -> AnyArray:
        """The first of rising steps (K, 2, S, n) that leads to where nothing is left."""
        steps = library.minimum(steps, room[:, :, None])
        at = start[:, None, None] + side * steps
        k, sides, s, n = at.shape
        fallen = density(at.reshape(k, sides * s, n)).reshape(at.shape) < least[:, :, None]
        there = fallen | (steps >= room[:, :, None])
        where = library.argmax(there, axis=2)[:, :, None]
        return library.take_along_axis(steps, where, axis=2)

    coarse = np.broadcast_to(LEAST * COARSE[:, None], (*room.shape[:2], len(COARSE), room.shape[2]))
    length = first(first(coarse.astype(room.dtype)) * FINE.astype(room.dtype)[None, None, :, None])
    places = start[:, None, None] + side * length * SHARES.astype(room.dtype)[None, None, :, None]
    some = library.maximum(length, np.finfo(room.dtype).tiny)
    log_weights = library.log(some) + LOG_WEIGHTS.astype(room.dtype)[None, None, :, None]
    shape = (room.shape[0], -1, room.shape[2])
    return places.reshape(shape), log_weights.reshape(shape)
