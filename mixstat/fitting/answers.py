"""What a fitted model tells of rows: shares, densities and the law of the response."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table, count_rows
from mixstat.data import batch as batches
from mixstat.data.batch import Batch, Rows
from mixstat.data.design import check_magnitude
from mixstat.data.units import Labels, check_constant, numbered
from mixstat.experts.base import Experts
from mixstat.fitting.units import Designs, Units
from mixstat.model import Mixture
from mixstat.numerics import functions, parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective import new_rows
from mixstat.objective.likelihood import input_rows, log_joint_rows
from mixstat.objective.new_rows import in_blocks
from mixstat.parts import predictors
from mixstat.predictive import Predictive

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
        check_magnitude("y", np.nan_to_num(y))
        Phi, Z = self.features(X)
        if unit is not None:
            check_constant(X, unit, self.designs.gate)
        encoded = self.model.experts.encode(self.units.standardised(y))
        known = self.units.standardised_offset(offset, self.model.experts)
        number = None if unit is None else numbered(unit)
        return batches.build(Z, Phi, encoded, weight, log_possibility, offset=known, unit=number)

    @cached_property
    def plain_model(self) -> Mixture:
        """The model in NumPy."""
        return parameter_vector.as_numpy(self.model)

    @cached_property
    def experts_in_units(self) -> Experts:
        """The experts on internal features, in the units of y."""
        experts = self.plain_model.experts
        eye = np.eye(experts.coefficients().shape[2])
        return experts.in_units(self.units.location, self.units.scale, eye)

    def _rows(
        self, X: Table, y: Float[np.ndarray, "n c"] | None = None, offset: Offset = None
    ) -> Callable[[slice], Rows]:
        """Some of the rows as models see them, by their slice; without y where none is given."""
        features, family = self.designs.of_parts(X), self.model.experts
        known = self.units.standardised_offset(offset, family) if y is not None else None

        def rows(part: slice) -> Rows:
            Phi, Z = features(part)
            seen = np.zeros((0, Z.shape[1]))
            if y is not None:
                seen = np.ascontiguousarray(family.encode(self.units.standardised(y[part])).T)
            return Rows(
                Z,
                None if Phi is Z else Phi,
                seen,
                np.ones(Z.shape[1]),
                offset=None if known is None else known[part].T,
            )

        return rows

    def _gate_rows(self, X: Table) -> Callable[[slice], Rows]:
        """Some of the rows as the gate sees them, which asks nothing of what it does not see."""
        features = self.designs.gate.of_parts(X)

        def rows(part: slice) -> Rows:
            Z = features(part)
            return Rows(Z, None, np.zeros((0, Z.shape[1])), np.ones(Z.shape[1]))

        return rows

    def log_gate(self, X: Table) -> Float[np.ndarray, "n K"]:
        """Log probability of each expert given x."""
        gate, rows = self.plain_model.gate, self._gate_rows(X)
        return in_blocks(lambda part: new_rows.log_prob(gate, rows(part)).T, count_rows(X))

    def shares(self, X: Table) -> Float[np.ndarray, "n K"]:
        """Probability of each expert given x."""
        gate, rows = self.plain_model.gate, self._gate_rows(X)
        return in_blocks(lambda part: np.exp(new_rows.log_prob(gate, rows(part))).T, count_rows(X))

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
    def _log_joint_of_units(
        self, X: Table, y: Float[np.ndarray, "n c"], offset: Offset, unit: Labels
    ) -> Float[np.ndarray, "n K"]:
        """Of all rows of the unit of each row."""
        batch = self.lay_out(X, y, offset=offset, unit=unit)
        joint = batches.take_rows(log_joint_rows(self.model, batch), len(y))
        number = numbered(unit)
        each = self.units.log_volumes(y, self.model.experts)
        return joint - np.bincount(number, weights=each)[number][:, None]

    def _asked(
        self,
        answer: Callable[[Mixture, Rows], Float[np.ndarray, "... n"]],
        X: Table,
        y: Float[np.ndarray, "n c"],
        offset: Offset,
        *,
        in_units: bool = False,
    ) -> Float[np.ndarray, "n ..."]:
        """What is said of each row; ``in_units`` of y, where that has a density."""
        check_magnitude("y", np.nan_to_num(y))
        model, rows = self.plain_model, self._rows(X, y, offset)

        def of(part: slice) -> np.ndarray:
            said = answer(model, rows(part))
            return (said - self.units.log_volumes(y[part], model.experts) if in_units else said).T

        return in_blocks(of, len(y))

    def log_joint(
        self,
        X: Table,
        y: Float[np.ndarray, "n c"],
        offset: Offset = None,
        unit: Labels | None = None,
    ) -> Float[np.ndarray, "n K"]:
        """Log of gate times density of y given x, in the units of y; of all rows of its unit."""
        if unit is not None:
            return self._log_joint_of_units(X, y, offset, unit)
        return self._asked(new_rows.log_conditional, X, y, offset, in_units=True)

    def log_density(
        self,
        X: Table,
        y: Float[np.ndarray, "n c"],
        offset: Offset = None,
        unit: Labels | None = None,
    ) -> Float[np.ndarray, " n"]:
        """Log of the density of y given x, in the units of y; of all rows of its unit."""
        if unit is not None:
            joint = self._log_joint_of_units(X, y, offset, unit)
            return np.asarray(functions.logsumexp(joint, axis=1))
        return self._asked(new_rows.log_density, X, y, offset, in_units=True)

    def responsibilities(
        self,
        X: Table,
        y: Float[np.ndarray, "n c"],
        offset: Offset = None,
        unit: Labels | None = None,
    ) -> Float[np.ndarray, "n K"]:
        """Probability of each expert given x and y; given all rows of a unit, where there are."""
        if unit is None:
            return self._asked(new_rows.responsibilities, X, y, offset)
        joint = self._log_joint_of_units(X, y, offset, unit).T
        return new_rows.shares(joint, lambda: self.log_gate(X).T).T

    def _laws(
        self, X: Table, offset: Offset = None, log_share: Float[np.ndarray, "n K"] | None = None
    ) -> Callable[[slice], Predictive]:
        """The conditional distribution of y at some of the rows, by their slice."""
        rows, known = self._rows(X), self.units.centred_offset(offset)
        gate, experts = self.plain_model.gate, self.experts_in_units
        groups = experts.groups()

        def law(part: slice) -> Predictive:
            seen = rows(part)
            log = new_rows.log_prob(gate, seen) if log_share is None else log_share[part].T
            if known is not None:
                seen = replace(seen, offset=known[part].T)
            eta = np.asarray(predictors.predict(groups, seen))
            return Predictive(np.exp(log), experts, eta)

        return law

    def predictive(
        self, X: Table, offset: Offset = None, log_share: Float[np.ndarray, "n K"] | None = None
    ) -> Predictive:
        """The conditional distribution of y at rows, in the units of y.

        ``log_share`` stands for the gate where more is known of the experts of rows than x.
        """
        return self._laws(X, offset, log_share)(slice(None))

    def of_laws(
        self,
        question: Callable[[Predictive], Float[np.ndarray, "m n ..."]],
        X: Table,
        offset: Offset = None,
        log_share: Float[np.ndarray, "n K"] | None = None,
    ) -> Float[np.ndarray, "m n ..."]:
        """What ``question`` asks of :meth:`predictive`, a block of rows at a time."""
        laws = self._laws(X, offset, log_share)
        table = in_blocks(lambda part: np.moveaxis(question(laws(part)), 1, 0), count_rows(X))
        return np.moveaxis(table, 0, 1)
