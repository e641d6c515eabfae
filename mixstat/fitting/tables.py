"""From a person's tables to the problem a solver maximises."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

from mixstat.arguments import Table
from mixstat.contextual.table import IMPOSSIBLE
from mixstat.data import batch as batches
from mixstat.data.design import HUGE, check_magnitude
from mixstat.data.units import Labels, check_constant, check_weights_of_units, numbered
from mixstat.experts.base import Experts
from mixstat.fitting.options import Options
from mixstat.fitting.units import Designs, Units
from mixstat.model import Mixture
from mixstat.objective.strengths import Strengths
from mixstat.results import DesignWarning, listed, warn

AUTO_RIDGE = 1e-6  # with fewer rows than parameters: enough for one maximum, too little to see


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Checked rows that a fit is given, before features are made of them."""

    X: Table
    """A numeric table, or the data frame that formulas are evaluated on."""
    y: Num[np.ndarray, "n ..."]
    """Responses; a class as its number."""
    weight: Float[np.ndarray, " n"]
    log_possibility: Float[np.ndarray, "n K"] | None = None
    """Of the experts, where knowledge is given."""
    offset: Float[np.ndarray, "n o"] | None = None
    """Known part of the experts' first predictors: of each output, or one column."""
    unit: Labels | None = None
    """The unit of each row, as people call it; rows of a unit share one expert."""

    @property
    def counted(self) -> Bool[np.ndarray, " n"]:
        """Which rows have a positive weight."""
        return self.weight > 0

    @property
    def responses(self) -> Float[np.ndarray, "n c"]:
        """Responses as a table."""
        return np.asarray(self.y, float).reshape(len(self.y), -1)

    def without_zero_weights(self) -> "TrainingRows":
        """The rows that count."""
        chosen = self.counted
        if chosen.all():
            return self
        others = {
            "log_possibility": self.log_possibility,
            "offset": self.offset,
            "unit": self.unit,
        }
        return replace(
            self,
            X=self.X[chosen],  # type: ignore[index]
            y=self.y[chosen],
            weight=self.weight[chosen],
            **{name: table[chosen] for name, table in others.items() if table is not None},
        )


class Tables(NamedTuple):
    """Internal features, standardised responses and weights of the rows that count."""

    Z: np.ndarray  # (n, q)
    Phi: np.ndarray  # (n, p); the same object as Z when the columns are the same
    y: np.ndarray  # (n, r) standardised and encoded for the experts' link
    view: np.ndarray  # (n, v) y as coordinates for starts
    weight: np.ndarray  # (n,) as given
    units: Units
    gate_constant: bool  # whether the first column of Z is constant
    expert_constant: bool  # and that of Phi
    log_possibility: np.ndarray | None = None  # (n, K) of the experts, where knowledge is given
    offset: np.ndarray | None = None  # (n, o) as the fit sees it
    unit: np.ndarray | None = None  # (n,) numbers of units whose rows share one expert

    @property
    def rows_per_unit(self) -> float | None:
        """Weighted mean number of rows of a unit; None where each row is one."""
        if self.unit is None:
            return None
        return float(self.weight.sum() / (self.weight @ batches.leads(self.unit)))

    @property
    def n_units(self) -> int:
        """Number of rows, or of units."""
        return len(self.y) if self.unit is None else int(self.unit.max()) + 1

    def lay_out(
        self, model: Mixture, *, longest: int = batches.MAX_ROWS, room: int = 0
    ) -> batches.Batch:
        """The batch of these rows, for models like ``model``, in chunks of at most ``longest``."""
        n_predictors = sum(g.coef.shape[-2] for g in model.gate.groups())
        n_predictors += sum(g.coef.shape[0] * g.coef.shape[1] for g in model.experts.groups())
        return batches.build(
            self.Z,
            self.Phi,
            self.y,
            self.weight,
            self.log_possibility,
            offset=self.offset,
            unit=self.unit,
            width=table_width(n_predictors, self.Z.shape[1], self.Phi.shape[1]),
            longest=longest,
            room=room,
        )


