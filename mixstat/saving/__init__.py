"""Files of fitted models: written whole, checked when they are read, and free of code."""

from mixstat.saving.models import load, save

__all__ = ["load", "save"]
