"""From a person's tables to the problem a solver maximises."""

from typing import Any, NamedTuple

import numpy as np

from mixstat import batch as batches
from mixstat.design.design import Design, check_magnitude
from mixstat.experts.base import Experts
from mixstat.model import Mixture
from mixstat.results import DesignWarning, warn
from mixstat.solvers.problem import Strengths

AUTO_RIDGE = 1e-6  # with fewer rows than parameters: enough for one maximum, too little to see


class Tables(NamedTuple):
    """Internal features, standardised responses and weights of the rows that count."""

    Z: np.ndarray  # (n, q)
    Phi: np.ndarray  # (n, p); the same object as Z when the columns are the same
    y: np.ndarray  # (n, r) standardised and encoded for the experts' link
    view: np.ndarray  # (n, v) y as coordinates for starts
    weight: np.ndarray  # (n,) as given
    location: np.ndarray  # (m,) of y
    scale: np.ndarray  # (m,) of y
    gate_constant: bool  # whether the first column of Z is constant
    expert_constant: bool  # and that of Phi
    log_possibility: np.ndarray | None = None  # (n, K) of the experts, where knowledge is given

    def lay_out(self, model: Mixture, **kept: Any) -> batches.Batch:
        """The batch of these rows, for models like ``model``."""
        n_predictors = sum(g.coef.shape[-2] for g in model.gate.groups())
        n_predictors += sum(g.coef.shape[0] * g.coef.shape[1] for g in model.experts.groups())
        return batches.build(
            self.Z,
            self.Phi,
            self.y,
            self.weight,
            self.log_possibility,
            width=table_width(n_predictors, self.Z.shape[1], self.Phi.shape[1]),
            **kept,
        )


def table_width(n_predictors: int, q: int, p: int) -> int:
    """Floats per row of the widest table a kernel makes: products of features, or row blocks."""
    widest = max(q, p)
    return max(widest * (widest + 1) // 2, n_predictors**2)


def make_tables(
    X: Any,
    y: np.ndarray,
    weight: np.ndarray,
    expert_design: Design,
    gate_design: Design,
    family: Experts,
) -> Tables:
    """Fit both designs and standardise y; say which columns carry nothing."""
    share = weight / weight.sum()
    Phi = expert_design.fit(X, share)
    same = gate_design.source.same_as(expert_design.source)
    if same and gate_design.rotate == expert_design.rotate:
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
    location, scale = family.standard(y, share, constant=expert_design.source.constant)
    encoded = family.encode((y - location) / scale)
    view = family.view(encoded)
    if family.exact_step is False:  # coordinates of deviation one, as those of real responses
        view = view - share @ view
        deviation = np.sqrt(share @ view**2)
        view = view / np.where(deviation > 0, deviation, 1.0)
    constants = gate_design.source.constant, expert_design.source.constant
    return Tables(Z, Phi, encoded, view, weight, location, scale, *constants)


def choose_strengths(settings: Any, n_rows: int, n_parameters: int) -> Strengths:
    """The ridge and elastic nets asked for; by default none, or a small ridge with few rows."""
    ratio, gate, experts = settings.l1_ratio, settings.gate_penalty, settings.expert_penalty
    ridge = settings.ridge
    if ridge is None and not gate and not experts:
        ridge = _automatic_ridge(n_rows, n_parameters)
    ridge = float(ridge or 0.0)
    return Strengths(
        gate_square=ridge + (1 - ratio) * gate,
        gate_l1=ratio * gate,
        expert_square=ridge + (1 - ratio) * experts,
        expert_l1=ratio * experts,
    )


def _automatic_ridge(n_rows: int, n_parameters: int) -> float:
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
