"""Gates that jump: the experts by Newton, the gate by a search that needs no derivatives.

A gate that keeps only some experts makes the log-likelihood jump where logits tie, so that its
maximum may lie at a jump, beside which the gradient does not vanish. EM leads near; there a
search on the gate's parameters takes turns with Newton on the experts, for which all is smooth:
first differential evolution (Storn and Price 1997, J. Global Optim. 11, 341-359), whose crowd
follows ridges between jumps, then a direction-set search (Powell 1964, Computer Journal 7,
155-162), both in scipy's implementation.
"""

from collections.abc import Callable

import numpy as np

from mixstat import flat
from mixstat.likelihood import log_likelihood
from mixstat.model import Mixture
from mixstat.results import Status
from mixstat.solvers import em, newton
from mixstat.solvers.problem import Problem

EM_ITER = 100
CROWD = 6  # points a parameter in the crowd that looks for a way over the jumps
SPREAD, REACH = 0.1, 1.0  # how far apart they begin, and how far they may go, in logits
GENERATIONS = 40
ROUNDS = 6  # turns of gate and experts
GAIN = 1e-9  # in mean log-likelihood, below which another turn is not worth it


def maximise(
    problem: Problem, start: Mixture, *, tol: float, max_iter: int
) -> tuple[Mixture, Status, int, int]:
    """Model, status, iterations and passes."""
    state = em.run(problem, start, (GAIN, 0.0, min(EM_ITER, max_iter)))
    model, n_iter, n_passes = (flat.as_numpy(state.model), int(state.n_iter), int(state.n_passes))
    if Status(int(state.status)) == Status.NONFINITE:
        return model, Status.NONFINITE, n_iter, n_passes
    value = float(state.value)
    for turn in range(ROUNDS):
        if n_iter >= max_iter:
            return model, Status.MAX_ITER, n_iter, n_passes
        model, searched = _search_gate(problem, model, wide=turn == 0)
        model, _, steps, looked, _ = newton.maximise(
            _hold_gate(problem, model), model, tol=tol, max_iter=max_iter - n_iter
        )
        n_iter, n_passes = n_iter + 1 + steps, n_passes + searched + looked
        before, value = value, _objective(problem, model)
        if value - before < GAIN:
            break
    return model, Status.JUMP, n_iter, n_passes


def _objective(problem: Problem, model: Mixture) -> float:
    value = float(log_likelihood(model, problem.batch))
    return value - problem.penalty(flat.to_vector(model))


def _search_gate(problem: Problem, model: Mixture, *, wide: bool) -> tuple[Mixture, int]:
    from scipy.optimize import minimize

    vector = flat.to_vector(model)
    n_gate = flat.size(model.gate)
    if n_gate == 0:
        return model, 0
    low, high = (flat.to_vector(side)[:n_gate] for side in (problem.lower, problem.upper))

    # outside its bounds the objective goes on as at the nearest point within
    def negative(gate: np.ndarray) -> float:
        trial = flat.from_vector(model, np.append(np.clip(gate, low, high), vector[n_gate:]))
        value = -_objective(problem, trial)
        return value if np.isfinite(value) else 1e300

    start, n_passes = vector[:n_gate], 0
    if wide:
        start, n_passes = _crowd(negative, start)
    # first directions of a tenth of a logit: jumps are near, or the crowd would have passed them
    found = minimize(
        negative,
        start,
        method="Powell",
        options={"xtol": 1e-5, "ftol": 1e-10, "direc": 0.1 * np.eye(n_gate)},
    )
    vector[:n_gate] = np.clip(found.x, low, high)
    return flat.from_vector(model, vector), n_passes + int(found.nfev)


def _crowd(negative: Callable, start: np.ndarray) -> tuple[np.ndarray, int]:
    """The best of a crowd around ``start`` that moves by its own differences, and passes made."""
    from scipy.optimize import differential_evolution

    n = len(start)
    crowd = start + SPREAD * np.random.default_rng(0).standard_normal((CROWD * n, n))
    crowd[0] = start
    found = differential_evolution(
        negative,
        list(zip(start - REACH, start + REACH)),
        init=np.clip(crowd, start - REACH, start + REACH),
        maxiter=GENERATIONS,
        tol=1e-8,
        polish=False,
        rng=0,
    )
    return found.x, int(found.nfev)


def _hold_gate(problem: Problem, model: Mixture) -> Problem:
    return problem._replace(
        lower=Mixture(model.gate, problem.lower.experts),
        upper=Mixture(model.gate, problem.upper.experts),
    )
