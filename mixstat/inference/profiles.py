"""Profile likelihood intervals and signed-root tests of reported parameters."""

import numpy as np
from scipy import stats

from mixstat.arguments import DataFrame, Setting
from mixstat.inference.covariances.information import ObservedInformation
from mixstat.inference.estimate import Estimate
from mixstat.inference.frames import limits
from mixstat.inference.hypotheses import InvalidTest, WaldTest
from mixstat.inference.profile import Target, profile_deviance, profile_likelihood
from mixstat.numerics.precision import in_float64
from mixstat.validation import check_choice, check_number

REACH = (0.8, 1.0, 1.3, 1.8, 3.0)  # normal half widths at which the deviance is looked at


@in_float64
def profile_intervals(estimate: Estimate, names: Setting, level: float) -> DataFrame:
    """An interval for each parameter."""
    chosen = _chosen(estimate, names)
    half = stats.norm.ppf(0.5 + 0.5 * level)
    table = np.empty((len(chosen), 2))
    for i, name in enumerate(chosen):
        target = _target(estimate, name)
        steps = np.array([-share for share in REACH[::-1]] + [0.0] + list(REACH)) * half
        spread = target.std_error if np.isfinite(target.std_error) else 1.0
        grid = target.estimate + spread * steps
        found = profile_likelihood(
            estimate.objective, estimate.result, target, grid=grid, level=level
        )
        table[i] = found.interval
    return limits(table, chosen)


@in_float64
def signed_root(estimate: Estimate, name: Setting, value: Setting) -> WaldTest | InvalidTest:
    """The deviance of a value of one parameter."""
    chosen = check_choice("name", name, estimate.names)
    number = check_number("value", value)
    null = f"{chosen} = {number:g}"
    place = estimate.names.index(chosen)
    title = "Profile likelihood ratio test"
    if estimate.logs_of_scales[place] and number == 0:
        why = "Zero of the log of a scale depends on the units and is no hypothesis."
        return InvalidTest(why, null, title)
    if estimate.unknown[place]:
        why = estimate.unknown[place]
        return InvalidTest(f"{why[:1].upper()}{why[1:]}.", null, title)
    target = _target(estimate, chosen)
    deviance = profile_deviance(estimate.objective, estimate.result, target, number)
    return WaldTest(max(deviance, 0.0), 1, null, title)


def _chosen(estimate: Estimate, names: Setting) -> list[str]:
    if names is None:
        return [n for n, why in zip(estimate.names, estimate.unknown, strict=True) if not why]
    listed = [names] if isinstance(names, str) else names
    if not isinstance(listed, list | tuple) or not listed:
        raise ValueError(f"names must be names of parameters, or None for all; got {names!r}.")
    return [check_choice("names", name, estimate.names) for name in listed]


def _target(estimate: Estimate, name: str) -> Target:
    place = estimate.names.index(name)
    observed = ObservedInformation().fit(estimate, None).of(estimate.jacobian)
    return Target(
        name=name,
        row=estimate.jacobian[place],
        estimate=float(estimate.params[place]),
        std_error=float(np.sqrt(observed[place, place])),
        total_weight=estimate.total_weight,
    )
