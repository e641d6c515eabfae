"""Experts with one predictor and one number for their spread: what they share."""

import re
from typing import ClassVar, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Rows
from mixstat.experts.base import NEAR, WorkingSums
from mixstat.experts.glm import MOST_LOG, OnePredictorExperts
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts import predictors
from mixstat.parts.integrals import FAR_OUT, Line
from mixstat.parts.part import within
from mixstat.parts.predictors import Group

LARGEST_SHAPE = 1e8  # above, y is constant to four digits given x
CLEAR = (1e-6, 1e2)  # variances about a working regression that are believed

SomeSpread = TypeVar("SomeSpread", bound="SpreadExperts")
SomeShape = TypeVar("SomeShape", bound="ShapeExperts")
SomeLogScale = TypeVar("SomeLogScale", bound="LogScaleExperts")


class SpreadSums(NamedTuple):
    """Sums for a regression of working responses, and for the variance about it."""

    regression: WorkingSums
    mass: AnyArray  # (K,)
    total: AnyArray  # (K,)
    squares: AnyArray  # (K,)

    def mean(self) -> Float[AnyArray, " K"]:
        """Of working responses, offsets included."""
        return self.total / jnp.maximum(self.mass, 1e-300)

    def variance(self, coef: Float[AnyArray, "K 1 p"]) -> Float[AnyArray, " K"]:
        """About the predictors with these coefficients."""
        explained = jnp.sum(coef[:, 0] * self.regression.cross[:, 0], axis=1)
        return (self.squares - explained) / jnp.maximum(self.mass, 1e-300)


class SpreadExperts(OnePredictorExperts):
    """Experts of two array fields: coefficients, and a number for the spread of each expert."""

    def _like(self: SomeSpread, coef: AnyArray, spread: AnyArray) -> SomeSpread:
        """Experts of the same settings."""
        return jax.tree.unflatten(jax.tree.structure(self), [coef, spread])

    @property
    def spread(self) -> AnyArray:
        """The second field (K, 1, 1)."""
        return jax.tree.leaves(self)[1]

    def null(self: SomeSpread, n_experts: int, n_features: int, n_outputs: int) -> SomeSpread:
        return self._like(np.zeros((n_experts, 1, n_features)), np.zeros((n_experts, 1, 1)))

    def groups(self) -> tuple[Group, ...]:
        return Group("Phi", self.coef), Group("1", self.spread)

    def permute(self: SomeSpread, order: AnyArray) -> SomeSpread:
        return self._like(np.asarray(self.coef)[order], np.asarray(self.spread)[order])

    def first_spread(self, variance: Float[AnyArray, " K"]) -> Float[AnyArray, " K"]:
        """The spread that goes with a variance of working responses."""
        return 0.5 * jnp.log(variance)

    def start_statistics(self, rows: Rows, resp: Float[AnyArray, "K n"]) -> SpreadSums:
        working = self.working(rows.y)
        about = predictors.without_offset(working, rows) ** 2
        sums = [jnp.sum(resp * one, axis=1) for one in (jnp.ones_like(working), working, about)]
        return SpreadSums(super().start_statistics(rows, resp), *sums)

    def start(
        self: SomeSpread, statistics: SpreadSums, bounds: tuple[SomeSpread, SomeSpread]
    ) -> SomeSpread:
        """A regression of working responses, and the variance about it."""
        coef = super().start(statistics.regression, bounds).groups()[0].coef
        spread = self.first_spread(jnp.clip(statistics.variance(coef), *CLEAR))
        return within(self._like(coef, spread[:, None, None]), bounds)


class ShapeExperts(SpreadExperts):
    """Experts whose spread is the log of a shape: one over a squared coefficient of variation."""

    log_shape: eqx.AbstractVar[AnyArray]  # (K, 1, 1)

    def first_spread(self, variance: Float[AnyArray, " K"]) -> Float[AnyArray, " K"]:
        return -jnp.log(variance)

    def bounds(self: SomeShape, min_scale: float) -> tuple[SomeShape, SomeShape]:
        """The coefficient of variation has a floor, as a scale has."""
        lower, upper = super().bounds(min_scale)
        most = min(-2 * np.log(min_scale), np.log(LARGEST_SHAPE))
        return lower, eqx.tree_at(lambda e: e.log_shape, upper, np.full(self.log_shape.shape, most))

    def collapsed(self: SomeShape, bounds: tuple[SomeShape, SomeShape]) -> SomeShape:
        """Where the coefficient of variation is on its floor, the shape is on its ceiling."""
        none = jax.tree.map(lambda a: np.zeros(a.shape, bool), self)
        at = np.asarray(self.log_shape) >= bounds[1].log_shape - NEAR
        return eqx.tree_at(lambda e: e.log_shape, none, at)

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return {"shape_": np.exp(np.asarray(self.log_shape)[:, 0, 0])}

    def titles(self) -> dict[str, str]:
        return {"log_shape": "Log of shape (1 / squared coefficient of variation)"}


class PositiveExperts(OnePredictorExperts):
    """Experts of a positive response, whose link sees y and its log."""

    response: ClassVar[str] = "positive"

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        super().check(y)
        if not np.all(y > 0):
            row = int(np.flatnonzero(y[:, 0] <= 0)[0])
            name = re.sub("(?<=[a-z])(?=[A-Z])", " ", type(self).__name__).lower()
            raise ValueError(f"y must be positive for {name}, got {y[row, 0]:g} in row {row}.")

    def standard(self, y, share, *, constant: bool):
        return np.zeros(1), share @ y if constant else np.ones(1)

    def encode(self, y: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, "n 2"]:
        """y and its log."""
        return np.hstack([y, np.log(y)])

    def view(self, y: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 1"]:
        return y[:, 1:]

    def working(self, y: Float[AnyArray, "2 n"]) -> Float[AnyArray, "1 n"]:
        return y[1:]

    def line(self, eta: Float[AnyArray, "K L n"]) -> Line:
        """Along log y."""
        library, centre = library_of(eta), eta[:, 0]

        def back(places: AnyArray) -> tuple[AnyArray, AnyArray]:
            log_y = library.minimum(places, centre[:, None] + MOST_LOG)  # nothing is left above
            y = library.exp(library.clip(log_y, -MOST_LOG, MOST_LOG))
            return library.stack([y, log_y], axis=1), places

        return Line(lambda y: library_of(y).log(y), back, centre, FAR_OUT)


class LogScaleExperts(PositiveExperts, SpreadExperts):
    """Experts of a positive response whose log has a location, and a scale of its own."""

    log_scale: eqx.AbstractVar[AnyArray]  # (K, 1, 1)

    def bounds(self: SomeLogScale, min_scale: float) -> tuple[SomeLogScale, SomeLogScale]:
        """The scale of log y has a floor, as a coefficient of variation has."""
        lower, upper = super().bounds(min_scale)
        floor = np.full(self.log_scale.shape, np.log(min_scale))
        return eqx.tree_at(lambda e: e.log_scale, lower, floor), upper

    def reported_attributes(self, *, single_output: bool) -> dict[str, np.ndarray]:
        return {"scale_": np.exp(np.asarray(self.log_scale)[:, 0, 0])}

    def titles(self) -> dict[str, str]:
        return {"log_scale": "Log of scale of log y"}
