"""What a search for the maximum is made of: its rows, its model, and what is held."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Bool
from sklearn.utils import check_random_state

from mixstat.data.design import Design
from mixstat.experts.scale_columns import chooses_columns, told_columns
from mixstat.fitting.boxes import within_box
from mixstat.fitting.first_models import Start
from mixstat.fitting.given_starts import given_start
from mixstat.fitting.inequalities import bounds_constants
from mixstat.fitting.options import Options
from mixstat.fitting.progress import Progress
from mixstat.fitting.restricted import restrict
from mixstat.fitting.schema import Request
from mixstat.fitting.sources import degree_mask, mapped
from mixstat.fitting.tables import Tables
from mixstat.fitting.units import Designs, log_unit
from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.objective import objective as objectives
from mixstat.objective.narrow import wide_if_it_pays
from mixstat.objective.objective import Objective
from mixstat.objective.plane import Plane
from mixstat.objective.strengths import Strengths
from mixstat.solvers.plan import Plan


@dataclass(frozen=True, eq=False)
class Task:
    """Everything a search for the maximum needs but memory."""

    options: Options
    tables: Tables
    null: Mixture
    """A model of the right shape in which experts are alike."""
    null_of: Callable[[int], Mixture] | None
    """The same with fewer experts, where nothing tells them apart."""
    given: Start | None
    """The user's start; None makes starts."""
    fixed: Bool[np.ndarray, " D"] | None
    """Parameters that are held at their value in ``null``."""
    plane: Plane | None
    """Equations that tie other parameters; None where there are none."""
    keeps_order: bool
    """Whether what is held or tied tells experts apart."""
    seed: int
    progress: Progress

    def objective(
        self, tables: Tables, strengths: Strengths, *, longest: int, room: int
    ) -> Objective:
        """What to maximise on tables of rows, in chunks of at most ``longest`` of them."""
        objective = objectives.make(
            self.null,
            tables.lay_out(self.null, longest=longest, room=room),
            min_scale=self.options.min_scale,
            strengths=strengths,
            constants=(self.tables.gate_constant, self.tables.expert_constant),
            fixed=self.fixed,
        )
        given = np.asarray(self.given is not None or self.keeps_order)
        if isinstance(self.options.solver, Plan) and self.options.precision == "float64":
            objective = wide_if_it_pays(objective.replace(plane=self.plane))
        objective = objective.replace(
            min_share=self.options.min_share,
            max_scale_ratio=self.options.max_scale_ratio,
            keeps_order=given,
        )
        return within_box(objective, self.plane)

    def fewer(self) -> "Task | None":
        """The same with one expert fewer, where nothing but its place tells one from another."""
        k = self.null.n_experts - 1
        if self.null_of is None or self.fixed is not None or k < 2:
            return None
        options = replace(self.options, n_experts=k, degrees=self.options.degrees[:k])
        return replace(self, options=options, null=self.null_of(k))


def make_task(
    request: Request, designs: Designs, tables: Tables, counted: Bool[np.ndarray, " n"]
) -> Task:
    """The search for the maximum on tables of the rows that are ``counted``."""
    options, null = request.options, _null(request, tables)
    fixed = _fixed(request, null, designs.experts)
    restricted = restrict(request, null, designs, tables, fixed)
    null = restricted.null
    unit = log_unit(null, designs, tables.units, tables.rows_per_unit or 1.0)
    return Task(
        options=options,
        tables=tables,
        null=null,
        null_of=_alike(request, tables) if null.exchangeable else None,
        given=given_start(request, tables, designs, null, counted),
        fixed=restricted.fixed,
        plane=restricted.plane,
        keeps_order=restricted.keeps_order,
        seed=int(check_random_state(options.random_state).randint(2**31)),
        progress=Progress(request.title, options.verbose, unit, penalised=options.penalises),
    )


def make_designs(request: Request) -> Designs:
    """Designs that are still to be fitted.

    A penalty acts on features that stay as they are, and so do limits of coefficients. Those of
    constants, and of the lower terms of polynomials, stand alone where nothing is centred. So does
    a scale that depends on some features and not on others.
    """
    options, held = request.options, request.options.restrictions
    experts, gate = request.schema.sources(options)
    mixes = held.bounds_coefficients
    alone = options.shrinks_experts or mixes or chooses_columns(request.family)
    rotate = (options.gate.full_rank or not options.shrinks_gate) and not mixes
    high = max(options.degrees.max(initial=0), options.gate_degree) > 1
    centre = not (mixes and (high or bounds_constants(held.inequalities)))
    return Designs(
        Design(experts, rotate=not alone, centre=centre),
        Design(mapped(gate, options.gate), rotate=rotate, centre=centre),
    )


def with_columns(request: Request, designs: Designs) -> Request:
    """The request whose experts know on which of their features a scale depends."""
    design = designs.experts
    kept = design.whitening.kept
    family = told_columns(request.family, design.names, kept, request.schema.columns)
    return replace(request, family=family)


def check_rank(options: Options, designs: Designs) -> None:
    """Refuse features that depend on each other where the gate needs them not to."""
    if options.gate.full_rank and designs.gate.dependent:
        raise ValueError(
            f"gate_features must be independent for {type(options.gate).__name__}: "
            f"{', '.join(designs.gate.dependent)} is constant or a combination of the others."
        )


def _null(request: Request, tables: Tables) -> Mixture:
    return _null_of(request, tables, request.options.n_experts)


def _null_of(request: Request, tables: Tables, n_experts: int) -> Mixture:
    return Mixture(
        request.options.gate.null(n_experts, tables.Z.shape[1]),
        request.family.standard_family().null(
            n_experts, tables.Phi.shape[1], len(tables.units.location)
        ),
    )


def _alike(request: Request, tables: Tables) -> Callable[[int], Mixture] | None:
    """Models of fewer experts, if each expert is given the same features."""
    options = request.options
    if options.own_degrees or request.zeros is not None or options.restrictions.any:
        return None
    return partial(_null_of, request, tables)


def _fixed(request: Request, null: Mixture, design: Design) -> Bool[np.ndarray, " D"] | None:
    """Parameters held at zero: of features that experts do without."""
    columns = design.whitening.kept
    mask = degree_mask(design.source, columns, request.options.degrees)
    if request.zeros is not None:
        zeros = request.zeros[:, columns]
        mask = zeros if mask is None else mask | zeros
    if mask is None:
        return None
    fixed = np.zeros(parameter_vector.size(null), bool)
    positions = expanded_index(null)[1]
    n_rows, p = null.experts.groups()[0].coef.shape[1:]
    for k in range(len(mask)):
        fixed[positions[k, : n_rows * p][np.tile(mask[k], n_rows)]] = True
    return fixed
