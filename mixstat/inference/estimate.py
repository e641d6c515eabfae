"""What inference needs to know of a fit: the maximum, the rows, and how to tell of parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

from mixstat.arguments import Table
from mixstat.data.batch import Batch, take_rows
from mixstat.data.design import Design
from mixstat.data.units import firsts
from mixstat.inference.covariance import TOUCHED, Spectrum, information_spectrum
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.objective.derivatives import value_and_gradient
from mixstat.objective.likelihood import all_responsibilities, log_joint_rows
from mixstat.objective.objective import Objective
from mixstat.objective.scores import row_scores
from mixstat.parts.labels import ParameterLabel
from mixstat.results import FitResult

INTEGER = 1e-9  # distance from whole numbers within which weights are numbers of rows


class Refits(NamedTuple):
    """Where fits to other weights, or to other data, ended."""

    vectors: Float[np.ndarray, "B D"]
    """Parameter vectors, of those that count; experts are numbered as in the fit."""
    n_lost: int = 0
    """Fits in which an expert is left without rows of its own."""
    n_unsettled: int = 0
    """Fits that did not end at a maximum."""
    counted: Int[np.ndarray, " B"] | None = None
    """Numbers of those that count, among all that were asked for."""


# how the model is fitted again from its estimate on: to ``weights`` (B, n) or to ``data``, rows
# of its own for each fit
Refit: TypeAlias = Callable[..., Refits]


def _as_given(X: Table) -> Table:
    return X


def _no_offset(X: Table, offset: Table) -> None:
    return None


class IdentifiedFunctions(NamedTuple):
    """Functions of the gate's parameters that the data determine where parameters are not."""

    names: list[str]
    values: Float[np.ndarray, " I"]
    jacobian: Float[np.ndarray, "I D"]


