"""Ends between which a continuous response is seen, in its units and in those of a fit."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.ranges import Range
from mixstat.validation import check_number

SLACK = 1e-12  # by which rounding may move ends


class Ends(NamedTuple):
    """A smallest and a largest response that can be seen; None where there is no such end."""

    lower: float | int | None
    upper: float | int | None

    def check(self, response: str) -> None:
        """Raise ValueError, naming ``lower`` or ``upper``, if nothing or all could be seen."""
        if self.lower is None and self.upper is None:
            raise ValueError("lower or upper must be given for a continuous family, got neither.")
        for name, end in self._asdict().items():
            if end is not None and check_number(name, end) <= 0 and response == "positive":
                raise ValueError(f"{name} must be > 0 for a positive response, got {end}.")
            if end is not None and response == "share" and not 0 < end < 1:
                raise ValueError(f"{name} must lie between 0 and 1 for a share, got {end}.")
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ValueError(f"lower must be below upper={self.upper}, got {self.lower}.")

    @property
    def numbers(self) -> tuple[float, float]:
        """With infinity where there is none."""
        low = -np.inf if self.lower is None else float(self.lower)
        return low, np.inf if self.upper is None else float(self.upper)

    @property
    def slack(self) -> float:
        """What rounding may move ends by."""
        return SLACK * max(abs(end) for end in (*self, 0.0) if end is not None)

    def range(self, eta: Float[AnyArray, "K L n"]) -> Range:
        """What is seen, for each row."""
        library, shape = library_of(eta), (1, eta.shape[2])
        low, high = (library.full(shape, 0.5 if e is None else e, eta.dtype) for e in self)
        below, above = (library.full(shape, end is None) for end in self)
        return Range(low, high, below, above)

    def moved(self, location: np.ndarray, scale: np.ndarray) -> "Ends":
        """The ends of ``location + scale * y``."""
        low, high = (None if e is None else float(location[0] + scale[0] * e) for e in self)
        return Ends(low, high)

    def units(
        self, y: Float[np.ndarray, "n 1"], share: Float[np.ndarray, " n"], *, positive: bool
    ) -> tuple[Float[np.ndarray, " 1"], Float[np.ndarray, " 1"]]:
        """Location and scale that bring the ends to :meth:`standard`.

        So that programs do not depend on where the ends of some data lie.
        """
        low, high = self.numbers
        one = high if self.lower is None else low
        if positive:
            return np.zeros(1), np.array([one if self.upper is None else high])
        if None not in self:
            return np.array([one]), np.array([high - one])
        deviation = np.sqrt(share @ (y - one) ** 2)
        return np.array([one]), np.where(deviation > 0, deviation, 1.0)

    def standard(self, *, positive: bool) -> "Ends":
        """The ends in these units: 0, or 1 where the response is positive; 0 and 1 of two."""
        if self.lower is not None and self.upper is not None:
            return Ends(self.lower / self.upper if positive else 0.0, 1.0)
        at = float(positive)
        return Ends(None if self.lower is None else at, None if self.upper is None else at)
