"""Penalties on a vector of parameters: none, a quadratic form, or an elastic net.

A solver never asks which of them it has. What a penalty changes in a value, a gradient, an
information matrix, a set of bounds or a Newton step is a method; where there is no penalty the
methods return what they were given.
"""

import abc
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.numerics import linear_algebra
from mixstat.numerics.coordinate_descent import lasso_step
from mixstat.numerics.module import Module
from mixstat.numerics.precision import AnyArray, library_of


class Penalty(Module):
    """Interface: what is taken from the objective at a vector of parameters.

    The penalties of K experts may be stacked: their arrays then have a leading axis, and the
    methods are used under ``jax.vmap``.
    """

    absent: ClassVar[bool] = False
    """Whether it takes nothing, whatever the vector."""
    kinked: ClassVar[bool] = False
    """Whether it has no derivative where a parameter is zero."""

    @abc.abstractmethod
    def value(self, vector: Float[AnyArray, " D"]) -> AnyArray | float:
        """What is taken from the objective."""

    @property
    @abc.abstractmethod
    def smooth(self) -> "Penalty":
        """The part that has derivatives everywhere."""

    @abc.abstractmethod
    def gradient(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        """Gradient of the penalised objective from that of the objective.

        At a kink the steepest one-sided slope uphill, which is zero if there is none.
        """

    @abc.abstractmethod
    def information(
        self, information: Float[AnyArray, "D D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, "D D"]:
        """Information (minus second derivatives) of the penalised objective at ``vector``."""

    @abc.abstractmethod
    def curve(
        self, direction: Float[AnyArray, " D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        """Second derivatives of the penalty at ``vector`` times a direction."""

    def orthant(
        self,
        vector: Float[AnyArray, " D"],
        gradient: Float[AnyArray, " D"],
        lower: Float[AnyArray, " D"],
        upper: Float[AnyArray, " D"],
    ) -> tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]]:
        """Bounds within which the penalised objective is smooth around ``vector``."""
        return lower, upper

    def zeroed(self, vector: Float[np.ndarray, " D"]) -> Bool[np.ndarray, " D"]:
        """Parameters that a kink holds at zero."""
        return np.zeros(len(vector), bool)

    def maximum(
        self,
        vector: Float[AnyArray, " D"],
        gradient: Float[AnyArray, " D"],
        information: Float[AnyArray, "D D"],
    ) -> Float[AnyArray, " D"]:
        """Where a quadratic model of the smooth part, less the kinked part, is largest.

        ``gradient`` and ``information`` are those of the objective less :attr:`smooth`.
        """
        return vector + linear_algebra.solve_positive(information, gradient[:, None])[:, 0]

    def squares(self, size: int) -> Float[np.ndarray, " D"]:
        """Weight of half the square of each of ``size`` parameters."""
        return np.zeros(size)

    def kinks(self, size: int) -> Float[np.ndarray, " D"]:
        """Weight of the absolute value of each of ``size`` parameters."""
        return np.zeros(size)

    def among(self, places: Int[np.ndarray, " d"]) -> "Penalty":
        """That on some parameters, were the others zero, as one that holds matrices."""
        return self

    def pseudo_rows(self, start: int, count: int) -> tuple[AnyArray, AnyArray] | None:
        """Rows that act on some log scales as the penalty does; None if it does not."""
        return None

    @abc.abstractmethod
    def free(self, n: int) -> Bool[AnyArray, " n"] | None:
        """Which of each expert's first ``n`` parameters stacked penalties spare; None: all."""

    @abc.abstractmethod
    def leading(self, n: int) -> "Penalty":
        """Of stacked penalties, those on the first ``n`` parameters of each expert."""

    @abc.abstractmethod
    def of_expert(self, k: int, n: int) -> "Penalty":
        """Of stacked penalties, that on the first ``n`` parameters of expert k, stacked alone."""


class NoPenalty(Penalty):
    """Nothing is taken."""

    absent: ClassVar[bool] = True

    def value(self, vector: Float[AnyArray, " D"]) -> float:
        return 0.0

    @property
    def smooth(self) -> "NoPenalty":
        return self

    def gradient(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return gradient

    def information(
        self, information: Float[AnyArray, "D D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, "D D"]:
        return information

    def curve(
        self, direction: Float[AnyArray, " D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return 0.0 * direction

    def free(self, n: int) -> None:
        return None

    def leading(self, n: int) -> "NoPenalty":
        return self

    def of_expert(self, k: int, n: int) -> "NoPenalty":
        return self


class Ridge(Penalty):
    """Half of ``v' square v``."""

    square: Float[AnyArray, "*experts D D"]

    def value(self, vector: Float[AnyArray, " D"]) -> AnyArray | float:
        return 0.5 * vector @ (self.square @ vector)

    @property
    def smooth(self) -> "Ridge":
        return self

    def gradient(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return gradient - self.square @ vector

    def information(
        self, information: Float[AnyArray, "D D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, "D D"]:
        return information + self.square

    def curve(
        self, direction: Float[AnyArray, " D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return self.square @ direction

    def squares(self, size: int) -> Float[np.ndarray, " D"]:
        return np.diag(np.asarray(self.square))

    def among(self, places: Int[np.ndarray, " d"]) -> "Ridge":
        return Ridge(np.asarray(self.square)[..., places[:, None], places])

    def free(self, n: int) -> Bool[AnyArray, " n"]:
        return jnp.all(jnp.diagonal(self.square[:, :n, :n], axis1=1, axis2=2) == 0, axis=0)

    def leading(self, n: int) -> "Ridge":
        return Ridge(self.square[:, :n, :n])

    def of_expert(self, k: int, n: int) -> "Ridge":
        return Ridge(self.square[k : k + 1, :n, :n])


class ElasticNet(Penalty):
    """A ridge (in any form) and ``sum(l1 |v|)``.

    Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic net.
    J. R. Statist. Soc. B 67, 301-320.
    """

    ridge: Penalty
    l1: Float[AnyArray, "*experts D"]

    kinked: ClassVar[bool] = True

    def value(self, vector: Float[AnyArray, " D"]) -> AnyArray | float:
        return self.ridge.value(vector) + self.l1 @ abs(vector)

    @property
    def smooth(self) -> Penalty:
        return self.ridge

    def gradient(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        library = library_of(vector, gradient)
        slope = self.ridge.gradient(vector, gradient)
        beyond = library.sign(slope) * library.maximum(abs(slope) - self.l1, 0.0)
        return library.where(vector == 0, beyond, slope - self.l1 * library.sign(vector))

    def information(
        self, information: Float[AnyArray, "D D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, "D D"]:
        return self.ridge.information(information, vector)

    def curve(
        self, direction: Float[AnyArray, " D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return self.ridge.curve(direction, vector)

    def orthant(
        self,
        vector: Float[AnyArray, " D"],
        gradient: Float[AnyArray, " D"],
        lower: Float[AnyArray, " D"],
        upper: Float[AnyArray, " D"],
    ) -> tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]]:
        """Bounds of the orthant of ``vector``, or of the one that ``gradient`` points into.

        Andrew, G. and Gao, J. (2007). Scalable training of L1-regularized log-linear models.
        ICML, 33-40.
        """
        library = library_of(vector, gradient)
        side = library.where(vector == 0, library.sign(gradient), library.sign(vector))
        bent = self.l1 > 0
        lower = library.where(bent & (side >= 0), library.maximum(lower, 0.0), lower)
        upper = library.where(bent & (side <= 0), library.minimum(upper, 0.0), upper)
        return lower, upper

    def zeroed(self, vector: Float[np.ndarray, " D"]) -> Bool[np.ndarray, " D"]:
        return (vector == 0) & (np.asarray(self.l1) > 0)

    def maximum(
        self,
        vector: Float[AnyArray, " D"],
        gradient: Float[AnyArray, " D"],
        information: Float[AnyArray, "D D"],
    ) -> Float[AnyArray, " D"]:
        return lasso_step(vector, gradient, information, jnp.asarray(self.l1))

    def squares(self, size: int) -> Float[np.ndarray, " D"]:
        return self.ridge.squares(size)

    def kinks(self, size: int) -> Float[np.ndarray, " D"]:
        return np.asarray(self.l1)

    def among(self, places: Int[np.ndarray, " d"]) -> "ElasticNet":
        return ElasticNet(self.ridge.among(places), np.asarray(self.l1)[..., places])

    def free(self, n: int) -> Bool[AnyArray, " n"]:
        smooth = self.ridge.free(n)
        unbent = jnp.all(self.l1[:, :n] == 0, axis=0)
        return unbent if smooth is None else smooth & unbent

    def leading(self, n: int) -> "ElasticNet":
        return ElasticNet(self.ridge.leading(n), self.l1[:, :n])

    def of_expert(self, k: int, n: int) -> "ElasticNet":
        return ElasticNet(self.ridge.of_expert(k, n), self.l1[k : k + 1, :n])


def make_penalty(
    square: Float[np.ndarray, "*experts D D"], l1: Float[np.ndarray, "*experts D"]
) -> Penalty:
    """The simplest penalty with this quadratic form and these strengths of the L1 norm."""
    if np.any(l1):
        return ElasticNet(Ridge(square), l1)
    return Ridge(square) if np.any(square) else NoPenalty()
