"""Displays of fitted mixtures. Matplotlib is loaded when something is drawn."""

from mixstat.plotting.displays import FittedMeanDisplay, GateDisplay
from mixstat.plotting.inputs import InputReportDisplay
from mixstat.plotting.path import PenaltyPathDisplay
from mixstat.plotting.possibility import PossibilityDisplay
from mixstat.plotting.profile import ProfileDisplay
from mixstat.plotting.rate import RateDisplay
from mixstat.plotting.selection import SelectionDisplay
from mixstat.plotting.time import TimeDisplay

__all__ = [
    "FittedMeanDisplay",
    "GateDisplay",
    "InputReportDisplay",
    "PenaltyPathDisplay",
    "PossibilityDisplay",
    "ProfileDisplay",
    "RateDisplay",
    "SelectionDisplay",
    "TimeDisplay",
]
