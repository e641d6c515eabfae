"""From a person's tables to the problem a solver maximises."""

from typing import Any, NamedTuple

import numpy as np

from mixstat import batch as batches
from mixstat.design.design import Design, check_magnitude
from mixstat.model import Mixture
from mixstat.results import DesignWarning, warn

AUTO_RIDGE = 1e-6  # with fewer rows than parameters: enough for one maximum, too little to see


class Tables(NamedTuple):
    """Internal features, standardised responses and weights of the rows that count."""

    Z: np.ndarray  # (n, q)
    Phi: np.ndarray  # (n, p); the same object as Z when the columns are the same
    y: np.ndarray  # (n, m) standardised
    weight: np.ndarray  # (n,) as given
    location: np.ndarray  # (m,) of y
    scale: np.ndarray  # (m,) of y
    gate_constant: bool  # whether the first column of Z is constant
    expert_constant: bool  # and that of Phi

    def lay_out(self, n_experts: int, **kept: Any) -> batches.Batch:
        """The batch of these rows."""
        return batches.build(
            self.Z,
            self.Phi,
            self.y,
            self.weight,
            width=table_width(n_experts, self.Z.shape[1], self.Phi.shape[1]),
            **kept,
        )


def table_width(n_experts: int, q: int, p: int) -> int:
    """Floats per row of the widest table a kernel makes: products of features, or row blocks."""
    widest = max(q, p)
    return max(widest * (widest + 1) // 2, (3 * n_experts) ** 2)


def make_tables(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray,
    expert_design: Design,
    gate_design: Design,
    *,
    common_scale: bool = False,
) -> Tables:
    """Fit both designs and standardise y; say which columns carry nothing.

    ``common_scale`` divides all outputs by one number, so that equal noise stays equal.
    """
    share = weight / weight.sum()
    Phi = expert_design.fit(X, share)
    if gate_design.source.same_as(expert_design.source):
        gate_design.source = expert_design.source
        gate_design.whitening = expert_design.whitening
        gate_design.to_user = expert_design.to_user
        Z = Phi
    else:
        Z = gate_design.fit(X, share)
    for argument, design in (("expert_features", expert_design), ("gate_features", gate_design)):
        if design.dependent and not (argument == "gate_features" and Z is Phi):
            warn(
                f"{argument}: {', '.join(design.dependent)} is constant or a combination of "
                "earlier columns; its coefficient is fixed at 0. Drop it to silence this.",
                DesignWarning,
            )
    check_magnitude("y", y)
    centre = share @ y if expert_design.source.constant else np.zeros(y.shape[1])
    deviation = np.sqrt(share @ (y - centre) ** 2)
    if common_scale:
        deviation = np.full(len(deviation), np.sqrt(np.mean(deviation**2)))
    scale = np.where(deviation > 1e-13 * np.abs(centre), deviation, 1.0)
    constants = gate_design.source.constant, expert_design.source.constant
    return Tables(Z, Phi, (y - centre) / scale, weight, centre, scale, *constants)


def choose_ridge(ridge: float | None, n_rows: int, n_parameters: int) -> float:
    """The ridge asked for; by default none, or a small one with too few rows."""
    if ridge is not None:
        return float(ridge)
    if n_rows >= n_parameters:
        return 0.0
    warn(
        f"X has {n_rows} distinct rows for {n_parameters} parameters, so the likelihood has no "
        f"unique maximum; ridge={AUTO_RIDGE:g} was added to the slopes. Fit fewer experts or "
        "features, or set ridge yourself.",
        DesignWarning,
    )
    return AUTO_RIDGE


def to_internal(model: Mixture, tables: Tables, expert: Design, gate: Design) -> Mixture:
    """A model in the user's units as a start on these tables."""
    gate_map = np.linalg.pinv(gate.to_user)
    expert_map = np.linalg.pinv(expert.to_user)
    inner = model.experts.in_units(-tables.location / tables.scale, 1.0 / tables.scale, expert_map)
    return Mixture(model.gate.in_units(gate_map), inner)
