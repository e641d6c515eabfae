"""Inequalities as people write them: a parameter between numbers."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mixstat.inference.linear import coded, read_side, shown

SIGNS = re.compile("<=|>=")


class Limit(NamedTuple):
    """What one parameter may be at least, and at most."""

    place: int
    """Of the parameter among all."""
    low: float
    high: float
    words: str

    def holds(self, value: float, rounding: float = 1e-9) -> bool:
        """Whether a value is on one of the limits."""
        near = rounding * (1 + abs(value))
        return abs(value - self.low) <= near or abs(value - self.high) <= near


def is_inequality(text: str) -> bool:
    """Whether a statement compares."""
    return any(sign in text for sign in "<>")


def check_signs(texts: Sequence[str]) -> None:
    """Refuse signs other than <= and >=, of which maxima may have none."""
    for text in texts:
        rest = SIGNS.sub(" ", text)
        if any(sign in rest for sign in "<>="):
            raise ValueError(
                "constraints with inequalities must have <= or >= alone, such as 'expert0:x >= 0' "
                f"or '-1 <= expert0:x <= 1'; got {text!r}."
            )


def bounds_constants(texts: Sequence[str]) -> bool:
    """Whether a constant is bounded, by the name that constants have."""
    return any(side.strip().endswith(":1") for text in texts for side in SIGNS.split(text))


def read_limits(texts: Sequence[str], names: Sequence[str]) -> list[Limit]:
    """Limits of parameters, one for each that is bounded.

    Parameters
    ----------
    texts
        Such as "-1 <= expert0:x <= 1".
    names
        Of the parameters.

    Raises
    ------
    ValueError
        If an inequality is not of one parameter and numbers, or leaves it no room.
    """
    found: dict[int, Limit] = {}
    for text in texts:
        for code in coded(text, names):
            for limit in _limits(code, text, names):
                before = found.get(limit.place, Limit(limit.place, -np.inf, np.inf, ""))
                found[limit.place] = _narrowed(before, limit, names[limit.place])
    return list(found.values())


def _limits(code: str, text: str, names: Sequence[str]) -> list[Limit]:
    """Of one chain of comparisons."""
    sides = [read_side(side, text, names, "constraints") for side in SIGNS.split(code)]
    limits: list[Limit] = []
    for left, right, sign in zip(sides[:-1], sides[1:], SIGNS.findall(code), strict=True):
        above = right - left if sign == "<=" else left - right  # not negative
        at = np.flatnonzero(above[:-1])
        if len(at) != 1:
            raise ValueError(
                "constraints with inequalities must be of one parameter and numbers, such as "
                f"'{names[0]} >= 0'; got {text!r}."
            )
        place, edge = int(at[0]), float(-above[-1] / above[at[0]])
        ends = (edge, np.inf) if above[place] > 0 else (-np.inf, edge)
        limits.append(Limit(place, *ends, shown(code, names)))
    return limits


def _narrowed(before: Limit, limit: Limit, name: str) -> Limit:
    low, high = max(before.low, limit.low), min(before.high, limit.high)
    if not low < high:
        raise ValueError(
            f"constraints must leave {name} room; got {limit.words!r} beside others"
            + (f": to hold it, write {name} = {low:g}." if low == high else ".")
        )
    words = " and ".join(dict.fromkeys(filter(None, (before.words, limit.words))))
    return Limit(limit.place, low, high, words)
