"""A conditional density p(y | x) as truths and fits have it: a model and its features of x."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.data import batch as batches
from mixstat.data import polynomial
from mixstat.data.design import PolynomialColumns
from mixstat.data.source import Source
from mixstat.fitting.sources import mapped
from mixstat.gates.base import Gate
from mixstat.model import Mixture
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import gate_rows
from mixstat.predictive import Predictive, expert_predictors
from mixstat.rates.inputs import NOWHERE

# first parts of an interval in which a gate that jumps is looked at, parts of each part in which
# it does, and how often: to about 1e-13 of the interval
GRID, PARTS, ROUNDS = 1024, 16, 9


class Features(NamedTuple):
    """The columns of x that coefficients refer to, in the user's units."""

    experts: Source
    gate: Source

    def tables(self, X: Float[np.ndarray, "n d"]) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, p) of the experts and (n, q) of the gate; one table if they are equal."""
        Phi = self.experts.raw(X)
        same = self.gate.same_as(self.experts)
        return Phi, Phi if same else self.gate.raw(X)


class Law(NamedTuple):
    """p(y | x) of a mixture whose parameters are in the user's units."""

    mixture: Mixture
    features: Features

    def at(self, X: Float[np.ndarray, "n d"]) -> Predictive:
        """The mixture of each row."""
        Phi, Z = self.features.tables(X)
        share = gate_shares(self.mixture.gate, Z)
        experts = self.mixture.experts
        return Predictive(share, experts, expert_predictors(experts, Phi))

    def breaks(self, low: float, high: float) -> Float[np.ndarray, " b"]:
        """Values of a single input at which a gate that jumps takes other experts."""
        gate = self.mixture.gate
        if gate.continuous:
            return NOWHERE
        return changes(lambda x: gate_shares(gate, self.features.tables(x)[1]) > 0, low, high)


def changes(
    state: Callable[[np.ndarray], np.ndarray], low: float, high: float
) -> Float[np.ndarray, " b"]:
    """Where columns of ``state(x)``, a table (K, n) for inputs (n, 1), change in an interval.

    A state that holds for less than a part of the first grid may be missed.
    """
    x = np.linspace(low, high, GRID + 1)
    for _ in range(ROUNDS):
        held = state(x[:, None])
        at = np.flatnonzero(np.any(held[:, 1:] != held[:, :-1], axis=0))
        x = np.linspace(x[at], x[at + 1], PARTS + 1, axis=1).ravel()
        if len(at) == 0:
            return NOWHERE
    return x[PARTS // 2 :: PARTS + 1]


def make_features(n_inputs: int, gate: Gate, degree: int = 1, gate_degree: int = 1) -> Features:
    """Monomials of the inputs up to a degree for the experts and for the gate."""
    names = [f"x{j}" for j in range(n_inputs)] if n_inputs > 1 else ["x"]

    def source(total: int) -> PolynomialColumns:
        return PolynomialColumns(np.arange(n_inputs), polynomial.powers(n_inputs, total), names)

    return Features(source(degree), mapped(source(gate_degree), gate))


@in_float64
def gate_shares(gate: Gate, Z: Float[np.ndarray, "n q"]) -> Float[np.ndarray, "K n"]:
    """Gate probabilities of rows with these features."""
    data = batches.build(Z, Z, np.zeros((len(Z), 1)))
    return np.exp(batches.take_rows(gate_rows(gate, data.rows), len(Z))).T
