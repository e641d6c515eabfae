"""The record of a fit: all that is known once a model stands, and nothing that changes.

Estimators hold one as ``fit_`` and replace it as a whole; everything they tell is read from it.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from mixstat.fitting.answers import Answers
from mixstat.fitting.maximum import Maximum
from mixstat.fitting.online_em import Memory, collect, rules
from mixstat.fitting.own_rows import Checksums, check_own, checksums, has_rows, without_rows
from mixstat.fitting.schema import Request
from mixstat.fitting.tables import TrainingRows
from mixstat.fitting.units import Designs, Units, log_unit, to_user
from mixstat.inference.covariance import TOUCHED, affine_jacobian, observed_covariance
from mixstat.inference.identifiability import Identifiability, identified_functions
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import (
    conditional_log_likelihood,
)
from mixstat.objective.strengths import Strengths
from mixstat.parts.labels import distinct
from mixstat.results import Certificate

UPDATED = (
    "is of a fit, and this model was updated by partial_fit; call fit to have it, standard errors "
    "and a summary."
)


@dataclass(frozen=True, eq=False)
class Fit(Answers):
    """A fitted model, how it came to be, and how to use it on rows."""

    request: Request
    """What was asked for."""
    model: Mixture
    """On internal features and standardised responses."""
    designs: Designs
    units: Units
    sum_of_weights: float
    strengths: Strengths
    """Of the penalty that was used."""
    n_parameters: int
    n_iter: int
    """Iterations of the winning start."""
    weighted: bool
    """Whether a row of the fit counts other than once."""
    search: Maximum | None
    """None once the model was updated."""
    memory: Memory | None = None
    """Sums of all rows so far, once the model was updated or saved."""
    rows_per_unit: float | None = None
    """Weighted mean number of rows that share one expert; None where each has its own."""

    def __getstate__(self) -> dict[str, object]:
        """All but the training rows; what is known of them only by way of them is found first."""
        if self.search is None or not has_rows(self.search.objective):
            return dict(self.__dict__)
        own: dict[str, object] = {
            "checksums": self.checksums,
            "conditional_log_likelihood": self.conditional_log_likelihood,
            "memory": self.sums_of_rows(),
            "search": replace(self.search, objective=without_rows(self.search.objective)),
        }
        return self.__dict__ | own

    def __copy__(self) -> "Fit":
        return self  # nothing of it changes

    def __deepcopy__(self, memo: dict[int, object]) -> "Fit":
        return self

    @in_float64
    def sums_of_rows(self) -> Memory:
        """What an update needs of all rows so far."""
        if self.memory is not None:
            return self.memory
        objective = self.maximum.objective
        return Memory(
            parameter_vector.as_numpy(collect(self.model, self.maximum.batch)), rules(objective)
        )

    @property
    def has_rows(self) -> bool:
        """Whether the training rows are still there; a saved model has lost them."""
        return has_rows(self.maximum.objective)

    @cached_property
    def checksums(self) -> Checksums:
        """Numbers for the rows of the fit."""
        return checksums(self.maximum.batch)

    @in_float64
    def on_rows(self, rows: TrainingRows) -> "Fit":
        """The fit with its own rows, which are given again; others are refused."""
        rows = rows.without_zero_weights()
        batch = self.lay_out(
            rows.X,
            rows.responses,
            rows.weight,
            rows.log_possibility,
            offset=rows.offset,
            unit=rows.unit,
        )
        knowledge = not self.has_rows or rows.log_possibility is not None
        check_own(batch, self.checksums, knowledge=knowledge)
        if self.has_rows:
            return self
        objective = self.maximum.objective
        search = replace(self.maximum, objective=objective.replace(batch=batch))
        return replace(self, search=search)

    @property
    def maximum(self) -> Maximum:
        """What is known of the maximum; AttributeError for a model that was updated."""
        if self.search is None:
            raise AttributeError(f"The maximum {UPDATED}")
        return self.search

    # the model

    @property
    def n_experts(self) -> int:
        """Number K of experts."""
        return self.model.n_experts

    @property
    def expert_titles(self) -> list[str]:
        """What the experts are called: by name, by context, else by number."""
        contexts = self.request.contexts
        if contexts is not None:
            return distinct(contexts.of_experts)
        numbered = [f"expert {k}" for k in range(self.n_experts)]
        return list(self.request.options.expert_names) or numbered

    def to_user(self, model: Mixture) -> Mixture:
        """A model like this one on the user's features and units; affine in the parameters."""
        return to_user(model, self.designs, self.units)

    @cached_property
    def user_model(self) -> Mixture:
        """The model on the user's features and units."""
        return self.to_user(self.model)

    @cached_property
    def user_jacobian(self) -> Float[np.ndarray, "E D"]:
        """Derivative of :attr:`params` in the internal parameters, as far as these may move."""
        jacobian = affine_jacobian(self.to_user, self.model)
        if self.search is None or self.search.objective.plane is None:
            return jacobian
        inside = self.search.objective.plane.along(jacobian)
        dead = np.linalg.norm(inside, axis=1) <= TOUCHED * np.linalg.norm(jacobian, axis=1)
        return np.where(dead[:, None], 0.0, inside)

    @property
    def params(self) -> Float[np.ndarray, " E"]:
        """Reported parameters, in the order of :attr:`parameter_names`."""
        return parameter_vector.to_vector(self.user_model)

    @property
    def parameter_names(self) -> list[str]:
        """Names of the reported parameters."""
        names = self.user_model.gate.parameter_names(self.designs.gate.names)
        experts = self.user_model.experts
        return names + experts.parameter_names(self.designs.experts.names, self.output_names)

    @property
    def output_names(self) -> list[str]:
        """Names of outputs (or classes) in the names of parameters; "" for the only one."""
        n_outputs, m = self.model.experts.n_outputs, len(self.units.location)
        return self.request.schema.output_names(n_outputs, m)

    def response_name(self, output: int = 0) -> str:
        """Name of a response on an axis."""
        named = self.request.schema.responses
        return named[output] if output < len(named) else "response"

    @property
    def is_single(self) -> bool:
        """Whether y was a vector of one output."""
        return self.model.experts.n_outputs == 1 and self.request.schema.is_vector

    @property
    def predicts_vectors(self) -> bool:
        """Whether predictions have no axis of outputs."""
        return self.is_single or self.model.experts.paired

    @property
    def attributes(self) -> dict[str, np.ndarray]:
        """Fitted attributes of estimators that the gate and the experts bring, by name."""
        gate, experts = self.user_model.gate, self.user_model.experts
        coef = experts.coefficients()
        return (
            {
                "gate_coef_": gate.coefficients(),
                "expert_coef_": coef[:, 0] if coef.shape[1] == 1 else coef,
            }
            | gate.reported_attributes()
            | experts.reported_attributes(single_output=self.is_single)
        )

    # what the search tells

    @property
    def log_unit(self) -> float:
        """Log of the units of the data, which internal log-likelihoods have too much."""
        return log_unit(self.model, self.designs, self.units, self.rows_per_unit or 1.0)

    @property
    def log_likelihood(self) -> float:
        """Weighted mean over the training rows, in the units of the data."""
        return self.maximum.result.log_likelihood - self.log_unit

    @cached_property
    @in_float64
    def conditional_log_likelihood(self) -> float:
        """Weighted mean of log p(y | x) over the training rows, in the units of y."""
        maximum = self.maximum
        value = maximum.result.log_likelihood
        if self.model.gate.joint or maximum.knows_contexts:
            value = float(conditional_log_likelihood(self.model, maximum.batch))
        return value - self.units.log_scale * (self.rows_per_unit or 1.0)

    def cov_params(self) -> Float[np.ndarray, "E E"]:
        """Covariance of the reported parameters; those that are held are taken as known."""
        jacobian = np.where(self.maximum.held, 0.0, self.user_jacobian)
        return observed_covariance(self.maximum.result, self.sum_of_weights, jacobian)

    def identified(self) -> np.ndarray:
        """Functions of the gate's parameters that the data determine, with standard errors."""
        gate = self.user_model.gate
        names = gate.identification().identified_names(self.designs.gate.names)
        result, jacobian = self.maximum.result, self.user_jacobian
        return identified_functions(gate, names, result, self.sum_of_weights, jacobian)

    def with_findings(self, certificate: Certificate, found: Identifiability) -> "Fit":
        """The fit with what was found out about it afterwards."""
        result = replace(self.maximum.result, certificate=certificate)
        return replace(self, search=replace(self.maximum, result=result, identifiability=found))

    @property
    def criterion_log_likelihood(self) -> float:
        """Mean log-likelihood that ``n_parameters`` belong to: of inputs too, if it was fitted."""
        joint = self.model.gate.joint and not self.maximum.knows_contexts
        return self.log_likelihood if joint else self.conditional_log_likelihood
