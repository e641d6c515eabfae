"""What became of every member of a batch of fits."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.fitting.members import Members
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.objective import Derivatives, Objective
from mixstat.results import FitResult, Status
from mixstat.solvers.certificate import GRADIENT_TOL, curvature_of, judge
from mixstat.solvers.outcome import Outcome

COLUMNS = np.dtype(
    [
        ("status", "U10"),
        ("n_iter", int),
        ("n_passes", int),
        ("log_likelihood", float),
        ("objective", float),
        ("gradient_norm", float),
        ("newton_decrement", float),
        ("min_eigenvalue", float),
    ]
)


class End(NamedTuple):
    """Where a member ended, and what was made of it."""

    vector: Float[np.ndarray, " D"]
    objective: float
    status: Status
    n_iter: int
    n_passes: int
    mass: Float[np.ndarray, " K"] | None = None
    gradient_norm: float = np.nan
    decrement: float = np.nan
    smallest: float = np.nan
    known: Derivatives | None = None
    regular: bool = False  # whether the status is a verdict

    def outcome(self, model: Mixture) -> Outcome:
        """The same as a single solver tells it; ``model`` is that of the vector."""
        return Outcome(model, self.status, self.n_iter, self.n_passes, self.known)

    def with_curvature(self, objective: Objective, known: Derivatives) -> "End":
        """With the curvature at a regular end."""
        free = np.asarray(objective.free(self.vector, known.gradient))
        curvature = curvature_of(known, free, np.zeros((int(free.sum()), 0)))
        return self._replace(decrement=curvature.decrement, smallest=curvature.smallest)


@dataclass(frozen=True)
class FitTable:
    """What became of every member, and their models."""

    table: np.ndarray
    """A row per member: status, iterations, passes over its data, mean log-likelihood, the
    objective (less the penalty), largest component of the projected gradient, gain that a Newton
    step predicts, smallest eigenvalue of the information. The last three are nan after EM,
    whose status is why it stopped; every other status is a verdict."""
    vectors: Float[np.ndarray, "M D"]
    """Parameter vectors."""
    mass: Float[np.ndarray, "M K"]
    """Share of the weight that each expert is responsible for; nan after EM."""
    members: Members = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def certified(self) -> Bool[np.ndarray, " M"]:
        """Whether a member ended at a maximum."""
        return self.table["status"] == Status.CONVERGED.name

    def model(self, member: int) -> Mixture:
        """The model of one member."""
        return parameter_vector.from_vector(
            parameter_vector.as_numpy(self.members.start(member)), self.vectors[member]
        )

    @in_float64
    def result(self, member: int, *, tol: float = GRADIENT_TOL) -> FitResult:
        """The fit of one member with its whole certificate, made by one more pass."""
        row = self.table[member]
        model, status = self.model(member), Status[str(row["status"])]
        outcome = Outcome(model, status, int(row["n_iter"]), int(row["n_passes"]))
        return judge(self.members.alone(member), outcome, tol=tol)


def table_of(members: Members, ends: list[End]) -> FitTable:
    """The table of all ends, in their order."""
    table = np.zeros(len(ends), COLUMNS)
    unknown = np.full(members.start(0).n_experts, np.nan)
    for i, end in enumerate(ends):
        value = end.objective + float(members.objective.penalty.value(end.vector))
        numbers = (value, end.objective, end.gradient_norm, end.decrement, end.smallest)
        table[i] = (end.status.name, end.n_iter, end.n_passes, *numbers)
    vectors = np.stack([end.vector for end in ends])
    mass = np.stack([unknown if end.mass is None else end.mass for end in ends])
    return FitTable(table, vectors, mass, members)
