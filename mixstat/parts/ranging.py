"""Families that know the probability of a range of responses."""

import jax.numpy as jnp
from jaxtyping import Float

from mixstat.numerics.precision import AnyArray
from mixstat.parts.autodiff import each_derivatives
from mixstat.parts.ranges import Range
from mixstat.parts.response import RespondingPart


class RangingPart(RespondingPart):
    """Interface: probabilities of ranges, where a distribution function has a closed form."""

    def log_range(self, eta: Float[AnyArray, "K L n"], ends: Range) -> Float[AnyArray, "K n"]:
        """Log probability that y lies in the range of each row, standardised as y is.

        Raises
        ------
        ValueError
            If the family has no distribution function in closed form.
        """
        raise ValueError(f"{type(self).__name__} has no log_range, which censoring asks for.")

    def range_derivatives(
        self, eta: Float[AnyArray, "K L n"], ends: Range
    ) -> tuple[Float[AnyArray, "K L n"], Float[AnyArray, "K L L n"]]:
        """First and second derivatives of :meth:`log_range` in each expert's predictors."""

        def link(eta: AnyArray, y: AnyArray) -> AnyArray:
            return self.log_range(eta, Range(y[:1], y[1:2], y[2:3] > 0, y[3:4] > 0))

        dtype = ends.low.dtype
        return each_derivatives(link, eta, jnp.concatenate([e.astype(dtype) for e in ends]))
