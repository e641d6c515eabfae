"""Restrictions on reported parameters, as what holds and ties those that a solver sees."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mixstat.fitting.boxes import Reported, box_of
from mixstat.fitting.restrictions import Restrictions
from mixstat.fitting.schema import Request
from mixstat.fitting.tables import Tables
from mixstat.fitting.units import Designs, to_user
from mixstat.inference.covariance import affine_jacobian
from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.objective.plane import Plane

PINNED = 1e-13  # share of a parameter's direction that equations may leave to one they hold
ROUNDING = 1e-9  # share of an equation that earlier ones leave, below which it says nothing new


class Restricted(NamedTuple):
    """A model in which some parameters are held, and others tied by equations."""

    null: Mixture
    """With the values of what is held."""
    fixed: Bool[np.ndarray, " D"] | None
    """Parameters that are held; None if there is none."""
    plane: Plane | None
    """Equations between parameters; None where bounds say all."""
    keeps_order: bool = False
    """Whether experts cannot be renumbered."""


class _Equations(NamedTuple):
    """Linear equations between internal parameters."""

    matrix: Float[np.ndarray, "r D"]
    value: Float[np.ndarray, " r"]
    words: tuple[str, ...]


def restrict(
    request: Request,
    null: Mixture,
    designs: Designs,
    tables: Tables,
    fixed: Bool[np.ndarray, " D"] | None,
) -> Restricted:
    """What restrictions come to in the parameters that a solver sees.

    Where they pin single parameters, bounds hold these; the others lie on a plane.

    Parameters
    ----------
    request, designs, tables
        The model, and how a person's units are told from internal ones.
    null, fixed
        A model of the right shape, and parameters that are held at its values anyway.
    """
    restrictions = request.options.restrictions
    if not restrictions.any:
        return Restricted(null, fixed, None)
    reported = _reported(request, null, designs, tables)
    equations = _internal(restrictions, null, reported)
    held = np.zeros(equations.matrix.shape[1], bool) if fixed is None else fixed
    plane = _plane(equations, held, parameter_vector.to_vector(null))
    pinned = np.sum(plane.normal**2, axis=1) > 1 - PINNED
    values = np.where(pinned, plane.origin, parameter_vector.to_vector(null))
    null = parameter_vector.from_vector(null, values)
    plane = plane.replace(box=box_of(restrictions, reported, plane, pinned))
    keeps_order = not _allows_renumbering(plane, null)
    if plane.box is None and pinned.sum() == plane.normal.shape[1]:
        return Restricted(null, pinned if pinned.any() else None, None, keeps_order)
    _check_suits(request)
    return Restricted(null, pinned if pinned.any() else None, plane, keeps_order)


def _allows_renumbering(plane: Plane, null: Mixture) -> bool:
    """Whether a model that meets the equations does so with any two neighbours exchanged."""
    if not null.exchangeable or not _bounds_alike(plane, null):
        return False
    point = plane.place(np.sqrt(np.arange(2.0, 2 + len(plane.origin))))
    model, order = parameter_vector.from_vector(null, point), np.arange(null.n_experts)
    for k in range(null.n_experts - 1):
        swapped = order.copy()
        swapped[[k, k + 1]] = k + 1, k
        if not plane.contains(parameter_vector.to_vector(model.permute(swapped))):
            return False
    return True


def _bounds_alike(plane: Plane, null: Mixture) -> bool:
    """Whether all experts have the same limits, and the gate has none."""
    if plane.box is None:
        return True
    each, n_gate = expanded_index(null)[1], parameter_vector.size(null.gate)
    rows = np.hstack([ends[each] for ends in plane.box])
    return not plane.limited[:n_gate].any() and bool((rows == rows[0]).all())


def _reported(request: Request, null: Mixture, designs: Designs, tables: Tables) -> Reported:
    """Reported parameters, which are affine functions of internal ones."""

    def told(model: Mixture) -> Mixture:
        return to_user(model, designs, tables.units)

    zero = np.zeros(parameter_vector.size(null))
    user = told(parameter_vector.from_vector(null, zero))
    outputs = request.schema.output_names(null.experts.n_outputs, len(tables.units.location))
    labels = [
        *user.gate.labels(designs.gate.names),
        *user.experts.labels(designs.experts.names, outputs),
    ]
    origin = parameter_vector.to_vector(user)
    return Reported(labels, origin, affine_jacobian(told, null))


def _internal(restrictions: Restrictions, null: Mixture, reported: Reported) -> _Equations:
    """The equations in internal parameters."""
    matrix, value, words = restrictions.rows(reported.labels)
    of_gate = [label.part == "gate" for label in reported.labels]
    if null.gate.joint and matrix[:, of_gate].any():
        raise ValueError(
            "constraints must be on parameters of experts with a gate that is fitted to the "
            f"inputs, {type(null.gate).__name__}; got {words[0]!r}."
        )
    return _Equations(matrix @ reported.jacobian, value - matrix @ reported.origin, tuple(words))


def _plane(
    equations: _Equations, held: Bool[np.ndarray, " D"], values: Float[np.ndarray, " D"]
) -> Plane:
    """Orthonormal directions across, by Gram and Schmidt, and a point where all equations hold."""
    size = len(held)
    normals = list(np.eye(size)[held])
    origin = np.where(held, values, 0.0)
    for row, value, words in zip(*equations, strict=True):
        length = float(np.linalg.norm(row))
        rest = _without(_without(row, normals), normals)
        missing = value - row @ origin
        new = float(np.linalg.norm(rest))
        if new <= ROUNDING * max(length, 1e-300):
            if abs(missing) > ROUNDING * (1 + abs(value) + length):
                raise ValueError(_contradiction(words, dropped=length == 0))
            continue
        unit = rest / new
        origin = origin + unit * (missing / new)
        normals.append(unit)
    table = np.array(normals).reshape(-1, size)
    return Plane(table.T, origin)


def _contradiction(words: str, *, dropped: bool) -> str:
    if dropped:
        return (
            f"constraints must leave columns that are dropped at 0; got {words!r}, of a column "
            "that is constant or a combination of earlier ones."
        )
    return f"constraints must not contradict each other; {words!r} contradicts the others."


def _without(row: Float[np.ndarray, " D"], normals: Sequence[np.ndarray]) -> np.ndarray:
    """What is left of a row beside orthonormal others."""
    for normal in normals:
        row = row - (row @ normal) * normal
    return row


def _check_suits(request: Request) -> None:
    """Refuse what cannot have parameters that are bounded, or tied to each other."""
    options, gate = request.options, request.options.gate
    if gate.joint or not gate.continuous:
        raise ValueError(
            "constraints (or common) that tie or bound parameters need a gate of y given x that "
            f"is continuous, as softmax gates are; got {type(gate).__name__}."
        )
    if options.l1_ratio and (options.expert_penalty or options.gate_penalty):
        raise ValueError(
            "constraints (or common) that tie or bound parameters need an objective without kinks: "
            f"give l1_ratio=0; got l1_ratio={options.l1_ratio:g} with a penalty."
        )
    if options.precision != "float64":
        raise ValueError(
            "constraints (or common) that tie or bound parameters need precision='float64', got "
            f"{options.precision!r}."
        )
