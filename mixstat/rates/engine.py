"""The fits of a cell: all replicates and starts of one size at once where that can be."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mixstat import flat
from mixstat.model import Mixture
from mixstat.rates.specification import Specification
from mixstat.results import Status
from mixstat.solvers.auto import SOLVERS
from mixstat.solvers.certify import certify, free_parameters, objective_derivatives
from mixstat.solvers.many import fit_many
from mixstat.solvers.problem import Problem

# of the scripts of arXiv 2305.03288: EM's relative gain at the end, and Newton's on the gate
PUBLISHED: dict[str, Any] = {
    "solver": "em",
    "stop": (0.0, 1e-6),
    "accelerate": False,
    "exact_gate": True,
    "gate_tol": 1e-7,
    "max_iter": 2000,
}

SHORT: dict[str, Any] = {"solver": "em", "stop": (0.0, 1e-6), "max_iter": 200}  # before a choice


class Ended(NamedTuple):
    """One fit: its model and what its certificate says."""

    model: Mixture
    status: str
    log_likelihood: float
    n_iter: int
    gradient_norm: float
    newton_decrement: float
    min_eigenvalue: float


def solve_all(
    problems: Sequence[Problem], firsts: Sequence[Mixture], spec: Specification
) -> list[Ended]:
    """A fit for each pair of a problem and a first model; all problems have one shape."""
    if spec.solver not in ("auto", "published"):
        return [_alone(p, f, spec) for p, f in zip(problems, firsts, strict=True)]
    data = [problem.batch for problem in problems]
    settings = {"tol": spec.tol, "max_iter": spec.max_iter}
    published = spec.solver == "published"
    if published:
        settings |= PUBLISHED
    # never by how many there are: programs compiled with care round differently
    fits = fit_many(problems[0], firsts, data=data, lasting=published, **settings)
    if published:  # EM leaves the certificate to be made
        return [_told(fits.result(i, tol=spec.tol), spec.tol) for i in range(len(fits))]
    ends = [
        Ended(
            flat.as_numpy(fits.model(i)),
            str(row["status"]),
            float(row["log_likelihood"]),
            int(row["n_iter"]),
            float(row["gradient_norm"]),
            float(row["newton_decrement"]),
            float(row["min_eigenvalue"]),
        )
        for i, row in enumerate(fits.table)
    ]
    return [_jumped(p, e, spec.tol) for p, e in zip(problems, ends, strict=True)]


def short_runs(
    problems: Sequence[Problem], firsts: Sequence[Mixture], count: int, finish: int
) -> tuple[list[Mixture], np.ndarray]:
    """Where the best ``finish`` of each ``count`` starts are after a short EM, and which."""
    data = [problem.batch for problem in problems]
    fits = fit_many(problems[0], firsts, data=data, lasting=True, **SHORT)
    heights = fits.table["log_likelihood"].reshape(-1, count)
    heights = np.where(np.isfinite(heights), heights, -np.inf)
    chosen = np.sort(np.argsort(-heights, axis=1, kind="stable")[:, :finish], axis=1)
    places = np.ravel(chosen + count * np.arange(len(chosen))[:, None])
    return [flat.as_numpy(fits.model(int(i))) for i in places], chosen


def _alone(problem: Problem, first: Mixture, spec: Specification) -> Ended:
    end = SOLVERS[spec.solver](problem, first, spec.tol, spec.max_iter)
    result = certify(
        problem,
        end.model,
        end.status,
        n_iter=end.n_iter,
        n_passes=end.n_passes,
        tol=spec.tol,
        known=end.known,
    )
    return _told(result, spec.tol)


def _jumped(problem: Problem, end: Ended, tol: float) -> Ended:
    """STALLED in place of JUMP where the experts, in which nothing jumps, are at no maximum."""
    if end.status != Status.JUMP.name:
        return end
    vector, n_gate = flat.to_vector(end.model), flat.size(end.model.gate)
    gradient = objective_derivatives(problem, end.model).gradient
    free = free_parameters(problem, vector, gradient)
    done = np.max(np.abs(gradient[n_gate:][free[n_gate:]]), initial=0.0) <= tol
    return end if done else end._replace(status=Status.STALLED.name)


def _told(result: Any, tol: float) -> Ended:
    proof, status = result.certificate, Status(result.status)
    if status == Status.COLLAPSED and proof.gradient_norm <= tol:
        status = Status.CONVERGED  # in a stated box, a scale on its bound has not collapsed
    return Ended(
        result.model,
        status.name,
        float(result.log_likelihood),
        int(result.n_iter),
        float(proof.gradient_norm),
        float(proof.newton_decrement),
        float(proof.min_eigenvalue),
    )


def certified(end: Ended, tol: float) -> bool:
    """Whether a fit ended at a maximum within its bounds.

    Where the likelihood jumps (status JUMP) its maximum often lies at a jump, beside which the
    gradient in the gate does not vanish: there the experts are at a maximum at the gate found,
    and a search without derivatives found no better gate.
    """
    if end.status == Status.JUMP.name:
        return True
    fine = end.status not in (Status.SADDLE.name, Status.NONFINITE.name)
    return bool(fine and np.isfinite(end.gradient_norm) and end.gradient_norm <= tol)
