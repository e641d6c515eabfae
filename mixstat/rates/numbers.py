"""A law from numbers that people know: coefficients, scales and shares, kind by kind."""

from collections.abc import Mapping
from typing import NamedTuple, cast

import jax
import numpy as np
from jaxtyping import Float

from mixstat.arguments import Setting
from mixstat.experts import REGISTRY as FAMILIES
from mixstat.experts.base import Experts
from mixstat.fitting.settings import find_experts, find_gate
from mixstat.gates.base import Gate
from mixstat.gates.gaussian import GaussianGate
from mixstat.model import Mixture
from mixstat.numerics import parameter_vector
from mixstat.parts.labels import ParameterLabel
from mixstat.rates.box import labels
from mixstat.rates.checks import check_table, short
from mixstat.rates.inputs import Clusters, InputLaw, Observed
from mixstat.rates.law import Law, make_features
from mixstat.validation import check_integer

FREE = {"shear", "spread_shear"}  # kinds that are zero unless they are stated
SHARE = "weight"  # the kind whose numbers are shares
SUM = 1e-8  # how far shares may be from one together

Stated = Mapping[str, np.ndarray]  # numbers by their kind, as a box names them


class Shape(NamedTuple):
    """What a law looks like, before it has numbers."""

    gate: Setting
    experts: Setting
    degree: Setting
    gate_degree: Setting


def make_law(inputs: Setting, shape: Shape, given: Mapping[str, Setting]) -> tuple[Law, InputLaw]:
    """The law with these numbers, and the law of its inputs."""
    gate, experts = find_gate(shape.gate), find_family(shape.experts)
    degree = check_integer("degree", shape.degree, 0)
    gate_degree = check_integer("gate_degree", shape.gate_degree, 0)
    stated = {kind: _numbers(kind, value) for kind, value in given.items()}
    known = find_inputs(inputs, gate)
    n_inputs = _n_centred(gate, stated) if known is None else known.n_inputs
    features = make_features(n_inputs, gate, degree, gate_degree)
    Phi, Z = features.tables(np.zeros((2, n_inputs)))
    mixture = fill(_null(gate, experts, (Z.shape[1], Phi.shape[1]), stated), gate, experts, stated)
    if known is None:
        known = Clusters(cast(GaussianGate, mixture.gate))
    return Law(mixture, features), known


def find_family(experts: Setting) -> Experts:
    """A family by name, as an object, or a list of one for each expert."""
    if isinstance(experts, list | tuple) and experts:
        return find_experts([_family(one) for one in experts], "full")
    family = _family(experts)
    if not family.alone:
        raise ValueError(f"experts must name a family beside {experts!r}, in a list.")
    return family


def _family(experts: Setting) -> Experts:
    """One family."""
    if isinstance(experts, Experts):
        return experts
    if isinstance(experts, str) and experts in FAMILIES:
        return FAMILIES[experts]
    listed = ", ".join(repr(name) for name in FAMILIES)
    raise ValueError(
        f"experts must be one of {listed}, an object of mixstat.experts, or a list of them; got "
        f"{short(experts)}."
    )


def find_inputs(inputs: Setting, gate: Gate) -> InputLaw | None:
    """A law of the inputs, or one of the rows of a table; None if the gate has its own."""
    if isinstance(inputs, InputLaw):
        return inputs
    if inputs is not None:
        return Observed(check_table("inputs", inputs))
    if gate.joint:
        return None
    raise TypeError(
        "inputs must be a law of the inputs, such as Uniform(-3, 3), or a table of rows; got None, "
        "which only a Gaussian gate allows."
    )


def fill(null: Mixture, gate: Gate, experts: Experts, stated: Stated) -> Mixture:
    """A model with the stated numbers, where ``gate`` and ``experts`` have none of their own."""
    vector, known = parameter_vector.to_vector(null), labels(null)
    wanting = {"gate": not _gate_numbers(gate), "experts": not _expert_numbers(experts)}
    kinds = list(dict.fromkeys(label.kind for label in known if wanting[label.part]))
    unknown = [kind for kind in stated if kind not in kinds]
    absent = [kind for kind in kinds if kind not in stated and kind not in FREE]
    if unknown or absent:
        raise ValueError(
            f"numbers must be of the kinds that this gate and these experts have, "
            f"{', '.join(kinds) or 'none'}; "
            + (f"got {unknown[0]}." if unknown else f"{absent[0]} is missing.")
        )
    for kind, values in stated.items():
        places = [i for i, label in enumerate(known) if label.kind == kind]
        mine = [known[i] for i in places]
        rows = len({label.expert for label in mine})
        stored = mine[0].part == "gate" and rows == null.n_experts - 1
        against = stored and null.gate.exchangeable
        vector[places] = _as_stored(kind, values, mine, against)
    return parameter_vector.as_numpy(parameter_vector.from_vector(null, vector))


