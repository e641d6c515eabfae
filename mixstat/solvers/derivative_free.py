"""Gates that jump: the experts by Newton, the gate by a search that needs no derivatives.

A gate that keeps only some experts makes the log-likelihood jump where logits tie, so that its
maximum may lie at a jump, beside which the gradient does not vanish. EM leads near; there a
search on the gate's parameters takes turns with Newton on the experts, for which all is smooth:
first differential evolution (Storn and Price 1997, J. Global Optim. 11, 341-359), whose
population follows ridges between jumps, then a direction-set search (Powell 1964, Computer
Journal 7, 155-162), both in scipy's implementation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import differential_evolution, minimize

from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.results import Status
from mixstat.solvers.base import Solver
from mixstat.solvers.em import EM, StopRule
from mixstat.solvers.newton import Newton
from mixstat.solvers.outcome import Outcome

EM_ITER = 100
POPULATION = 6  # points a parameter in the population that looks for a way over the jumps
SPREAD, REACH = 0.1, 1.0  # how far apart they begin, and how far they may go, in logits
GENERATIONS = 40
ROUNDS = 6  # turns of gate and experts
GAIN = 1e-9  # in mean log-likelihood, below which another turn is not worth it


@dataclass(frozen=True)
class DerivativeFree(Solver):
    """EM, then searches over the gate in turn with Newton on the experts."""

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        near = EM(stop=StopRule(GAIN, 0.0))
        end = near.run(objective, start, tol=tol, max_iter=min(EM_ITER, max_iter))
        if end.status == Status.NONFINITE:
            return end
        value = objective.value(parameter_vector.to_vector(end.model))
        for turn in range(ROUNDS):
            if end.n_iter >= max_iter:
                return end._replace(status=Status.MAX_ITER)
            model, searched = _search_gate(objective, end.model, wide=turn == 0)
            vector = parameter_vector.to_vector(model)
            gate = np.arange(len(vector)) < parameter_vector.size(model.gate)
            experts = Newton().run(
                objective.holding(gate, vector), model, tol=tol, max_iter=max_iter - end.n_iter
            )
            n_iter = end.n_iter + 1 + experts.n_iter
            n_passes = end.n_passes + searched + experts.n_passes
            end = Outcome(experts.model, Status.JUMP, n_iter, n_passes)
            before, value = value, objective.value(parameter_vector.to_vector(end.model))
            if value - before < GAIN:
                break
        return end._replace(status=Status.JUMP)


def _search_gate(objective: Objective, model: Mixture, *, wide: bool) -> tuple[Mixture, int]:
    """The best gate found for these experts, and passes made."""
    vector = parameter_vector.to_vector(model)
    n_gate = parameter_vector.size(model.gate)
    if n_gate == 0:
        return model, 0

    # outside its bounds the objective goes on as at the nearest point within
    def negative(gate: np.ndarray) -> float:
        trial = np.asarray(objective.clip(np.append(gate, vector[n_gate:])))
        value = -objective.value(trial)
        return value if np.isfinite(value) else 1e300

    start, n_passes = vector[:n_gate], 0
    if wide:
        start, n_passes = _best_of_population(negative, start)
    # first directions of a tenth of a logit: jumps are near, or the population would have
    # passed them
    end = minimize(
        negative,
        start,
        method="Powell",
        options={"xtol": 1e-5, "ftol": 1e-10, "direc": 0.1 * np.eye(n_gate)},
    )
    vector[:n_gate] = end.x
    return objective.model(np.asarray(objective.clip(vector))), n_passes + int(end.nfev)


def _best_of_population(
    negative: Callable[[np.ndarray], float], start: np.ndarray
) -> tuple[np.ndarray, int]:
    """The best of points around ``start`` that move by their own differences, and passes made."""
    n = len(start)
    points = start + SPREAD * np.random.default_rng(0).standard_normal((POPULATION * n, n))
    points[0] = start
    end = differential_evolution(
        negative,
        list(zip(start - REACH, start + REACH)),
        init=np.clip(points, start - REACH, start + REACH),
        maxiter=GENERATIONS,
        tol=1e-8,
        polish=False,
        rng=0,
    )
    return end.x, int(end.nfev)
