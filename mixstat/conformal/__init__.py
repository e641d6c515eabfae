"""Conformal prediction: sets of responses with a coverage that holds whatever the truth."""

from mixstat.conformal.adaptive import AdaptiveSets
from mixstat.conformal.predictor import ConformalPredictor
from mixstat.conformal.sets import IntervalSets, LabelSets

__all__ = ["AdaptiveSets", "ConformalPredictor", "IntervalSets", "LabelSets"]
