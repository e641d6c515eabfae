"""Records of which a file may hold some: their names in it, and what is kept of each.

A name stands for the class wherever its module is, so that modules may move.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace

from sklearn.base import BaseEstimator

from mixstat.contextual import (
    AlphaCertain,
    Function,
    Gaussian,
    Stated,
    Trapezoidal,
    Triangular,
)
from mixstat.contextual.algebra import Complement, Joined
from mixstat.contextual.knowledge import ExpertContexts, Knowledge
from mixstat.data.batch import Batch, Rows, Sharing
from mixstat.data.design import Design, MappedColumns, PolynomialColumns
from mixstat.data.formula import FormulaColumns
from mixstat.data.scaling import Scaling
from mixstat.data.source import Source
from mixstat.data.whiten import Whitening
from mixstat.entries import Entries
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classifier import MixtureOfExpertsClassifier
from mixstat.estimators.contextual import ContextualMixtureOfExperts
from mixstat.estimators.regressor import MixtureOfExperts
from mixstat.evidence import SearchEvidence
from mixstat.experts import REGISTRY as EXPERTS
from mixstat.experts import Censored, Heteroscedastic, MixedExperts, Truncated
from mixstat.experts.base import WorkingSums
from mixstat.experts.marginal_gaussian import MarginalGaussianExperts
from mixstat.experts.skew_normal import MomentSums
from mixstat.experts.spread import SpreadSums
from mixstat.fitting.fit import Fit
from mixstat.fitting.maximum import Maximum
from mixstat.fitting.online_em import Memory, Rules, Sums
from mixstat.fitting.options import Options
from mixstat.fitting.own_rows import Checksums
from mixstat.fitting.restrictions import Restrictions
from mixstat.fitting.schema import ColumnSource, Formulas, MissingRows, Request, Schema
from mixstat.fitting.units import Designs, Units
from mixstat.gates import REGISTRY as GATES
from mixstat.inference.identifiability import Identifiability, Independence
from mixstat.model import Mixture
from mixstat.numerics.penalty import ElasticNet, NoPenalty, Ridge
from mixstat.numerics.scale_penalty import ScalePenalty
from mixstat.numerics.sparse_ridge import DiagonalRidge, SparseRidge
from mixstat.objective.narrow import WideObjective
from mixstat.objective.objective import Objective
from mixstat.objective.plane import Plane
from mixstat.objective.strengths import Penalties, Strengths
from mixstat.parts.normal import Normals, ResidualSums
from mixstat.parts.part import NewtonSums
from mixstat.results import Certificate, FitResult
from mixstat.saving.learnt import learnt
from mixstat.solvers.derivative_free import DerivativeFree
from mixstat.solvers.newton_cg import NewtonCG
from mixstat.solvers.registry import REGISTRY as SOLVERS
from mixstat.solvers.stop_rule import StopRule

ESTIMATORS: Mapping[str, type[BaseMixture]] = {
    cls.__name__: cls
    for cls in (MixtureOfExperts, MixtureOfExpertsClassifier, ContextualMixtureOfExperts)
}
RECORDS = (
    *(Fit, Request, Options, Schema, Formulas, ColumnSource, MissingRows, Maximum, FitResult),
    *(Certificate, SearchEvidence, Identifiability, Independence, Checksums, Memory, Sums, Rules),
    *(Designs, Design, Units, Whitening, PolynomialColumns, MappedColumns, FormulaColumns),
    *(Restrictions, Mixture, Objective, Plane, Batch, Rows, Sharing, Penalties, Strengths),
    *(NoPenalty, Ridge, ElasticNet, ScalePenalty, DiagonalRidge, SparseRidge),
    *(WideObjective, Entries, Scaling),
    *(Normals, MixedExperts, Censored, Truncated, Heteroscedastic, MarginalGaussianExperts),
    *(NewtonSums, WorkingSums, ResidualSums, SpreadSums, MomentSums),
    *(DerivativeFree, NewtonCG, StopRule),
    *(ExpertContexts, Knowledge, Joined, Complement),
    *(AlphaCertain, Function, Gaussian, Stated, Trapezoidal, Triangular),
)
# what there is to keep of records that are no dataclasses
KEPT: Mapping[type, tuple[str, ...]] = {
    Design: ("source", "rotate", "whitening", "to_user"),
    PolynomialColumns: ("inputs", "exponents", "names", "constant", "location", "scale"),
    MappedColumns: ("source", "name", "constant", "names"),
    FormulaColumns: ("argument", "names", "constant", "levels", "transforms", "encodings"),
}
# found by way of the rows, and kept in their place
BY_ROWS = ("checksums", "conditional_log_likelihood")


def kinds() -> dict[str, type]:
    """Classes of records by name; gates, experts and solvers are those of the registries."""
    parts = [*GATES.values(), *EXPERTS.values(), *SOLVERS.values()]
    return {cls.__name__: cls for cls in (*RECORDS, *map(type, parts))}


def is_kept(estimator: BaseEstimator) -> bool:
    """Whether an estimator is one of mixstat's own."""
    return ESTIMATORS.get(type(estimator).__name__) is type(estimator)


def names_of(cls: type) -> tuple[str, ...]:
    """What is kept of a record."""
    if cls in KEPT:
        return KEPT[cls]
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    return tuple(cls._fields)  # type: ignore[attr-defined]


def state(record: object, *, rows: bool) -> dict[str, object]:
    """What is kept of a record, by name; training rows only where they are asked for."""
    if isinstance(record, Fit):
        return _state_of_fit(record, rows=rows)
    if isinstance(record, FormulaColumns):
        return learnt(record)
    kept = {name: getattr(record, name) for name in names_of(type(record))}
    if isinstance(record, MissingRows) and not rows:
        kept["labels"] = None
    return kept


def _state_of_fit(fit: Fit, *, rows: bool) -> dict[str, object]:
    names = names_of(Fit)
    if rows and fit.search is not None:
        search = replace(fit.search, objective=fit.search.objective.replace(draft=None))
        fit = replace(fit, search=search)
        names += BY_ROWS if not fit.has_rows else ()
        return {name: getattr(fit, name) for name in names}
    known = fit.__getstate__()
    return {name: known[name] for name in (*names, *BY_ROWS) if name in known}


def made(cls: type, kept: Mapping[str, object]) -> object:
    """A record of what was kept; what a file of an earlier version lacks has its default."""
    known = {*names_of(cls), *(BY_ROWS if cls is Fit else ())}
    if unknown := kept.keys() - known:
        raise KeyError(f"{cls.__name__}.{min(unknown)}")
    kept = {**_defaults(cls, kept), **kept}
    if issubclass(cls, tuple):
        return cls(**kept)
    record = object.__new__(cls)
    for name, value in kept.items():
        object.__setattr__(record, name, value)
    return record


def _defaults(cls: type, kept: Mapping[str, object]) -> dict[str, object]:
    """Values of fields that are lacking; KeyError if one has none."""
    found: dict[str, object] = {}
    for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        if field.name in kept:
            continue
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
        else:
            raise KeyError(f"{cls.__name__}.{field.name}")
    for name in KEPT.get(cls, ()):
        if name not in kept:
            raise KeyError(f"{cls.__name__}.{name}")
    return found


def is_shared(record: object) -> bool:
    """Whether two records may hold the same one, as gate and experts do the same columns."""
    return isinstance(record, Source)
