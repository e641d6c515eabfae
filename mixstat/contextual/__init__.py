"""Process knowledge: contexts as possibility distributions, and what is learned within them."""

from mixstat.contextual.algebra import Complement, Context, Joined
from mixstat.contextual.given import Function, Stated, labels
from mixstat.contextual.possibility import AlphaCertain, Gaussian, Trapezoidal, Triangular
from mixstat.contextual.table import PossibilityTable, tabulate

__all__ = [
    "AlphaCertain",
    "Complement",
    "Context",
    "Function",
    "Gaussian",
    "Joined",
    "PossibilityTable",
    "Stated",
    "Trapezoidal",
    "Triangular",
    "labels",
    "tabulate",
]
