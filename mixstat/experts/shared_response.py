"""What experts of different families say of the one response that they share."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.experts.point_mass import PointMass
from mixstat.numerics.precision import AnyArray
from mixstat.validation import check_number


class SharedResponse(Experts):
    """Families of one kind of response, and point masses beside them.

    Where y is otherwise continuous, a row at a point belongs to the point: a density is nothing
    beside a probability.
    """

    parts: eqx.AbstractVar[tuple[Experts, ...]]

    @property
    def _others(self) -> tuple[Experts, ...]:
        """The families that are no point masses; all of them say the same of y."""
        return tuple(part for part in self.parts if not isinstance(part, PointMass))

    @property
    def _points(self) -> tuple[float, ...]:
        """Where there are point masses."""
        masses = (part for part in self.parts if isinstance(part, PointMass))
        return tuple(sorted({check_number("at", mass.at) for mass in masses}))

    @property
    def response(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._others[0].response if self._others else "real"

    @property
    def jumps(self) -> tuple[float, ...]:
        return () if self.discrete else self._points

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        if not self.parts:
            raise ValueError("expert must name one family for each expert, got an empty list.")
        if not self._others:
            raise ValueError(
                f"expert must name a family beside point masses, got {list(self.parts)}."
            )
        if self.response == "real" and any(self._points):
            at = next(point for point in self._points if point)
            raise ValueError(
                f"at must be 0 beside families of a real y, got {at:g}: subtract it from y."
            )
        for part in self._others if self.has_density(y).any() else ():
            part.check(self._usual(y))
        if len({getattr(part, "trials", None) for part in self._others}) > 1:
            raise ValueError(
                "expert must name families that read y alike, got binomial experts of different "
                f"trials: {self!r}."
            )

    def _at_points(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n q"]:
        """One where y is at each point, else zero."""
        return (y[:, :1] == np.array(self._points)[None]).astype(float)

    def has_density(self, y: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        return ~(self._at_points(y).any(axis=1) & bool(self.jumps))

    def _usual(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """The response, with another one, or one, in the place of those at points."""
        dense = self.has_density(y)
        other = y[np.argmax(dense)] if dense.any() else np.ones(y.shape[1])
        return np.where(dense[:, None], y, other)

    def standard(self, y, share, *, constant: bool):
        """By the rows that are at no point, which stay where they are."""
        first = self._others[0]
        if not self.jumps:
            return first.standard(y, share, constant=constant)
        rest = self.has_density(y)
        if any(self.jumps) or not rest.any():
            return np.zeros(1), np.ones(1)
        some = share[rest] / share[rest].sum()
        return first.standard(y[rest], some, constant=constant and self.response != "real")

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        """As the other families do, then a column for each point."""
        first, at = self._others[0].encode(self._usual(y)), self._at_points(y)
        return np.hstack([first, at]) if at.shape[1] else first

    def _own_y(self, y: AnyArray) -> list[AnyArray]:
        """What the link of each part sees of encoded responses (r, n)."""
        first = len(y) - len(self._points)
        rows = {point: first + i for i, point in enumerate(self._points)}
        return [
            y[rows[float(p.at)]][None] if isinstance(p, PointMass) else y[:first]
            for p in self.parts
        ]

    def _possible(self, y: AnyArray) -> AnyArray | None:
        """Which rows have a density, from encoded responses; None for all."""
        return jnp.sum(y[-len(self.jumps) :], axis=0) == 0 if self.jumps else None

    def one_less(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        return np.nextafter(y, -np.inf) if self.jumps else self._others[0].one_less(y)

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        first = y.shape[1] - len(self._points)
        own = self._others[0].view(y[:, :first])
        return np.hstack([own, y[:, first:]]) if self.jumps else own

    def seen(self, rows: Rows) -> tuple[Rows, ...]:
        return tuple(Rows(rows.Z, rows.Phi, own, rows.weight) for own in self._own_y(rows.y))

    @property
    def n_values(self) -> int | None:
        return self._others[0].n_values if self._others else None

    def notes(self) -> list[str]:
        told = [(k, p) for k, p in enumerate(self.parts) if isinstance(p, PointMass)]
        return [f"Expert {k} is y = {mass.at:g}" for k, mass in told]


def given(possible: AnyArray | None, part: Experts, table: AnyArray, other: float) -> AnyArray:
    """What a family says of rows that may be its own, and ``other`` of those that cannot."""
    if possible is None or isinstance(part, PointMass):
        return table
    return jnp.where(possible, table, other)
