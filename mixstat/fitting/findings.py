"""What is found out about a fit once the maximum stands."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Table
from mixstat.data.design import MappedColumns
from mixstat.fitting.fit import Fit
from mixstat.fitting.tables import Tables
from mixstat.inference.identifiability import Identifiability, conditions, undetermined
from mixstat.results import SINGULAR, Certificate


def examined(fit: Fit, X: Table, tables: Tables) -> Fit:
    """The fit with names for what the rows ``X`` leave open, and what they can determine."""
    certificate = _name_undetermined(fit)
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
