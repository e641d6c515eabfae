"""Many fits of one shape as one program: starts, bootstrap draws, folds, simulated data.

Two queues of compiled steps (EM into the basin, then damped Newton) do almost all the work; the
few fits that do not end there go on one by one with the trust region. A fit's result depends on
its own data and start alone, to the last bit: not on the other members of the batch, their
order or their number, nor on how many processors there are.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Float

from mixstat.data.batch import Batch
from mixstat.fitting import queues
from mixstat.fitting.fit_table import End, FitTable, table_of
from mixstat.fitting.members import Members
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.compiled import lasting as lasting_programs
from mixstat.numerics.precision import in_float64
from mixstat.numerics.threads import in_threads, one_blas_thread
from mixstat.objective.objective import Objective
from mixstat.results import Status
from mixstat.solvers import newton_batched
from mixstat.solvers.base import Solver
from mixstat.solvers.certificate import GRADIENT_TOL, clearly_regular, judge
from mixstat.solvers.em import EM, StopRule
from mixstat.solvers.newton import Newton
from mixstat.solvers.outcome import Outcome
from mixstat.solvers.plan import BASIN_ITER, BASIN_TOL, NEWTON_SIZE, Plan
from mixstat.solvers.registry import find_solver

LANE_ROWS = 4096  # rows that all lanes hold together: few enough to stay in cache
MOST_LANES = 16
MANY_ROWS = 4e5  # of all members, from which on EM is compiled with care


class _Task(NamedTuple):
    """What is common to all members."""

    members: Members
    solver: Solver
    tol: float
    max_iter: int
    lanes: int

    @property
    def objective(self) -> Objective:
        """That of a member which brings nothing of its own."""
        return self.members.objective


@in_float64
def fit_many(
    objective: Objective,
    starts: Sequence[Mixture],
    *,
    weights: Float[np.ndarray, "M n"] | None = None,
    data: Sequence[Batch] | None = None,
    solver: Solver | str = "auto",
    tol: float = GRADIENT_TOL,
    max_iter: int = 200,
    names: Sequence[object] | None = None,
    lasting: bool | None = None,
) -> FitTable:
    """Fit one model from many starts, with many weights, or to many data sets.

    Parameters
    ----------
    objective
        Data, bounds and penalty; what members do not bring themselves is taken from here.
    starts
        A model per member, or one for all of them.
    weights
        Weights of the rows, one row of the table per member: bootstrap counts, folds. They
        are scaled to sum to one.
    data
        A batch per member, laid out with the same shapes (``room`` of
        :func:`mixstat.data.batch.build`).
    solver
        A name or an object of :mod:`mixstat.solvers`. "auto" (EM, then Newton to a certified
        maximum) and ``EM`` run as batches, others one member after the other.
    tol
        Largest component of the projected gradient that counts as converged.
    max_iter
        Largest number of steps of a member.
    names
        What members are called in messages; their numbers by default.
    lasting
        Whether to compile EM with care: it takes about two seconds longer, and a pass a quarter
        less. By default where all members together have some 400,000 rows; say True where
        batches of one shape will follow each other.

    Returns
    -------
    FitTable
        In the order of the members, each with the verdict that a single fit would get.

    Raises
    ------
    ValueError
        If a member does not fit the objective (it is named), or the objective lacks what the
        solver needs.

    Examples
    --------
    >>> import numpy as np
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.fitting.batch_of_fits import fit_many
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> weights = np.random.default_rng(0).exponential(size=(4, 300))
    >>> fits = fit_many(moe.problem_, [moe.model_], weights=weights)
    >>> fits.certified
    array([ True,  True,  True,  True])
    """
    members = Members(objective, starts, weights, data, names)
    walker = find_solver(solver)
    walker.check(members.objective)
    task = _Task(
        members, walker, tol, max_iter, lanes_for(members.objective.batch, data is not None)
    )
    rows = int(members.objective.batch.n_chunks) * members.shape[1]
    careful = rows * members.count > MANY_ROWS if lasting is None else lasting
    with one_blas_thread(parameter_vector.size(members.start(0))):
        return _by_suitable_means(task, careful)


def _by_suitable_means(task: _Task, careful: bool) -> FitTable:
    """Ends of all members, in queues where those can take them."""
    members = task.members
    if isinstance(task.solver, EM):
        return table_of(members, _in_blocks(partial(_em_block, task), task, careful))
    if isinstance(task.solver, Plan) and suits(members.objective, members.start(0)):
        ends = _in_blocks(partial(_plan_block, task), task, careful)
        return table_of(members, _finished(task, ends))
    return table_of(members, in_threads(partial(_one_by_one, task), range(members.count)))


def suits(objective: Objective, template: Mixture) -> bool:
    """Whether the queues can take such members to the end; others are fitted one by one."""
    small = parameter_vector.size(template) <= NEWTON_SIZE
    return small and not objective.penalty.kinked and template.gate.continuous


def lanes_for(batch: Batch, own_data: bool) -> int:
    """Members worked at together.

    Where each has its own data this depends on the shape alone, as members may differ in rows.
    """
    chunks, length = batch.rows.weight.shape
    used = chunks if own_data else min(int(batch.n_chunks), chunks)
    return int(np.clip(LANE_ROWS // (used * length), 1, MOST_LANES))


def _in_blocks(block: Callable[[range], list[End]], task: _Task, careful: bool) -> list[End]:
    """Ends of all members, some in one queue and the queues on all processors."""
    with lasting_programs(careful):
        parts = in_threads(block, list(task.members.blocks(task.lanes)))
    return [end for part in parts for end in part]


def _em_block(task: _Task, block: range) -> list[End]:
    """EM alone; its ends are judged when somebody asks."""
    solver = cast(EM, task.solver)
    rule = solver.stop._replace(max_iter=min(task.max_iter, int(solver.stop.max_iter)))
    options = {"accelerate": solver.accelerate, "exact_gate": solver.exact_gate}
    stacked = task.members.stacked(block)
    last = queues.em(task.objective, stacked, len(block), rule, lanes=task.lanes, **options)
    vectors = queues.vectors(last.model)
    numbers = zip(last.value, last.status, last.n_iter, last.n_passes, strict=True)
    return [
        End(vector, float(value), Status(int(status)), int(n_iter), int(n_passes))
        for _, vector, (value, status, n_iter, n_passes) in zip(block, vectors, numbers)
    ]


def _plan_block(task: _Task, block: range) -> list[End]:
    """EM into the basin, then Newton; what ends regularly needs no further look."""
    count, lanes, objective = len(block), task.lanes, task.objective
    rule = StopRule(BASIN_TOL, max_iter=min(BASIN_ITER, task.max_iter))
    stacked = task.members.stacked(block)
    options = {"accelerate": True, "exact_gate": False}
    near = queues.em(objective, stacked, count, rule, lanes=lanes, **options)
    stacked = stacked._replace(start=near.model)
    with lasting_programs(False):  # its Hessian is as fast without
        boxed = newton_batched.is_boxed(objective)
        last = queues.newton(objective, stacked, count, task.tol, lanes=lanes, boxed=boxed)
    ends = []
    for i in range(count):
        known = newton_batched.numpy_derivatives(last, i)
        end = End(
            np.asarray(last.vector[i]),
            known.value,
            Status(int(last.status[i])),
            int(near.n_iter[i] + last.n_iter[i]),
            int(near.n_passes[i] + last.n_passes[i]),
            known.mass,
            float(last.norm[i]),
        )
        numbers = float(last.norm[i]), float(last.smallest[i])
        if clearly_regular(objective, end.vector, *numbers, tol=task.tol):
            end = end.with_curvature(objective, known)._replace(regular=True)
        ends.append(end if end.regular else end._replace(known=known))
    return ends


def _finished(task: _Task, ends: list[End]) -> list[End]:
    """Ends that the queues left open, each gone on with and judged by itself."""
    left = [i for i, end in enumerate(ends) if not end.regular]
    finished = in_threads(lambda i: _go_on(task, ends[i], i), left)
    for i, end in zip(left, finished, strict=True):
        ends[i] = end
    return ends


def _go_on(task: _Task, near: End, i: int) -> End:
    """What is left of a member, by the trust region; and its verdict."""
    objective, start = task.members.alone(i), parameter_vector.as_numpy(task.members.start(i))
    outcome = near.outcome(parameter_vector.from_vector(start, near.vector))
    if near.status != Status.CONVERGED:
        if near.status != Status.NONFINITE:
            start = outcome.model
        left = max(task.max_iter - near.n_iter, 1)
        more = Newton().run(objective, start, tol=task.tol, max_iter=left)
        outcome = more.after(outcome)
    return _judged(objective, outcome, task.tol)


def _one_by_one(task: _Task, i: int) -> End:
    """A member by itself."""
    objective, start = task.members.alone(i), parameter_vector.as_numpy(task.members.start(i))
    outcome = task.solver.run(objective, start, tol=task.tol, max_iter=task.max_iter)
    return _judged(objective, outcome, task.tol)


def _judged(objective: Objective, outcome: Outcome, tol: float) -> End:
    result = judge(objective, outcome, tol=tol)
    vector, proof = parameter_vector.to_vector(result.model), result.certificate
    assert result.mass is not None  # the judge always tells it
    return End(
        vector,
        result.log_likelihood - float(objective.penalty.value(vector)),
        result.status,
        result.n_iter,
        result.n_passes,
        result.mass,
        proof.gradient_norm,
        proof.newton_decrement,
        proof.min_eigenvalue,
        regular=True,
    )
