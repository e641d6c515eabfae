"""A penalty on scales that vanish, which keeps the likelihood of a mixture bounded.

Chen, J., Tan, X. and Zhang, R. (2008). Inference for normal mixtures in mean and variance.
Statistica Sinica 18, 443-465, equation 2.
"""

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray, library_of

LARGEST = 200.0  # exponent beyond which a scale is as good as none


class ScalePenalty(Penalty):
    """For each scale ``weight (r - log(r) - 1)``: r is the square of a target over its own.

    That is what rows would take, ``2 weight`` of them, whose mean square about each expert's
    prediction is the target's. Any other penalty acts beside it.
    """

    rest: Penalty
    """The penalty on other parameters."""
    weight: Float[AnyArray, "*experts D"]
    """Zero for what is no scale."""
    rate: Float[AnyArray, "*experts D"]
    """By how much the log of a variance grows with each parameter."""
    target: Float[AnyArray, "*experts D"]
    """Where the penalty is smallest."""

    @property
    def kinked(self) -> bool:  # type: ignore[override]
        """That of the other penalty."""
        return self.rest.kinked

    def _ratio(self, vector: Float[AnyArray, " D"]) -> tuple[AnyArray, AnyArray]:
        """Square of the target over that of each scale, and its log."""
        library = library_of(vector, self.target)
        log = library.minimum(self.rate * (self.target - vector), LARGEST)
        return library.exp(log), log

    def value(self, vector: Float[AnyArray, " D"]) -> AnyArray | float:
        ratio, log = self._ratio(vector)
        return self.rest.value(vector) + self.weight @ (ratio - log - 1.0)

    @property
    def smooth(self) -> "ScalePenalty":
        return eqx.tree_at(lambda penalty: penalty.rest, self, self.rest.smooth)

    def gradient(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        uphill = self.weight * self.rate * (self._ratio(vector)[0] - 1.0)
        return self.rest.gradient(vector, gradient) + uphill

    def information(
        self, information: Float[AnyArray, "D D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, "D D"]:
        library = library_of(vector, information)
        return self.rest.information(information, vector) + library.diag(self._curvature(vector))

    def curve(
        self, direction: Float[AnyArray, " D"], vector: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        return self.rest.curve(direction, vector) + self._curvature(vector) * direction

    def _curvature(self, vector: Float[AnyArray, " D"]) -> Float[AnyArray, " D"]:
        return self.weight * self.rate**2 * self._ratio(vector)[0]

    def orthant(
        self,
        vector: Float[AnyArray, " D"],
        gradient: Float[AnyArray, " D"],
        lower: Float[AnyArray, " D"],
        upper: Float[AnyArray, " D"],
    ) -> tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]]:
        return self.rest.orthant(vector, gradient, lower, upper)

    def zeroed(self, vector: Float[np.ndarray, " D"]) -> Bool[np.ndarray, " D"]:
        return self.rest.zeroed(vector)

    def maximum(
        self,
        vector: Float[AnyArray, " D"],
        gradient: Float[AnyArray, " D"],
        information: Float[AnyArray, "D D"],
    ) -> Float[AnyArray, " D"]:
        return self.rest.maximum(vector, gradient, information)

    def squares(self, size: int) -> Float[np.ndarray, " D"]:
        return self.rest.squares(size)

    def kinks(self, size: int) -> Float[np.ndarray, " D"]:
        return self.rest.kinks(size)

    def among(self, places: Int[np.ndarray, " d"]) -> "ScalePenalty":
        tables = (np.asarray(t)[..., places] for t in (self.weight, self.rate, self.target))
        return ScalePenalty(self.rest.among(places), *tables)

    def pseudo_rows(self, start: int, count: int) -> tuple[AnyArray, AnyArray]:
        """Rows that act on some log scales as the penalty does, and their mean square.

        For each of the stacked experts, as shares of all rows.
        """
        some = slice(start, start + count)
        library = library_of(self.target)
        return 2.0 * self.weight[:, some], library.exp(2.0 * self.target[:, some])

    def free(self, n: int) -> Bool[AnyArray, " n"] | None:
        return self.rest.free(n)

    def leading(self, n: int) -> Penalty:
        """That on coefficients, which come before the scales."""
        return self.rest.leading(n)

    def of_expert(self, k: int, n: int) -> "ScalePenalty":
        tables = (table[k : k + 1, :n] for table in (self.weight, self.rate, self.target))
        return ScalePenalty(self.rest.of_expert(k, n), *tables)
