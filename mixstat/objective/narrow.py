"""The objective of a wide table, and what it is on some of its columns.

Under an L1 penalty most slopes are zero, and nobody needs derivatives of second order in those.
Columns are chosen for the gate and for the experts; the others have slopes of zero.
"""

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.data.batch import Batch, Rows
from mixstat.entries import Entries
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective import derivatives as kernels
from mixstat.objective.objective import Derivatives, Objective
from mixstat.objective.strengths import Penalties, is_wide
from mixstat.parts import columns as columns_of

LEAST = 16  # columns of a narrow table, and then powers of two: programs are made for few widths


class Columns(NamedTuple):
    """Numbers of columns in the tables of the gate and of the experts, in order."""

    gate: Int[np.ndarray, " q"]
    experts: Int[np.ndarray, " p"]


class WideObjective(Objective):
    """An objective that makes no matrix of all its parameters."""

    def derivatives(self, vector: Float[np.ndarray, " D"]) -> Derivatives:
        """Second derivatives are those in the columns that are used, and zero elsewhere."""
        _, gradient = kernels.value_and_gradient(self.model(vector), self.batch)
        slopes = np.asarray(self.penalty.gradient(vector, np.asarray(gradient)))
        used = (vector != 0) | self.free(vector, slopes)
        return narrow(self, used_columns(self, used)).derivatives(vector, slopes)

    def compact(self, model: Mixture) -> tuple[Objective, Mixture]:
        """Both on the columns in which the model has slopes."""
        vector = parameter_vector.to_vector(model)
        piece = narrow(self, used_columns(self, vector != 0))
        return piece.objective, piece.objective.model(vector[piece.places])


class Narrow(NamedTuple):
    """An objective on some columns of a wide one."""

    whole: Objective
    objective: Objective
    places: Int[np.ndarray, " d"]  # of its parameters among all

    def widened(self, vector: Float[np.ndarray, " d"]) -> Float[np.ndarray, " D"]:
        """All parameters: slopes of other columns are zero."""
        whole = np.zeros(len(self.whole.lower))
        whole[self.places] = vector
        return whole

    def derivatives(
        self, vector: Float[np.ndarray, " D"], gradient: Float[np.ndarray, " D"]
    ) -> Derivatives:
        """Derivatives of all parameters, whose gradient is known."""
        known = self.objective.derivatives(vector[self.places])
        return self.of_all(known, gradient)

    def of_all(self, known: Derivatives, gradient: Float[np.ndarray, " D"]) -> Derivatives:
        """Derivatives in all parameters from those in its own."""
        hessian = Entries(len(gradient), self.places, np.asarray(known.hessian))
        return known._replace(gradient=gradient, hessian=hessian)  # type: ignore[arg-type]


def wide_if_it_pays(objective: Objective) -> Objective:
    """The objective as a wide one, where few columns can have slopes that are not zero."""
    if not suits(objective):
        return objective
    values = {f.name: getattr(objective, f.name) for f in fields(objective)}
    return WideObjective(**values)


def suits(objective: Objective) -> bool:
    """Whether a working set of columns can be chosen: tables are wide, and kinks hold slopes."""
    template = objective.template
    plain = type(objective.batch) is Batch and objective.plane is None
    if not plain or not is_wide(template) or not objective.penalty.kinked:
        return False
    l1 = objective.penalty.kinks(len(objective.lower))
    for part, own in zip((template.gate, template.experts), _of_parts(objective, l1), strict=True):
        sloping = columns_of.column_numbers(part) > 0
        if columns_of.is_wide(part) and not (own[sloping] > 0).all():
            return False
    return template.gate.continuous and template.gate.starting().plain


def _of_parts(objective: Objective, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What belongs to parameters of the gate, and of the experts."""
    n_gate = parameter_vector.size(objective.template.gate)
    return table[:n_gate], table[n_gate:]


def by_column(
    objective: Objective, table: Float[np.ndarray, " D"]
) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, " p"]]:
    """The largest number of each column of the gate and of the experts.

    Of both together where they have one table.
    """
    template, found = objective.template, []
    for part, own in zip(
        (template.gate, template.experts), _of_parts(objective, table), strict=True
    ):
        number = columns_of.column_numbers(part)
        largest = np.full(columns_of.width(part), -np.inf)
        np.maximum.at(largest, number[number >= 0], own[number >= 0])
        found.append(largest)
    if objective.batch.rows.Phi is None and len(found[0]) == len(found[1]):
        found = [np.maximum(*found)] * 2
    return found[0], found[1]


def used_columns(objective: Objective, used: Bool[np.ndarray, " D"], least: int = LEAST) -> Columns:
    """Columns of parameters that are used, and as many more as make one of few widths."""
    scores = by_column(objective, used.astype(float))
    count = max(int((score[1:] > 0).sum()) for score in scores)
    return best_columns(scores, width_for(count, least))


def width_for(count: int, least: int = LEAST) -> int:
    """The next power of two above the number of columns that are needed."""
    return max(least, int(2 ** np.ceil(np.log2(max(count, 1)))))


def best_columns(scores: tuple[np.ndarray, np.ndarray], width: int) -> Columns:
    """The constant, or what is first, and ``width`` other columns of the highest scores."""
    chosen = []
    for score in scores:
        order = 1 + np.argsort(-score[1:], kind="stable")[:width]
        chosen.append(np.concatenate([np.zeros(min(len(score), 1), int), np.sort(order)]))
    if scores[0] is scores[1]:
        return Columns(chosen[0], chosen[0])
    return Columns(*chosen)


def narrow(objective: Objective, chosen: Columns) -> Narrow:
    """The objective on some columns."""
    template = objective.template
    numbers = Mixture(
        columns_of.numbered_with(template.gate, chosen.gate),
        columns_of.numbered_with(template.experts, chosen.experts),
    )
    n_gate, few = parameter_vector.size(template.gate), parameter_vector.size(numbers.gate)
    places = columns_of.places_of(numbers)
    places[few:] += n_gate
    experts = columns_of.predictor_columns(template.experts)
    stacked = np.flatnonzero(np.isin(experts, np.append(chosen.experts, columns_of.NONE)))
    penalties = objective.penalties
    values = {f.name: getattr(objective, f.name) for f in fields(Objective)}
    model = parameter_vector.from_vector(numbers, parameter_vector.to_vector(template)[places])
    own = {
        name: np.asarray(values[name])[places] for name in ("lower", "upper", "floor", "ceiling")
    }
    values |= own | {
        "template": model,
        "batch": replace(objective.batch, rows=_some(objective.batch.rows, chosen)),
        "penalties": Penalties(
            penalties.whole.among(places),
            penalties.gate.among(places[:few]),
            penalties.experts.among(stacked),
        ),
    }
    return Narrow(objective, Objective(**values), places)


def _some(rows: Rows, chosen: Columns) -> Rows:
    """Rows with some of their features."""
    Z = np.asarray(rows.Z)
    Phi = None if rows.Phi is None else np.asarray(rows.Phi)
    if Phi is None and not np.array_equal(chosen.gate, chosen.experts):
        Phi = Z
    some = None if Phi is None else np.take(Phi, chosen.experts, axis=-2)
    return replace(rows, Z=np.take(Z, chosen.gate, axis=-2), Phi=some)
