"""Student t experts: robust regressions."""

from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import polygamma
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.experts.base import NEAR, Experts, blank
from mixstat.experts.gaussian import standardisation
from mixstat.numerics.functions import gammaln
from mixstat.numerics.penalty import NoPenalty
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import normal_step
from mixstat.parts.integrals import Line
from mixstat.parts.normal import Normals, ResidualSums
from mixstat.parts.predictors import Group
from mixstat.validation import check_positive

FIRST_DF = 8.0  # where learned degrees of freedom begin
MOST_DF = 1e6  # above, the t distribution is the normal one to six digits
LEAST_DF = 0.1
SERIES_DF = 32.0  # above, the density's constant is a series: gammaln would leave 1e-12 and more
# Gamma(a + 1/2) / Gamma(a) over the root of a, in logs: of 1 / a, 1 / a^3, 1 / a^5, ...
# Tricomi, F. G. and Erdelyi, A. (1951). The asymptotic expansion of a ratio of gamma functions.
# Pacific J. Math. 1, 133-142.
SERIES = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)

MOST_PLACE = 350.0  # on the line of ranges: squares of y are finite
NORMAL_DF = 1e50  # above, nothing of the information is left that depends on it
NEAR_CENTRE = 1e-3  # squared distance over df, below which the log is a series
LOG_SERIES = (1.0, -1 / 2, 1 / 3, -1 / 4, 1 / 5, -1 / 6, 1 / 7)


