"""The search for a maximum of two levels: classes of units, and experts of rows within them."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from sklearn.utils import _safe_indexing

from mixstat.arguments import Table
from mixstat.data import batch as batches
from mixstat.data.design import Design
from mixstat.data.units import check_constant, check_weights_of_units, firsts, numbered
from mixstat.evidence import SearchEvidence
from mixstat.fitting.fit import Fit
from mixstat.fitting.tables import TrainingRows
from mixstat.fitting.two_level_objective import (
    TwoLevelMixture,
    TwoLevelObjective,
    TwoLevelRows,
    rows_of,
    scores,
)
from mixstat.gates.classed import ClassedGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.numerics.precision import in_float64
from mixstat.numerics.quiet import quiet
from mixstat.objective import objective as objectives
from mixstat.results import FitResult
from mixstat.solvers.certificate import judge
from mixstat.solvers.newton import Newton

SAME = 1e-7  # difference of mean log-likelihoods, relative to 1 + their size, of one end
MOST_STARTS = 30  # where nothing was said
SPREAD = 1.5  # deviation of the logits of classes in random starts
JITTER = 0.3  # of coefficients of experts, in standardised units
LEAST_SHARE = 0.02  # of an expert in the rows of a class, where a start has fewer


@dataclass(frozen=True, eq=False)
class Search:
    """How a maximum is searched."""

    n_classes: int
    n_init: int | None
    """Number of starts; None goes on until the best end was met often enough."""
    tol: float
    max_iter: int
    min_scale: float
    seed: int


@dataclass(frozen=True, eq=False)
class TwoLevelFit:
    """A maximum, and what is needed to tell of it."""

    result: FitResult
    rows: Fit
    """Of the rows, as if each had a class of its own: their designs and units of y."""
    unit_design: Design
    """How features of units are made of their first rows."""
    weight: Float[np.ndarray, " u"]
    """Of the units."""
    n_rows: float
    """Sum of the weights of rows."""
    scores: Float[np.ndarray, "u D"]
    """Of units, at the maximum."""
    dense: float
    """Weighted number of rows whose response has a density."""

    @property
    def model(self) -> TwoLevelMixture:
        """On internal features and standardised responses."""
        return self.result.model

    @property
    def total_weight(self) -> float:
        """Sum of the weights of units."""
        return float(self.weight.sum())

    @property
    def log_likelihood(self) -> float:
        """Of all units, in the units of y."""
        inside = self.result.log_likelihood * self.total_weight
        return inside - self.dense * self.rows.units.log_volume

    @property
    def answers(self) -> Fit:
        """The experts with the designs and units of the rows; the gate is that of the rows."""
        return replace(self.rows, model=Mixture(self.rows.model.gate, self.model.experts))

    def data(self, X: Table, y: Float[np.ndarray, "n c"], unit: np.ndarray) -> TwoLevelRows:
        """Rows as kernels see them."""
        check_constant(X, unit, self.unit_design, "unit")
        batch = _batch(self.rows, X, y, np.ones(len(y)), numbered(unit))
        W = batches.lay_out_like(batch, self.unit_design.transform(X))
        return rows_of(_objective(self.model, batch, W[0], 1e-4))


@quiet
@in_float64
def fit_two_level(fit: Fit, rows: TrainingRows, design: Design, search: Search) -> TwoLevelFit:
    """The best maximum of some starts, which set out from a fit of the rows alone.

    Parameters
    ----------
    fit
        Of the rows, without regard to their units.
    rows
        The same rows, with units.
    design
        Of the features of units, still to be fitted.
    search
        How to go on.
    """
    rows = rows.without_zero_weights()
    assert rows.unit is not None
    number, y = numbered(rows.unit), rows.responses
    first = firsts(number)
    check_weights_of_units(rows.weight, rows.unit)
    weight = rows.weight[first]
    design.fit(_safe_indexing(rows.X, first), weight / weight.sum())
    check_constant(rows.X, rows.unit, design, "unit")
    batch = _batch(fit, rows.X, y, rows.weight, number)
    W = batches.lay_out_like(batch, design.transform(rows.X))[0]
    starts = _starts(fit, rows, number, len(W), search)
    template = next(starts)
    objective = _objective(template, batch, W, search.min_scale)
    best = _best(objective, template, starts, search)
    table = np.asarray(scores(best.model, rows_of(objective)))[: len(y)][first]
    dense = float(rows.weight @ fit.model.experts.has_density(y))
    return TwoLevelFit(best, fit, design, weight, float(rows.weight.sum()), table, dense)


def _batch(
    fit: Fit,
    X: Table,
    y: Float[np.ndarray, "n c"],
    weight: Float[np.ndarray, " n"],
    number: Int[np.ndarray, " n"],
) -> batches.Batch:
    Phi, Z = fit.features(X)
    encoded = fit.model.experts.encode(fit.units.standardised(y))
    return batches.build(Z, Phi, encoded, weight, unit=number)


def _objective(
    template: TwoLevelMixture, batch: batches.Batch, W: np.ndarray, min_scale: float
) -> TwoLevelObjective:
    plain = objectives.make(template, batch, min_scale=min_scale)
    return TwoLevelObjective(**vars(plain), unit_features=W)


def _starts(
    fit: Fit, rows: TrainingRows, number: Int[np.ndarray, " n"], n_features: int, search: Search
) -> Iterator[TwoLevelMixture]:
    """Models of which the first has units in clusters by the experts of their rows."""
    random = np.random.default_rng(search.seed)
    model, K, H = fit.model, fit.n_experts, search.n_classes
    gate = ClassedGate.alike(K, fit.designs.gate.whitening.matrix.shape[0], H, n_features)
    coef = np.asarray(model.gate.coefficients())[:-1]
    share = fit.responsibilities(rows.X, rows.responses)
    levels = _levels(share, number, rows.weight, search)
    shift = (levels[:-1] - levels[-1])[:, : K - 1]
    plain = np.array(coef)
    plain[:, 0] = levels[-1, : K - 1]
    yield TwoLevelMixture(ClassedGate(plain, shift, gate.units), model.experts)
    index = model.experts.coefficient_index()
    while True:
        vector = parameter_vector.to_vector(model.experts)
        moved = index[index >= 0]
        vector[moved] += JITTER * random.normal(size=len(moved))
        yield TwoLevelMixture(
            ClassedGate(
                coef + JITTER * random.normal(size=coef.shape),
                SPREAD * random.normal(size=gate.shift.shape),
                JITTER * random.normal(size=gate.units.shape),
            ),
            parameter_vector.from_vector(model.experts, vector),
        )


def _levels(
    share: Float[np.ndarray, "n K"],
    number: Int[np.ndarray, " n"],
    weight: Float[np.ndarray, " n"],
    search: Search,
) -> Float[np.ndarray, "H K"]:
    """Logits of the experts against the last in clusters of units."""
    rows = np.bincount(number)
    means = np.stack([np.bincount(number, one) / rows for one in share.T], axis=1)
    first = weight[firsts(number)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fewer different units than clusters
        found = KMeans(search.n_classes, n_init=5, random_state=search.seed).fit(means, None, first)
    centres = np.maximum(found.cluster_centers_, LEAST_SHARE)
    logs = np.log(centres / centres.sum(axis=1, keepdims=True))
    return logs - logs[:, -1:]


def _best(
    objective: TwoLevelObjective,
    first: TwoLevelMixture,
    others: Iterator[TwoLevelMixture],
    search: Search,
) -> FitResult:
    """The best end of all starts, with what they tell of the search."""
    ends: list[FitResult] = []
    most = search.n_init or MOST_STARTS
    for start in [first, *(next(others) for _ in range(most - 1))]:
        settings = {"tol": search.tol, "max_iter": search.max_iter}
        outcome = Newton().run(objective, start, **settings)
        model = _in_order(objective, outcome.model)
        ends.append(judge(objective, outcome._replace(model=model, known=None), tol=search.tol))
        if search.n_init is None and _evidence(ends).enough and len(ends) >= 4:
            break
    best = max(ends, key=_rank)
    certificate = replace(best.certificate, search=_evidence(ends))
    return replace(best, certificate=certificate)


def _rank(end: FitResult) -> tuple[bool, float]:
    return end.certificate.is_regular, np.nan_to_num(end.log_likelihood, nan=-np.inf)


def _evidence(ends: list[FitResult]) -> SearchEvidence:
    """How many starts ended where."""
    values = [one.log_likelihood for one in ends if one.certificate.is_regular]
    different: list[list[float]] = []
    for value in sorted(values, reverse=True):
        if different and abs(different[-1][0] - value) <= SAME * (1 + abs(value)):
            different[-1].append(value)
        else:
            different.append([value])
    return SearchEvidence(
        starts=len(ends),
        ends=len(different),
        met_best=len(different[0]) if different else 0,
        met_once=sum(len(one) == 1 for one in different),
        rejected=len(ends) - len(values),
        idle=len(ends) - len(values),
        n_experts=ends[0].model.n_experts,
    )


def _in_order(objective: TwoLevelObjective, model: Mixture) -> TwoLevelMixture:
    """Experts and classes of units in the order in which they are told."""
    vector = parameter_vector.to_vector(objective.in_order(model))
    return objective.model(vector).in_order()
