"""Problems whose verdict is to be told, and solvers that only say where they are."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from mixstat import MixtureOfExperts, MixtureOfExpertsClassifier
from mixstat.data import batch as batches
from mixstat.experts import REGISTRY as FAMILIES
from mixstat.fitting.batch_of_fits import fit_many
from mixstat.fitting.fit_table import FitTable
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.results import Status
from mixstat.solvers import EM, Newton, m_step
from mixstat.solvers.base import Solver
from mixstat.solvers.outcome import Outcome

N = 60
KINDS = ("regular", "separated", "collapsed", "saddle", "overspecified")


@dataclass(frozen=True)
class Stay(Solver):
    """Stays at its start, so that a door can be asked about a point."""

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        return Outcome(parameter_vector.as_numpy(start), Status.CONVERGED, 0, 0)


@dataclass(frozen=True)
class At(Solver):
    """Goes to a point, wherever it starts."""

    point: tuple[float, ...]

    def run(self, objective: Objective, start: Mixture, *, tol: float, max_iter: int) -> Outcome:
        return Outcome(objective.model(np.array(self.point)), Status.CONVERGED, 0, 0)


def inputs(kind: str) -> np.ndarray:
    """One column; two clusters where experts are separated."""
    x = np.linspace(-1.5, 1.5, N)
    return x + np.sign(x) if kind == "separated" else x


def labels(family: str, kind: str, x: np.ndarray) -> np.ndarray:
    """The expert of each row at the start."""
    random = np.random.default_rng(5)
    if kind == "separated":
        return (x > 0).astype(int)
    if kind == "collapsed":
        return np.where(np.isin(np.arange(N), (20, 40)), 0, 1)
    if kind == "regular":
        steepness = 4 if family == "multinomial" else 1
        return (random.random(N) < 1 / (1 + np.exp(-steepness * x))).astype(int)
    return random.integers(0, 2, N)


def responses(family: str, kind: str, x: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Draws of a family; of one expert alone where there are more than the truth has."""
    random = np.random.default_rng(9)
    label = label if kind in ("regular", "separated") else np.ones(N, int)
    line = np.where(label == 1, 0.9 + 0.4 * x, -0.9 - 0.3 * x)
    if family == "multinomial":
        if kind == "regular":  # rises twice, which one expert cannot
            line = 4 * np.where(label == 1, x - 0.75, x + 0.75)
        return (random.random(N) < 1 / (1 + np.exp(-2 * line))).astype(int)
    if family == "poisson":
        return random.poisson(np.exp(1 + line)).astype(float)
    if family == "negative_binomial":
        return random.negative_binomial(4, 4 / (4 + np.exp(1 + line))).astype(float)
    if family == "binomial":
        won = random.binomial(12, 1 / (1 + np.exp(-line)))
        return np.column_stack([won, 12 - won]).astype(float)
    if family == "beta":
        m = 1 / (1 + np.exp(-line))
        y = random.beta(30 * m, 30 * (1 - m))
    elif family == "exponential":
        y = random.exponential(np.exp(line))
    elif FAMILIES[family].response == "positive":
        y = random.gamma(30.0, np.exp(line) / 30)
    elif family == "t":
        y = 2 * line + 0.4 * random.standard_t(5, N)
    elif family == "skew_normal":
        half, rest = np.abs(random.standard_normal(N)), random.standard_normal(N)
        y = 2 * line + 0.4 * (0.95 * half + 0.3 * rest)
    else:
        y = 2 * line + 0.4 * random.standard_normal(N)
    if kind == "collapsed":  # two rows far from the others
        y[[20, 40]] = 0.25 * (3 + y.max()) if family == "beta" else y.max() * 4
    return y


def estimator(gate: str, family: str, kind: str, **settings):
    """An estimator of two experts; a mixture for single trials needs a ridge for a maximum."""
    if family != "multinomial":
        return MixtureOfExperts(2, gate=gate, expert=family, **settings)
    ridge = 0.003 if kind == "regular" else None
    return MixtureOfExpertsClassifier(2, gate=gate, ridge=ridge, **settings)


class Problem(NamedTuple):
    """A point in question, and the rows on which it was found."""

    X: np.ndarray
    y: np.ndarray
    label: np.ndarray
    objective: Objective
    fits: FitTable  # whose only member is at the point

    @property
    def model(self) -> Mixture:
        return self.fits.model(0)

    @property
    def vector(self) -> np.ndarray:
        return self.fits.vectors[0]


@cache
def problem(gate: str, family: str, kind: str) -> Problem:
    """A problem and the point where a solver that starts near it ends."""
    x = inputs(kind)
    label = labels(family, kind, x)
    X, y = x[:, None], responses(family, kind, x, label)
    start: BaseEstimator = estimator(gate, family, kind, solver=Stay(), init=label).fit(X, y)
    objective, model = start.problem_, start.model_
    solver: Solver | str = "auto" if model.gate.continuous else Newton()
    if kind == "separated":
        model = _steep(objective, model)
    if kind == "saddle":  # experts that are alike stay so
        solver, model = EM(), _alike(objective)
    return Problem(
        X, y, label, objective, fit_many(objective, [model], solver=solver, max_iter=1000)
    )


def _steep(objective: Objective, model: Mixture) -> Mixture:
    """The same with slopes of the gate so long that no row is shared."""
    slope = np.flatnonzero(model.gate.slopes() > 0)
    vector = parameter_vector.to_vector(model)
    vector[slope] *= 40 / np.linalg.norm(vector[slope])
    return objective.model(objective.clip(vector))


def _alike(objective: Objective) -> Mixture:
    """Every expert as if it had all rows."""
    half = np.full((N, 2), 0.5)
    resp = batches.lay_out_like(objective.batch, half)
    return m_step.first_model(objective, objective.template, resp)
