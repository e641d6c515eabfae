"""The members of a grid of settings, and which of them can be fitted at all."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

from mixstat.alignment import check_same_rows
from mixstat.arguments import Response, Setting, Table, Weights
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.contextual import ContextualMixtureOfExperts
from mixstat.estimators.prediction import RegressionMixture
from mixstat.hints import check_known
from mixstat.parts.settings import split
from mixstat.selection.told import label, told_value
from mixstat.validation import check_integer

NOT_MEMBERS = ("n_experts", "warm_start", "verbose")  # settings that are no columns of a grid
MOST_TOLD = 5  # refused members in a message

Settings = dict[str, Setting]


class Refused(NamedTuple):
    """A member that cannot be fitted, and why."""

    settings: Settings
    reason: str


def members(estimator: BaseMixture, n_experts: Setting, settings: Settings) -> list[Settings]:
    """Every combination of the listed values, numbers of experts innermost.

    Raises
    ------
    TypeError
        If a keyword is no constructor parameter of the estimator.
    ValueError
        If a list is empty, or names a value twice.
    """
    known = [name for name in estimator.get_params(deep=False) if name not in NOT_MEMBERS]
    check_known("select()", [name.partition("__")[0] for name in settings], known)
    columns = {name: _values(name, value) for name, value in settings.items()}
    if isinstance(estimator, ContextualMixtureOfExperts):
        n_experts = None
    columns["n_experts"] = [_number(one) for one in _values("n_experts", n_experts)]
    rows = itertools.product(*columns.values())
    made = [dict(zip(columns, row, strict=True)) for row in rows]
    return [{"n_experts": one["n_experts"]} | one for one in made]


def with_settings(estimator: BaseMixture, settings: Settings) -> BaseMixture:
    """An estimator like this one, not fitted, with some settings of its own."""
    own = estimator.get_params(deep=False) | {"warm_start": False}
    whole, _ = split(settings)
    if whole.get("n_experts", own["n_experts"]) != own["n_experts"]:
        own |= {"expert_names": None} if own.get("expert_names") else {}  # they are of others
    made = type(estimator)(**own | whole)
    return made.set_params(**{name: settings[name] for name in settings if name not in whole})


def refused(
    estimator: BaseMixture,
    grid: list[Settings],
    X: Table,
    y: Response,
    sample_weight: Weights,
    **beside: Setting,
) -> list[Refused]:
    """Members whose settings contradict each other or the rows, found without a fit.

    ``beside`` are an offset and groups of the rows, if there are any.

    Raises
    ------
    ValueError
        If a value of a setting is possible in no member: then it is a mistake, not a corner of
        the grid.
    """
    rows = (X, y, sample_weight)
    reasons = [_reason(estimator, one, *rows, **beside) for one in grid]
    impossible = [Refused(one, why) for one, why in zip(grid, reasons, strict=True) if why]
    if len(impossible) == len(grid):
        told = listed_refusals(impossible)
        alike = len(set(reasons)) == 1  # it is the rows, or what all members share
        raise ValueError(reasons[0] if alike else f"No member of the grid is possible. {told}")
    for name in list(grid[0])[1:]:  # a gate may need more experts than the least
        for value in dict.fromkeys(told_value(one[name]) for one in grid):
            having = [i for i, one in enumerate(grid) if told_value(one[name]) == value]
            if all(reasons[i] for i in having):
                raise ValueError(
                    f"{name}={value} is possible in no member of the grid, so nothing was fitted: "
                    f"{listed_refusals([Refused(grid[i], reasons[i]) for i in having])}"
                )
    return impossible


def listed_refusals(several: list[Refused]) -> str:
    """Members and reasons in words; those of one reason are told together."""
    by_reason: dict[str, list[str]] = {}
    for one in several:
        by_reason.setdefault(one.reason, []).append(label(one.settings))
    words = []
    for reason, labels in by_reason.items():
        more = len(labels) - MOST_TOLD
        rest = f"; and {more} more" if more > 0 else ""
        words.append(f"({'; '.join(labels[:MOST_TOLD])}{rest}): {reason}")
    return " ".join(words)


def _values(name: str, value: Setting) -> list[Setting]:
    """The values of a column: those of a list, or the only one."""
    several = isinstance(value, list | tuple | range)
    values: list[Setting] = list(value) if several and isinstance(value, Iterable) else [value]
    if not values:
        raise ValueError(f"{name} must list at least one value, got {value!r}.")
    seen = [told_value(one) for one in values]
    twice = sorted({one for one in seen if seen.count(one) > 1})
    if twice:
        raise ValueError(f"{name} must list each value once, got {twice[0]} twice in {value!r}.")
    return values


def _number(n_experts: Setting) -> Setting:
    """A number of experts; None leaves it to contexts."""
    return n_experts if n_experts is None else check_integer("n_experts", n_experts, 1)


def _reason(
    estimator: BaseMixture,
    settings: Settings,
    X: Table,
    y: Response,
    sample_weight: Weights,
    **beside: Setting,
) -> str:
    """Why a member cannot be fitted; empty where nothing speaks against it."""
    check_same_rows(X=X, y=y, sample_weight=sample_weight)
    try:
        member = with_settings(estimator, settings)
        if isinstance(member, ContextualMixtureOfExperts):
            return ""  # its fit will tell: much depends on the contexts
        options = member._options()
        if isinstance(member, RegressionMixture):
            family = member._family()
            rows, _ = member._training_rows(X, y, sample_weight, **beside)
            family.check(rows.responses)
            family.null(options.n_experts, 2, 1)
        options.gate.null(options.n_experts, 2)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""
