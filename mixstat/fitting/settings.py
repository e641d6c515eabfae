"""From an estimator's settings to the gate, the experts and their degrees."""

import jax
import numpy as np

from mixstat.experts import REGISTRY as EXPERTS
from mixstat.experts.base import Experts
from mixstat.experts.mixed import MixedExperts
from mixstat.gates import REGISTRY as GATES
from mixstat.gates.base import Gate
from mixstat.parts.part import Part
from mixstat.validation import check_integer


def find_gate(gate: object) -> Gate:
    """A gate by name or as an object of settings."""
    if isinstance(gate, Gate):
        _check_parameters("gate", gate)
        return gate
    if not isinstance(gate, str) or gate not in GATES:
        listed = ", ".join(repr(name) for name in GATES)
        raise ValueError(f"gate must be one of {listed} or a gate object; got {gate!r}.")
    return GATES[gate]


def find_experts(expert: object, covariance: str) -> Experts:
    """A family by name, as an object of settings, or one for each expert in a list."""
    if isinstance(expert, list | tuple):
        return MixedExperts(tuple(_family(one, covariance) for one in expert))
    family = _family(expert, covariance)
    if not family.alone:
        raise ValueError(
            f"expert must name a family beside {expert!r}, in a list such as ['zero', 'poisson']."
        )
    return family


def _family(expert: object, covariance: str) -> Experts:
    """One family by name, or as an object of settings."""
    named = {name: one for name, one in EXPERTS.items() if one.response != "class"}
    if isinstance(expert, str) and expert in named:
        return named[expert].with_covariance(covariance)
    if isinstance(expert, Experts) and expert.response != "class":
        _check_parameters("expert", expert)
        return expert
    listed = ", ".join(repr(name) for name in named)
    raise ValueError(
        f"expert must be one of {listed}, an object of settings, or a list of them; got "
        f"{expert!r}. Classes are for MixtureOfExpertsClassifier."
    )


def _check_parameters(argument: str, part: Part) -> None:
    """Refuse parameters that are no numbers, as where a setting was given without its name."""
    for path, leaf in jax.tree.leaves_with_path(part, is_leaf=lambda one: one is None):
        if not hasattr(leaf, "shape"):
            raise ValueError(
                f"{argument} must be stated by its settings, by name, as in TopKGate(k=2); got "
                f"{leaf!r} as {jax.tree_util.keystr(path).lstrip('.')} of {type(part).__name__}."
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


def check_names(names: object, n_experts: int) -> tuple[str, ...]:
    """Names of the experts, which differ; none where there are no names."""
    if names is None:
        return ()
    listed = [] if isinstance(names, str) else list(names) if np.iterable(names) else []
    if not listed or not all(isinstance(one, str) and one.strip() for one in listed):
        raise ValueError(f"expert_names must be None or a list of texts, got {names!r}.")
    if len(listed) != n_experts:
        raise ValueError(
            f"expert_names must have a name for each of the {n_experts} experts, got "
            f"{len(listed)} of them: {names!r}."
        )
    if len(set(listed)) != len(listed):
        raise ValueError(f"expert_names must differ, got {names!r}.")
    return tuple(str(one) for one in listed)