class Description(NamedTuple):
    """What a summary tells beside numbers."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[tuple[str, str], ...]
    """Titles of tables, and what the names of their parameters begin with."""
    notes: tuple[str, ...]
    """Of the model and the search."""
    cautions: tuple[str, ...]
    """Why errors should be read with care: the fit is not sound, or penalised."""
    hidden: frozenset[int]
    """Parameters that are not shown: coefficients that an expert does without."""
    zeroed: str
    """Why a penalty leaves a parameter without an error, if one does."""
    experts: tuple[str, ...] = ()
    """Names of the experts; empty where they have numbers alone."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A fitted model as inference sees it. Arrays of rows have the rows that count, in order."""

    objective: Objective
    """What was maximised, with the rows of the fit."""
    result: FitResult
    """Where it is largest; its information is per unit of weight."""
    labels: Sequence[ParameterLabel]
    """What each reported parameter is."""
    outputs: Sequence[str]
    """Names of outputs, or of classes, as labels want them."""
    params: Float[np.ndarray, " E"]
    """Reported parameters, in the user's units."""
    jacobian: Float[np.ndarray, "E D"]
    """Their derivative in the internal parameters; the map is affine."""
    held: Bool[np.ndarray, " D"]
    """Internal parameters that are taken as known."""
    weight: Float[np.ndarray, " n"]
    """Weights of the rows, as given."""
    counted: Bool[np.ndarray, " N"]
    """Which of the rows that were given have a positive weight, and so count."""
    weighted: bool
    """Whether a row counts other than once."""
    n_parameters: int
    log_likelihood: float
    """Total, of what ``n_parameters`` belong to, in the units of the data."""
    to_user: Callable[[Mixture], Mixture]
    """A model like the fitted one on the user's features and units. NumPy only; affine."""
    features: Callable[[Table], tuple[np.ndarray, np.ndarray]]
    """Internal features (Phi, Z) of rows that a person gives, which are checked."""
    inputs: Sequence[str]
    """Names of the columns of X."""
    expert_design: Design
    gate_design: Design
    location: Float[np.ndarray, " m"]
    """Of the response: y = location + scale * (what the internal model sees)."""
    scale: Float[np.ndarray, " m"]
    refit: Refit
    simulate: Callable[[int, np.random.Generator], list[Batch]]
    """Data drawn from the fitted model: responses, and the inputs where it is one of them too."""
    description: Description
    identified: IdentifiedFunctions
    read: Callable[[Table], Table] = _as_given
    """Rows that a person gives, checked, as designs take them."""
    offset: Callable[[Table, Table], np.ndarray | None] = _no_offset
    """The offset of such rows, from them and from what was given beside them, in internal units."""
    offset_columns: tuple[str, ...] = ()
    """Columns of X of which formulas make the offset."""
    unit: Int[np.ndarray, " r"] | None = None
    """Of each row, where rows share experts: weights, scores and densities are then of units."""
    ratios: tuple[str, ...] = ()
    """What the exponential of each parameter is, such as "odds ratio"; empty for nothing."""
    rows: Table = field(default=None, repr=False)
    """X as it was given to the question; None where it was not."""
    response: Float[np.ndarray, "r c"] | None = field(default=None, repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the reported parameters."""
        return [label.name for label in self.labels]

    @property
    def expert_keys(self) -> tuple[str, ...] | tuple[int, ...]:
        """What tables tell experts apart by: their names, else their numbers."""
        return self.description.experts or tuple(range(self.result.model.n_experts))

    @property
    def model(self) -> Mixture:
        """The fitted model, in internal units."""
        return self.result.model

    @property
    def batch(self) -> Batch:
        """The rows of the fit as kernels see them."""
        return self.objective.batch

    @property
    def n_rows(self) -> int:
        """Number of rows (or of units) that count."""
        return len(self.weight)

    @property
    def n_table_rows(self) -> int:
        """Number of rows that count, those of a unit one by one."""
        return self.n_rows if self.unit is None else len(self.unit)

    @property
    def row_weight(self) -> Float[np.ndarray, " r"]:
        """Weights of rows, those of a unit one by one."""
        return self.weight if self.unit is None else self.weight[self.unit]

    def of_units(self, table: Float[np.ndarray, "r k"]) -> Float[np.ndarray, "n k"]:
        """What is the same for all rows of a unit, once."""
        return table if self.unit is None else table[firsts(self.unit)]

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return float(self.weight.sum())

    @cached_property
    def vector(self) -> Float[np.ndarray, " D"]:
        """The internal parameters."""
        return parameter_vector.to_vector(self.result.model)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Directions that the data determine, and those that they do not."""
        return information_spectrum(self.result)

    @property
    def reported_jacobian(self) -> Float[np.ndarray, "E D"]:
        """:attr:`jacobian` with what is held taken as known."""
        return np.where(self.held, 0.0, self.jacobian)

    @cached_property
    @in_float64
    def scores(self) -> Float[np.ndarray, "n D"]:
        """What each row adds to the gradient that vanishes: its score, less the penalty's slope.

        Of one row that counts once, in the internal parameters.
        """
        scores = row_scores(self.model, self.batch, self.n_table_rows)
        if self.unit is not None:
            rows, scores = scores, np.zeros((self.n_rows, scores.shape[1]))
            np.add.at(scores, self.unit, rows)
        gradient = np.asarray(value_and_gradient(self.model, self.batch)[1])
        return scores - (gradient - self.objective.penalty.gradient(self.vector, gradient))

    def score_products(self, power: int = 1) -> Float[np.ndarray, "D D"]:
        """Sum over rows of the outer products of their scores, by a power of their weights."""
        return outer_products(self.scores, self.weight**power)

    @property
    def sum_of_squared_weights(self) -> float:
        """Over the rows."""
        return float(self.weight @ self.weight)

    @property
    def sure_rows(self) -> Float[np.ndarray, " K"]:
        """Rows of each expert, each counting by the square of its responsibility."""
        return self.weight @ self.responsibilities**2

    @cached_property
    @in_float64
    def responsibilities(self) -> Float[np.ndarray, "n K"]:
        """Posterior probability of each expert, of the rows of the fit."""
        table = all_responsibilities(self.model, self.batch)
        return self.of_units(take_rows(table, self.n_table_rows))

    @property
    def entropy(self) -> float:
        """Weighted sum over rows of the entropy of their responsibilities."""
        share = self.responsibilities
        logs = np.log(np.where(share > 0, share, 1.0))
        return float(-self.weight @ np.sum(share * logs, axis=1))

    @property
    def n_coefficients(self) -> int:
        """Parameters of means and shares: logs of scales are left out."""
        varies = np.any(self.reported_jacobian != 0, axis=1)
        return self.n_parameters - int(np.sum(self.logs_of_scales & varies))

    @property
    def logs_of_scales(self) -> Bool[np.ndarray, " E"]:
        """Which parameters are logs, so that zero is no hypothesis of interest."""
        return np.array([label.word.startswith("log_") for label in self.labels])

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Why a reported parameter has no standard error; empty where it has one."""
        return tuple(_why_unknown(self, j) for j in range(len(self.params)))

    @cached_property
    @in_float64
    def log_densities(self) -> Float[np.ndarray, " n"]:
        """log p(y | x) of each row, in the units of y."""
        joint = take_rows(log_joint_rows(self.model, self.batch), self.n_table_rows)
        y, logs = take_rows(np.asarray(self.batch.rows.y), len(joint)), np.log(self.scale)
        there = y[:, len(logs) :] if self.model.experts.in_part else np.ones((len(y), len(logs)))
        volume = there @ logs if self.unit is None else np.bincount(self.unit, there @ logs)
        return logsumexp(self.of_units(joint), axis=1) - volume

    @property
    def counts_rows(self) -> bool:
        """Whether weights are whole numbers, as numbers of equal rows are."""
        return bool(np.all(np.abs(self.weight - np.round(self.weight)) <= INTEGER))

    def in_user_units(self, vectors: Float[np.ndarray, "B D"]) -> Float[np.ndarray, "B E"]:
        """Reported parameters of several internal ones."""
        return self.params + (vectors - self.vector) @ self.jacobian.T


def outer_products(
    scores: Float[np.ndarray, "n k"], weight: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "k k"]:
    """Sum of the outer products of scores, weights counting equal rows."""
    return (scores * weight[:, None]).T @ scores


def _why_unknown(estimate: Estimate, j: int) -> str:
    raw, row = estimate.jacobian[j], estimate.reported_jacobian[j]
    size = np.linalg.norm(row)
    if not raw.any():
        return "its column was dropped"
    if size == 0:
        return "it is held at its value"
    if np.linalg.norm(row[~estimate.spectrum.free]) > TOUCHED * size:
        return "it is on its bound"
    if np.linalg.norm(row @ estimate.spectrum.null) > TOUCHED * size:
        return "the data do not determine it"
    return ""