def _numbers(kind: str, value: Setting) -> np.ndarray:
    """Finite numbers of a kind."""
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{kind} must be an array of numbers, got {short(value)}.") from error
    if not array.size or not np.all(np.isfinite(array)):
        raise ValueError(f"{kind} must be an array of finite numbers, got {short(value)}.")
    return array


def _gate_numbers(gate: Gate) -> bool:
    """Whether a gate has coefficients, rather than settings alone."""
    return np.size(jax.tree.leaves(gate)[0]) > 0


def _expert_numbers(experts: Experts) -> bool:
    return parameter_vector.size(experts) > 0


def _n_centred(gate: Gate, stated: Stated) -> int:
    """Number of inputs of a gate that is a law of them."""
    if _gate_numbers(gate):
        return Clusters(cast(GaussianGate, gate)).n_inputs
    if "centre" not in stated:
        raise ValueError("centre is missing: a Gaussian gate needs the centre of each cluster.")
    return int(np.prod(stated["centre"].shape[1:]))


def _null(gate: Gate, experts: Experts, widths: tuple[int, int], stated: Stated) -> Mixture:
    """Gate and experts of these widths; those that have numbers stay as they are."""
    first = stated.get("expert_intercept")
    if _expert_numbers(experts):
        k = experts.n_experts
    elif first is None or first.ndim == 0:
        seen = "nothing" if first is None else short(float(first))
        raise ValueError(
            f"expert_intercept must be an array of a number for each expert, got {seen}."
        )
    else:
        k = len(first)
        outputs = int(np.prod(first.shape[1:]))
        experts = experts.null(k, widths[1], outputs)
    made = Mixture(gate if _gate_numbers(gate) else gate.null(k, widths[0]), experts)
    _check_widths(made, widths)
    return made


def _check_widths(made: Mixture, widths: tuple[int, int]) -> None:
    """Objects with numbers must have those of each other, and of the inputs."""
    k, p = made.experts.n_experts, made.experts.groups()[0].coef.shape[-1]
    if made.gate.n_experts != k:
        raise ValueError(f"gate must choose among {k} experts, got {made.gate.n_experts}.")
    if p != widths[1]:
        raise ValueError(f"experts must have {widths[1]} coefficients each, got {p}.")
    wanted = widths[0] - (not made.gate.constant and made.gate.n_features == widths[0] - 1)
    if not made.gate.joint and made.gate.n_features != wanted:
        raise ValueError(f"gate must have {wanted} features, got {made.gate.n_features}.")


def _as_stored(
    kind: str, values: np.ndarray, places: list[ParameterLabel], against: bool
) -> Float[np.ndarray, " c"]:
    """Numbers of a kind in the order of the parameters, as they are stored.

    ``against`` tells whether a row for every expert may be given where the last is the reference.
    """
    if kind == SHARE:
        return _log_odds(values, len(places))
    n_rows = len({label.expert for label in places})
    wanted = (n_rows, len(places) // n_rows)
    rows = values.reshape(len(values), -1) if values.ndim else values.reshape(1, 1)
    if against and rows.shape == (n_rows + 1, wanted[1]):
        rows = rows[:-1] - rows[-1:]
    if rows.shape != wanted:
        more = f", or {n_rows + 1} rows with that of the reference" if against else ""
        raise ValueError(
            f"{kind} must have {n_rows} rows of {wanted[1]} numbers{more}; got shape "
            f"{values.shape}."
        )
    if places[0].log:
        if np.any(rows <= 0):
            raise ValueError(f"{kind} must be positive, got {rows.min():g}.")
        rows = np.log(rows)
    return np.ravel(rows)


def _log_odds(values: np.ndarray, count: int) -> Float[np.ndarray, " c"]:
    """Logs of shares over the last one."""
    if values.shape != (count + 1,) or np.any(values <= 0) or abs(values.sum() - 1) > SUM:
        raise ValueError(
            f"weight must be {count + 1} positive shares that sum to one, got {values.tolist()}."
        )
    return np.log(values[:-1] / values[-1])
