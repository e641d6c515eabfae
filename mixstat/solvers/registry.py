"""Solvers by name. A new solver is one file and one line here."""

from mixstat.solvers.base import Solver
from mixstat.solvers.em import EM
from mixstat.solvers.lbfgs import LBFGS
from mixstat.solvers.newton import Newton
from mixstat.solvers.plan import BasinThenNewtonCG, Plan

REGISTRY: dict[str, Solver] = {
    "auto": Plan(),
    "em": EM(),
    "lbfgs": LBFGS(),
    "newton": Newton(),
    "newton_cg": BasinThenNewtonCG(),
}


def find_solver(solver: object, more: dict[str, Solver] | None = None) -> Solver:
    """A solver by name or as an object; ``more`` are names beside those of the registry.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> from mixstat.solvers import find_solver
    >>> find_solver("lbfgs")
    LBFGS(history=20)
    """
    if isinstance(solver, Solver):
        return solver
    named = REGISTRY | (more or {})
    if not isinstance(solver, str) or solver not in named:
        listed = ", ".join(repr(name) for name in named)
        raise ValueError(
            f"solver must be one of {listed} or an object of mixstat.solvers; got {solver!r}."
        )
    return named[solver]
