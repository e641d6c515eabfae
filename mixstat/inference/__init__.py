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
from mixstat.inference.hypotheses import InvalidTest, LinearTest, WaldTest
from mixstat.inference.results import InferenceResults

__all__ = [
    "HAC",
    "Bootstrap",
    "Clustered",
    "Comparison",
    "Delta",
    "InferenceResults",
    "InvalidTest",
    "LinearTest",
    "ObservedInformation",
    "OuterProduct",
    "ReportedParameters",
    "SamplingWeights",
    "Sandwich",
    "VuongTest",
    "WaldTest",
    "compare",
    "summary_col",
]
