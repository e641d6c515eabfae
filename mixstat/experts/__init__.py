"""Families of experts. A new family is one file and one line here."""

from mixstat.experts.base import Experts
from mixstat.experts.gaussian import GaussianExperts

REGISTRY: dict[str, type[Experts]] = {
    "gaussian": GaussianExperts,
}

__all__ = ["REGISTRY", "Experts", "GaussianExperts"]
