"""Compact parameter sets: limits on every kind of parameter, in the user's units."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mixstat import flat
from mixstat.model import Mixture

Limits = tuple[float | int, float | int]
NONE: Limits = (-np.inf, np.inf)


@dataclass(frozen=True)
class Box:
    """Lower and upper limits by the kind of a parameter; what is not stated is free.

    Convergence rates of over-specified mixtures are stated for the maximum likelihood estimate
    within a compact set, without which atoms of little weight drift off. Scales are limited as
    standard deviations, temperatures as they are. Equal limits hold a parameter at that value.
    """

    gate_intercept: Limits = NONE
    gate_slope: Limits = NONE
    expert_intercept: Limits = NONE
    expert_slope: Limits = NONE
    scale: Limits = (0.0, np.inf)
    temperature: Limits = (0.0, np.inf)
    weight: Limits = NONE
    """Log weight of a Gaussian gate against that of the last expert."""
    centre: Limits = NONE
    spread: Limits = (0.0, np.inf)
    """Standard deviation of the inputs in a cluster of a Gaussian gate."""

    def __post_init__(self) -> None:
        for name, (low, high) in asdict(self).items():
            if not low <= high:
                raise ValueError(f"{name} must be (low, high) with low <= high, got {(low, high)}.")

    def bounds(self, lower: Mixture, upper: Mixture) -> tuple[Mixture, Mixture]:
        """The box within bounds that hold already (fixed parameters stay fixed)."""
        low, high = flat.to_vector(lower), flat.to_vector(upper)
        limits = np.array([self._limits(name) for name in names(lower)])
        inside = np.where(low < high, np.maximum(low, limits[:, 0]), low)
        below = np.where(low < high, np.minimum(high, limits[:, 1]), high)
        return flat.from_vector(lower, inside), flat.from_vector(upper, below)

    def describe(self) -> dict[str, list[str]]:
        """Limits as text, which keeps infinities in JSON."""
        return {k: [repr(float(v)) for v in pair] for k, pair in asdict(self).items()}

    def _limits(self, name: str) -> Limits:
        prefix, _, feature = name.partition(":")
        kind = re.sub(r"\d+$", "", prefix)
        constant = feature in ("1", "bias") or feature.endswith(":1")
        logs: Mapping[str, Limits] = {
            "temperature": self.temperature,
            "log_scale": self.scale,
            "spread": self.spread,
        }
        if kind in logs and (kind != "spread" or feature.startswith("log_scale")):
            with np.errstate(divide="ignore"):
                low, high = np.log(logs[kind])
            return float(low), float(high)
        table: dict[str, Any] = {
            "gate": self.gate_intercept if constant else self.gate_slope,
            "expert": self.expert_intercept if constant else self.expert_slope,
            "weight": self.weight,
            "centre": self.centre,
        }
        return table.get(kind, NONE)


def names(model: Mixture) -> list[str]:
    """Names of parameters by which limits are found; the first feature is the constant."""
    q = max((g.coef.shape[-1] for g in model.gate.groups() if g.feature == "Z"), default=1)
    inputs = getattr(model.gate, "inputs", None)
    width = 1 + inputs.n_outputs if inputs is not None else q
    first = ["1"] if model.gate.constant else ["z"]
    gate = model.gate.parameter_names([*first, *(f"z{j}" for j in range(1, width))])
    p = model.experts.groups()[0].coef.shape[-1]
    experts = model.experts
    m = getattr(experts, "n_classes", None) or experts.n_outputs
    outputs = [f"y{c}" for c in range(m)] if m > 1 else [""]
    return gate + experts.parameter_names(["1", *(f"x{j}" for j in range(1, p))], outputs)
