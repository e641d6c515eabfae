"""Many starts: short runs for all, long runs for the promising, one verdict."""

from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.fitting.batch_of_fits import fit_many, suits
from mixstat.fitting.ends import LOWEST, Ends, ranking
from mixstat.fitting.first_models import TOGETHER
from mixstat.fitting.fit_table import FitTable
from mixstat.fitting.progress import Progress
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.narrow import WideObjective
from mixstat.objective.objective import Objective
from mixstat.results import FitResult, Status
from mixstat.solvers import em, working_set
from mixstat.solvers.admissible import beyond_resolution
from mixstat.solvers.base import Solver
from mixstat.solvers.certificate import judge
from mixstat.solvers.degeneracy import is_degenerate
from mixstat.solvers.em import EM, StopRule
from mixstat.solvers.plan import BASIN_ITER, Plan

SHORT_ITER = 15  # accelerated EM steps that tell good starts from bad ones
SHORT_GAIN = 1e-9  # or until a step gains less
SETTLED = 1e-7  # gain at which a start has settled on the sample
LEAST_FINISHED = 3  # starts run to the end, however large the problem
FINISH_WORK = 3e8  # multiplications worth spending on running more starts to the end
ARRIVED = (Status.CONVERGED.name, Status.JUMP.name)
LEG = 130  # iterations after which a start goes on only if it leads

TABLE = np.dtype(
    [
        ("start", "U12"),
        ("log_likelihood_short", float),
        ("finished", bool),
        ("log_likelihood", float),
        ("status", "U10"),
        ("degenerate", bool),
        ("n_iter", int),
        ("n_passes", int),
    ]
)


class Shared(TypedDict):
    """What a search is given whether the number of its starts is fixed or not."""

    objective: Objective
    short: Objective
    solver: Solver
    tol: float
    max_iter: int
    progress: Progress


