"""Covariances of estimates, one class each, and their names."""

from mixstat.inference.covariances.base import Covariance, ParameterCovariance, SandwichCovariance
from mixstat.inference.covariances.bootstrap import Bootstrap
from mixstat.inference.covariances.clustered import Clustered
from mixstat.inference.covariances.information import ObservedInformation, OuterProduct
from mixstat.inference.covariances.ordered import HAC
from mixstat.inference.covariances.registry import REGISTRY, find_covariance
from mixstat.inference.covariances.sandwich import SamplingWeights, Sandwich

__all__ = [
    "HAC",
    "REGISTRY",
    "Bootstrap",
    "Clustered",
    "Covariance",
    "ObservedInformation",
    "OuterProduct",
    "ParameterCovariance",
    "SamplingWeights",
    "Sandwich",
    "SandwichCovariance",
    "find_covariance",
]
