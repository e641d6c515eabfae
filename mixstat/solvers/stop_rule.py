"""When EM ends."""

from typing import NamedTuple

from mixstat.arguments import Setting
from mixstat.numerics.precision import AnyArray
from mixstat.validation import check_integer, check_positive


class StopRule(NamedTuple):
    """When EM ends: after the step whose entering objective had gained no more than this.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.solvers import EM, StopRule
    >>> X, y = make_tent(300, random_state=0)
    >>> solver = EM(stop=StopRule(max_iter=500))
    >>> moe = MixtureOfExperts(2, solver=solver, n_init=2, random_state=0).fit(X, y)
    >>> moe.status_.name, round(moe.log_likelihood_, 2)
    ('CONVERGED', 0.95)
    """

    absolute: AnyArray | float = 1e-14
    relative: AnyArray | float = 1e-14  # to the size of the objective
    max_iter: AnyArray | int = 1000  # and at the latest after so many steps
    gate: AnyArray | float = 1e-15  # an exact gate step ends at such a relative change


def check_rule(rule: Setting) -> None:
    """Refuse a rule that a person stated and that would never stop, or never begin."""
    if not isinstance(rule, StopRule):
        raise ValueError(f"stop must be a StopRule, got {rule!r}.")
    for name in ("absolute", "relative", "gate"):
        check_positive(name, getattr(rule, name), zero=True)
    check_integer("max_iter", rule.max_iter, 1)
