"""What is found out about a fit once the maximum stands."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.data import batch as batches
from mixstat.data.design import MappedColumns
from mixstat.fitting.fit import Fit
from mixstat.fitting.tables import Tables
from mixstat.inference.identifiability import Identifiability, conditions, undetermined
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import all_responsibilities
from mixstat.results import SINGULAR, Certificate

NO_ROWS = 1e-6  # share of the rows of a level, below which an expert has none of them


def examined(fit: Fit, X: Table, tables: Tables) -> Fit:
    """The fit with names for what the rows ``X`` leave open, and what they can determine."""
    certificate = _name_undetermined(fit)
    if certificate.undetermined or certificate.diverging_gate:
        certificate = replace(certificate, empty_levels=_empty_levels(fit, X, len(tables.y)))
    certificate = replace(certificate, single_trials=_single_trials(fit, tables))
    gate_conditions = conditions(
        fit.model.gate, tables.Z, _gate_inputs(fit, X, tables), tables.weight
    )
    found = Identifiability(gate_conditions, certificate.invariances, certificate.undetermined)
    return fit.with_findings(certificate, found)


def _name_undetermined(fit: Fit) -> Certificate:
    """The certificate, with names for what the data leave open."""
    certificate = fit.maximum.certificate
    if not certificate.min_eigenvalue < SINGULAR:
        return certificate
    names = undetermined(fit.maximum.result, fit.user_jacobian, fit.parameter_names)
    return replace(certificate, undetermined=names)


def _gate_inputs(fit: Fit, X: Table, tables: Tables) -> Float[np.ndarray, "n d"]:
    """What the gate's function of the inputs was applied to, or its features."""
    source = fit.designs.gate.source
    if fit.model.gate.feature_map() is None or not isinstance(source, MappedColumns):
        return tables.Z
    inner = source.source
    return inner.raw(X)[:, int(inner.constant) :]


def _single_trials(fit: Fit, tables: Tables) -> bool:
    """Whether nothing but the curves of several experts tells single trials apart.

    Follmann, D. A. and Lambert, D. (1991). Identifiability of finite mixtures of logistic
    regression models. J. Statist. Plann. Inference 27, 375-381.
    """
    if tables.unit is not None:  # whose other rows tell them apart
        return False
    constant = tables.Z.shape[1] <= int(tables.gate_constant)
    return fit.n_experts > 1 and constant and fit.model.experts.single_trials(tables.y)


@in_float64
def _empty_levels(fit: Fit, X: Table, n: int) -> tuple[tuple[str, int], ...]:
    """Columns of two values, as the levels of a factor are, and experts without rows of one."""
    table = all_responsibilities(fit.model, fit.maximum.batch)
    shares, design = batches.take_rows(table, n), fit.designs.experts
    first = int(design.source.constant)
    columns = design.source.raw(X)[:, first:]
    found: list[tuple[str, int]] = []
    for name, column in zip(design.names[first:], columns.T, strict=True):
        values = np.unique(column)
        if len(values) == 2:
            mass = shares[column == values[1]].mean(axis=0)
            found += [(name, int(k)) for k in np.flatnonzero(mass < NO_ROWS)]
    return tuple(found)
