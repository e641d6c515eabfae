"""Ordered experts: a few levels with an order, such as grades."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.experts.base import blank
from mixstat.experts.glm import OnePredictorExperts
from mixstat.experts.multinomial import Categorical
from mixstat.numerics.functions import log_ndtr, softplus
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import labels
from mixstat.parts.labels import ParameterLabel
from mixstat.parts.predictors import Group
from mixstat.parts.ranges import Range, log_probability
from mixstat.validation import check_choice, check_integer

NOISES = ("logistic", "normal")
GAPS = 1e-4, 1e4  # between cuts; an expert without rows at a level would let one vanish
LEAST = 1e-300


class OrderedExperts(OnePredictorExperts):
    """A real number, coef_k phi(x) with logistic or normal noise, of which only a level is seen.

    y holds levels 0, 1, ..., and is at most j where the number is at most the cut ``cut_kj``.
    The first cut is zero, since the constant of the predictor can take its place; the logs of the
    gaps between cuts are parameters. Means are of the number of the level.

    McCullagh, P. (1980). Regression models for ordinal data. J. R. Statist. Soc. B 42, 109-142.

    Parameters
    ----------
    n_levels
        Number of levels, at least 3 (two are binomial).
    noise
        "logistic" (ordered logit, proportional odds) or "normal" (ordered probit).

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.experts import OrderedExperts
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(300, 1))
    >>> y = np.searchsorted([0.0, 1.0, 2.0], 1 + X[:, 0] + rng.logistic(size=300))
    >>> moe = MixtureOfExperts(1, expert=OrderedExperts(n_levels=4)).fit(X, y)
    >>> moe.cuts_.round(1)
    array([[0. , 1.2, 2.3]])
    """

    response: ClassVar[str] = "ordered"
    plain: ClassVar[bool] = True

    coef: Float[AnyArray, "K 1 p"] = eqx.field(default_factory=partial(blank, 0, 1, 0))
    log_gap: Float[AnyArray, "K g 1"] = eqx.field(default_factory=partial(blank, 0, 1, 1))
    n_levels: int = eqx.field(static=True, default=3, kw_only=True)
    noise: str = eqx.field(static=True, default="logistic", kw_only=True)

    def _like(self, coef: AnyArray, log_gap: AnyArray) -> "OrderedExperts":
        return OrderedExperts(coef, log_gap, n_levels=self.n_levels, noise=self.noise)

    def null(self, n_experts: int, n_features: int, n_outputs: int) -> "OrderedExperts":
        levels = check_integer("n_levels", self.n_levels, 3)
        check_choice("noise", self.noise, NOISES)
        gaps = np.zeros((n_experts, levels - 2, 1))
        return self._like(np.zeros((n_experts, 1, n_features)), gaps)

    def groups(self) -> tuple[Group, ...]:
        return Group("Phi", self.coef), Group("1", self.log_gap)

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        last = check_integer("n_levels", self.n_levels, 3) - 1
        wrong = (y < 0) | (y > last) | (y != np.round(y))
        if wrong.any():
            row = int(np.flatnonzero(wrong[:, 0])[0])
            raise ValueError(
                f"y must hold levels 0, 1, ..., {last} for ordered experts of "
                f"n_levels={self.n_levels}, got {y[row, 0]:g} in row {row}."
            )

    def working(self, y: Float[AnyArray, "1 n"]) -> Float[AnyArray, "1 n"]:
        """The middle of each level where gaps are one."""
        return y - 0.5

    def _log_cdf(self, z: AnyArray) -> AnyArray:
        return -softplus(-z) if self.noise == "logistic" else log_ndtr(z)

    def _cuts(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K c n"]:
        """Cuts between levels."""
        library = library_of(eta)
        above = library.cumsum(library.exp(eta[:, 1:]), axis=1)
        return library.concatenate([library.zeros_like(eta[:, :1]), above], axis=1)

    def link(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K n"]:
        library = library_of(eta, y)
        z, number = self._cuts(eta) - eta[:, :1], np.arange(self.n_levels - 1)[:, None]
        low, high = (library.sum(z * (number == at)[None], axis=1) for at in (y - 1, y))
        ends = Range(low, high, y == 0, y == self.n_levels - 1)
        ends = ends._replace(low=library.where(ends.below, high - 1, low))
        ends = ends._replace(high=library.where(ends.above, low + 1, high))
        return log_probability(ends, self._log_cdf, lambda one: self._log_cdf(-one))

    def information(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "1 n"]
    ) -> Float[AnyArray, "K L L n"]:
        """Expected information, from what each level's probability gains."""
        z, gaps = self._cuts(eta) - eta[:, :1], jnp.exp(eta[:, 1:])
        log_density = -0.5 * (z**2 + np.log(2 * np.pi))
        if self.noise == "logistic":
            log_density = self._log_cdf(z) + self._log_cdf(-z)
        each = np.arange(self.n_levels - 1)
        reaches = (each[None, :] > np.arange(self.n_levels - 2)[:, None]).astype(float)
        moves = gaps[:, :, None] * reaches[None, :, :, None]
        moves = jnp.concatenate([-jnp.ones_like(z)[:, None], moves], axis=1)
        rises = jnp.pad(moves * jnp.exp(log_density)[:, None], ((0, 0), (0, 0), (1, 1), (0, 0)))
        gains = jnp.diff(rises, axis=2)
        share = jnp.maximum(self._shares(eta), LEAST)
        return jnp.einsum("klcn,kmcn->klmn", gains / share[:, None], gains)

    def _shares(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K C n"]:
        """Probabilities of the levels."""
        library, width = library_of(eta), eta.shape[2]
        levels = np.arange(float(self.n_levels))
        each = [self.link(eta, np.full((1, width), level, eta.dtype)) for level in levels]
        return library.exp(library.stack(each, axis=1))

    def bounds(self, min_scale: float) -> "tuple[OrderedExperts, OrderedExperts]":
        lower, upper = super().bounds(min_scale)
        least, most = (np.full(self.log_gap.shape, np.log(end)) for end in GAPS)
        return (
            eqx.tree_at(lambda e: e.log_gap, lower, least),
            eqx.tree_at(lambda e: e.log_gap, upper, most),
        )

    def collapsed(self, bounds: "tuple[OrderedExperts, OrderedExperts]") -> "OrderedExperts":
        """Nowhere: a level without rows needs no gap."""
        return jax.tree.map(lambda a: np.zeros(a.shape, bool), self)

    def permute(self, order: AnyArray) -> "OrderedExperts":
        return self._like(np.asarray(self.coef)[order], np.asarray(self.log_gap)[order])

    def marginals(self, eta: Float[np.ndarray, "K L n"]) -> Categorical:
        """Distribution of the number of the level."""
        return Categorical(np.asarray(self._shares(eta)))

    def traced_functions(self, eta: Float[AnyArray, "K L n"]) -> Float[AnyArray, "K 1 n"]:
        z = self._cuts(eta) - eta[:, :1]
        library = library_of(z)
        return library.sum(library.exp(self._log_cdf(-z)), axis=1, keepdims=True)

    def in_units(self, location, scale, to_user) -> "OrderedExperts":
        return self._like(np.asarray(self.coef) @ to_user, np.asarray(self.log_gap))

    def labels(self, features: list[str], outputs: list[str]) -> list[ParameterLabel]:
        gaps = [f"cut {j} to {j + 1}" for j in range(self.n_levels - 2)]
        return [
            *labels.expert_rows(self.n_experts, features),
            *(
                ParameterLabel("experts", "gap", "log_gap", k, gap, log=True, gathered=True)
                for k in range(self.n_experts)
                for gap in gaps
            ),
        ]

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        """Cuts between levels (K, n_levels - 1), the first of which is zero."""
        gaps = np.exp(np.asarray(self.log_gap)[:, :, 0])
        return {"cuts_": np.hstack([np.zeros((len(gaps), 1)), np.cumsum(gaps, axis=1)])}

    @property
    def n_values(self) -> int:
        return self.n_levels

    def titles(self) -> dict[str, str]:
        return {"log_gap": "Log of gap between cuts"}
