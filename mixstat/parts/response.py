"""What a family of experts says of the responses it takes, before any density."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from mixstat.parts.part import Part


class RespondingPart(Part):
    """Interface: the kind of y, and the way from y as people give it to what a link sees."""

    response: ClassVar[str] = "real"
    """Kind of y: "real", "positive", "count", "binomial" or "class"."""
    several_outputs: ClassVar[bool] = False
    """Whether y may have more than one output."""

    @property
    def discrete(self) -> bool:
        """Whether y takes separate values."""
        return self.response in ("count", "binomial", "class")

    @property
    def n_outputs(self) -> int:
        """Number of outputs m."""
        return 1

    @property
    def n_values(self) -> int | None:
        """Number of values 0, 1, ... of y; None where there are more than can be named."""
        return None

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        """Raise ValueError, naming y, if these cannot be responses of this family."""
        if y.shape[1] > 1 and not self.several_outputs:
            raise ValueError(f"y must have one column for {type(self).__name__}, got {y.shape[1]}.")

    def standard(
        self, y: Float[np.ndarray, "n c"], share: Float[np.ndarray, " n"], *, constant: bool
    ) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """Location and scale that y is freed of before fitting; none by default.

        ``constant`` tells whether the experts' first feature is the constant one.
        """
        return np.zeros(1), np.ones(1)

    def freed(
        self, y: Float[np.ndarray, "n c"], offset: Float[np.ndarray, "n o"]
    ) -> Float[np.ndarray, "n c"]:
        """Responses whose location and scale are to be taken, less what an offset explains."""
        return y - offset if self.response == "real" else y

    def offset_unit(self, scale: Float[np.ndarray, " m"]) -> Float[np.ndarray, " o"]:
        """What a unit of the internal predictors is, in the units of an offset.

        Those of y for real responses; logs and log odds have none.
        """
        return scale if self.response == "real" else np.ones(1)

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        """The table of numbers that the link sees, from y freed of location and scale."""
        return y

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        """Encoded y as coordinates in which starts may look for clusters."""
        return y

    def one_less(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """The next smaller responses, where y takes separate values."""
        return y - 1

    def observed(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n m"]:
        """What a conditional mean predicts, from y as people give it."""
        return y
