"""The conditional distribution of y at given rows, as arrays: moments, quantiles, draws."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import elementwise
from scipy.special import ndtri

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.numerics import parameter_vector
from mixstat.parts import predictors

BEYOND = 1e-15  # relative distance below which numbers no longer differ by counts


def expert_predictors(
    experts: Experts, Phi: Float[np.ndarray, "n p"], offset: Float[np.ndarray, "n o"] | None = None
) -> Float[np.ndarray, "K L n"]:
    """Linear predictors of every expert, in NumPy; an offset is added to the first ones."""
    n, known = len(Phi), None if offset is None else offset.T
    rows = Rows(Phi.T, None, np.zeros((0, n)), np.zeros(n), offset=known)
    return np.asarray(predictors.predict(parameter_vector.as_numpy(experts).groups(), rows))


class Predictive(NamedTuple):
    """A mixture for each of n rows. Quantiles and probabilities are those of single outputs."""

    share: Float[np.ndarray, "K n"]  # gate probabilities
    experts: Experts
    eta: Float[np.ndarray, "K L n"]

    @property
    def marginals(self) -> Any:
        """Each expert's distribution of each output, (K, m, n)."""
        return self.experts.marginals(self.eta)

    def mean(self) -> Float[np.ndarray, "m n"]:
        """Conditional mean."""
        return self._average(self.experts.mean(self.eta))

    def functions(self) -> Float[np.ndarray, "c n"]:
        """Conditional mean, or the probabilities of the values of y."""
        return self._average(self.experts.functions(self.eta))

    def _average(self, each: Float[np.ndarray, "K m n"]) -> Float[np.ndarray, "m n"]:
        """Over experts; what one without a share says, infinity included, does not count."""
        if not np.isfinite(each).all():
            each = np.where(self.share[:, None] > 0, each, 0.0)
        return np.einsum("kn,kmn->mn", self.share, each)

    def std(self) -> Float[np.ndarray, "m n"]:
        """Conditional standard deviation: within and between experts."""
        mean = self.mean()
        spread = self.marginals.var() + (self.experts.mean(self.eta) - mean) ** 2
        spread = np.where(np.isinf(mean), np.inf, spread)
        return np.sqrt(self._average(spread))

    def cdf(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "m n"]:
        """Probability of not exceeding y, output by output."""
        return self._average(self.experts.cdf(self.eta, y))

    def crps(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "m n"]:
        """Continuous ranked probability score at y, output by output."""
        return self.experts.crps(self.eta, self.share, y)

    def quantile(self, level: float) -> Float[np.ndarray, "m n"]:
        """Where the cumulative distribution of each output reaches ``level``.

        It lies between the smallest and the largest quantile of the experts.
        """
        each = self._each_quantile(level)
        low, high = each.min(axis=0), each.max(axis=0)
        if self.experts.discrete:
            return self._smallest_count(level, low, high)
        if np.isinf(high).any():
            high = self._finite_end(level, each)
        margin = 1e-6 * (1 + np.abs(low) + np.abs(high))
        output, row = np.indices(low.shape)

        def excess(y: np.ndarray, output: np.ndarray, row: np.ndarray) -> np.ndarray:
            below = self.experts.marginals(self.eta[:, :, row]).cdf(y[None, None, :])
            picked = below[:, output, np.arange(len(row))]
            return np.sum(self.share[:, row] * picked, axis=0) - level

        def flat_excess(y, output, row):
            shape = np.shape(y)
            values = excess(np.ravel(y), np.ravel(output), np.ravel(row))
            return values.reshape(shape)

        found = elementwise.find_root(
            flat_excess, (low - margin, high + margin), args=(output, row)
        )
        y = self._on_jumps(level, found.x)
        return np.where(self._finite_share(each) < level, np.inf, y)

    def _finite_share(self, each: Float[np.ndarray, "K m n"]) -> Float[np.ndarray, "m n"]:
        """Share of the experts whose quantiles are finite; the others say that y never comes."""
        return np.sum(np.where(np.isinf(each), 0.0, self.share[:, None]), axis=0)

    def _finite_end(
        self, level: float, each: Float[np.ndarray, "K m n"]
    ) -> Float[np.ndarray, "m n"]:
        """Not below any finite quantile, where some experts say that y never comes."""
        share = np.maximum(self._finite_share(each), BEYOND)
        others = self.marginals.ppf(np.minimum(level / share, 1 - BEYOND)[None])
        return np.max(np.where(np.isinf(each), -np.inf, others), axis=0)

    def _on_jumps(self, level: float, y: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
        """Quantiles of a level that is passed at a value of positive probability."""
        for jump in self.experts.jumps:
            at = np.full(y.shape, jump)
            below = self.cdf(np.nextafter(at, -np.inf))
            y = np.where((below < level) & (level <= self.cdf(at)), at, y)
        return y

    def _each_quantile(self, level: float) -> Float[np.ndarray, "K m n"]:
        """Of each expert; of counts so large that only a normal law can tell, by that."""
        marginals = self.marginals
        each = marginals.ppf(level)
        unknown = np.isnan(each)
        if unknown.any():
            mean = marginals.mean()
            normal = np.floor(mean + np.sqrt(marginals.var()) * ndtri(level))
            each = np.where(unknown, np.where(np.isinf(mean), np.inf, normal), each)
        return each

    def _smallest_count(self, level: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Smallest count whose cumulative probability reaches ``level``, by bisection."""
        low, high = low - 1.0, high.copy()  # below, and at or above, the answer
        while np.any(high - low > np.maximum(1.0, BEYOND * np.abs(high))):
            middle = np.floor(0.5 * (low + high))
            reached = self.cdf(middle) >= level * (1 - 1e-12)
            high = np.where(reached, middle, high)
            low = np.where(reached, low, middle)
        return high

    def sample(self, n_samples: int, random: np.random.Generator) -> Float[np.ndarray, "m n s"]:
        """Independent draws at each row."""
        chosen = choose(self.share, n_samples, random)
        return draw_from(self.experts, self.eta, chosen, random)


def choose(
    share: Float[np.ndarray, "K n"], n_samples: int, random: np.random.Generator
) -> Int[np.ndarray, "n s"]:
    """Independent draws of the expert of each row."""
    reached = np.cumsum(share, axis=0)[:-1, :, None]
    return np.sum(random.random((share.shape[1], n_samples)) > reached, axis=0)


def draw_from(
    experts: Experts,
    eta: Float[np.ndarray, "K L n"],
    chosen: Int[np.ndarray, "n s"],
    random: np.random.Generator,
    observed: Float[np.ndarray, "r n"] | None = None,
) -> Float[np.ndarray, "m n s"]:
    """Independent draws of the chosen experts.

    With ``observed``, encoded responses of the rows, each draw has as many trials as they have.
    """
    n, n_samples = chosen.shape

    def drawn(k: int, row: np.ndarray) -> np.ndarray:
        if observed is None:
            return experts.sample(eta[k][:, row], k, random)
        return experts.sample_like(eta[k][:, row], k, observed[:, row], random)

    out = np.empty((len(drawn(0, np.arange(n))), n, n_samples))
    for k in range(len(eta)):
        row, draw = np.nonzero(chosen == k)
        if row.size:  # there may be an expert that none of few rows drew
            out[:, row, draw] = drawn(k, row)
    return out
