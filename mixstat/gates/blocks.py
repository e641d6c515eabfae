"""What gates hand to those who sum over rows: priors, and blocks of derivatives."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from mixstat.numerics.precision import AnyArray


class Prior(NamedTuple):
    """What enters the likelihood of each row, with as few exponentials as the gate can do."""

    logit: Float[AnyArray, "K n"]
    total: Float[AnyArray, " n"] | None = None  # its log is taken from every logit; None is one
    share: Float[AnyArray, "K n"] | None = None  # exp(logit) / total, where it was made anyhow


class Sparse(NamedTuple):
    """A table (a, b, n) of which most rows are zero, read as ``table[i, j]`` of index arrays.

    To be made where it is read, so that rows that nobody reads cost nothing.
    """

    rows: Float[AnyArray, "u n"]  # the first is zero
    index: Int[np.ndarray, "a b"]  # of a row
    outer: tuple[AnyArray, AnyArray] | None = None  # (a, n) and (b, n), whose products are added

    def __getitem__(self, where: tuple[np.ndarray, np.ndarray]) -> AnyArray:
        found = self.rows[self.index[where]]
        if self.outer is None:
            return found
        left, right = self.outer
        return found + left[where[0]] * right[where[1]]


class GateBlocks(NamedTuple):
    """What a gate adds to the derivatives of a row, all but ``slopes`` times its weight.

    ``slopes`` are the derivatives of the log probabilities in the predictors, plus anything
    that is the same for all experts; a constant NumPy array where they do not depend on x.
    """

    score: Float[AnyArray, "E n"]  # mean derivative over the experts
    raw: Float[AnyArray, "E n"]  # mean of the slopes
    slopes: AnyArray | Sparse  # (K, E) or (K, E, n)
    own: AnyArray | Sparse  # (E, E, n): mean of products of slopes, plus mean second derivatives
