"""What a family of experts says of the responses it takes, before any density."""

from typing import ClassVar, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Response
from mixstat.parts.part import Part

SomeResponding = TypeVar("SomeResponding", bound="RespondingPart")


class RespondingPart(Part):
    """Interface: the kind of y, and the way from y as people give it to what a link sees."""

    response: ClassVar[str] = "real"
    """Kind of y: "real", "positive", "share", "count", "binomial", "ordered" or "class"."""
    several_outputs: ClassVar[bool] = False
    """Whether y may have more than one output."""
    may_lack: ClassVar[bool] = False
    """Whether there are experts like these of which rows may lack outputs."""
    in_part: ClassVar[bool] = False
    """Whether these are such."""

    @property
    def discrete(self) -> bool:
        """Whether y takes separate values."""
        return self.response in ("count", "binomial", "ordered", "class")

    paired: ClassVar[bool] = False
    """Whether two columns of y tell of one output."""

    @property
    def ranges(self) -> bool:
        """Whether a response may stand for a range of values, of which one could be drawn."""
        return self.discrete or bool(self.jumps)

    def widths(self, n_outputs: int) -> tuple[int, ...]:
        """Numbers of columns that y may have."""
        return (n_outputs,)

    def bounded(self, y: Response) -> Response:
        """The response of a person, before it is checked, without infinite ends."""
        return y

    @property
    def jumps(self) -> tuple[float, ...]:
        """Values of y that have a probability, where it is continuous elsewhere."""
        return ()

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

    def standard_family(self: SomeResponding) -> SomeResponding:
        """The family of responses freed of location and scale, where settings are in units of y."""
        return self

    def freed(
        self, y: Float[np.ndarray, "n c"], offset: Float[np.ndarray, "n o"]
    ) -> Float[np.ndarray, "n c"]:
        """Responses whose location and scale are to be taken, less what an offset explains."""
        return y - offset if self.response.endswith("real") else y

    def offset_unit(self, scale: Float[np.ndarray, " m"]) -> Float[np.ndarray, " o"]:
        """What a unit of the internal predictors is, in the units of an offset.

        Those of y for real responses; logs and log odds have none.
        """
        return scale if self.response.endswith("real") else np.ones(1)

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        """The table of numbers that the link sees, from y freed of location and scale."""
        return y

    def encode_as(
        self, y: Float[np.ndarray, "n c"], before: Float[np.ndarray, "n r"]
    ) -> Float[np.ndarray, "n r"]:
        """The same of other responses, of which is missing what ``before`` lacks."""
        return self.encode(y)

    def has_density(self, y: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        """Whether each response has a density, which depends on units, or a probability."""
        return np.ones(len(y), bool)

    def exact(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "d n"]:
        """Responses as single values, which scores of predictions are for.

        Raises
        ------
        ValueError
            If one is only known to lie in a range.
        """
        return y

    def reached(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "d n"]:
        """What is not exceeded where y is not, as a value of each output."""
        return y[:1] if self.paired else y

    def contains(self, y: Float[np.ndarray, "n c"], at: float) -> Bool[np.ndarray, " n"]:
        """Whether each response may be the number ``at``."""
        return y[:, 0] == at

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        """Encoded y as coordinates in which starts may look for clusters."""
        return y

    def one_less(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """The next smaller responses, where y takes separate values."""
        return y - 1

    def observed(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n m"]:
        """What a conditional mean predicts, from y as people give it."""
        return y