@dataclass(frozen=True, eq=False, kw_only=True)
class Search(Ends):
    """A search for the best maximum from starts whose number is fixed."""

    short: Objective
    """The objective on the rows that starts look at; short runs are made on it."""
    solver: Solver
    """Of the long runs."""
    tol: float
    """Gradient tolerance."""
    max_iter: int
    """Iteration limit of a start."""

    @property
    def on_sample(self) -> bool:
        """Whether short runs see a part of the rows only."""
        return float(self.short.batch.n_chunks) < float(self.objective.batch.n_chunks)

    def run(self, models: list[Mixture]) -> FitResult:
        """From first models to the best maximum and its verdict."""
        together = (
            len(models) >= TOGETHER
            and isinstance(self.solver, Plan)
            and not isinstance(self.short, WideObjective)
            and suits(self.short, models[0])
        )
        count = self._how_many(models)
        if together and not self.on_sample:
            near, order = self._all_together(models)
            count = LEAST_FINISHED
        elif len(models) > 1:
            short = self._short_runs_together if together else self._short_runs
            near, order = short(models)
        else:  # the only start has no short run
            near, order = models, np.array([0])
            self.table["log_likelihood_short"] = np.nan
        for i in order[:count]:
            self.finish(int(i), self._settled(near[i], int(i)))
        self.let_the_leader_arrive()
        return self.best()

    def _how_many(self, models: list[Mixture]) -> int:
        """How many starts are run to the end."""
        if not models[0].gate.continuous:  # a search without derivatives is many passes
            return min(LEAST_FINISHED, len(models))
        return int(np.clip(self.affordable(self.objective, models[0]), LEAST_FINISHED, len(models)))

    @staticmethod
    def affordable(objective: Objective, model: Mixture) -> float:
        """How many starts it is cheap to run to the end."""
        batch = objective.batch
        rows = float(batch.n_chunks) * batch.rows.weight.shape[1]
        return FINISH_WORK / (rows * parameter_vector.size(model) ** 2)

    def _short_runs(self, models: list[Mixture]) -> tuple[list[Mixture], Int[np.ndarray, " s"]]:
        """A few EM steps from every start; the order in which they deserve to be finished."""
        rule = StopRule(SHORT_GAIN, 0.0, min(SHORT_ITER, self.max_iter))
        short_run = working_set.short_run if isinstance(self.short, WideObjective) else em.run
        ends, heights = [], np.empty(len(models))
        for i, model in enumerate(models):
            state, row = (
                parameter_vector.as_numpy(short_run(self.short, model, rule)),
                self.table[i],
            )
            # ranked by what is maximised, which is the likelihood less the penalty
            heights[i] = float(state.value)
            penalty = float(self.short.penalty.value(parameter_vector.to_vector(state.model)))
            self._tell_short(row, heights[i] + penalty)
            row["n_iter"], row["n_passes"] = int(state.n_iter), int(state.n_passes)
            row["status"] = Status(int(state.status)).name
            row["degenerate"] = is_degenerate(self.short, state.model)
            ends.append(state.model)
        best = self._best_short(heights)
        self.progress.say(f"{len(models)} short runs: best {best}")
        return ends, ranking(heights, self.table["degenerate"])

    def _short_runs_together(
        self, models: list[Mixture]
    ) -> tuple[list[Mixture], Int[np.ndarray, " s"]]:
        """:meth:`_short_runs` as one batch."""
        solver, steps = EM(stop=StopRule(SHORT_GAIN, 0.0)), min(SHORT_ITER, self.max_iter)
        batch = fit_many(self.short, models, solver=solver, max_iter=steps)
        ends = [batch.model(i) for i in range(len(models))]
        sunk = np.array([is_degenerate(self.short, end) for end in ends])
        return ends, self._tell_batch(batch, sunk)

    def _all_together(self, models: list[Mixture]) -> tuple[list[Mixture], Int[np.ndarray, " s"]]:
        """Every start to its maximum as one batch; the best are then run on the data themselves."""
        batch = fit_many(self.short, models, tol=self.tol, max_iter=min(LEG, self.max_iter))
        ends = [batch.model(i) for i in range(len(models))]
        self._tell_batch(batch, _sunk(self.objective, ends, batch))
        for i, end in enumerate(ends):
            finer = beyond_resolution(self.objective, end, batch.mass[i])
            height = float(batch.table["objective"][i]) - finer
            self.heights[i] = height if np.isfinite(height) else LOWEST
        order = ranking(np.array(list(self.heights.values())), self.table["degenerate"])
        self.table["finished"] = True
        self.table["log_likelihood"] = self.table["log_likelihood_short"]
        return ends, order

    def _tell_batch(self, batch: FitTable, sunk: Bool[np.ndarray, " s"]) -> Int[np.ndarray, " s"]:
        """Fill the table of starts; the order in which they deserve to be finished."""
        for row, value in zip(self.table, batch.table["log_likelihood"], strict=True):
            self._tell_short(row, value)
        for name in ("n_iter", "n_passes", "status"):
            self.table[name] = batch.table[name]
        self.table["degenerate"] = sunk
        best = self._best_short(np.asarray(batch.table["objective"]))
        self.progress.say(f"{len(sunk)} starts together: best {best}")
        return ranking(batch.table["objective"], sunk)

    def _tell_short(self, row: np.void, log_likelihood: float) -> None:
        row["log_likelihood_short"] = self.progress.in_units(log_likelihood)

    def _best_short(self, heights: Float[np.ndarray, " s"]) -> str:
        admissible = np.where(self.table["degenerate"], -np.inf, heights)
        best = admissible if np.isfinite(admissible).any() else heights
        return self.progress.height(float(np.nanmax(best, initial=-np.inf)))

    def _settled(self, near: Mixture, i: int) -> Mixture:
        """Where a step is cheap: the maximum on a sample is near that on all rows."""
        if not self.on_sample:
            return near
        row = self.table[i]
        steps = min(BASIN_ITER, self.max_iter - int(row["n_iter"]))
        end = EM(stop=StopRule(SETTLED, 0.0)).run(self.short, near, max_iter=steps)
        row["n_iter"] += end.n_iter
        row["n_passes"] += end.n_passes
        return end.model

    def finish(self, i: int, near: Mixture) -> None:
        """Run a start to its end, or as far as its leg goes."""
        row = self.table[i]
        leg = LEG if isinstance(self.solver, Plan) else self.max_iter
        steps = min(leg, self.max_iter - int(row["n_iter"]))
        end = self.solver.run(self.objective, near, tol=self.tol, max_iter=steps)
        row["n_iter"] += end.n_iter
        row["n_passes"] += end.n_passes
        self.record(i, end._replace(n_iter=int(row["n_iter"])))

    def let_the_leader_arrive(self) -> None:
        """A leader that is still climbing goes on; one that crawls far below does not."""
        while True:
            leader = int(self.ranked()[0])
            before = int(self.table[leader]["n_iter"])
            if self.table[leader]["status"] != Status.MAX_ITER.name or before >= self.max_iter:
                return
            self.finish(leader, self.ends[leader].model)
            if self.table[leader]["n_iter"] == before:
                return

    def best(self) -> FitResult:
        """The verdict on the best of the starts that were run to the end."""
        order = self.ranked()
        best = int(order[0])
        agree = self.at_height_of(best) & (self.sunk == self.sunk[best]) & self.table["finished"]
        # among starts that agree, prefer one that arrived, then the first
        near = np.array([i for i in np.flatnonzero(agree) if int(i) in self.ends])
        winner = near[np.argmin(~np.isin(self.table["status"][near], ARRIVED))]
        end = self.ends[int(winner)]
        ordered = self.objective.in_order(end.model)
        if ordered is not end.model:
            end = end._replace(model=ordered, known=None)
        result = judge(self.objective, end, tol=self.tol)
        # one start is no search, nor is one expert, and says nothing of one
        search = self.evidence() if len(self.ends) > 1 < end.model.n_experts else None
        certificate = replace(result.certificate, search=search)
        n_passes = int(self.table["n_passes"].sum())
        return replace(result, certificate=certificate, n_passes=n_passes)


def _sunk(objective: Objective, ends: list[Mixture], batch: FitTable) -> Bool[np.ndarray, " s"]:
    """Which ends are degenerate."""
    pairs = zip(ends, batch.mass, strict=True)
    return np.array([is_degenerate(objective, end, mass) for end, mass in pairs])


def empty_table(size: int) -> np.ndarray:
    """A table of starts that are still to be made."""
    table = np.zeros(size, TABLE)
    table["log_likelihood"] = table["log_likelihood_short"] = np.nan
    return table
