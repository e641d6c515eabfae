"""Displays of fitted mixtures. Matplotlib is loaded when something is drawn."""

from mixstat.plotting.certainty import GateReliabilityDisplay, RootogramDisplay
from mixstat.plotting.dependence import PartialDependenceDisplay
from mixstat.plotting.displays import FittedMeanDisplay, GateDisplay
from mixstat.plotting.forest import CoefficientDisplay, EffectsDisplay
from mixstat.plotting.inputs import InputReportDisplay
from mixstat.plotting.path import PenaltyPathDisplay
from mixstat.plotting.possibility import PossibilityDisplay
from mixstat.plotting.profile import ProfileDisplay
from mixstat.plotting.rate import RateDisplay
from mixstat.plotting.regions import GateRegionsDisplay
from mixstat.plotting.residuals import InfluenceDisplay, QuantileResidualDisplay
from mixstat.plotting.selection import SelectionDisplay
from mixstat.plotting.sets import PredictionSetDisplay
from mixstat.plotting.slopes import SlopeDisplay
from mixstat.plotting.time import TimeDisplay
from mixstat.plotting.windows import WindowDisplay

__all__ = [
    "CoefficientDisplay",
    "EffectsDisplay",
    "FittedMeanDisplay",
    "GateDisplay",
    "GateRegionsDisplay",
    "GateReliabilityDisplay",
    "InfluenceDisplay",
    "InputReportDisplay",
    "PartialDependenceDisplay",
    "PenaltyPathDisplay",
    "PossibilityDisplay",
    "PredictionSetDisplay",
    "ProfileDisplay",
    "QuantileResidualDisplay",
    "RateDisplay",
    "RootogramDisplay",
    "SelectionDisplay",
    "SlopeDisplay",
    "TimeDisplay",
    "WindowDisplay",
]
