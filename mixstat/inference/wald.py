"""Wald tests from estimates and their covariance."""

import numpy as np
from jaxtyping import Float

from mixstat.inference.covariances import ParameterCovariance
from mixstat.inference.estimate import Estimate
from mixstat.inference.hypotheses import InvalidTest, LinearTest, WaldTest
from mixstat.inference.linear import Constraints

SINGULAR = 1e-12  # of the correlations of tested functions, below which one follows from others


def linear_test(
    estimate: Estimate, covariance: ParameterCovariance, constraints: Constraints, level: float
) -> LinearTest:
    """Each linear function by itself."""
    matrix, value, names = constraints
    variance = np.diag(covariance.of(matrix @ estimate.jacobian))
    reasons = _reasons(estimate, covariance, constraints, variance)
    return LinearTest(
        names=names,
        effect=matrix @ estimate.params,
        std_error=np.sqrt(np.maximum(variance, 0.0)),
        value=value,
        reasons=tuple(reasons),
        level=level,
    )


def wald_test(
    estimate: Estimate, covariance: ParameterCovariance, constraints: Constraints
) -> WaldTest | InvalidTest:
    """All linear functions at once."""
    matrix, value, names = constraints
    null = ", ".join(_equation(name, one) for name, one in zip(names, value, strict=True))
    inside = covariance.of(matrix @ estimate.jacobian)
    for reason in _reasons(estimate, covariance, constraints, np.diag(inside)):
        if reason:
            return InvalidTest(f"{reason}.", null, "Wald test")
    if len(matrix) > covariance.rank or _is_singular(inside):
        reason = (
            f"{len(matrix)} hypotheses, of which a covariance of rank {covariance.rank} cannot "
            "tell each from the others."
        )
        return InvalidTest(reason, null, "Wald test")
    gap = matrix @ estimate.params - value
    return WaldTest(float(gap @ np.linalg.solve(inside, gap)), len(matrix), null)


def _equation(name: str, value: float) -> str:
    return name if "=" in name else f"{name} = {value:g}"


def _is_singular(covariance: Float[np.ndarray, "r r"]) -> bool:
    deviation = np.sqrt(np.diag(covariance))
    if not np.all(deviation > 0):
        return True
    correlation = covariance / np.outer(deviation, deviation)
    return bool(np.linalg.eigvalsh(correlation)[0] < SINGULAR)


def _reasons(
    estimate: Estimate,
    covariance: ParameterCovariance,
    constraints: Constraints,
    variance: Float[np.ndarray, " r"],
) -> list[str]:
    """Why each linear function cannot be tested; empty if it can."""
    rows = zip(constraints.matrix, constraints.value, variance, strict=True)
    reasons = [_reason(estimate, row, value, one) for row, value, one in rows]
    deviations = np.sqrt(np.maximum(np.diag(covariance.of(estimate.jacobian)), 0.0))
    most = (np.abs(constraints.matrix) @ np.nan_to_num(deviations)) ** 2
    given = variance <= SINGULAR * most
    return [
        reason or (given[i] and "the model fixes it, by a constraint or a bound") or ""
        for i, reason in enumerate(reasons)
    ]


def _reason(estimate: Estimate, row: Float[np.ndarray, " E"], value: float, variance: float) -> str:
    used = np.flatnonzero(row)
    if len(used) == 0:
        return "no parameter is in the hypothesis"
    if np.isnan(variance):
        told = [f"{estimate.names[j]}: {why}" for j in used if (why := estimate.unknown[j])]
        return f"there is no standard error ({'; '.join(told) or 'not determined'})"
    if len(used) == 1 and value == 0 and estimate.logs_of_scales[used[0]]:
        return (
            f"{estimate.names[used[0]]} is the log of a scale, whose zero depends on the units and "
            "is no hypothesis"
        )
    return ""
