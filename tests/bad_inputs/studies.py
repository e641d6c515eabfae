"""Convergence-rate studies."""

from collections.abc import Iterator

from mixstat import rates
from tests.bad_inputs.rows import Row, rows
from tests.bad_inputs.values import NOT_COUNTS

KINDS = ("gate_intercept", "gate_slope", "expert_intercept", "expert_slope", "scale", "temperature")


def of_studies() -> Iterator[Row]:
    """Specifications, boxes and studies by name."""
    line = {"low": 0.0, "high": 1.0, "n_points": 5}
    yield from rows("Lattice", lambda: rates.Lattice, line, {"n_points": [0, -1, 1]})
    turned = {kind: [(1.0, -1.0)] for kind in KINDS}
    yield from rows("Box", lambda: rates.Box, {}, turned)
    settings = {
        "n_experts": NOT_COUNTS[:2], "degree": [-1], "gate_degree": [-1], "solver": ["adam"],
        "tol": [0.0, -1.0], "max_iter": [0], "min_scale": [0.0],
    }  # fmt: skip
    yield from rows("Specification", lambda: rates.Specification, {"n_experts": 2}, settings)
    yield from rows("named_study", lambda: rates.named_study, {}, {"name": ["nobody"]})
    fit = {"estimator": [5, None, "x"]}
    yield from rows("from_fit", lambda: rates.from_fit, {"X": [[1.0]]}, fit)
