"""What experts of different families say of the one response that they share."""

from dataclasses import replace

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float

from mixstat.arguments import Response
from mixstat.data.batch import Rows
from mixstat.experts.base import Experts
from mixstat.experts.point_mass import PointMass
from mixstat.numerics.precision import AnyArray, library_of


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
        return tuple(sorted({mass.place for mass in masses}))

    @property
    def response(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._others[0].response if self._others else "real"

    @property
    def paired(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return bool(self._others) and self._others[0].paired

    @property
    def discrete(self) -> bool:
        return bool(self._others) and self._others[0].discrete

    @property
    def ranges(self) -> bool:
        return bool(self.jumps) or self._others[0].ranges

    @property
    def jumps(self) -> tuple[float, ...]:
        return () if self.discrete else self._points

    def widths(self, n_outputs: int) -> tuple[int, ...]:
        return self._others[0].widths(n_outputs)

    def bounded(self, y: Response) -> Response:
        return self._others[0].bounded(y) if self._others else y

    def check(self, y: Float[np.ndarray, "n c"]) -> None:
        if not self.parts:
            raise ValueError("expert must name one family for each expert, got an empty list.")
        if not self._others:
            raise ValueError(
                f"expert must name a family beside point masses, got {list(self.parts)}."
            )
        self._check_points()
        at = np.any(self._at_points(y), axis=1)  # where nothing is asked of the others
        for part in () if at.all() else self._others:
            part.check(np.where(at[:, None], y[np.argmin(at)], y))
        if len({getattr(part, "trials", None) for part in self._others}) > 1:
            raise ValueError(
                "expert must name families that read y alike, got binomial experts of different "
                f"trials: {self!r}."
            )

    def _check_points(self) -> None:
        """Refuse points that the other families do not allow."""
        bounded = [part for part in self._others if part.standard_family() is not part]
        if bounded:
            raise ValueError(
                "expert must not name truncated families of a continuous y beside others, got "
                f"{bounded[0]!r}."
            )
        moved = [point for point in self._points if point and np.isfinite(point)]
        if moved and self.response.endswith("real"):
            raise ValueError(
                f"at must be 0 beside families of a real y, got {moved[0]:g}: subtract it from y."
            )
        if np.inf in self._points and not self.response.startswith("censored"):
            raise ValueError(
                "at must be finite but beside censored families, where inf is what never comes; "
                "got inf."
            )

    def _at_points(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n q"]:
        """One where y may be at each point, else zero."""
        first = self._others[0]
        marks = [first.contains(y, point) for point in self._points]
        return np.array(marks, float).reshape(len(marks), len(y)).T

    def _taken(self, y: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        """Whether each response is a point's, since it is exact and other laws are continuous."""
        exact = self._others[0].has_density(y) & bool(self.jumps)
        return self._at_points(y).any(axis=1) & exact

    def has_density(self, y: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
        return self._others[0].has_density(y) & ~self._taken(y)

    def _usual(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """The response, with another one, or one, in the place of those that points take."""
        taken = self._taken(y)
        other = np.ones(y.shape[1]) if taken.all() else y[np.argmin(taken)]
        return np.where(taken[:, None], other, y)

    def standard(self, y, share, *, constant: bool):
        """By the rows that no point takes; points stay where they are."""
        first, points = self._others[0], [p for p in self.jumps if np.isfinite(p)]
        rest = ~self._taken(y)
        if any(points) or not rest.any():
            return np.zeros(1), np.ones(1)
        some = share[rest] / share[rest].sum() if len(points) else share
        chosen = y[rest] if len(points) else y
        stays = len(points) > 0 and self.response.endswith("real")
        return first.standard(chosen, some, constant=constant and not stays)

    def freed(
        self, y: Float[np.ndarray, "n c"], offset: Float[np.ndarray, "n o"]
    ) -> Float[np.ndarray, "n c"]:
        """Points stay where they are."""
        return np.where(self._taken(y)[:, None], y, super().freed(y, offset))

    def encode(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n r"]:
        """As the other families do, then a column for each point, and whether one takes y."""
        first, at = self._others[0].encode(self._usual(y)), self._at_points(y)
        if not at.shape[1]:
            return first
        return np.column_stack([first, at, self._taken(y)] if self.jumps else [first, at])

    @property
    def _n_marks(self) -> int:
        """Columns of encoded responses that are about points."""
        return len(self._points) + bool(self.jumps)

    def _own_y(self, y: AnyArray) -> list[AnyArray]:
        """What the link of each part sees of encoded responses (r, n)."""
        first = len(y) - self._n_marks
        rows = {point: first + i for i, point in enumerate(self._points)}
        return [
            y[rows[p.place]][None] if isinstance(p, PointMass) else y[:first] for p in self.parts
        ]

    def _possible(self, y: AnyArray) -> AnyArray | None:
        """Which rows have a density, from encoded responses; None for all."""
        return y[-1] == 0 if self.jumps else None

    def one_less(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        first = self._others[0]
        below = first.one_less(y) if first.ranges else y
        return np.nextafter(below, -np.inf) if self.jumps else below

    def exact(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "d n"]:
        return self._others[0].exact(y)

    def reached(self, y: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "d n"]:
        return self._others[0].reached(y)

    def observed(self, y: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n m"]:
        return self._others[0].observed(y)

    def view(self, y: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "n v"]:
        first = y.shape[1] - self._n_marks
        own = self._others[0].view(y[:, :first])
        return np.hstack([own, y[:, first:-1]]) if self.jumps else own

    def seen(self, rows: Rows) -> tuple[Rows, ...]:
        return tuple(replace(rows, y=own) for own in self._own_y(rows.y))

    @property
    def n_values(self) -> int | None:
        return self._others[0].n_values if self._others else None

    def notes(self) -> list[str]:
        told = [(k, p) for k, p in enumerate(self.parts) if isinstance(p, PointMass)]
        return [f"Expert {k} is y = {mass.place:g}" for k, mass in told]


def given(possible: AnyArray | None, part: Experts, table: AnyArray, other: float) -> AnyArray:
    """What a family says of rows that may be its own, and ``other`` of those that cannot."""
    if possible is None or isinstance(part, PointMass):
        return table
    return library_of(possible, table).where(possible, table, other)
