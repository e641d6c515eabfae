"""Where a solver ended, before it is judged."""

from typing import NamedTuple

from mixstat.model import Mixture
from mixstat.objective.objective import Derivatives
from mixstat.results import Status


class Outcome(NamedTuple):
    """The last model of a solver and what is known of it."""

    model: Mixture
    status: Status  # why the solver stopped, which is no verdict yet
    n_iter: int
    n_passes: int
    known: Derivatives | None = None  # objective, gradient and Hessian at ``model``
    note: str = ""  # what a person should know of the way there

    def after(self, before: "Outcome") -> "Outcome":
        """The same with the iterations and passes that led to its start added."""
        n_iter, n_passes = before.n_iter + self.n_iter, before.n_passes + self.n_passes
        return self._replace(n_iter=n_iter, n_passes=n_passes)
