"""What every solver maximises: the mean log-likelihood less a penalty, within bounds."""

from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.data.batch import Batch
from mixstat.experts.base import Experts
from mixstat.gates.base import Gate
from mixstat.model import Mixture, canonical_order, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.numerics.bounds import free_to_rise
from mixstat.numerics.module import Module
from mixstat.numerics.penalty import Penalty
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.objective import derivatives as kernels
from mixstat.objective import plane as planes
from mixstat.objective.collapse import where_experts_collapse
from mixstat.objective.likelihood import expert_gains, log_likelihood
from mixstat.objective.plane import Plane
from mixstat.objective.strengths import Penalties, Strengths, make_penalties, on_scales


class Derivatives(NamedTuple):
    """What a pass over the data finds at a point."""

    value: float  # the objective: mean log-likelihood less the penalty
    gradient: Float[np.ndarray, " D"]
    hessian: Float[np.ndarray, "D D"]  # what few columns have of it, where tables are wide
    mass: Float[np.ndarray, " K"]  # share of the weight that each expert is responsible for

    @property
    def finite(self) -> bool:
        """Whether a step can be made from here."""
        return bool(np.isfinite(self.value) and np.isfinite(self.hessian).all())


class TracedDerivatives(NamedTuple):
    """:class:`Derivatives` inside a compiled program."""

    value: AnyArray
    gradient: Float[AnyArray, " D"]
    hessian: Float[AnyArray, "D D"]
    mass: Float[AnyArray, " K"]


