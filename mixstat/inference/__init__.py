"""Errors, intervals and tests of the parameters of fitted mixtures."""

from mixstat.inference.covariances import (
    HAC,
    Bootstrap,
    Clustered,
    ObservedInformation,
    OuterProduct,
    SamplingWeights,
    Sandwich,
)
from mixstat.inference.results import InferenceResults

__all__ = [
    "HAC",
    "Bootstrap",
    "Clustered",
    "InferenceResults",
    "ObservedInformation",
    "OuterProduct",
    "SamplingWeights",
    "Sandwich",
]
