"""Columns of the experts and of the gate, as an estimator's settings ask for them."""

import numpy as np

from mixstat.arguments import Columns
from mixstat.data import polynomial
from mixstat.data.coding import CodedColumns
from mixstat.data.design import MappedColumns, PolynomialColumns
from mixstat.data.source import Source
from mixstat.fitting.options import Options
from mixstat.gates.base import Gate
from mixstat.validation import choose_columns


def polynomial_sources(
    options: Options, names: list[str], categories: tuple[str, ...] = ()
) -> tuple[Source, Source]:
    """Columns of the experts and of the gate, not yet fitted."""
    gate = options.gate
    inputs = choose_columns("expert_features", options.expert_features, names)
    kind = options.interactions, names, categories
    experts = _polynomial(inputs, int(options.degrees.max()), *kind)
    if gate.max_degree is not None and options.gate_degree > gate.max_degree:
        raise ValueError(
            f"gate_degree must be at most {gate.max_degree} for {type(gate).__name__}, got "
            f"{options.gate_degree}."
        )
    inputs = choose_columns("gate_features", options.gate_features, names)
    gates = _polynomial(inputs, options.gate_degree, *kind)
    if options.expert_penalty and options.l1_ratio and options.degrees.max() > 1:
        # zeros of standardised monomials are no zeros of raw ones
        experts = MappedColumns(experts, None, "", constant=True)
    if options.gate_penalty and options.l1_ratio and options.gate_degree > 1:
        gates = MappedColumns(gates, None, "", constant=True)
    return experts, gates


def linear_source(
    argument: str, chosen: Columns, names: list[str], categories: tuple[str, ...]
) -> Source:
    """The constant and the columns that an argument chooses, not yet fitted."""
    return _polynomial(choose_columns(argument, chosen, names), 1, True, names, categories)


def mapped(source: Source, gate: Gate) -> Source:
    """Columns as the gate wants them: a function of them, or without the constant."""
    function = gate.feature_map()
    if function is None and gate.constant:
        return source
    if isinstance(source, MappedColumns):
        source = source.source
    return MappedColumns(source, function, gate.map_name(), constant=gate.constant)


def _polynomial(
    inputs: np.ndarray,
    degree: int,
    interactions: bool,
    names: list[str],
    categories: tuple[str, ...],
) -> Source:
    if categories:
        chosen = [names[j] for j in inputs]
        return CodedColumns(chosen, categories, degree, interactions=interactions)
    exponents = polynomial.powers(len(inputs), degree, interactions=interactions)
    return PolynomialColumns(inputs, exponents, [names[j] for j in inputs])


def degree_mask(source: Source, kept: np.ndarray, degrees: np.ndarray) -> np.ndarray | None:
    """(K, p) internal features that are above an expert's degree; None if there is none.

    Features are orthogonalised in the order of their degree, so that the first ones span the
    polynomials of lower degree.
    """
    if degrees.min() == degrees.max():
        return None
    inner = source.source if isinstance(source, MappedColumns) else source
    if isinstance(inner, CodedColumns):
        inner = inner.inner
    if not isinstance(inner, PolynomialColumns):  # those of a formula have no degree
        return None
    total = inner.exponents.sum(axis=1)[kept]
    return total[None, :] > degrees[:, None]