def table_width(n_predictors: int, q: int, p: int) -> int:
    """Floats per row of the widest table a kernel makes: products of features, or row blocks."""
    widest = max(q, p)
    return max(widest * (widest + 1) // 2, n_predictors**2)


def make_tables(rows: TrainingRows, designs: Designs, family: Experts) -> Tables:
    """Fit both designs and standardise y; say which columns carry nothing."""
    share = rows.weight / rows.weight.sum()
    Phi, Z = _features(rows.X, share, designs)
    if rows.unit is not None:
        check_constant(rows.X, rows.unit, designs.gate)
        check_weights_of_units(rows.weight, rows.unit)
    _report_dependent(designs, alike=Z is Phi)
    y = rows.responses
    check_magnitude("y", np.nan_to_num(y))
    _check_spread(y)
    units = _units_of(rows, family, constant=designs.experts.source.constant)
    encoded = family.encode(units.standardised(y))
    offset = units.standardised_offset(rows.offset, family)
    return Tables(
        Z=Z,
        Phi=Phi,
        y=encoded,
        view=view_of(family, encoded, share, offset),
        weight=rows.weight,
        units=units,
        gate_constant=designs.gate.source.constant,
        expert_constant=designs.experts.source.constant,
        log_possibility=rows.log_possibility,
        offset=offset,
        unit=None if rows.unit is None else numbered(rows.unit),
    )


def _units_of(rows: TrainingRows, family: Experts, *, constant: bool) -> Units:
    """Location and scale of what an offset leaves of the responses, and where offsets lie.

    Offsets are told from their mean if a constant can take it, so that adding a number to all of
    them changes nothing but the constants that are reported.
    """
    share, y = rows.weight / rows.weight.sum(), rows.responses
    dense = share @ ~np.isnan(y) if family.in_part else float(share @ family.has_density(y))
    if rows.offset is None:
        return Units(*family.standard(y, share, constant=constant), dense=dense)
    centre = share @ rows.offset if constant else np.zeros(rows.offset.shape[1])
    freed = family.freed(y, rows.offset - centre)
    check_magnitude("offset", np.nan_to_num(freed))
    return Units(*family.standard(freed, share, constant=constant), centre, dense)


def _check_spread(y: Float[np.ndarray, "n c"]) -> None:
    """Refuse responses whose deviations cannot be squared."""
    spread = np.ptp(y, axis=0)
    if np.any((spread > 0) & (spread < 1 / HUGE)):
        raise ValueError(
            f"y must vary by more than {1 / HUGE:.0e}, or not at all; got {spread.min():.1e}: "
            "rescale it."
        )


def _features(X: Table, share: np.ndarray, designs: Designs) -> tuple[np.ndarray, np.ndarray]:
    """Features (Phi, Z); one table, and one fitted design, if they are the same."""
    experts, gate = designs.experts, designs.gate
    Phi = experts.fit(X, share)  # type: ignore[arg-type]
    if gate.source.same_as(experts.source) and gate.rotate == experts.rotate:
        gate.source = experts.source
        gate.whitening = experts.whitening
        gate.to_user = experts.to_user
        return Phi, Phi
    return Phi, gate.fit(X, share)  # type: ignore[arg-type]


def _report_dependent(designs: Designs, *, alike: bool) -> None:
    both = {"expert_features": designs.experts, "gate_features": designs.gate}
    for argument, design in both.items():
        if design.dependent and not (argument == "gate_features" and alike):
            warn(
                f"{argument}: {listed(design.dependent)} is constant or a combination of "
                "earlier columns; its coefficient is fixed at 0. Drop it to silence this.",
                DesignWarning,
            )


def view_of(
    family: Experts, encoded: np.ndarray, share: np.ndarray, offset: np.ndarray | None = None
) -> np.ndarray:
    """Responses as coordinates for starts, less what is known of their predictors."""
    view = family.view(encoded)
    if offset is not None:
        view = view - offset
    if family.exact_step is False:  # coordinates of deviation one, as those of real responses
        view = view - share @ view
        deviation = np.sqrt(share @ view**2)
        view = view / np.where(deviation > 0, deviation, 1.0)
    return view


def check_rows(n_experts: int, n_rows: int) -> None:
    """Refuse more experts than there are different rows."""
    if n_experts > n_rows:
        raise ValueError(
            f"n_experts must be at most the number of different rows of X and y (of positive "
            f"weight), {n_rows}; got {n_experts}."
        )


def check_possible(null: Mixture, tables: Tables, counted: Bool[np.ndarray, " n"]) -> None:
    """Refuse rows that only experts may explain which cannot, as a point mass elsewhere."""
    if tables.log_possibility is None or null.experts.exchangeable:
        return
    eta = np.zeros((null.n_experts, sum(g.coef.shape[1] for g in null.experts.groups()), 1))
    logs = np.asarray(null.experts.link(np.repeat(eta, len(tables.y), axis=2), tables.y.T))
    explained = np.any(np.isfinite(logs.T) & (tables.log_possibility > IMPOSSIBLE), axis=1)
    if not explained.all():
        row = int(np.flatnonzero(counted)[np.argmin(explained)])
        raise ValueError(
            f"known_experts (or possibilities) must leave an expert possible that can explain y; "
            f"in row {row} y has probability zero under all that are."
        )


def choose_strengths(options: Options, n_rows: int, n_parameters: int) -> Strengths:
    """The ridge and elastic nets asked for; by default none, or a small ridge with few rows."""
    ratio, gate, experts = options.l1_ratio, options.gate_penalty, options.expert_penalty
    ridge = options.ridge
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
