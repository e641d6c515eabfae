"""Errors, intervals and tests of the parameters of fitted mixtures.

Modules are loaded when a name of theirs is first used: a fit needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixstat.inference.columns import summary_col
    from mixstat.inference.comparison import Comparison, VuongTest, compare
    from mixstat.inference.covariances import (
        HAC,
        Bootstrap,
        Clustered,
        ObservedInformation,
        OuterProduct,
        SamplingWeights,
        Sandwich,
    )
    from mixstat.inference.delta import Delta, ReportedParameters
    from mixstat.inference.effects import MarginalEffects
    from mixstat.inference.hypotheses import InvalidTest, LinearTest, WaldTest
    from mixstat.inference.influence import Influence
    from mixstat.inference.prediction_errors import PredictionResults
    from mixstat.inference.results import InferenceResults

_HOMES = {
    "Bootstrap": "mixstat.inference.covariances",
    "Clustered": "mixstat.inference.covariances",
    "Comparison": "mixstat.inference.comparison",
    "Delta": "mixstat.inference.delta",
    "HAC": "mixstat.inference.covariances",
    "InferenceResults": "mixstat.inference.results",
    "Influence": "mixstat.inference.influence",
    "InvalidTest": "mixstat.inference.hypotheses",
    "LinearTest": "mixstat.inference.hypotheses",
    "MarginalEffects": "mixstat.inference.effects",
    "ObservedInformation": "mixstat.inference.covariances",
    "OuterProduct": "mixstat.inference.covariances",
    "PredictionResults": "mixstat.inference.prediction_errors",
    "ReportedParameters": "mixstat.inference.delta",
    "SamplingWeights": "mixstat.inference.covariances",
    "Sandwich": "mixstat.inference.covariances",
    "VuongTest": "mixstat.inference.comparison",
    "WaldTest": "mixstat.inference.hypotheses",
    "compare": "mixstat.inference.comparison",
    "summary_col": "mixstat.inference.columns",
}

__all__ = [
    "HAC",
    "Bootstrap",
    "Clustered",
    "Comparison",
    "Delta",
    "InferenceResults",
    "Influence",
    "InvalidTest",
    "LinearTest",
    "MarginalEffects",
    "ObservedInformation",
    "OuterProduct",
    "PredictionResults",
    "ReportedParameters",
    "SamplingWeights",
    "Sandwich",
    "VuongTest",
    "WaldTest",
    "compare",
    "summary_col",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mixstat.inference' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
