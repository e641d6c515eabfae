"""What a search for a maximum found; the one place that looks into what solvers return."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from mixstat.data.batch import Batch
from mixstat.fitting.own_rows import GONE, has_rows
from mixstat.inference.identifiability import Identifiability
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.derivatives import value_and_gradient
from mixstat.objective.objective import Objective
from mixstat.results import Certificate, FitResult, Status


@dataclass(frozen=True, eq=False)
class Maximum:
    """What was maximised, and what the search for the maximum found."""

    objective: Objective
    result: FitResult
    """Its certificate names what the data leave open."""
    starts: np.ndarray
    """A structured row for each start."""
    identifiability: Identifiability = field(default_factory=Identifiability)

    @property
    def certificate(self) -> Certificate:
        """How well the conditions of a maximum hold."""
        return self.result.certificate

    @property
    def is_certified(self) -> bool:
        """Whether the gradient vanishes at a maximum, with nothing unbounded."""
        return self.result.status == Status.CONVERGED

    @property
    def batch(self) -> Batch:
        """The rows of the fit; ValueError for a model that was saved without them."""
        if not has_rows(self.objective):
            raise ValueError(GONE)
        return self.objective.batch

    @property
    def knows_contexts(self) -> bool:
        """Whether possibilities of contexts rule anything out."""
        return self.objective.batch.rows.log_possibility is not None

    @property
    def share(self) -> Float[np.ndarray, " K"]:
        """Share of the weight that each expert is responsible for."""
        return np.asarray(self.result.mass)

    @cached_property
    @in_float64
    def value(self) -> float:
        """What was maximised: the mean log-likelihood less the penalty, in internal units."""
        penalty = self.objective.penalty.value(parameter_vector.to_vector(self.result.model))
        return float(self.result.log_likelihood - penalty)

    @property
    def varying(self) -> Bool[np.ndarray, " D"]:
        """Parameters that bounds do not hold at one value."""
        return self.objective.varying

    @property
    def gradient(self) -> Float[np.ndarray, " D"]:
        """Gradient of the mean log-likelihood, without the penalty."""
        return _gradient(self.result.model, self.batch)

    @property
    def l1(self) -> Float[np.ndarray, " D"]:
        """Strengths of the L1 penalty."""
        return self.objective.penalty.kinks(parameter_vector.size(self.result.model))

    @property
    def squares(self) -> Float[np.ndarray, " D"]:
        """Strengths of the squared penalty."""
        return self.objective.penalty.squares(parameter_vector.size(self.result.model))

    @property
    def zeroed(self) -> Bool[np.ndarray, " D"]:
        """Parameters that an L1 penalty holds at zero."""
        return self.objective.penalty.zeroed(parameter_vector.to_vector(self.result.model))

    @property
    def held(self) -> Bool[np.ndarray, " D"]:
        """Parameters that are taken as known."""
        return self.zeroed | ~self.varying | self.on_limit

    @property
    def on_limit(self) -> Bool[np.ndarray, " D"]:
        """Parameters that a limit which people set holds from moving uphill."""
        plane, free = self.objective.plane, self.result.free
        if plane is None or free is None:
            return np.zeros(len(self.varying), bool)
        vector = parameter_vector.to_vector(self.result.model)
        ends = (self.objective.lower, self.objective.upper)
        return plane.limited & ~free & ((vector <= ends[0]) | (vector >= ends[1]))

    @property
    def n_parameters(self) -> int:
        """Parameters that are free and not zero; an invariance of the gate is none."""
        invariances = self.result.model.gate.identification().invariances()
        moving = int((~self.held).sum())
        if self.objective.plane is None or self.result.invariant is None:
            return moving - len(invariances)
        # what bounds hold is held by the plane too
        tied = self.objective.plane.normal.shape[1] - int((~self.varying).sum())
        return moving - tied - self.result.invariant.shape[1]


@in_float64
def _gradient(model: Mixture, batch: Batch) -> Float[np.ndarray, " D"]:
    return np.asarray(value_and_gradient(model, batch)[1])
