"""What a fitted model tells of rows: shares, densities and the law of the response."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.data import batch as batches
from mixstat.data.batch import Batch
from mixstat.data.design import check_magnitude
from mixstat.data.units import Labels, check_constant, numbered
from mixstat.fitting.units import Designs, Units
from mixstat.model import Mixture
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import gate_rows, input_rows, log_joint_rows
from mixstat.predictive import Predictive, expert_predictors

Offset: TypeAlias = Float[np.ndarray, "n o"] | None  # of rows, as people give it


class Answers:
    """Questions about rows to a model and its units; a fit answers them."""

    model: Mixture
    designs: Designs
    units: Units

    def features(self, X: Table) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "n q"]]:
        """Internal features (Phi, Z) of rows."""
        return self.designs.features(X)

    def lay_out(
        self,
        X: Table,
        y: Float[np.ndarray, "n c"],
        weight: Float[np.ndarray, " n"] | None = None,
        log_possibility: Float[np.ndarray, "n K"] | None = None,
        *,
        offset: Offset = None,
        unit: Labels | None = None,
    ) -> Batch:
        """Rows as kernels want them."""
        check_magnitude("y", y)
        Phi, Z = self.features(X)
        if unit is not None:
            check_constant(X, unit, self.designs.gate)
        encoded = self.model.experts.encode(self.units.standardised(y))
        known = self.units.standardised_offset(offset, self.model.experts)
        number = None if unit is None else numbered(unit)
        return batches.build(Z, Phi, encoded, weight, log_possibility, offset=known, unit=number)

    @in_float64
    def log_gate(self, X: Table) -> Float[np.ndarray, "n K"]:
        """Log probability of each expert given x."""
        Z = self.designs.gate.transform(X)
        data = batches.build(Z, Z, np.zeros((len(Z), 1)))
        return batches.take_rows(gate_rows(self.model.gate, data.rows), len(Z))

    @in_float64
    def log_inputs(self, X: Table) -> Float[np.ndarray, " n"]:
        """Log density of the inputs, in their units, of a gate that is fitted to them; else 0."""
        gate, design = self.model.gate, self.designs.gate
        Z = design.transform(X)
        if not gate.joint:
            return np.zeros(len(Z))
        data = batches.build(Z, Z, np.zeros((len(Z), 1)))
        rows = batches.take_rows(input_rows(gate, data.rows), len(Z))
        return rows[:, 0] + gate.log_unit(design.to_user)

    @in_float64
    def log_joint(
        self,
        X: Table,
        y: Float[np.ndarray, "n c"],
        offset: Offset = None,
        unit: Labels | None = None,
    ) -> Float[np.ndarray, "n K"]:
        """Log of gate times density of y given x, in the units of y; of all rows of its unit."""
        batch = self.lay_out(X, y, offset=offset, unit=unit)
        joint = batches.take_rows(log_joint_rows(self.model, batch), len(y))
        dense = self.model.experts.has_density(y).astype(float)
        if unit is not None:
            number = numbered(unit)
            dense = np.bincount(number, weights=dense)[number]
        return joint - self.units.log_volume * dense[:, None]

    def predictive(
        self, X: Table, offset: Offset = None, log_share: Float[np.ndarray, "n K"] | None = None
    ) -> Predictive:
        """The conditional distribution of y at rows, in the units of y.

        ``log_share`` stands for the gate where more is known of the experts of rows than x.
        """
        eye = np.eye(self.model.experts.coefficients().shape[2])
        experts = self.model.experts.in_units(self.units.location, self.units.scale, eye)
        Phi, known = self.designs.experts.transform(X), self.units.centred_offset(offset)
        eta = expert_predictors(experts, Phi, known)
        share = np.exp(self.log_gate(X) if log_share is None else log_share)
        return Predictive(share.T, experts, eta)

    def responsibilities(
        self,
        X: Table,
        y: Float[np.ndarray, "n c"],
        offset: Offset = None,
        unit: Labels | None = None,
    ) -> Float[np.ndarray, "n K"]:
        """Probability of each expert given x and y; given all rows of a unit, where there are."""
        joint = self.log_joint(X, y, offset, unit)
        nowhere = ~np.isfinite(joint.max(axis=1))  # no expert can tell: x alone does
        if nowhere.any():
            joint[nowhere] = self.log_gate(X)[nowhere]
        joint -= joint.max(axis=1, keepdims=True)
        share = np.exp(joint)
        return share / share.sum(axis=1, keepdims=True)
