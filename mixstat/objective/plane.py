"""Linear equations between parameters: the plane of points that meet them."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from mixstat.numerics.module import Module
from mixstat.numerics.precision import AnyArray, library_of


class Plane(Module):
    """Points with ``normal' (vector - origin) = 0``.

    Derivatives are made those along the plane, so that no step of a solver leaves it. Across it,
    where nothing moves, the curvature is as if there were information enough.
    """

    normal: Float[AnyArray, "D m"]
    """Orthonormal directions across the plane."""
    origin: Float[AnyArray, " D"]
    """A point on it."""
    box: tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]] | None = None
    """What people let parameters be at least and at most; None where they set no limits."""

    def replace(self, **changes: object) -> "Plane":
        """The same with other fields."""
        return replace(self, **changes)

    @property
    def limited(self) -> Bool[np.ndarray, " D"]:
        """Parameters that people set a limit for."""
        if self.box is None:
            return np.zeros(len(self.origin), bool)
        return np.isfinite(self.box[0]) | np.isfinite(self.box[1])

    def place(self, vector: Float[AnyArray, " D"]) -> Float[AnyArray, " D"]:
        """The nearest point on the plane."""
        return vector - self.normal @ (self.normal.T @ (vector - self.origin))

    def along(self, table: Float[AnyArray, "*rows D"]) -> Float[AnyArray, "*rows D"]:
        """The part of directions, or of gradients, that lies in the plane."""
        return table - (table @ self.normal) @ self.normal.T

    def curved(self, hessian: Float[AnyArray, "D D"]) -> Float[AnyArray, "D D"]:
        """Second derivatives along the plane; across it those of a sharp maximum."""
        inside = self.along(self.along(hessian).T)
        steep = 1.0 + library_of(hessian).max(abs(hessian))
        return inside - steep * (self.normal @ self.normal.T)

    def contains(self, vector: Float[np.ndarray, " D"]) -> bool:
        """Whether a point is on the plane."""
        away = np.abs(vector - self.place(vector)).max(initial=0.0)
        return bool(away <= 1e-9 * (1 + np.abs(vector).max(initial=0.0)))


def within(plane: Plane | None, vector: Float[AnyArray, " D"]) -> Float[AnyArray, " D"]:
    """The nearest point on a plane, if there is one."""
    return vector if plane is None else plane.place(vector)


def along(plane: Plane | None, table: Float[AnyArray, "*rows D"]) -> Float[AnyArray, "*rows D"]:
    """The part of directions that lies in a plane, if there is one."""
    return table if plane is None else plane.along(table)


def curved(plane: Plane | None, hessian: Float[AnyArray, "D D"]) -> Float[AnyArray, "D D"]:
    """Second derivatives along a plane, if there is one."""
    return hessian if plane is None else plane.curved(hessian)
