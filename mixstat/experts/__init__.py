"""Families of experts. A new family is one file and one line here."""

from mixstat.experts.base import Experts
from mixstat.experts.binomial import BinomialExperts
from mixstat.experts.gamma import GammaExperts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.mixed import MixedExperts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.experts.poisson import PoissonExperts
from mixstat.experts.student import StudentTExperts

REGISTRY: dict[str, Experts] = {
    "gaussian": GaussianExperts(),
    "multinomial": MultinomialExperts(),
    "poisson": PoissonExperts(),
    "binomial": BinomialExperts(),
    "gamma": GammaExperts(),
    "t": StudentTExperts(),
}

__all__ = [
    "REGISTRY",
    "BinomialExperts",
    "Experts",
    "GammaExperts",
    "GaussianExperts",
    "MixedExperts",
    "MultinomialExperts",
    "PoissonExperts",
    "StudentTExperts",
]
