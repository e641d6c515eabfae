"""Fitted attributes: read-only, and read from the one record that an estimator holds."""

import numpy as np
from jaxtyping import Float

from mixstat.data.categories import Levels
from mixstat.data.design import Design
from mixstat.estimators.tuned import TunedEstimator
from mixstat.fitting.fit import UPDATED, Fit
from mixstat.inference.identifiability import Identifiability
from mixstat.model import Mixture
from mixstat.objective.objective import Objective
from mixstat.objective.strengths import Strengths
from mixstat.results import Certificate, FitResult, Status


class FittedAttributes(TunedEstimator):
    """What a fitted mixture tells of itself; not to be used directly.

    A call that is refused or interrupted leaves everything as it was, since ``fit_`` is the only
    thing that a fit or an update sets. A property whose record says nothing raises
    AttributeError, as an attribute that is not there would.
    """

    fit_: Fit
    """All that is known of the fit."""

    def __sklearn_is_fitted__(self) -> bool:
        return "fit_" in vars(self)

    def __getattr__(self, name: str) -> np.ndarray:
        """Attributes that only some families have; called for what is not there otherwise."""
        fit = vars(self).get("fit_")
        if fit is not None and not name.startswith("_"):
            # what a property lacks comes here too
            if name in (reported := fit.attributes):
                return reported[name]
            if fit.search is None and isinstance(getattr(type(self), name, None), property):
                raise AttributeError(f"{name} {UPDATED}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        fit = vars(self).get("fit_")
        return sorted({*super().__dir__(), *(fit.attributes if fit is not None else ())})

    # rows and model

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        return self.fit_.request.schema.n_features

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, where it has names."""
        return _known(self.fit_.request.schema.feature_names)

    @property
    def n_dropped_(self) -> int:
        """Number of rows that the fit left out for a missing value."""
        missing = self.fit_.request.schema.missing
        return 0 if missing is None else missing.n_dropped

    @property
    def kept_index_(self) -> np.ndarray:
        """Index (or numbers) of the rows of the fit, where rows may be left out."""
        missing = self.fit_.request.schema.missing
        return _known(None if missing is None else missing.labels)

    @property
    def levels_(self) -> dict[str, Levels]:
        """Levels of text and categories among the columns of X, by name; the reference first."""
        return self.fit_.designs.levels

    @property
    def formula_(self) -> str | None:
        """Formula of a model made from one."""
        formulas = self.fit_.request.schema.formulas
        return None if formulas is None else formulas.experts

    @property
    def gate_formula_(self) -> str | None:
        """The gate's formula, of a model made from one."""
        formulas = self.fit_.request.schema.formulas
        return None if formulas is None else formulas.gate

    @property
    def n_experts_(self) -> int:
        """Number of experts."""
        return self.fit_.n_experts

    @property
    def expert_titles_(self) -> list[str]:
        """What the experts are called: by name, by context, else by number."""
        return self.fit_.expert_titles

    @property
    def expert_coef_(self) -> Float[np.ndarray, "K ..."]:
        """Coefficients of the experts, in the user's units."""
        return self.fit_.attributes["expert_coef_"]

    @property
    def gate_coef_(self) -> Float[np.ndarray, "r q"]:
        """Coefficients of the gate, in the user's units."""
        return self.fit_.attributes["gate_coef_"]

    @property
    def expert_names_(self) -> list[str]:
        """Names of the columns of ``expert_coef_``."""
        return self.fit_.designs.experts.names

    @property
    def gate_names_(self) -> list[str]:
        """Names of the columns of ``gate_coef_``."""
        return self.fit_.designs.gate.names

    @property
    def expert_design_(self) -> Design:
        """How the experts' features are made."""
        return self.fit_.designs.experts

    @property
    def gate_design_(self) -> Design:
        """How the gate's features are made."""
        return self.fit_.designs.gate

    @property
    def location_(self) -> Float[np.ndarray, " m"]:
        """What was taken from y before it was fitted."""
        return self.fit_.units.location

    @property
    def response_scale_(self) -> Float[np.ndarray, " m"]:
        """What y was divided by before it was fitted."""
        return self.fit_.units.scale

    @property
    def single_output_(self) -> bool:
        """Whether y was a vector of one output."""
        return self.fit_.is_single

    @property
    def model_(self) -> Mixture:
        """The model on internal features and standardised responses."""
        return self.fit_.model

    @property
    def user_model_(self) -> Mixture:
        """The model on the user's features and units."""
        return self.fit_.user_model

    # the search, as far as an update leaves it standing

    @property
    def sum_of_weights_(self) -> float:
        """Sum of the row weights."""
        return self.fit_.sum_of_weights

    @property
    def strengths_(self) -> Strengths:
        """Strengths of all penalties that were used."""
        return self.fit_.strengths

    @property
    def ridge_(self) -> float:
        """The ridge that was used."""
        penalised = self.fit_.request.options.expert_penalty
        return 0.0 if penalised else float(self.fit_.strengths.expert_square)

    @property
    def n_parameters_(self) -> int:
        """Free parameters that are not held at zero."""
        return self.fit_.n_parameters

    @property
    def n_iter_(self) -> int:
        """Iterations of the winning start."""
        return self.fit_.n_iter

    # of a fit alone

    @property
    def problem_(self) -> Objective:
        """What was maximised."""
        return self.fit_.maximum.objective

    @property
    def result_(self) -> FitResult:
        """The end of the winning start, with its verdict."""
        return self.fit_.maximum.result

    @property
    def certificate_(self) -> Certificate:
        """Gradient, curvature and everything odd about the returned parameters."""
        return self.fit_.maximum.certificate

    @property
    def status_(self) -> Status:
        """The verdict on the fit, or why it stopped."""
        return self.fit_.maximum.result.status

    @property
    def converged_(self) -> bool:
        """Whether the fit is a certified maximum."""
        return self.fit_.maximum.is_certified

    @property
    def starts_(self) -> np.ndarray:
        """A structured row for each start."""
        return self.fit_.maximum.starts

    @property
    def expert_share_(self) -> Float[np.ndarray, " K"]:
        """Share of the training weight that each expert is responsible for."""
        return self.fit_.maximum.share

    @property
    def identifiability_(self) -> Identifiability:
        """What the model and the training rows can determine."""
        return self.fit_.maximum.identifiability

    @property
    def log_likelihood_(self) -> float:
        """Weighted mean over the training rows of what was maximised, but for the penalty."""
        return self.fit_.log_likelihood

    @property
    def conditional_log_likelihood_(self) -> float:
        """Weighted mean of log p(y | x) over the training rows."""
        return self.fit_.conditional_log_likelihood


def _known(value: np.ndarray | None) -> np.ndarray:
    if value is None:
        raise AttributeError("The fit does not have it.")
    return value
