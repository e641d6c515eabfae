"""Families of experts by name. A new family is one file, an import and one line here."""

from mixstat.experts.base import Experts
from mixstat.experts.beta import BetaExperts
from mixstat.experts.binomial import BinomialExperts
from mixstat.experts.exponential import ExponentialExperts
from mixstat.experts.gamma import GammaExperts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.inverse_gaussian import InverseGaussianExperts
from mixstat.experts.lognormal import LognormalExperts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.experts.negative_binomial import NegativeBinomialExperts
from mixstat.experts.ordered import OrderedExperts
from mixstat.experts.point_mass import PointMass
from mixstat.experts.poisson import PoissonExperts
from mixstat.experts.skew_normal import SkewNormalExperts
from mixstat.experts.student import StudentTExperts
from mixstat.experts.weibull import WeibullExperts

REGISTRY: dict[str, Experts] = {
    "gaussian": GaussianExperts(),
    "multinomial": MultinomialExperts(),
    "poisson": PoissonExperts(),
    "binomial": BinomialExperts(),
    "gamma": GammaExperts(),
    "t": StudentTExperts(),
    "skew_normal": SkewNormalExperts(),
    "negative_binomial": NegativeBinomialExperts(),
    "zero": PointMass(),
    "never": PointMass(at=float("inf")),
    "lognormal": LognormalExperts(),
    "exponential": ExponentialExperts(),
    "weibull": WeibullExperts(),
    "inverse_gaussian": InverseGaussianExperts(),
    "beta": BetaExperts(),
    "ordered": OrderedExperts(),
}
