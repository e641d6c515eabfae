"""Statistical mixtures of experts: fitting, inference and study of p(y | x).

Importing mixstat loads nothing heavy; names are loaded when first used.
"""

import gc
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixstat.data.blocks import Blocks
    from mixstat.estimators.classifier import MixtureOfExpertsClassifier
    from mixstat.estimators.contextual import ContextualMixtureOfExperts
    from mixstat.estimators.regressor import MixtureOfExperts
    from mixstat.estimators.shares import ExpertShares
    from mixstat.estimators.two_level import TwoLevelMixtureOfExperts
    from mixstat.numerics.cache import cache_programs
    from mixstat.results import Certificate, DesignWarning, FitResult, Status
    from mixstat.saving import load, save, to_onnx

__version__ = "0.1.0"

_HOMES = {
    "Blocks": "mixstat.data.blocks",
    "MixtureOfExperts": "mixstat.estimators.regressor",
    "MixtureOfExpertsClassifier": "mixstat.estimators.classifier",
    "ContextualMixtureOfExperts": "mixstat.estimators.contextual",
    "TwoLevelMixtureOfExperts": "mixstat.estimators.two_level",
    "ExpertShares": "mixstat.estimators.shares",
    "Certificate": "mixstat.results",
    "DesignWarning": "mixstat.results",
    "FitResult": "mixstat.results",
    "Status": "mixstat.results",
    "cache_programs": "mixstat.numerics.cache",
    "load": "mixstat.saving",
    "save": "mixstat.saving",
    "to_onnx": "mixstat.saving",
}

__all__ = [
    "Blocks",
    "Certificate",
    "ContextualMixtureOfExperts",
    "DesignWarning",
    "ExpertShares",
    "FitResult",
    "MixtureOfExperts",
    "MixtureOfExpertsClassifier",
    "Status",
    "TwoLevelMixtureOfExperts",
    "cache_programs",
    "load",
    "save",
    "to_onnx",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(_load(_HOMES[name]), name)
    raise AttributeError(f"module 'mixstat' has no attribute {name!r}")


def _load(module: str) -> ModuleType:
    """A module; what it brings along stays, so that no garbage is looked for meanwhile."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return import_module(module)
    finally:
        if collecting:
            gc.enable()


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
