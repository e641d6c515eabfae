"""Displays of fitted mixtures. Matplotlib is loaded when something is drawn."""

from mixstat.plotting.displays import FittedMeanDisplay, GateDisplay
from mixstat.plotting.path import PenaltyPathDisplay
from mixstat.plotting.possibility import PossibilityDisplay
from mixstat.plotting.profile import ProfileDisplay

__all__ = [
    "FittedMeanDisplay",
    "GateDisplay",
    "PenaltyPathDisplay",
    "PossibilityDisplay",
    "ProfileDisplay",
]
