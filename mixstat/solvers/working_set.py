"""Elastic nets of wide tables: the maximum on a working set of columns, and which others enter.

Columns outside of the set have slopes of zero, and the conditions of the maximum tell which of
them would leave it: those whose gradient exceeds the strength of the L1 penalty. They enter, and
the maximum is sought again from where the last one was, until the conditions hold in all columns
(Tibshirani et al. 2012, J. R. Statist. Soc. B 74, 245-266; Bertrand et al. 2022, Beyond L1,
NeurIPS). Nothing is made of the size of all parameters squared.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

import mixstat.solvers.em as em
import mixstat.solvers.m_step as m_step
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective import derivatives as kernels
from mixstat.objective.likelihood import all_responsibilities, expert_mass
from mixstat.objective.narrow import Columns, best_columns, by_column, narrow, width_for
from mixstat.objective.objective import Derivatives, Objective
from mixstat.results import Status
from mixstat.solvers.admissible import own_parameters
from mixstat.solvers.base import Solver
from mixstat.solvers.em import EM, EMState, StopRule
from mixstat.solvers.newton import Newton
from mixstat.solvers.outcome import Outcome

ENTERING = 2.0  # columns of the set for each that is in use, at most, before others have moved
ROUNDS = 50  # times that columns enter, at most
EARLY_ITER = 10  # steps of EM in a set that lacks columns
EARLY_GAIN = 1e-6  # or until a step gains less
LATE_ITER = 50  # steps of Newton before columns are looked at again
CROWDED = 0.5  # slopes for each row of an expert, above which it may pass through all of them
TOO_WEAK = (
    "Under so weak a penalty an expert takes up slopes until it passes through its rows, and its "
    "scale vanishes; a stronger expert_penalty, as penalty_path chooses it, does not let it."
)


class Place(NamedTuple):
    """A point, and what all columns say there."""

    vector: Float[np.ndarray, " D"]
    value: float
    raw: Float[np.ndarray, " D"]  # gradient of the log-likelihood alone
    gradient: Float[np.ndarray, " D"]  # and less the penalty


def look(objective: Objective, vector: Float[np.ndarray, " D"]) -> Place:
    """One pass over all columns."""
    value, raw = kernels.value_and_gradient(objective.model(vector), objective.batch)
    raw = np.asarray(raw)
    gradient = np.asarray(objective.penalty.gradient(vector, raw))
    return Place(vector, float(value) - float(objective.penalty.value(vector)), raw, gradient)


class Chosen(NamedTuple):
    """A working set."""

    columns: Columns
    width: int
    complete: bool  # whether all columns that would enter are in it


def choose(objective: Objective, at: Place, width: int) -> Chosen:
    """Columns in use, those that would enter, and the nearest to it: at least ``width`` of them."""
    used, moving = at.vector != 0, np.asarray(objective.free(at.vector, at.gradient))
    size = len(at.vector)
    l1 = objective.penalty.kinks(size)
    near = np.abs(at.raw - (objective.penalty.squares(size) * at.vector)) / np.maximum(l1, 1e-300)
    scores = by_column(objective, np.where(used, np.inf, np.where(l1 > 0, near, 0.0)))
    entering = by_column(objective, (moving | used).astype(float))
    in_use = max(int(np.isinf(score[1:]).sum()) for score in scores)
    wanted = max(int((score[1:] > 0).sum()) for score in entering)
    width = max(width, width_for(min(wanted, int(ENTERING * in_use))))
    return Chosen(best_columns(scores, width), width, wanted <= width)


@dataclass(frozen=True)
class WorkingSet(Solver):
    """Newton on a working set of columns."""

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        walk = _Walk(objective, tol, max_iter)
        vector = np.asarray(objective.clip(parameter_vector.to_vector(start)))
        at = look(objective, vector)
        if not np.isfinite(at.value):
            return Outcome(parameter_vector.as_numpy(start), Status.NONFINITE, 0, 1)
        status, known = Status.RUNNING, None
        while status == Status.RUNNING:
            at, known, status = walk.further(at)
        model = parameter_vector.as_numpy(objective.model(at.vector))
        return Outcome(model, status, walk.n_iter, walk.n_passes, known, walk.note)


class _Walk:
    """From set to set, until the conditions of the maximum hold in all columns."""

    def __init__(self, objective: Objective, tol: float, max_iter: int) -> None:
        self.objective, self.tol, self.max_iter = objective, tol, max_iter
        self.width = self.n_iter = self.rounds = 0
        self.n_passes, self.note = 1, ""

    def further(self, at: Place) -> tuple[Place, Derivatives | None, Status]:
        """The maximum on the columns that ``at`` asks for, or steps towards it."""
        beyond = through_the_rows(self.objective, at)
        if beyond is not None:
            self.note = TOO_WEAK
            return beyond, None, Status.STALLED
        chosen = choose(self.objective, at, self.width)
        self.width, self.rounds = chosen.width, self.rounds + 1
        piece = narrow(self.objective, chosen.columns)
        # a set that lacks columns has a maximum that matters to nobody
        early = not chosen.complete
        solver = EM(stop=StopRule(EARLY_GAIN, 0.0)) if early else Newton()
        most = min(EARLY_ITER if early else LATE_ITER, self.max_iter - self.n_iter)
        start = piece.objective.model(at.vector[piece.places])
        end = solver.run(piece.objective, start, tol=self.tol, max_iter=most)
        self.n_iter, self.n_passes = self.n_iter + end.n_iter, self.n_passes + end.n_passes + 1
        new = look(self.objective, piece.widened(parameter_vector.to_vector(end.model)))
        known = end.known and piece.of_all(end.known, new.gradient)
        return new, known, self._status(at, new)

    def _status(self, before: Place, at: Place) -> Status:
        if not np.isfinite(at.value):
            return Status.NONFINITE
        if float(self.objective.norm(at.vector, at.gradient)) <= self.tol:
            return Status.CONVERGED
        if self.n_iter >= self.max_iter:
            return Status.MAX_ITER
        stands = np.array_equal(before.vector, at.vector) or self.rounds >= ROUNDS
        return Status.STALLED if stands else Status.RUNNING


def through_the_rows(objective: Objective, at: Place) -> Place | None:
    """Experts that pass through their rows, if that is higher than ``at``; None if it is not.

    Only asked where an expert has slopes for half of its rows. Under so weak a penalty each
    further slope makes the scale smaller, which makes the penalty weaker beside the rows, until
    nothing but the floor holds the scale.
    """
    model = objective.model(at.vector)
    scales = np.asarray(objective.floor) & objective.varying
    if not scales.any():
        return None
    used = (own_parameters(objective, model)).sum(axis=1)
    total = float(objective.batch.total_weight)
    if used.sum() < CROWDED * total / model.n_experts:
        return None
    rows = total * np.asarray(expert_mass(model, objective.batch))
    if not np.any(used > CROWDED * rows):
        return None
    chosen = choose(objective, at, width_for(int(2 * rows.max())))
    piece = narrow(objective, chosen.columns)
    few = piece.objective.model(at.vector[piece.places])
    shares = all_responsibilities(few, piece.objective.batch)
    first = m_step.first_model(piece.objective, few, np.asarray(shares))
    vector = piece.widened(parameter_vector.to_vector(first))
    n_gate = parameter_vector.size(model.gate)
    vector[:n_gate] = at.vector[:n_gate]
    beyond = look(objective, np.asarray(objective.clip(vector)))
    return beyond if beyond.value > at.value else None


def short_run(objective: Objective, start: Mixture, rule: StopRule) -> EMState:
    """EM on a working set of columns that is chosen twice: what a start is worth."""
    vector, width, state = parameter_vector.to_vector(start), 0, None
    for _ in range(2):
        chosen = choose(objective, look(objective, vector), width)
        width, piece = chosen.width, narrow(objective, chosen.columns)
        before = state
        state = em.run(piece.objective, piece.objective.model(vector[piece.places]), rule)
        state = parameter_vector.as_numpy(state)
        if before is not None:
            state = state._replace(
                n_iter=state.n_iter + before.n_iter, n_passes=state.n_passes + before.n_passes
            )
        vector = piece.widened(parameter_vector.to_vector(state.model))
    assert state is not None
    return state._replace(model=objective.model(vector))
