"""Choice of a model: how many experts, how strong a penalty, how certain knowledge."""

from mixstat.selection.alpha import AlphaPath, alpha_path
from mixstat.selection.bound import ExpertBound, fewest_experts
from mixstat.selection.choice import select
from mixstat.selection.columns import ColumnSearch, select_columns
from mixstat.selection.held_out import held_out_shares
from mixstat.selection.merging import Dendrogram, dendrogram, merge
from mixstat.selection.penalty import PenaltyPath, penalty_path
from mixstat.selection.pruning import Pruning, prune
from mixstat.selection.ratio import BootstrapTest, bootstrap_test
from mixstat.selection.relaxed import RelaxedPath, relax
from mixstat.selection.scorers import Scorer, scorer
from mixstat.selection.selected import Selection
from mixstat.selection.slopes import SlopeHeuristic, slope_heuristic

__all__ = [
    "AlphaPath",
    "BootstrapTest",
    "ColumnSearch",
    "Dendrogram",
    "ExpertBound",
    "PenaltyPath",
    "Pruning",
    "RelaxedPath",
    "Scorer",
    "Selection",
    "SlopeHeuristic",
    "alpha_path",
    "bootstrap_test",
    "dendrogram",
    "fewest_experts",
    "held_out_shares",
    "merge",
    "penalty_path",
    "prune",
    "relax",
    "scorer",
    "select",
    "select_columns",
    "slope_heuristic",
]
