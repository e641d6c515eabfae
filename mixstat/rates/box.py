"""Compact parameter sets: limits on every kind of parameter, in the user's units."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache

import numpy as np

from mixstat.arguments import Setting
from mixstat.experts import REGISTRY as FAMILIES
from mixstat.gates import REGISTRY as GATES
from mixstat.model import Mixture
from mixstat.objective.objective import Objective
from mixstat.parts.labels import CONSTANT, ParameterLabel
from mixstat.rates.checks import check_instance, check_pair

Limits = tuple[float | int, float | int]
NONE: Limits = (-np.inf, np.inf)
POSITIVE = ("scale", "temperature", "spread")  # kinds that are stored as logs


@dataclass(frozen=True)
class Box:
    """Lower and upper limits by the kind of a parameter; what is not stated is free.

    Convergence rates of over-specified mixtures are stated for the maximum likelihood estimate
    within a compact set, without which atoms of little weight drift off. Scales are limited as
    standard deviations, temperatures as they are. Equal limits hold a parameter at that value.

    Examples
    --------
    >>> from mixstat.rates import Box
    >>> box = Box(expert_slope=(-5, 5), scale=(0.1, 3.0), others={"df": (2.0, 50.0)})
    >>> box.by_kind()["scale"], box.by_kind()["df"]
    ((0.1, 3.0), (2.0, 50.0))
    >>> box.by_kind()["gate_slope"]
    (-inf, inf)
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
    others: Mapping[str, Limits] = field(default_factory=dict, hash=False)
    """Limits of kinds that only some gates or families have, such as "shape" or "df"."""

    def __post_init__(self) -> None:
        check_instance("others", self.others, Mapping, "a mapping of limits by kind")
        known = {f.name for f in fields(self)}
        for kind in self.others:
            if not isinstance(kind, str) or kind in known:
                raise ValueError(
                    f"others must name kinds that have no argument of their own, got {kind!r}."
                )
        for kind, pair in self.by_kind().items():
            _check_limits(kind, pair, positive=kind in POSITIVE)

    def by_kind(self) -> dict[str, Limits]:
        """All limits that are stated."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "others"}
        return named | dict(self.others)

    def within(self, objective: Objective) -> Objective:
        """The objective within the box, and within its bounds (fixed parameters stay fixed)."""
        low, high = np.asarray(objective.lower), np.asarray(objective.upper)
        limits = np.array([self.limits(label) for label in labels(objective.template)])
        inside = np.where(low < high, np.maximum(low, limits[:, 0]), low)
        below = np.where(low < high, np.minimum(high, limits[:, 1]), high)
        if np.any(inside > below):
            kind = labels(objective.template)[int(np.argmax(inside > below))].kind
            raise ValueError(
                f"box leaves no room for {kind}: {kind}={self.by_kind().get(kind)} lies outside "
                "of the bounds that the model has (min_scale is one)."
            )
        return objective.within(inside, below)

    def check(self, model: Mixture, min_scale: float) -> None:
        """Raise ValueError if there is no such kind as one in ``others``, or no room.

        Kinds that other models have may be there, since a box may serve several models.
        """
        known = {label.kind: label.log for label in labels(model)}
        every = known_kinds() | known
        for kind, pair in self.others.items():
            if kind not in every:
                listed = ", ".join(every)
                raise ValueError(f"others must name kinds of parameters ({listed}); got {kind!r}.")
            _check_limits(kind, pair, positive=every[kind])
        if "scale" in known and self.scale[1] < min_scale:
            raise ValueError(
                f"scale must reach up to min_scale={min_scale:g} at least, got {self.scale}."
            )

    def limits(self, label: ParameterLabel) -> Limits:
        """Those of one parameter, as it is stored."""
        low, high = self.by_kind().get(label.kind, (0.0, np.inf) if label.log else NONE)
        if not label.log:
            return low, high
        with np.errstate(divide="ignore"):
            return float(np.log(low)), float(np.log(high))

    def describe(self) -> dict[str, list[str]]:
        """Limits as text, which keeps infinities in JSON."""
        return {kind: [repr(float(v)) for v in pair] for kind, pair in self.by_kind().items()}


@cache
def known_kinds() -> dict[str, bool]:
    """Kinds of the parameters of all gates and families, and whether they are stored as logs."""
    gates = [gate.null(2, 2) for gate in GATES.values()]
    families = [family.null(2, 2, 2) for family in FAMILIES.values()]
    models = [Mixture(gate, families[0]) for gate in gates]
    models += [Mixture(gates[0], family) for family in families]
    return {label.kind: label.log for model in models for label in labels(model)}


def check_box(box: Setting) -> Box | None:
    """A box, or none."""
    return None if box is None else check_instance("box", box, Box, "a Box or None")


def _check_limits(kind: str, pair: Setting, *, positive: bool) -> None:
    """Raise ValueError unless there are numbers between the limits."""
    low, high = check_pair(kind, pair)
    if low == np.inf or high == -np.inf:
        raise ValueError(f"{kind} must leave room for a finite number, got {(low, high)}.")
    if positive and (low < 0 or high <= 0):
        raise ValueError(
            f"{kind} must be (low, high) with 0 <= low and 0 < high, got {(low, high)}."
        )


def labels(model: Mixture) -> list[ParameterLabel]:
    """What the parameters of a model are whose features have no names.

    The first is the constant, for gates that have one.
    """
    gate, experts = model.gate, model.experts
    first = CONSTANT if gate.constant else "z"
    columns = [first, *(f"z{j}" for j in range(1, gate.n_features))]
    p = experts.groups()[0].coef.shape[-1]
    features = [CONSTANT, *(f"x{j}" for j in range(1, p))]
    m = experts.n_values or experts.n_outputs
    outputs = [f"y{c}" for c in range(m)] if m > 1 else [""]
    return gate.labels(columns) + experts.labels(features, outputs)


def names(model: Mixture) -> list[str]:
    """Names of the parameters of such a model."""
    return [label.name for label in labels(model)]
