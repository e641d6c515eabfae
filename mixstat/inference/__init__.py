"""Errors, intervals and tests of the parameters of fitted mixtures."""

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
