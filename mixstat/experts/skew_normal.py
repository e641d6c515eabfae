"""Skew normal experts: regressions whose noise leans to one side."""

from functools import partial
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.experts.base import NEAR, blank
from mixstat.experts.gaussian import standardisation
from mixstat.experts.glm import OnePredictorExperts
from mixstat.experts.spread import CLEAR
from mixstat.numerics.functions import log_ndtr
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import predictors
from mixstat.parts.integrals import Line, standard_line
from mixstat.parts.normal import LOG_2PI
from mixstat.parts.part import within
from mixstat.parts.predictors import Group

MOST_SLANT = 100.0  # above, the density is half a normal one to two digits
HALF = float(np.sqrt(2 / np.pi))  # mean of the absolute value of a standard normal variable
FIRST_SKEWNESS = 0.1, 0.9  # at zero the likelihood is flat, and 0.995 is never reached


class MomentSums(NamedTuple):
    """Responsibility-weighted sums of products of features and y, which stands behind them."""

    mass: AnyArray  # (K,)
    single: AnyArray  # (K, p + 1)
    pairs: AnyArray  # (K, u), of every two
    triples: AnyArray  # (K, p + 1, u), of every three

    def regression(self) -> tuple[Float[AnyArray, "K p"], Float[AnyArray, "K p"]]:
        """Least squares coefficients of y, and of a constant."""
        p = self.single.shape[1] - 1
        table = predictors.symmetric(self.pairs, p + 1)[:, :p]
        right = jnp.stack([table[:, :, p], self.single[:, :p]], axis=2)
        both = predictors.solve(table[:, :, :p], right)
        return both[:, :, 0], both[:, :, 1]

    def about(self, line: Float[AnyArray, "K p"]) -> tuple[AnyArray, AnyArray]:
        """Second and third moments (K,) of residuals."""
        own = jnp.concatenate([-line, jnp.ones_like(line[:, :1])], axis=1)
        third = predictors.symmetric(jnp.einsum("ka,kau->ku", own, self.triples), own.shape[1])
        second = predictors.symmetric(self.pairs, own.shape[1])
        moments = [jnp.einsum("ka,kab,kb->k", own, one, own) for one in (second, third)]
        mass = jnp.maximum(self.mass, 1e-100)  # so that quotients of quotients are finite
        return moments[0] / mass, moments[1] / mass


