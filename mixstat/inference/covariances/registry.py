"""Kinds of covariances by their names, and the clusters that they take."""

from mixstat.inference.covariances.base import Covariance
from mixstat.inference.covariances.bootstrap import Bootstrap
from mixstat.inference.covariances.clustered import Clustered
from mixstat.inference.covariances.information import ObservedInformation, OuterProduct
from mixstat.inference.covariances.ordered import HAC
from mixstat.inference.covariances.sandwich import SamplingWeights, Sandwich

REGISTRY: dict[str, Covariance] = {
    kind.name: kind
    for kind in (
        ObservedInformation(),
        OuterProduct(),
        Sandwich(),
        Clustered(),
        HAC(),
        SamplingWeights(),
        Bootstrap(),
    )
}

# what others call them
ELSEWHERE = {
    "nonrobust": "observed", "oim": "observed", "HC0": "robust", "hc0": "robust",
    "white": "robust", "sandwich": "robust", "opg": "opg", "bhhh": "opg", "HAC": "hac",
    "newey-west": "hac", "clustered": "cluster", "boot": "bootstrap", "pweight": "sampling",
}  # fmt: skip


def find_covariance(cov_type: object) -> Covariance:
    """A kind by name, or as an object with settings."""
    if isinstance(cov_type, Covariance):
        return cov_type
    if isinstance(cov_type, str) and cov_type in REGISTRY:
        return REGISTRY[cov_type]
    listed = ", ".join(repr(name) for name in REGISTRY)
    meant = ELSEWHERE.get(cov_type) if isinstance(cov_type, str) else None
    hint = f" That is {meant!r} here." if meant else ""
    raise ValueError(
        f"cov_type must be one of {listed}, or an object of mixstat.inference such as "
        f"HAC(lags=5); got {cov_type!r}.{hint}"
    )
