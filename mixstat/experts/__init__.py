"""Families of experts. A new family is one file and one line of the registry."""

from mixstat.experts.base import Experts
from mixstat.experts.beta import BetaExperts
from mixstat.experts.binomial import BinomialExperts
from mixstat.experts.censored import Censored
from mixstat.experts.exponential import ExponentialExperts
from mixstat.experts.gamma import GammaExperts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.heteroscedastic import Heteroscedastic
from mixstat.experts.inverse_gaussian import InverseGaussianExperts
from mixstat.experts.lognormal import LognormalExperts
from mixstat.experts.mixed import MixedExperts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.experts.negative_binomial import NegativeBinomialExperts
from mixstat.experts.ordered import OrderedExperts
from mixstat.experts.point_mass import PointMass
from mixstat.experts.poisson import PoissonExperts
from mixstat.experts.registry import REGISTRY
from mixstat.experts.skew_normal import SkewNormalExperts
from mixstat.experts.student import StudentTExperts
from mixstat.experts.truncated import Truncated
from mixstat.experts.weibull import WeibullExperts

__all__ = [
    "REGISTRY",
    "BetaExperts",
    "BinomialExperts",
    "Censored",
    "Experts",
    "ExponentialExperts",
    "GammaExperts",
    "GaussianExperts",
    "Heteroscedastic",
    "InverseGaussianExperts",
    "LognormalExperts",
    "MixedExperts",
    "MultinomialExperts",
    "NegativeBinomialExperts",
    "OrderedExperts",
    "PointMass",
    "PoissonExperts",
    "SkewNormalExperts",
    "StudentTExperts",
    "Truncated",
    "WeibullExperts",
]
