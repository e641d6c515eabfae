"""Where a solver ended, before it is certified."""

from typing import NamedTuple

from mixstat.model import Mixture
from mixstat.results import Status
from mixstat.solvers.certify import Derivatives


class Finish(NamedTuple):
    """The last model of a solver and what is known of it."""

    model: Mixture
    status: Status
    n_iter: int
    n_passes: int
    known: Derivatives | None = None  # objective, gradient and Hessian at ``model``
    note: str = ""  # what a person should know of the way there
