"""From an estimator's settings to the gate, the experts and their features."""

from typing import Any

import numpy as np

from mixstat.data import polynomial
from mixstat.data.design import MappedColumns, PolynomialColumns
from mixstat.experts import REGISTRY as EXPERTS
from mixstat.experts.base import Experts
from mixstat.experts.mixed import MixedExperts
from mixstat.gates import REGISTRY as GATES
from mixstat.gates.base import Gate
from mixstat.validation import check_integer, choose_columns


def find_gate(gate: object) -> Gate:
    """A gate by name or as an object of settings."""
    if isinstance(gate, Gate):
        return gate
    if not isinstance(gate, str) or gate not in GATES:
        listed = ", ".join(repr(name) for name in GATES)
        raise ValueError(f"gate must be one of {listed} or a gate object; got {gate!r}.")
    return GATES[gate]


def find_experts(expert: object, covariance: str) -> Experts:
    """A family by name, as an object of settings, or one for each expert in a list."""
    if isinstance(expert, list | tuple):
        return MixedExperts(tuple(find_experts(one, covariance) for one in expert))
    named = {name: one for name, one in EXPERTS.items() if one.response != "class"}
    if isinstance(expert, str) and expert in named:
        return named[expert].with_covariance(covariance)
    if isinstance(expert, Experts) and expert.response != "class":
        return expert
    listed = ", ".join(repr(name) for name in named)
    raise ValueError(
        f"expert must be one of {listed}, an object of settings, or a list of them; got "
        f"{expert!r}. Classes are for MixtureOfExpertsClassifier."
    )


def check_degree(degree: object, n_experts: int) -> np.ndarray:
    """Degree of each expert, from one number or one for each."""
    if not isinstance(degree, list | tuple | np.ndarray):
        return np.full(n_experts, check_integer("degree", degree, 0))
    if len(degree) != n_experts:
        raise ValueError(
            f"degree must be one integer or one for each of the {n_experts} experts, got "
            f"{len(degree)} of them."
        )
    return np.array([check_integer("degree", one, 0) for one in degree])


def polynomial_sources(
    settings: Any, gate: Gate, names: list[str], degrees: np.ndarray
) -> tuple[Any, Any]:
    """Columns of the experts and of the gate from the estimator's settings."""
    inputs = choose_columns("expert_features", settings.expert_features, names)
    experts = _polynomial(inputs, int(degrees.max()), settings.interactions, names)
    if gate.max_degree is not None and settings.gate_degree > gate.max_degree:
        raise ValueError(
            f"gate_degree must be at most {gate.max_degree} for {type(gate).__name__}, got "
            f"{settings.gate_degree}."
        )
    inputs = choose_columns("gate_features", settings.gate_features, names)
    gates = _polynomial(inputs, settings.gate_degree, settings.interactions, names)
    if settings.expert_penalty and settings.l1_ratio and degrees.max() > 1:
        # zeros of standardised monomials are no zeros of raw ones
        experts = MappedColumns(experts, None, "", constant=True)
    if settings.gate_penalty and settings.l1_ratio and settings.gate_degree > 1:
        gates = MappedColumns(gates, None, "", constant=True)
    return experts, gates


def mapped(source: Any, gate: Gate) -> Any:
    """Columns as the gate wants them: a function of them, or without the constant."""
    function = gate.feature_map()
    if function is None and gate.constant:
        return source
    if isinstance(source, MappedColumns):
        source = source.source
    return MappedColumns(source, function, gate.map_name(), constant=gate.constant)


def _polynomial(inputs: np.ndarray, degree: int, interactions: bool, names: list[str]) -> Any:
    exponents = polynomial.powers(len(inputs), degree, interactions=interactions)
    return PolynomialColumns(inputs, exponents, [names[j] for j in inputs])


def degree_mask(source: Any, kept: np.ndarray, degrees: np.ndarray) -> np.ndarray | None:
    """(K, p) internal features that are above an expert's degree; None if there is none.

    Features are orthogonalised in the order of their degree, so that the first ones span the
    polynomials of lower degree.
    """
    if degrees.min() == degrees.max():
        return None
    inner = source.source if isinstance(source, MappedColumns) else source
    total = inner.exponents.sum(axis=1)[kept]
    return total[None, :] > degrees[:, None]