class StudentTExperts(Experts):
    """y | x, k = coef_k phi(x) + scale_k t, with t of df_k degrees of freedom.

    ``df`` is None, to be learned for each expert, or a number > 0 held fixed. Rows far from an
    expert's line count less, so that outliers do not carry it away.

    Lange, K. L., Little, R. J. A. and Taylor, J. M. G. (1989). Robust statistical modeling using
    the t distribution. J. Amer. Statist. Assoc. 84, 881-896.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import StudentTExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> line = np.where(rng.random(300) < 0.5, X[:, 0], 2 - X[:, 0])
    >>> y = line + 0.2 * rng.standard_t(3, size=300)
    >>> moe = MixtureOfExperts(2, expert=StudentTExperts(df=3), n_init=2, random_state=0).fit(X, y)
    >>> moe.expert_coef_.round(1)
    array([[ 0.,  1.],
           [ 2., -1.]])
    """

    order_words: ClassVar[str] = "their mean prediction"
    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_scale: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))
    log_df: Float[AnyArray, "K 1 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))
    df: Any = eqx.field(static=True, default=None, kw_only=True)

    def _like(self, coef, log_scale, log_df) -> "StudentTExperts":
        return StudentTExperts(coef, log_scale, log_df, df=self.df)

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0]

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "StudentTExperts":
        first = FIRST_DF if self.df is None else check_positive("df", self.df)
        one = np.zeros((n_experts, 1, 1))
        return self._like(np.zeros((n_experts, 1, n_features)), one, one + np.log(first))

    def groups(self) -> tuple[Group, ...]:
        return Group("Phi", self.coef), Group("1", self.log_scale), Group("1", self.log_df)

    def standard(self, y, share, *, constant: bool):
        return standardisation(y, share, constant)

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> ResidualSums:
        return self._normals().statistics(rows, resp)

    def start(
        self, statistics: ResidualSums, bounds: "tuple[StudentTExperts, StudentTExperts]"
    ) -> "StudentTExperts":
        inside = bounds[0]._normals(), bounds[1]._normals()
        first = normal_step.m_step(self._normals(), statistics, inside, NoPenalty())
        return self._like(first.coef, first.log_scale[:, :, None], self.log_df)

    def _normals(self) -> Normals:
        """Normal densities with the same lines and scales."""
        shear = jnp.zeros((self.n_experts, 0))
        return Normals(self.coef, self.log_scale[:, :, 0], shear)

    def link(
        self, eta: Float[AnyArray, "K 3 n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K n"]:
        mean, log_scale, log_df = eta[:, 0], eta[:, 1], eta[:, 2]
        z = (y - mean) * library_of(eta, y).exp(-log_scale)
        return _log_constant(log_df) - log_scale - _log_fall(z, log_df)

    def line(self, eta: Float[AnyArray, "K 3 n"]) -> Line:
        """Along the inverse hyperbolic sine of t over the root of its degrees of freedom."""
        library, location = library_of(eta), eta[:, 0]
        log_unit = eta[:, 1] + 0.5 * eta[:, 2]
        unit = library.exp(log_unit)

        def back(places: AnyArray) -> tuple[AnyArray, AnyArray]:
            inside = library.clip(places, -MOST_PLACE, MOST_PLACE)
            y = location[:, None] + unit[:, None] * library.sinh(inside)
            return y[:, None], log_unit[:, None] + library.log(library.cosh(inside))

        zero = library.zeros_like(location)
        return Line(lambda y: library.arcsinh((y - location) / unit), back, zero, MOST_PLACE)

    def information(
        self, eta: Float[AnyArray, "K 3 n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K 3 3 n"]:
        """Expected information: Lange, Little and Taylor (1989), appendix B."""
        df = jnp.exp(jnp.minimum(eta[:, 2], np.log(NORMAL_DF)))
        mean = (df + 1) / (df + 3) * jnp.exp(-2 * eta[:, 1])
        scale = 2 * df / (df + 3)
        cross = -2 * df / ((df + 1) * (df + 3))
        own = 0.25 * (_spread(df) - 2 * (df - 3) / ((df + 1) * (df + 3)))
        # a difference of nearly equal numbers: keep the matrix definite where df is large
        own = jnp.maximum(own, 1.5 * cross**2 / scale)
        zero = jnp.zeros_like(df)
        table = [[mean, zero, zero], [zero, scale, cross], [zero, cross, own]]
        return jnp.stack([jnp.stack(row, axis=1) for row in table], axis=1)

    def bounds(self, min_scale: float) -> "tuple[StudentTExperts, StudentTExperts]":
        lower, upper = super().bounds(min_scale)
        shape = self.log_df.shape
        fixed = np.asarray(self.log_df)
        least = fixed if self.df is not None else np.full(shape, np.log(LEAST_DF))
        most = fixed if self.df is not None else np.full(shape, np.log(MOST_DF))
        floor = np.full(shape, np.log(min_scale))
        return (
            eqx.tree_at(lambda e: (e.log_scale, e.log_df), lower, (floor, least)),
            eqx.tree_at(lambda e: e.log_df, upper, most),
        )

    def collapsed(self, bounds: "tuple[StudentTExperts, StudentTExperts]") -> "StudentTExperts":
        """The scale on its floor; few degrees of freedom are heavy tails, no collapse."""
        none = jax.tree.map(lambda a: np.zeros(a.shape, bool), self)
        at = np.asarray(self.log_scale) <= bounds[0].log_scale + NEAR
        return eqx.tree_at(lambda e: e.log_scale, none, at)

    def permute(self, order: AnyArray) -> "StudentTExperts":
        return self._like(*(np.asarray(a)[order] for a in (self.coef, self.log_scale, self.log_df)))

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        scale, df = (np.exp(np.asarray(a)[:, 0, 0]) for a in (self.log_scale, self.log_df))
        return {"scale_": scale, "df_": df}

    def marginals(self, eta: Float[np.ndarray, "K 3 n"]):
        from scipy import stats

        return stats.t(np.exp(eta[:, 2:]), loc=eta[:, :1], scale=np.exp(eta[:, 1:2]))

    def traced_functions(self, eta: Float[AnyArray, "K 3 n"]) -> Float[AnyArray, "K 1 n"]:
        """Tails of one degree of freedom or less leave no mean."""
        return library_of(eta).where(eta[:, 2:] > 0, eta[:, :1], np.inf)

    def in_units(self, location, scale, to_user) -> "StudentTExperts":
        coef = np.asarray(self.coef) * scale[None, :, None]
        coef[:, :, 0] += location
        log_scale = np.asarray(self.log_scale) + np.log(scale)
        return self._like(coef @ to_user, log_scale, np.asarray(self.log_df))

    def titles(self) -> dict[str, str]:
        return {"log_scale": "Log of scale", "log_df": "Log of degrees of freedom"}


def _log_constant(log_df: Float[AnyArray, "K n"]) -> Float[AnyArray, "K n"]:
    """Log of the density of t at zero, to a few units of rounding however large ``df``."""
    library = library_of(log_df)
    small = log_df < np.log(SERIES_DF)
    few = library.exp(library.where(small, log_df, np.log(SERIES_DF)))
    exact = gammaln(0.5 * (few + 1)) - gammaln(0.5 * few) - 0.5 * library.log(np.pi * few)
    inverse = 2 * library.exp(-library.where(small, np.log(SERIES_DF), log_df))
    tail = inverse * library.polyval(library.asarray(SERIES[::-1], log_df.dtype), inverse**2)
    return library.where(small, exact, tail - 0.5 * np.log(2 * np.pi))


def _log_fall(z: Float[AnyArray, "K n"], log_df: Float[AnyArray, "K n"]) -> Float[AnyArray, "K n"]:
    """``(df + 1) / 2 * log(1 + z^2 / df)``, also where no number is as large as ``df^2``."""
    library = library_of(z, log_df)
    ratio = z**2 * library.exp(-log_df)
    near = ratio < NEAR_CENTRE
    inner = library.where(near, ratio, 0.0)
    # log(1 + u) / u, to the last digit where u is small
    share = library.polyval(library.asarray(LOG_SERIES[::-1], log_df.dtype), inner)
    outer = library.where(near, 0.0, ratio)
    beyond = (library.exp(library.where(near, 0.0, log_df)) + 1) * library.log1p(outer)
    square = library.where(near, z, 0.0) ** 2
    return 0.5 * library.where(near, (square + inner) * share, beyond)


def _spread(df: Float[AnyArray, "K n"]) -> Float[AnyArray, "K n"]:
    """``df^2`` times the difference of the trigamma function at df / 2 and (df + 1) / 2, less 2."""
    small = df < SERIES_DF
    few, inverse = jnp.where(small, df, SERIES_DF), 2 / jnp.where(small, SERIES_DF, df)
    exact = few**2 * (polygamma(1, 0.5 * few) - polygamma(1, 0.5 * (few + 1))) - 2
    # the second derivative of the series
    terms = [-4 * c * (2 * i + 1) * (2 * i + 2) for i, c in enumerate(SERIES)]
    series = inverse * jnp.polyval(jnp.asarray(terms[::-1], df.dtype), inverse**2)
    return jnp.where(small, exact, series)
