"""Solvers as objects of settings: what ``solver=`` takes beside a name."""

from mixstat.solvers.base import Solver
from mixstat.solvers.em import EM, StopRule
from mixstat.solvers.lbfgs import LBFGS
from mixstat.solvers.newton import Newton
from mixstat.solvers.newton_cg import NewtonCG
from mixstat.solvers.plan import Plan
from mixstat.solvers.registry import REGISTRY, find_solver

__all__ = [
    "EM",
    "LBFGS",
    "REGISTRY",
    "Newton",
    "NewtonCG",
    "Plan",
    "Solver",
    "StopRule",
    "find_solver",
]
