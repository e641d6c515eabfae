"""What contexts on one variable share: where it is missing, and possibilities that are none."""

import numbers
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Series, Setting
from mixstat.contextual.algebra import Context
from mixstat.contextual.records import Records, Variable, is_missing


@dataclass(frozen=True)
class OneVariable(Context):
    """A context on a variable of the rows; not to be used directly."""

    on: Variable
    """Column of X by name or position, "y" (or "y0", "y1" of several outputs), "time", a column
    of ``context_data``, or for a :class:`Function` a list of them."""

    @property
    def variables(self) -> list[Variable]:
        """What the context is stated on."""
        return [self.on]

    def at(self, values: Series) -> Float[np.ndarray, " n"]:
        """Possibility at values of the variable; NaN where one is missing."""
        given = np.asarray(values)
        if given.ndim != 1 and not isinstance(self.on, list | tuple):
            raise ValueError(f"values must be a list of values, got shape {given.shape}.")
        missing = is_missing(given)
        out = np.full(len(given), np.nan)
        if not missing.all():
            out[~missing] = self._checked(self._at(given[~missing]), given[~missing])
        return out

    def possibility(self, records: Records) -> Float[np.ndarray, " n"]:
        """Possibility of each row; NaN where the variable is missing."""
        return self.at(records.variable(self.on))

    def _at(self, values: np.ndarray) -> Series:
        """Possibility at values that are known."""
        raise NotImplementedError

    def _checked(self, possibility: Series, values: np.ndarray) -> np.ndarray:
        out = np.asarray(possibility, float)
        if out.shape != values.shape[:1]:
            raise ValueError(
                f"context {self.name!r} must give one possibility for each of {len(values)} "
                f"values, got shape {out.shape}."
            )
        outside = ~((out >= 0) & (out <= 1))
        if outside.any():
            raise ValueError(
                f"context {self.name!r} must give possibilities between 0 and 1, got "
                f"{out[outside][0]:g} where {self.on!r} is {values[outside][0]}."
            )
        return out


def check_share(name: str, argument: str, value: Setting) -> float:
    """A number from 0 to 1."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 <= float(value) <= 1:
        return float(value)
    raise ValueError(f"context {name!r}: {argument} must lie between 0 and 1, got {value!r}.")
