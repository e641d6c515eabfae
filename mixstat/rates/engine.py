"""The fits of a cell: all replicates and starts of one size at once where that can be."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from mixstat.fitting.batch_of_fits import fit_many
from mixstat.fitting.fit_table import FitTable
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.rates.specification import Specification
from mixstat.results import Status
from mixstat.solvers.em import EM, StopRule

SHORT = EM(stop=StopRule(0.0, 1e-6, max_iter=200))  # before starts are chosen


class Ended(NamedTuple):
    """One fit: its model and what its certificate says."""

    model: Mixture
    status: str
    log_likelihood: float
    n_iter: int
    gradient_norm: float
    newton_decrement: float
    min_eigenvalue: float

    @property
    def certified(self) -> bool:
        """Whether the fit ended at a maximum within its bounds.

        Where the likelihood jumps (status JUMP) its maximum often lies at a jump, beside which
        the gradient in the gate does not vanish: there the experts are at a maximum at the gate
        found, and a search without derivatives found no better gate.
        """
        return self.status in (Status.CONVERGED.name, Status.JUMP.name)

    @property
    def arrived(self) -> bool:
        """Whether the fit is where the likelihood leads, be that no maximum (SEPARATED)."""
        return self.certified or self.status == Status.SEPARATED.name


def solve_all(
    objectives: Sequence[Objective], firsts: Sequence[Mixture], spec: Specification
) -> list[Ended]:
    """A fit for each pair of an objective and a first model; all have one shape."""
    solver, data = spec.walker, [objective.batch for objective in objectives]
    # EM is compiled with care, whatever their number: such programs round differently
    fits = fit_many(
        objectives[0],
        firsts,
        data=data,
        solver=solver,
        tol=spec.tol,
        max_iter=spec.limit,
        lasting=isinstance(solver, EM),
    )
    if isinstance(solver, EM):  # leaves the verdict to be made
        return [_judged(fits, i, spec.tol) for i in range(len(fits))]
    return [_of_row(fits, i) for i in range(len(fits))]


def short_runs(
    objectives: Sequence[Objective], firsts: Sequence[Mixture], count: int, finish: int
) -> tuple[list[Mixture], Int[np.ndarray, "tasks finish"]]:
    """Where the best ``finish`` of each ``count`` starts are after a short EM, and which."""
    data = [objective.batch for objective in objectives]
    fits = fit_many(objectives[0], firsts, data=data, solver=SHORT, lasting=True)
    heights = fits.table["log_likelihood"].reshape(-1, count)
    heights = np.where(np.isfinite(heights), heights, -np.inf)
    chosen = np.sort(np.argsort(-heights, axis=1, kind="stable")[:, :finish], axis=1)
    places = np.ravel(chosen + count * np.arange(len(chosen))[:, None])
    return [parameter_vector.as_numpy(fits.model(int(i))) for i in places], chosen


def _of_row(fits: FitTable, i: int) -> Ended:
    row = fits.table[i]
    return Ended(
        model=parameter_vector.as_numpy(fits.model(i)),
        status=str(row["status"]),
        log_likelihood=float(row["log_likelihood"]),
        n_iter=int(row["n_iter"]),
        gradient_norm=float(row["gradient_norm"]),
        newton_decrement=float(row["newton_decrement"]),
        min_eigenvalue=float(row["min_eigenvalue"]),
    )


def _judged(fits: FitTable, i: int, tol: float) -> Ended:
    result = fits.result(i, tol=tol)
    proof = result.certificate
    return Ended(
        model=result.model,
        status=result.status.name,
        log_likelihood=float(result.log_likelihood),
        n_iter=result.n_iter,
        gradient_norm=proof.gradient_norm,
        newton_decrement=proof.newton_decrement,
        min_eigenvalue=proof.min_eigenvalue,
    )