class SkewNormalExperts(OnePredictorExperts):
    """y | x, k = coef_k phi(x) + scale_k z, with z of density ``2 phi(z) Phi(slant_k z)``.

    A positive slant is a longer tail above; zero is normal noise, and a slant without limit half
    of it. The mean is ``coef_k phi(x)`` plus ``scale_k d sqrt(2 / pi)``, where ``d`` is
    ``slant_k / sqrt(1 + slant_k^2)``. At a slant of zero the information of constant, scale and
    slant is singular, and the maximum of normal noise is a stationary point: fits begin away from
    it, on the side to which the residuals lean.

    Azzalini, A. (1985). A class of distributions which includes the normal ones. Scand. J.
    Statist. 12, 171-178. Azzalini, A. and Capitanio, A. (2014). The Skew-Normal and Related
    Families, sections 2.1 and 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import SkewNormalExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = X[:, 0] + rng.gamma(6.0, size=300)
    >>> moe = MixtureOfExperts(1, expert=SkewNormalExperts()).fit(X, y)
    >>> moe.slant_.round(1)
    array([2.7])
    """

    order_words: ClassVar[str] = "their mean prediction"
    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_scale: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))
    slant: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "SkewNormalExperts":
        one = np.zeros((n_experts, 1, 1))
        return SkewNormalExperts(np.zeros((n_experts, 1, n_features)), one, one)

    def groups(self) -> tuple[Group, ...]:
        return Group("Phi", self.coef), Group("1", self.log_scale), Group("1", self.slant)

    def standard(self, y, share, *, constant: bool):
        return standardisation(y, share, constant)

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> MomentSums:
        y = predictors.without_offset(rows.y, rows)
        both = jnp.concatenate([rows.feature("Phi"), y])
        pairs = predictors.products(both)
        weighted = resp[:, None, :] * both[None]
        return MomentSums(
            jnp.sum(resp, axis=1), jnp.sum(weighted, axis=2), resp @ pairs.T, weighted @ pairs.T
        )

    def start(
        self, statistics: MomentSums, bounds: "tuple[SkewNormalExperts, SkewNormalExperts]"
    ) -> "SkewNormalExperts":
        """By the first three moments of the residuals."""
        line, constant = statistics.regression()
        variance, third = statistics.about(line)
        deviation = jnp.sqrt(jnp.clip(variance, *CLEAR))
        skewness = third / deviation**3
        side = jnp.where(skewness < 0, -1.0, 1.0)
        root = (jnp.clip(jnp.abs(skewness), *FIRST_SKEWNESS) / (2 - 0.5 * np.pi)) ** (1 / 3)
        centre = root / jnp.sqrt(1 + root**2)  # mean of the noise, in scales
        scale, share = deviation / jnp.sqrt(1 - centre**2), centre / HALF
        coef = line - (side * scale * centre)[:, None] * constant
        slant = side * share / jnp.sqrt(1 - share**2)
        moved = coef[:, None], jnp.log(scale)[:, None, None], slant[:, None, None]
        return within(SkewNormalExperts(*moved), bounds)

    def link(
        self, eta: Float[AnyArray, "K 3 n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K n"]:
        z = (y - eta[:, 0]) * library_of(eta, y).exp(-eta[:, 1])
        return np.log(2) - 0.5 * (z**2 + LOG_2PI) - eta[:, 1] + log_ndtr(eta[:, 2] * z)

    def line(self, eta: Float[AnyArray, "K 3 n"]) -> Line:
        return standard_line(eta)

    def derivatives(
        self, eta: Float[AnyArray, "K 3 n"], y: Float[AnyArray, "1 n"]
    ) -> tuple[Float[AnyArray, "K 3 n"], Float[AnyArray, "K 3 3 n"]]:
        inverse, slant = jnp.exp(-eta[:, 1]), eta[:, 2]
        z = (y - eta[:, 0]) * inverse
        inside = slant * z
        hazard = jnp.exp(-0.5 * (inside**2 + LOG_2PI) - log_ndtr(inside))
        bend = -hazard * (inside + hazard)
        lean = slant * hazard
        square = slant**2 * bend
        first = [inverse * (z - lean), z**2 - z * lean - 1, z * hazard]
        own = inverse**2 * (square - 1)
        cross = inverse * (lean + z * square - 2 * z)
        turn = -inverse * (hazard + inside * bend)
        second = [
            *(own, cross, turn),
            *(cross, z * lean + z**2 * (square - 2), -z * (hazard + inside * bend)),
            *(turn, -z * (hazard + inside * bend), z**2 * bend),
        ]
        table = jnp.stack(second, axis=1).reshape(len(z), 3, 3, -1)
        return jnp.stack(first, axis=1), table

    def information(
        self, eta: Float[AnyArray, "K 3 n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K 3 3 n"]:
        """Expected information: Azzalini (1985), section 3."""
        inverse, slant = jnp.exp(-eta[:, 1]), eta[:, 2]
        none, one, two = _hazard_moments(slant)
        spread = 1 + slant**2
        rest = HALF * spread**-1.5
        own = inverse**2 * (1 + slant**2 * none)
        cross = inverse * (rest * slant * (1 + 2 * slant**2) + slant**2 * one)
        turn = inverse * (rest - slant * one)
        lean = -slant * two
        second = [own, cross, turn, cross, 2 + slant**2 * two, lean, turn, lean, two]
        return jnp.stack(second, axis=1).reshape(len(slant), 3, 3, -1)

    def bounds(self, min_scale: float) -> "tuple[SkewNormalExperts, SkewNormalExperts]":
        lower, upper = super().bounds(min_scale)
        most = np.full(self.slant.shape, MOST_SLANT)
        floor = np.full(self.log_scale.shape, np.log(min_scale))
        return (
            eqx.tree_at(lambda e: (e.log_scale, e.slant), lower, (floor, -most)),
            eqx.tree_at(lambda e: e.slant, upper, most),
        )

    def collapsed(
        self, bounds: "tuple[SkewNormalExperts, SkewNormalExperts]"
    ) -> "SkewNormalExperts":
        """The scale on its floor; a slant on its bound is half of normal noise, no collapse."""
        none = jax.tree.map(lambda a: np.zeros(a.shape, bool), self)
        at = np.asarray(self.log_scale) <= bounds[0].log_scale + NEAR
        return eqx.tree_at(lambda e: e.log_scale, none, at)

    def permute(self, order: AnyArray) -> "SkewNormalExperts":
        return SkewNormalExperts(*(np.asarray(a)[order] for a in jax.tree.leaves(self)))

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        scale, slant = (np.asarray(a)[:, 0, 0] for a in (self.log_scale, self.slant))
        return {"scale_": np.exp(scale), "slant_": slant}

    def marginals(self, eta: Float[np.ndarray, "K 3 n"]):
        from scipy import stats

        return stats.skewnorm(eta[:, 2:], loc=eta[:, :1], scale=np.exp(eta[:, 1:2]))

    def traced_functions(self, eta: Float[AnyArray, "K 3 n"]) -> Float[AnyArray, "K 1 n"]:
        library, slant = library_of(eta), eta[:, 2:]
        return eta[:, :1] + HALF * library.exp(eta[:, 1:2]) * slant / library.sqrt(1 + slant**2)

    def in_units(self, location, scale, to_user) -> "SkewNormalExperts":
        coef = np.asarray(self.coef) * scale[None, :, None]
        coef[:, :, 0] += location
        log_scale = np.asarray(self.log_scale) + np.log(scale)
        return SkewNormalExperts(coef @ to_user, log_scale, np.asarray(self.slant))

    def titles(self) -> dict[str, str]:
        return {"log_scale": "Log of scale", "slant": "Slant (0 is normal noise)"}


def _moment_series() -> Float[np.ndarray, "3 c"]:
    """Coefficients in ``4 c^2 - 1`` of the mean of ``t^k / Phi(c t)``, over c where k is odd.

    For normal t and k = 0, 1, 2, whose c is at most the root of one half: a smooth function of its
    square, interpolated to ten digits.
    """
    t = np.linspace(-20, 20, 2001)
    places = np.cos(np.pi * (np.arange(16) + 0.5) / 16)
    root = np.sqrt((places + 1) / 4)
    weight = np.exp(-0.5 * t**2 - log_ndtr(root[:, None] * t)) * (t[1] - t[0]) / np.sqrt(2 * np.pi)
    moments = [(weight * t**k).sum(axis=1) / root ** (k % 2) for k in range(3)]
    return np.stack([np.polynomial.chebyshev.chebfit(places, one, 15) for one in moments])


MOMENT_SERIES = _moment_series()


def _hazard_moments(slant: Float[AnyArray, "K n"]) -> list[AnyArray]:
    """Means of ``z^k (phi(slant z) / Phi(slant z))^2`` of skew normal z, for k = 0, 1, 2."""
    width = 1 + 2 * slant**2
    root = slant / jnp.sqrt(width)
    place = jnp.arccos(jnp.clip(4 * root**2 - 1, -1.0, 1.0))
    terms = jnp.stack([jnp.cos(i * place) for i in range(MOMENT_SERIES.shape[1])])
    none, one, two = jnp.tensordot(jnp.asarray(MOMENT_SERIES, slant.dtype), terms, axes=1)
    return [none / width**0.5 / np.pi, one * root / width / np.pi, two / width**1.5 / np.pi]
