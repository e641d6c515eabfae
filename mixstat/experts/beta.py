"""Beta experts: shares strictly between zero and one."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import polygamma
from jaxtyping import Float

from mixstat.experts.base import NEAR, blank
from mixstat.experts.spread import LARGEST_SHAPE, SpreadExperts
from mixstat.numerics.functions import gammaln, log_sigmoid, sigmoid
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.integrals import FAR_OUT, Line

LEAST = np.finfo(float).tiny


class BetaExperts(SpreadExperts):
    """y | x, k ~ Beta with log odds of its mean m equal to coef_k phi(x).

    The variance is ``m (1 - m) / (1 + precision_k)``. Values of exactly zero or one have no
    density: give them point masses, as in ``["zero", PointMass(at=1), "beta"]``.

    Ferrari, S. L. P. and Cribari-Neto, F. (2004). Beta regression for modelling rates and
    proportions. J. Appl. Statist. 31, 799-815.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import BetaExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> mean = 1 / (1 + np.exp(-1 - X[:, 0]))
    >>> y = rng.beta(20 * mean, 20 * (1 - mean))
    >>> moe = MixtureOfExperts(1, expert=BetaExperts()).fit(X, y)
    >>> moe.predict([[0.0]]).round(2), moe.precision_.round()
    (array([0.73]), array([20.]))
    """

    response: ClassVar[str] = "share"
    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_precision: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        wrong = (y <= 0) | (y >= 1)
        if wrong.any():
            row = int(np.flatnonzero(wrong[:, 0])[0])
            raise ValueError(
                "y must lie strictly between 0 and 1 for beta experts, got "
                f"{y[row, 0]:g} in row {row}; point masses stand at 0 and 1."
            )

    def encode(self, y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "n 2"]:
        """Logs of y and of what it lacks to one, which rounding does not make zero."""
        inside = np.clip(y, LEAST, 1 - np.finfo(float).epsneg)
        return np.hstack([np.log(inside), np.log1p(-inside)])

    def view(self, y: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 1"]:
        return y[:, :1] - y[:, 1:]

    def working(self, y: Float[AnyArray, "2 n"]) -> Float[AnyArray, "1 n"]:
        return y[:1] - y[1:]

    def first_spread(self, variance: Float[AnyArray, " K"]) -> Float[AnyArray, " K"]:
        return jnp.log(4 / variance)  # about that of log odds where the mean is one half

    def link(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K n"]:
        a, b = _shapes(eta)
        return gammaln(a + b) - gammaln(a) - gammaln(b) + (a - 1) * y[:1] + (b - 1) * y[1:]

    def line(self, eta: Float[AnyArray, "K L n"]) -> Line:
        """Along the log odds of y."""

        def back(places: AnyArray) -> tuple[AnyArray, AnyArray]:
            logs = [log_sigmoid(side * places) for side in (1, -1)]
            return library_of(places).stack(logs, axis=1), logs[0] + logs[1]

        def to(y: AnyArray) -> AnyArray:
            library = library_of(y)
            return library.log(y) - library.log1p(-y)

        return Line(to, back, eta[:, 0], FAR_OUT)

    def information(
        self, eta: Float[AnyArray, "K 2 n"], y: Float[AnyArray, "2 n"]
    ) -> Float[AnyArray, "K 2 2 n"]:
        """Expected information, from the covariance of log y and log(1 - y)."""
        a, b = _shapes(eta)
        of_a, of_b = polygamma(1, a), polygamma(1, b)
        move = a * b / (a + b)  # of a, and less of b, with the predictor
        mean = move**2 * (of_a + of_b)
        cross = move * (a * of_a - b * of_b)
        own = a**2 * of_a + b**2 * of_b - (a + b) ** 2 * polygamma(1, a + b)
        # a difference of nearly equal numbers: keep the matrix definite where both are large
        own = jnp.maximum(own, 1.000001 * cross**2 / mean)
        return jnp.stack([mean, cross, cross, own], axis=1).reshape(len(mean), 2, 2, -1)

    def bounds(self, min_scale: float) -> "tuple[BetaExperts, BetaExperts]":
        """The deviation of y has a floor, beside that of a fair coin."""
        lower, upper = super().bounds(min_scale)
        most = min(-2 * np.log(min_scale), np.log(LARGEST_SHAPE))
        ceiling = np.full(self.log_precision.shape, most)
        return lower, eqx.tree_at(lambda e: e.log_precision, upper, ceiling)

    def collapsed(self, bounds: "tuple[BetaExperts, BetaExperts]") -> "BetaExperts":
        none = jax.tree.map(lambda a: np.zeros(a.shape, bool), self)
        at = np.asarray(self.log_precision) >= bounds[1].log_precision - NEAR
        return eqx.tree_at(lambda e: e.log_precision, none, at)

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return {"precision_": np.exp(np.asarray(self.log_precision)[:, 0, 0])}

    def marginals(self, eta: Float[np.ndarray, "K 2 n"]):
        from scipy import special, stats

        precision = np.exp(eta[:, 1:])
        return stats.beta(*(precision * special.expit(one * eta[:, :1]) for one in (1, -1)))

    def traced_functions(self, eta: Float[AnyArray, "K 2 n"]) -> Float[AnyArray, "K 1 n"]:
        return sigmoid(eta[:, :1])

    def in_units(self, location, scale, to_user) -> "BetaExperts":
        return BetaExperts(np.asarray(self.coef) @ to_user, np.asarray(self.log_precision))

    def titles(self) -> dict[str, str]:
        return {"log_precision": "Log of precision (variance is m (1 - m) / (1 + precision))"}


def _shapes(eta: Float[AnyArray, "K 2 n"]) -> tuple[AnyArray, AnyArray]:
    """The two parameters of the distribution (K, n)."""
    precision = library_of(eta).exp(eta[:, 1])
    return precision * sigmoid(eta[:, 0]), precision * sigmoid(-eta[:, 0])
