"""Many fits of one shape as one program: starts, bootstrap draws, folds, simulated data.

Two queues of compiled steps (EM into the basin, then damped Newton) do almost all the work; the
few members that do not end there go on one by one with the trust region. A member's result
depends on its own data and start alone, to the last bit: not on the other members, their order
or their number, nor on how many processors there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from mixstat import flat
from mixstat.batch import Batch
from mixstat.kernels import kernel
from mixstat.kernels import lasting as lasting_programs
from mixstat.model import Mixture
from mixstat.precision import AnyArray, in_float64
from mixstat.results import FitResult, Status
from mixstat.solvers import climb, em, queue
from mixstat.solvers.auto import BASIN_ITER, BASIN_TOL, NEWTON_SIZE, SOLVERS
from mixstat.solvers.certify import (
    GRADIENT_TOL,
    Derivatives,
    certify,
    free_parameters,
    objective_derivatives,
)
from mixstat.solvers.finish import Finish
from mixstat.solvers.members import Member, Members, of_problem
from mixstat.solvers.problem import Problem
from mixstat.threads import in_threads

LANE_ROWS = 4096  # rows that all lanes hold together: few enough to stay in cache
MOST_LANES = 16
MANY_ROWS = 4e5  # of all members, from which on EM is compiled with care

COLUMNS = np.dtype(
    [
        ("status", "U10"),
        ("n_iter", int),
        ("n_passes", int),
        ("log_likelihood", float),
        ("objective", float),
        ("gradient_norm", float),
        ("newton_decrement", float),
        ("min_eigenvalue", float),
    ]
)


@dataclass(frozen=True)
class FitTable:
    """What became of every member, and their models."""

    table: np.ndarray
    """A row per member: status, iterations, passes over its data, mean log-likelihood, the
    objective (less the penalty), largest component of the projected gradient, gain that a Newton
    step predicts, smallest eigenvalue of the information. The last three are nan after EM."""
    vectors: Float[np.ndarray, "M D"]
    """Parameter vectors."""
    mass: Float[np.ndarray, "M K"]
    """Share of the weight that each expert is responsible for; nan after EM."""
    members: Members = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def certified(self) -> np.ndarray:
        """(M,) whether a member ended at a maximum."""
        return self.table["status"] == Status.CONVERGED.name

    def model(self, member: int) -> Mixture:
        """The model of one member."""
        return flat.from_vector(flat.as_numpy(self.members.start(member)), self.vectors[member])

    @in_float64
    def result(self, member: int, *, tol: float = GRADIENT_TOL) -> FitResult:
        """The fit of one member with its whole certificate, made by one more pass."""
        row = self.table[member]
        problem, status = self.members.alone(member), Status[str(row["status"])]
        n_iter, n_passes = int(row["n_iter"]), int(row["n_passes"])
        model = self.model(member)
        return certify(problem, model, status, n_iter=n_iter, n_passes=n_passes, tol=tol)


class _End(NamedTuple):
    """Where a member stands."""

    vector: Float[np.ndarray, " D"]
    objective: float
    status: Status
    n_iter: int
    n_passes: int
    mass: Float[np.ndarray, " K"]
    gradient_norm: float = np.nan
    decrement: float = np.nan
    smallest: float = np.nan


class _Rules(NamedTuple):
    """When and how to stop; static ones are part of the program."""

    tol: float
    max_iter: int
    stop: tuple[float, float]
    gate_tol: float
    static: dict[str, Any]


@in_float64
def fit_many(
    problem: Problem,
    starts: Sequence[Mixture],
    *,
    weights: Float[np.ndarray, "M n"] | None = None,
    data: Sequence[Batch] | None = None,
    solver: str = "auto",
    tol: float = GRADIENT_TOL,
    max_iter: int = 200,
    stop: tuple[float, float] = (1e-14, 1e-14),
    accelerate: bool = True,
    exact_gate: bool = False,
    gate_tol: float = 1e-15,
    names: Sequence[Any] | None = None,
    lasting: bool | None = None,
) -> FitTable:
    """Fit one model from many starts, with many weights, or to many data sets.

    Parameters
    ----------
    problem
        Data, bounds and penalty; what members do not bring themselves is taken from here.
    starts
        A model per member, or one for all of them.
    weights
        Weights of the rows, one row of the table per member: bootstrap counts, folds. They
        are scaled to sum to one.
    data
        A batch per member, laid out with the same shapes (``room`` of
        :func:`mixstat.batch.build`).
    solver
        "auto" (EM, then Newton to a certified maximum) or "em" alone.
    tol
        Largest component of the projected gradient that counts as converged.
    max_iter
        Largest number of steps of a member.
    stop, accelerate, exact_gate, gate_tol
        For "em": absolute and relative gain in mean log-likelihood at which to stop, and as in
        :func:`mixstat.solvers.em.run`.
    names
        What members are called in messages; their numbers by default.
    lasting
        Whether to compile EM with care: it takes about two seconds longer, and a pass a quarter
        less. By default where all members together have some 400,000 rows; say True where
        batches of one shape will follow each other.

    Returns
    -------
    FitTable
        In the order of the members.

    Raises
    ------
    ValueError
        If a member does not fit the problem; it is named.
    """
    members = Members(problem, starts, weights, data, names)
    problem = members.problem
    if solver not in ("auto", "em"):
        raise ValueError(f"solver must be 'auto' or 'em' for many fits, got {solver!r}.")
    if solver == "auto" and not suits(problem, members.start(0)):
        each = partial(_one_by_one, members, tol, max_iter)
        return _table(members, in_threads(each, range(members.count)))
    lanes = lanes_for(problem.batch, own_data=data is not None)
    static = {"lanes": lanes}
    if solver == "em":
        static |= {"accelerate": accelerate, "exact_gate": exact_gate}
    rules = _Rules(tol, max_iter, stop, gate_tol, static)
    block = _em_block if solver == "em" else _auto_block
    rows = int(problem.batch.n_chunks) * problem.batch.rows.weight.shape[1]
    with lasting_programs(rows * members.count > MANY_ROWS if lasting is None else lasting):
        parts = in_threads(partial(block, problem, members, rules), list(members.blocks(lanes)))
    ends = [end for part in parts for end in part]
    if solver == "auto":
        left = [i for i, end in enumerate(ends) if end.status != Status.CONVERGED]
        finish = partial(_go_on, members, ends, tol, max_iter)
        for i, end in zip(left, in_threads(finish, left), strict=True):
            ends[i] = end
    return _table(members, ends)


def suits(problem: Problem, template: Mixture) -> bool:
    """Whether the queues can take such members; others are fitted one by one."""
    kinked = problem.shrink is not None and problem.shrink.l1 is not None
    return flat.size(template) <= NEWTON_SIZE and not kinked and template.gate.continuous


def lanes_for(batch: Batch, *, own_data: bool) -> int:
    """Members worked at together.

    Where each has its own data this depends on the shape alone, as members may differ in rows.
    """
    chunks, length = batch.rows.weight.shape
    used = chunks if own_data else min(int(batch.n_chunks), chunks)
    return int(np.clip(LANE_ROWS // (used * length), 1, MOST_LANES))


def _em(problem: Problem, members: Members, block: range, limits: Any, tol: float, static: Any):
    stacked, count = members.stacked(block), np.asarray(len(block))
    limits = tuple(np.asarray(one) for one in limits)
    return stacked, flat.as_numpy(
        em_queue(problem, stacked, count, limits, np.asarray(tol), **static)
    )


def _em_block(problem: Problem, members: Members, rules: _Rules, block: range) -> list[_End]:
    limits = (*rules.stop, rules.max_iter)
    last = _em(problem, members, block, limits, rules.gate_tol, rules.static)[1]
    vectors = _vectors(last.model)
    unknown = np.full(members.start(0).n_experts, np.nan)
    numbers = zip(last.value, last.status, last.n_iter, last.n_passes, strict=True)
    return [
        _End(vector, float(value), Status(int(status)), int(n_iter), int(n_passes), unknown)
        for _, vector, (value, status, n_iter, n_passes) in zip(block, vectors, numbers)
    ]


def _auto_block(problem: Problem, members: Members, rules: _Rules, block: range) -> list[_End]:
    limits = (BASIN_TOL, 1e-14, min(BASIN_ITER, rules.max_iter))
    static = {**rules.static, "accelerate": True, "exact_gate": False}
    stacked, near = _em(problem, members, block, limits, rules.gate_tol, static)
    stacked = stacked._replace(start=near.model)
    count, tol = np.asarray(len(block)), np.asarray(rules.tol)
    with lasting_programs(False):  # its Hessian is as fast without
        boxed = climb.is_boxed(problem)
        end = newton_queue(problem, stacked, count, tol, **rules.static, boxed=boxed)
    end = flat.as_numpy(end)
    return [
        _End(
            *(np.asarray(end.vector[i]), float(end.value[i]), Status(int(end.status[i]))),
            *(int(near.n_iter[i] + end.n_iter[i]), int(near.n_passes[i] + end.n_passes[i])),
            *(
                np.asarray(end.mass[i]),
                float(end.norm[i]),
                float(end.decrement[i]),
                float(end.smallest[i]),
            ),
        )
        for i in range(len(block))
    ]


def _vectors(stacked: Mixture) -> Float[np.ndarray, "M D"]:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(stacked)]
    return np.hstack([leaf.reshape(len(leaf), -1) for leaf in leaves])


def _one_by_one(members: Members, tol: float, max_iter: int, i: int) -> _End:
    """A member by the solver of single fits."""
    problem = members.alone(i)
    end = SOLVERS["auto"](problem, flat.as_numpy(members.start(i)), tol, max_iter)
    return _examined(problem, end, tol)


def _go_on(members: Members, ends: list[_End], tol: float, max_iter: int, i: int) -> _End:
    """What is left of a member, by the trust region."""
    problem, near = members.alone(i), ends[i]
    start = flat.from_vector(flat.as_numpy(members.start(i)), near.vector)
    left = max(max_iter - near.n_iter, 1)
    if near.status == Status.NONFINITE:
        start = flat.as_numpy(members.start(i))
    end = SOLVERS["newton"](problem, start, tol, left)
    n_iter, n_passes = near.n_iter + end.n_iter, near.n_passes + end.n_passes
    return _examined(problem, end._replace(n_iter=n_iter, n_passes=n_passes), tol)


def _examined(problem: Problem, end: Finish, tol: float) -> _End:
    known = end.known or objective_derivatives(problem, end.model)
    vector = flat.to_vector(end.model)
    free = free_parameters(problem, vector, known.gradient)
    norm = float(np.max(np.abs(known.gradient[free]), initial=0.0))
    smallest, decrement = _curvature(known, free)
    status = end.status
    if status != Status.NONFINITE and norm <= tol:
        status = Status.CONVERGED if smallest > -tol else Status.SADDLE
    numbers = (known.value, status, end.n_iter, end.n_passes, known.mass)
    return _End(vector, *numbers, norm, decrement, smallest)


def _curvature(known: Derivatives, free: np.ndarray) -> tuple[float, float]:
    information = -known.hessian[np.ix_(free, free)]
    if not np.isfinite(information).all() or not free.any():
        return np.nan, np.nan
    values, vectors = np.linalg.eigh(information)
    along, curved = vectors.T @ known.gradient[free], values > 1e-14
    return float(values[0]), float(0.5 * np.sum(along[curved] ** 2 / values[curved]))


def _table(members: Members, ends: list[_End]) -> FitTable:
    table = np.zeros(len(ends), COLUMNS)
    for i, end in enumerate(ends):
        value = end.objective + members.problem.penalty(end.vector)
        numbers = (value, end.objective, end.gradient_norm, end.decrement, end.smallest)
        table[i] = (end.status.name, end.n_iter, end.n_passes, *numbers)
    vectors, mass = np.stack([e.vector for e in ends]), np.stack([e.mass for e in ends])
    return FitTable(table, vectors, mass, members)


@kernel("lanes", "accelerate", "exact_gate")
def em_queue(
    problem: Problem,
    members: Member,
    n_members: Int[AnyArray, ""],
    limits: em.Limits,
    gate_tol: AnyArray,
    *,
    lanes: int,
    accelerate: bool,
    exact_gate: bool,
) -> em.EMState:
    """EM for every member."""
    options = {"accelerate": accelerate, "exact_gate": exact_gate, "gate_tol": gate_tol}

    def step(member: Member, state: em.EMState) -> em.EMState:
        return em.advance(of_problem(problem, member), state, limits, **options)

    def begin(member: Member) -> em.EMState:
        return em.begin(member.start)

    running = partial(em.running, limits=limits)
    return em.ended(queue.run(begin, step, running, members, n_members, lanes))


@kernel("lanes", "boxed")
def newton_queue(
    problem: Problem,
    members: Member,
    n_members: Int[AnyArray, ""],
    tol: Float[AnyArray, ""],
    *,
    lanes: int,
    boxed: bool,
) -> climb.NewtonState:
    """Newton for every member."""

    def step(member: Member, state: climb.NewtonState) -> climb.NewtonState:
        return climb.advance(of_problem(problem, member), member.start, state, tol, boxed=boxed)

    def begin(member: Member) -> climb.NewtonState:
        return climb.begin(member.start)

    return queue.run(begin, step, climb.running, members, n_members, lanes)
