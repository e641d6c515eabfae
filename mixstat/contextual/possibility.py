"""Possibility distributions on one variable: alpha-certain, ramps and bells.

Dubois, D. and Prade, H. (1988). Possibility Theory: An Approach to Computerized Processing of
Uncertainty. Plenum Press. Their use in a mixture of experts follows Souza et al. (2022),
arXiv 2211.00558.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixstat.arguments import Series, Setting
from mixstat.contextual.one_variable import OneVariable, check_share
from mixstat.contextual.scales import (
    Length,
    Place,
    around,
    as_number,
    as_numbers,
    check_kinds_meet,
    check_kinds_of_labels,
    check_length,
    check_places,
    is_time,
    ramp,
    width,
)


@dataclass(frozen=True)
class AlphaCertain(OneVariable):
    """Certain by ``alpha`` to be where ``inside`` says: 1 there and 1 - alpha elsewhere.

    Parameters
    ----------
    name : str
        What people call the context.
    on : str, int
        The variable.
    inside : tuple, list or callable
        A tuple (low, high) is a closed interval, with None for an open end; a list holds
        labels; a callable takes values (n,) and returns booleans.
    alpha : float, default=1.0
        Certainty: 1 is crisp, 0 is ignorance.

    Examples
    --------
    >>> from mixstat.contextual import AlphaCertain
    >>> AlphaCertain("hot", on="t", inside=(80, None), alpha=0.9).at([75, 85]).round(1)
    array([0.1, 1. ])
    """

    inside: Any
    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(self.name, "alpha", self.alpha)
        pair = isinstance(self.inside, tuple) and len(self.inside) == 2
        if not pair and not callable(self.inside) and not isinstance(self.inside, list):
            raise ValueError(
                f"context {self.name!r}: inside must be a pair (low, high), a list of labels or "
                f"a callable; got {self.inside!r}."
            )
        if pair:
            check_places(f"context {self.name!r}: inside", self._ends)
        if isinstance(self.inside, list) and not self.inside:
            raise ValueError(f"context {self.name!r}: inside must hold a label, got [].")

    @property
    def _ends(self) -> list[Any]:
        """Ends of the interval that are not open."""
        return [end for end in self.inside if end is not None]

    def _at(self, values: np.ndarray) -> Series:
        return np.where(self._inside(values), 1.0, 1.0 - self.alpha)

    def _inside(self, values: np.ndarray) -> np.ndarray:
        if callable(self.inside):
            return np.asarray(self.inside(values), bool)
        if not isinstance(self.inside, tuple):
            listed = values.astype("datetime64[us]") if values.dtype.kind == "M" else values
            of_rows = listed.tolist()  # times as such, and not as their nanoseconds
            check_kinds_of_labels(f"context {self.name!r}", self.inside, of_rows, self.on)
            return np.array([v in self.inside for v in of_rows], bool)
        check_kinds_meet(f"context {self.name!r}", self._ends, values, self.on)
        low, high = (None if end is None else as_number(end) for end in self.inside)
        number = as_numbers(values, f"on={self.on!r}")
        within = np.ones(len(values), bool) if low is None else number >= low
        return within if high is None else within & (number <= high)

    def grid(self) -> np.ndarray | None:
        """Values around the interval, or the labels and one that is none of them."""
        if callable(self.inside):
            return None
        if not isinstance(self.inside, tuple):
            return np.array([*self.inside, "other"], object)
        return around(self.inside)


@dataclass(frozen=True)
class Trapezoidal(OneVariable):
    """0 outside (a, d), 1 on [b, c], straight between; the feet are ``beta`` further out.

    Parameters
    ----------
    name : str
        What people call the context.
    on : str, int
        The variable.
    corners : tuple of four
        a <= b <= c <= d, in the units of the variable; -inf and inf (both a and b, or c and d)
        leave a side open.
    beta : float, default=0.0
        How far the feet a and d are moved outwards, in units of the variable (days or a
        timedelta for times).

    Examples
    --------
    >>> from mixstat.contextual import Trapezoidal
    >>> Trapezoidal("warm", on="t", corners=(20, 40, 60, 80)).at([10, 30, 50, 75])
    array([0.  , 0.5 , 1.  , 0.25])
    """

    corners: Any
    beta: Length = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_corners(self, self.corners, 4)
        times = any(map(is_time, self.corners))
        check_length(f"context {self.name!r}: beta", self.beta, zero=True, times=times)

    def _at(self, values: np.ndarray) -> Series:
        check_kinds_meet(f"context {self.name!r}", self.corners, values, self.on)
        v = as_numbers(values, f"on={self.on!r}")
        a, b, c, d = (as_number(corner) for corner in self.corners)
        beta = width(self.beta)
        return np.minimum(ramp(v, a - beta, b), ramp(-v, -d - beta, -c))

    def grid(self) -> np.ndarray | None:
        """Values from foot to foot and beyond."""
        return around(self.corners, width(self.beta))


@dataclass(frozen=True)
class Triangular(OneVariable):
    """0 outside (a, c), 1 at b, straight between.

    Parameters
    ----------
    name : str
        What people call the context.
    on : str, int
        The variable.
    corners : tuple of three
        a <= b <= c, in the units of the variable.

    Examples
    --------
    >>> from mixstat.contextual import Triangular
    >>> Triangular("near noon", on="hour", corners=(9, 12, 15)).at([9, 11, 12, 14]).round(2)
    array([0.  , 0.67, 1.  , 0.33])
    """

    corners: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_corners(self, self.corners, 3)

    def _at(self, values: np.ndarray) -> Series:
        check_kinds_meet(f"context {self.name!r}", self.corners, values, self.on)
        v = as_numbers(values, f"on={self.on!r}")
        a, b, c = (as_number(corner) for corner in self.corners)
        return np.minimum(ramp(v, a, b), ramp(-v, -c, -b))

    def grid(self) -> np.ndarray | None:
        """Values from foot to foot and beyond."""
        return around(self.corners)


@dataclass(frozen=True)
class Gaussian(OneVariable):
    """``exp(-((v - centre) / width)^2 / 2)``.

    Parameters
    ----------
    name : str
        What people call the context.
    on : str, int
        The variable.
    centre : float or time
        Where the possibility is 1.
    width : float
        Where it has fallen to 0.61, in units of the variable (days or a timedelta for times).

    Examples
    --------
    >>> from mixstat.contextual import Gaussian
    >>> Gaussian("around 50", on="t", centre=50, width=10).at([50, 60, 70]).round(2)
    array([1.  , 0.61, 0.14])
    """

    centre: Place
    width: Length

    def __post_init__(self) -> None:
        super().__post_init__()
        check_places(f"context {self.name!r}: centre", [self.centre])
        if not np.isfinite(as_number(self.centre)):
            raise ValueError(f"context {self.name!r}: centre must be finite, got {self.centre!r}.")
        times = is_time(self.centre)
        check_length(f"context {self.name!r}: width", self.width, zero=False, times=times)

    def _at(self, values: np.ndarray) -> Series:
        check_kinds_meet(f"context {self.name!r}", [self.centre], values, self.on)
        z = (as_numbers(values, f"on={self.on!r}") - as_number(self.centre)) / width(self.width)
        return np.exp(-0.5 * z**2)

    def grid(self) -> np.ndarray | None:
        """Values within four widths."""
        return around((self.centre,), 3 * width(self.width))


def _check_corners(context: OneVariable, corners: Setting, n: int) -> None:
    """As many corners as asked for, none before the one on its left."""
    places = corners if isinstance(corners, tuple | list) else ()
    if len(places) != n:
        raise ValueError(
            f"context {context.name!r}: corners must be {n} values in increasing order, got "
            f"{corners!r}."
        )
    check_places(f"context {context.name!r}: corners", list(places))
