"""Choice of a model: how strongly slopes are penalised, how certain knowledge is."""

from mixstat.selection.alpha import AlphaPath, alpha_path
from mixstat.selection.penalty import PenaltyPath, penalty_path
from mixstat.selection.relaxed import RelaxedPath, relax

__all__ = [
    "AlphaPath",
    "PenaltyPath",
    "RelaxedPath",
    "alpha_path",
    "penalty_path",
    "relax",
]
