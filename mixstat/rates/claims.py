"""What theory claims of a truth, and how certain that is."""

from typing import NamedTuple

MARKS = {
    "seen": "read in the source named",
    "second hand": "read in somebody else's account of the source",
    "derived": "worked out for mixstat and checked numerically",
    "recall": "believed, not checked against the text",
    "own": "stated by its numbers",
}


class Claim(NamedTuple):
    """A slope that theory states for a loss on a log-log plot."""

    specification: str  # "exact", "over" or "any"
    loss: str
    slope: float | None  # None: no polynomial rate
    mark: str
