"""Between a person's units and those in which a model is fitted: features, responses, offsets."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.data.categories import Levels
from mixstat.data.coding import CodedColumns
from mixstat.data.design import Design, MappedColumns
from mixstat.data.scaling import inverse_of
from mixstat.experts.base import Experts
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector


@dataclass(frozen=True, eq=False)
class Designs:
    """How features are made of rows, for the experts and for the gate."""

    experts: Design
    gate: Design

    def features(self, X: Table) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "n q"]]:
        """Internal features (Phi, Z) of rows."""
        return self.experts.transform(X), self.gate.transform(X)

    @property
    def levels(self) -> dict[str, Levels]:
        """Levels of the categories among the inputs, the reference first."""
        found: dict[str, Levels] = {}
        for source in (self.experts.source, self.gate.source):
            inner = source.source if isinstance(source, MappedColumns) else source
            found |= inner.levels if isinstance(inner, CodedColumns) else {}
        return found

    def of_parts(self, X: Table) -> Callable[[slice], tuple[np.ndarray, np.ndarray]]:
        """:meth:`Design.of_parts` of both; one table twice where they are the same."""
        of_experts = self.experts.of_parts(X)
        if self.gate.whitening is self.experts.whitening:
            return lambda part: (features := of_experts(part), features)
        of_gate = self.gate.of_parts(X)
        return lambda part: (of_experts(part), of_gate(part))


@dataclass(frozen=True, eq=False)
class Units:
    """How the response was standardised before it was fitted."""

    location: Float[np.ndarray, " m"]
    scale: Float[np.ndarray, " m"]
    offset_centre: Float[np.ndarray, " o"] | None = None
    """What offsets are told from; None where there is none."""
    dense: float | Float[np.ndarray, " m"] = 1.0
    """Share of the rows (by weight) whose response has a density rather than a probability; of
    each output, where rows lack some."""

    def standardised(self, y: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
        """Responses as the fit sees them."""
        return (y - self.location) / self.scale

    def centred_offset(
        self, offset: Float[np.ndarray, "n o"] | None
    ) -> Float[np.ndarray, "n o"] | None:
        """Offsets, in their own units, as they are added to predictors in the units of y."""
        if (offset is None) != (self.offset_centre is None):
            raise ValueError("offset must be given where the fit had one, and only there.")
        return None if offset is None else offset - self.offset_centre

    def standardised_offset(
        self, offset: Float[np.ndarray, "n o"] | None, family: Experts
    ) -> Float[np.ndarray, "n o"] | None:
        """Offsets as the fit sees them."""
        centred = self.centred_offset(offset)
        return None if centred is None else centred / family.offset_unit(self.scale)

    @property
    def log_volume(self) -> float:
        """Log of the volume of a unit of y: what a log density in units of y has less."""
        return float(np.sum(np.log(self.scale)))

    @property
    def log_scale(self) -> float:
        """What a mean log-likelihood of the rows in units of y has less."""
        return float(np.sum(self.dense * np.log(self.scale)))

    def log_volumes(self, y: Float[np.ndarray, "n c"], family: Experts) -> Float[np.ndarray, " n"]:
        """What the log density of each row in units of y has less."""
        if family.in_part:
            return ~np.isnan(y) @ np.log(self.scale)
        return self.log_volume * family.has_density(y)


def to_user(model: Mixture, designs: Designs, units: Units) -> Mixture:
    """A model on the user's features and units; affine in the parameters."""
    gate = model.gate.in_units(designs.gate.to_user)
    experts = model.experts.in_units(units.location, units.scale, designs.experts.to_user)
    return Mixture(gate, _lowered(experts, units.offset_centre))


def to_internal(model: Mixture, designs: Designs, units: Units) -> Mixture:
    """A model in the user's units as a start on these features."""
    gate_map = inverse_of(designs.gate.to_user)
    expert_map = inverse_of(designs.experts.to_user)
    experts = _lowered(model.experts, None if units.offset_centre is None else -units.offset_centre)
    inner = experts.in_units(-units.location / units.scale, 1.0 / units.scale, expert_map)
    return Mixture(model.gate.in_units(gate_map), inner)


def _lowered(experts: Experts, amount: Float[np.ndarray, " o"] | None) -> Experts:
    """Experts whose first predictors are less by a constant, which is their first feature."""
    if amount is None or not np.any(amount):
        return experts
    outputs, p = experts.groups()[0].coef.shape[1:]
    constants = experts.coefficient_index()[:, np.arange(outputs) * p]
    vector = parameter_vector.to_vector(experts)
    vector[constants] -= amount
    return parameter_vector.from_vector(experts, vector)


def log_unit(model: Mixture, designs: Designs, units: Units, rows_per_unit: float = 1.0) -> float:
    """Log of the units of the data, which internal log-likelihoods have too much."""
    return rows_per_unit * units.log_scale - model.gate.log_unit(designs.gate.to_user)
