"""Displays of fitted mixtures. Matplotlib is loaded when something is drawn."""

from mixstat.plotting.displays import FittedMeanDisplay, GateDisplay

__all__ = ["FittedMeanDisplay", "GateDisplay"]
