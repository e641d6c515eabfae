"""Mixing measures: weights W_k and named blocks of parameters of the atoms of a model."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.experts.base import Experts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.gates.base import Gate
from mixstat.gates.gaussian import GaussianGate
from mixstat.gates.reference import ReferenceGate, full
from mixstat.gates.temperature import TemperatureGate
from mixstat.model import Mixture


class Measures(NamedTuple):
    """R mixing measures of K atoms each.

    A weight is exp(intercept of the gate): up to a common factor, unless the gate has weights
    of its own, which sum to one.
    """

    weight: Float[np.ndarray, "R K"]
    blocks: dict[str, Float[np.ndarray, "R K p"]]

    def stacked(self, names: Sequence[str]) -> Float[np.ndarray, "R K s"]:
        """Blocks side by side."""
        return np.concatenate([self.blocks[name] for name in names], axis=2)


def measures(models: Sequence[Mixture]) -> Measures:
    """The mixing measures of models of one shape.

    Blocks: "gate" (slopes w), "temperature", "ratio" (w / temperature), "centre" and "spread"
    (covariance) of a Gaussian gate; "slope" and "intercept" of the experts, "variance" of
    Gaussian ones.

    Raises
    ------
    ValueError
        If atoms of such a gate or of such experts are not defined here.
    """
    each = [_gate_atoms(m.gate) for m in models]
    own = [_expert_atoms(m.experts) for m in models]
    blocks = [gate | expert for (_, gate), expert in zip(each, own, strict=True)]
    return Measures(
        np.stack([weight for weight, _ in each]),
        {name: np.stack([one[name] for one in blocks]) for name in blocks[0]},
    )


def _gate_atoms(gate: Gate) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Weights (K,) and blocks (K, p) of a gate."""
    if isinstance(gate, GaussianGate):
        logits = np.append(np.ravel(gate.logit), 0.0)
        share = np.exp(logits - logits.max())
        k, d = gate.coefficients().shape
        spread = gate.inputs.covariances().reshape(k, d * d)
        return share / share.sum(), {"centre": gate.coefficients(), "spread": spread}
    if isinstance(gate, TemperatureGate):
        tau = float(np.exp(np.ravel(gate.log_tau)[0]))
        if gate.activation is None:
            coef = full(gate.coef)
            bias, slope = coef[:, 0], coef[:, 1:]
        else:
            bias, slope = full(gate.bias)[:, 0], np.asarray(gate.coef)
        shared = np.full((len(slope), 1), tau)
        blocks = {"gate": slope, "temperature": shared, "ratio": slope / tau}
        return np.exp(bias / tau), blocks
    if isinstance(gate, ReferenceGate):
        coef = full(gate.coef)
        return np.exp(coef[:, 0]), {"gate": coef[:, 1:]}
    raise ValueError(f"a mixing measure is not defined for {type(gate).__name__}.")


def _expert_atoms(experts: Experts) -> dict[str, np.ndarray]:
    """Blocks (K, p) of experts."""
    if isinstance(experts, GaussianExperts):
        coef = np.asarray(experts.coef)
        k, m = experts.n_experts, experts.n_outputs
        covariance = np.broadcast_to(experts.covariances(), (k, m, m))
        return _linear(coef) | {"variance": covariance.reshape(k, m * m)}
    if isinstance(experts, MultinomialExperts):
        return _linear(np.asarray(experts.coef))
    raise ValueError(f"a mixing measure is not defined for {type(experts).__name__}.")


def _linear(coef: Float[np.ndarray, "K L p"]) -> dict[str, np.ndarray]:
    k = len(coef)
    return {"intercept": coef[:, :, 0], "slope": coef[:, :, 1:].reshape(k, -1)}