class Objective(Module):
    """Maximise the mean log-likelihood less a penalty, within bounds.

    Points are parameter vectors. Every method works on NumPy arrays, and on tracers inside a
    compiled program.
    """

    batch: Batch
    template: Mixture
    """A model of the right structure; its values are never read."""
    lower: Float[AnyArray, " D"]
    """Bounds; -inf where there is none, and equal ones hold a parameter."""
    upper: Float[AnyArray, " D"]
    floor: Bool[AnyArray, " D"]
    """Lower bounds that only keep the likelihood from growing without limit: floors under scales.
    An expert that sits on one has collapsed; on any other bound it has not."""
    ceiling: Bool[AnyArray, " D"]
    """Upper bounds that do so, over parameters that grow as a scale vanishes."""
    penalties: Penalties
    plane: Plane | None = None
    """Linear equations between parameters beside bounds; None where there are none."""
    draft: Batch | None = None
    """The rows in single precision, for the first steps."""
    keeps_order: Bool[AnyArray, ""] = eqx.field(default_factory=lambda: np.asarray(False))
    """Whether experts keep their numbers, as of a start or restrictions that a person gave."""
    min_share: float = eqx.field(default=0.0, static=True)
    """Share of the rows that every expert of a maximum must rest on for it to count."""
    max_scale_ratio: float = eqx.field(default=np.inf, static=True)
    """The most by which the scales of two experts of such a maximum may differ."""

    @property
    def penalty(self) -> Penalty:
        """What is taken from the mean log-likelihood."""
        return self.penalties.whole

    @property
    def varying(self) -> Bool[np.ndarray, " D"]:
        """Parameters that the bounds do not hold at one value."""
        return np.asarray(self.lower) < np.asarray(self.upper)

    def replace(self, **changes: object) -> "Objective":
        """The same with other fields."""
        return replace(self, **changes)

    def model(self, vector: Float[AnyArray, " D"]) -> Mixture:
        """The model at a point."""
        return parameter_vector.from_vector(self.template, vector)

    def compact(self, model: Mixture) -> tuple["Objective", Mixture]:
        """Both without columns in which the model has no slopes, where tables are wide."""
        return self, model

    # the surface

    def value(self, vector: Float[np.ndarray, " D"]) -> float:
        """The objective at a point."""
        likelihood = float(log_likelihood(self.model(vector), self.batch))
        return likelihood - float(self.penalty.value(vector))

    def value_and_gradient(
        self, vector: Float[np.ndarray, " D"]
    ) -> tuple[float, Float[np.ndarray, " D"]]:
        """The objective and its gradient; at a kink the steepest one-sided slope uphill."""
        value, gradient = kernels.value_and_gradient(self.model(vector), self.batch)
        gradient = np.asarray(self.penalty.gradient(vector, np.asarray(gradient)))
        value = float(value) - float(self.penalty.value(vector))
        return value, np.asarray(planes.along(self.plane, gradient))

    def derivatives(self, vector: Float[np.ndarray, " D"]) -> Derivatives:
        """Objective, gradient and Hessian at a point, in one pass."""
        value, *tables = kernels.derivatives_and_mass(self.model(vector), self.batch)
        gradient, hessian, mass = (np.asarray(table) for table in tables)
        gradient = np.asarray(self.penalty.gradient(vector, gradient))
        hessian = -np.asarray(self.penalty.information(-hessian, vector))
        return Derivatives(
            value=float(value) - float(self.penalty.value(vector)),
            gradient=np.asarray(planes.along(self.plane, gradient)),
            hessian=np.asarray(planes.curved(self.plane, hessian)),
            mass=mass,
        )

    def traced_derivatives(self, vector: Float[AnyArray, " D"]) -> TracedDerivatives:
        """:meth:`derivatives` inside a compiled program."""
        value, gradient, hessian, mass = kernels.derivatives_and_mass(
            self.model(vector), self.batch
        )
        return TracedDerivatives(
            value=value - jnp.asarray(self.penalty.value(vector)),
            gradient=planes.along(self.plane, self.penalty.gradient(vector, gradient)),
            hessian=planes.curved(self.plane, -self.penalty.information(-hessian, vector)),
            mass=mass,
        )

    def hessian_product(
        self, vector: Float[np.ndarray, " D"], direction: Float[np.ndarray, " D"]
    ) -> Float[np.ndarray, " D"]:
        """The Hessian at a point times a direction, without the Hessian."""
        direction = np.asarray(planes.along(self.plane, direction))
        product = kernels.hessian_product(self.model(vector), direction, self.batch)
        product = np.asarray(product) - np.asarray(self.penalty.curve(direction, vector))
        return np.asarray(planes.along(self.plane, product))

    def gains(self, model: Mixture) -> Float[np.ndarray, " K"]:
        """What the mean log-likelihood would lose without each expert."""
        return np.asarray(expert_gains(model, self.batch))

    def penalising_scales(self, strength: float, alone: Mixture) -> "Objective":
        """The same less a penalty on scales that vanish, of ``2 strength`` rows for each expert.

        ``alone`` has experts that each fit all rows: theirs are the scales at which nothing is
        taken. A shape that grows is a variance that falls.
        """
        rates = np.where(self.floor, 2.0, np.where(self.ceiling, -1.0, 0.0))
        targets = parameter_vector.to_vector(alone)
        weight = strength / float(self.batch.total_weight)
        penalties = on_scales(self.penalties, self.template, rates, targets, weight)
        return self.replace(penalties=penalties)

    # bounds

    def clip(self, vector: Float[AnyArray, " D"]) -> Float[AnyArray, " D"]:
        """The nearest point within bounds, and on the plane where there is one."""
        vector = planes.within(self.plane, vector)
        return library_of(vector).clip(vector, self.lower, self.upper)

    def orthant(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> tuple[Float[AnyArray, " D"], Float[AnyArray, " D"]]:
        """Bounds within which the objective is smooth around a point."""
        return self.penalty.orthant(vector, gradient, self.lower, self.upper)

    def free(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Bool[AnyArray, " D"]:
        """Parameters that no bound, and no kink of the penalty, holds from moving uphill."""
        return free_to_rise(vector, gradient, self.orthant(vector, gradient))

    def projected(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> Float[AnyArray, " D"]:
        """The gradient of free parameters, zero for the others."""
        library = library_of(vector, gradient)
        return library.where(self.free(vector, gradient), gradient, 0.0)

    def norm(
        self, vector: Float[AnyArray, " D"], gradient: Float[AnyArray, " D"]
    ) -> AnyArray | float:
        """Largest component of the projected gradient."""
        library = library_of(vector, gradient)
        return library.max(abs(self.projected(vector, gradient)), initial=0.0)

    def gate_bounds(self) -> tuple[Gate, Gate]:
        """Bounds in the structure of the gate."""
        return self.model(self.lower).gate, self.model(self.upper).gate

    def expert_bounds(self) -> tuple[Experts, Experts]:
        """Bounds in the structure of the experts."""
        return self.model(self.lower).experts, self.model(self.upper).experts

    def within(self, lower: Float[np.ndarray, " D"], upper: Float[np.ndarray, " D"]) -> "Objective":
        """The same within other bounds; a floor that they raise is the edge of a set, no floor."""
        floor = np.asarray(self.floor) & (np.asarray(lower) <= self.lower)
        ceiling = np.asarray(self.ceiling) & (np.asarray(upper) >= self.upper)
        return self.replace(lower=lower, upper=upper, floor=floor, ceiling=ceiling)

    def holding(self, held: Bool[np.ndarray, " D"], vector: Float[np.ndarray, " D"]) -> "Objective":
        """The same with some parameters held at their values in ``vector``."""
        lower = np.where(held, vector, self.lower)
        return self.replace(lower=lower, upper=np.where(held, vector, self.upper))

    # the order of experts

    def order(self, model: Mixture) -> Int[np.ndarray, " K"]:
        """The order of experts in which a result is told: as they are, if they are not alike."""
        as_they_are = np.arange(model.n_experts)
        # expert c is what context c describes, or what the start that was given calls so
        if self.keeps_order or self.batch.rows.log_possibility is not None:
            return as_they_are
        each = expanded_index(model)[1]
        limits = [np.asarray(bound)[each] for bound in (self.lower, self.upper)]
        alike = all(np.array_equal(rows, np.broadcast_to(rows[0], rows.shape)) for rows in limits)
        if not model.exchangeable or not alike:
            return as_they_are
        order = canonical_order(model)
        # under L1 the gate's slopes shrink towards the reference expert, which must then stay
        moves = not np.array_equal(order, as_they_are)
        return order if moves and self._indifferent(model.gate, order) else as_they_are

    def _indifferent(self, gate: Gate, order: Int[np.ndarray, " K"]) -> bool:
        """Whether any gate like ``gate`` has the same penalty with experts renumbered."""
        any_gate = parameter_vector.from_vector(
            gate, np.sqrt(np.arange(2.0, 2 + parameter_vector.size(gate)))
        )
        before, after = (
            float(self.penalties.gate.value(parameter_vector.to_vector(g)))
            for g in (any_gate, any_gate.permute(order))
        )
        return abs(before - after) <= 1e-12 * (1 + abs(before))

    def in_order(self, model: Mixture) -> Mixture:
        """The same model with experts in the order in which a result is told."""
        order = self.order(model)
        same = np.array_equal(order, np.arange(len(order)))
        return model if same else model.permute(order)


def make(
    template: Mixture,
    batch: Batch,
    *,
    min_scale: float,
    strengths: Strengths | float = 0.0,
    constants: tuple[bool, bool] = (True, True),
    fixed: Bool[np.ndarray, " D"] | None = None,
) -> Objective:
    """The objective for models like ``template``: their own bounds, and a penalty on slopes.

    Parameters
    ----------
    template
        A model of the right shape; its values matter only where ``fixed``.
    batch
        The rows.
    min_scale
        Floor under scales, in standardised units.
    strengths
        Of the penalty; one number is a ridge on gate and experts.
    constants
        Whether the first feature of the gate and of the experts is constant; its coefficients
        are not shrunk.
    fixed
        Parameters to be held at the template's value.
    """
    gates, experts = template.gate.bounds(min_scale), template.experts.bounds(min_scale)
    lower, upper = (
        parameter_vector.to_vector(Mixture(*pair)) for pair in zip(gates, experts, strict=True)
    )
    if not isinstance(strengths, Strengths):
        strengths = Strengths(gate_square=strengths, expert_square=strengths)
    objective = Objective(
        batch,
        parameter_vector.as_numpy(template),
        lower,
        upper,
        *where_experts_collapse(template, experts),
        make_penalties(template, strengths, constants),
    )
    if fixed is None:
        return objective
    return objective.holding(fixed, parameter_vector.to_vector(template))
