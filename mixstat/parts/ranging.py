"""Families that know the probability of a range of responses."""

import abc

import jax.numpy as jnp
from jaxtyping import Float

from mixstat.numerics.precision import AnyArray
from mixstat.parts import integrals
from mixstat.parts.autodiff import each_derivatives
from mixstat.parts.integrals import Line, Places
from mixstat.parts.ranges import Range
from mixstat.parts.response import RespondingPart


class RangingPart(RespondingPart):
    """Interface: probabilities of ranges, in closed form or by quadrature along a line."""

    @abc.abstractmethod
    def link(self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]) -> AnyArray:
        """Log density of each row under each expert (K, n), from the predictors."""

    @property
    def knows_ranges(self) -> bool:
        """Whether the family has :meth:`log_range`, of its own or along a line."""
        own = type(self)
        return own.log_range is not RangingPart.log_range or own.line is not RangingPart.line

    def line(self, eta: Float[AnyArray, "K L n"]) -> Line:
        """Where the log density is concave, for families without a distribution function.

        Raises
        ------
        ValueError
            If the family has not said where.
        """
        raise ValueError(f"{type(self).__name__} has no log_range, which censoring asks for.")

    def log_range(self, eta: Float[AnyArray, "K L n"], ends: Range) -> Float[AnyArray, "K n"]:
        """Log probability that y lies in the range of each row, standardised as y is.

        By quadrature, unless a family has a closed form.
        """
        return integrals.log_range(self.link, eta, self._places(eta, ends))

    def derivatives(
        self, eta: Float[AnyArray, "K L n"], y: Float[AnyArray, "r n"]
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        """First and second derivatives of the log densities in each expert's own predictors."""
        return each_derivatives(self.link, eta, y)

    def range_derivatives(
        self, eta: Float[AnyArray, "K L n"], ends: Range
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        """First and second derivatives of :meth:`log_range` in each expert's predictors."""
        if type(self).log_range is RangingPart.log_range:
            at = self._places(eta, ends)
            return integrals.derivatives(self.link, self.derivatives, eta, at)

        def link(eta: AnyArray, y: AnyArray) -> AnyArray:
            return self.log_range(eta, Range(y[:1], y[1:2], y[2:3] > 0, y[3:4] > 0))

        dtype = ends.low.dtype
        return each_derivatives(link, eta, jnp.concatenate([e.astype(dtype) for e in ends]))

    def _places(self, eta: Float[AnyArray, "K L n"], ends: Range) -> Places:
        return integrals.places(self.link, self.line(integrals.fixed(eta)), eta, ends)
