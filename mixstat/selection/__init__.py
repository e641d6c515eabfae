"""Choice of a model: how strongly slopes are penalised."""

from mixstat.selection.penalty import PenaltyPath, penalty_path

__all__ = ["PenaltyPath", "penalty_path"]
