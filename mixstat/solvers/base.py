"""What a solver is: an object of settings that goes from a start to an outcome."""

import abc
from typing import ClassVar

from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.objective import Objective
from mixstat.parts.settings import Tunable
from mixstat.results import FitResult
from mixstat.solvers.certificate import GRADIENT_TOL, judge
from mixstat.solvers.outcome import Outcome

MAX_ITER = 1000  # iterations, where nobody says how many


class Solver(Tunable, abc.ABC):
    """Interface: a frozen record of settings with what it needs of an objective.

    A solver only walks: it says why it stopped, and :func:`mixstat.solvers.certificate.judge`
    says what the place is worth.
    """

    smooth: ClassVar[bool] = False
    """Whether it needs an objective without kinks, that is without an L1 penalty."""
    continuous: ClassVar[bool] = False
    """Whether it needs a gate whose probabilities are continuous in its parameters."""
    drafts: ClassVar[bool] = False
    """Whether it makes use of rows in single precision for its first steps."""
    most_parameters: ClassVar[int | None] = None
    """Largest number of parameters it can take, if there is a limit."""

    @abc.abstractmethod
    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        """Walk from ``start`` for at most ``max_iter`` iterations."""

    def unmet_need(self, objective: Objective) -> str:
        """What this solver needs and the objective lacks, in words; empty if there is nothing."""
        name, gate = type(self).__name__, objective.template.gate
        if self.smooth and objective.penalty.kinked:
            return (
                f"{name} needs a smooth objective, and an L1 penalty has kinks; use 'auto', 'em' "
                "or 'newton', or l1_ratio=0"
            )
        if self.continuous and not gate.continuous:
            return (
                f"{name} needs a continuous gate, and the shares of {type(gate).__name__} jump; "
                "use 'auto'"
            )
        size = parameter_vector.size(objective.template)
        if self.most_parameters is not None and size > self.most_parameters:
            return (
                f"{name} takes at most {self.most_parameters} parameters, and the model has "
                f"{size}; use 'auto'"
            )
        return ""

    def check(self, objective: Objective) -> None:
        """Raise ValueError if the objective lacks something that this solver needs."""
        unmet = self.unmet_need(objective)
        if unmet:
            raise ValueError(f"solver cannot be used here: {unmet}.")

    @in_float64
    def fit(
        self,
        objective: Objective,
        start: Mixture,
        *,
        tol: float = GRADIENT_TOL,
        max_iter: int = MAX_ITER,
    ) -> FitResult:
        """Maximise from ``start``, and judge where that ended.

        Parameters
        ----------
        objective, start
            What to maximise, and where to begin.
        tol
            Largest component of the projected gradient that counts as converged.
        max_iter
            Largest number of iterations.

        Raises
        ------
        ValueError
            If the objective lacks what this solver needs.
        """
        self.check(objective)
        return judge(objective, self.run(objective, start, tol=tol, max_iter=max_iter), tol=tol)
