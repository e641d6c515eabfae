"""Starts of a fit to whose rows possibilities of contexts, or known experts, are attached."""

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from mixstat.contextual.table import log_possibility
from mixstat.data.batch import leads
from mixstat.fitting import starts
from mixstat.fitting.first_models import Start
from mixstat.fitting.tables import Tables


def start_rows(tables: Tables) -> tuple[starts.StartRows, Float[np.ndarray, "s K"] | None]:
    """The rows that starts look at, and their log possibilities if there are any.

    Rows with equal values but different possibilities are different rows.
    """
    knowledge, unit = tables.log_possibility, tables.unit
    responses = tables.y if knowledge is None else np.hstack([tables.y, np.exp(knowledge)])
    total = tables.weight.sum() if unit is None else tables.weight @ leads(unit)
    table = (tables.Z, tables.Phi, responses, tables.view, tables.weight / total, tables.offset)
    if unit is None:
        sample = starts.start_rows(*table)
    else:
        sample = starts.rows_of_units(starts.StartRows(*table), unit)
    if knowledge is None:
        return sample, None
    r = tables.y.shape[1]
    return sample._replace(y=sample.y[:, :r]), log_possibility(sample.y[:, r:])


def within_contexts(
    made: list[Start],
    knowledge: Float[np.ndarray, "s K"],
    weight: Float[np.ndarray, " s"],
    *,
    lead: bool,
) -> list[Start]:
    """Starts that respect the possibilities: the groups of each are matched with contexts.

    ``lead`` puts the possibilities themselves in the place of the first start.
    """
    possibility = np.exp(knowledge)
    shares = possibility / possibility.sum(axis=1, keepdims=True)
    matched = [
        start._replace(responsibilities=_matched(start.responsibilities, possibility, weight))
        for start in made
        if start.responsibilities is not None
    ]
    return [Start("contexts", shares), *matched[1:]] if lead else matched


def _matched(
    groups: Float[np.ndarray, "s K"],
    possibility: Float[np.ndarray, "s K"],
    weight: Float[np.ndarray, " s"],
) -> Float[np.ndarray, "s K"]:
    """Groups renumbered to agree best with the contexts, times the possibilities."""
    agreement = (groups * weight[:, None]).T @ possibility
    group, context = linear_sum_assignment(-agreement)
    ordered = groups[:, group[np.argsort(context)]]
    share = ordered * possibility
    # a row whose group its contexts rule out keeps what they say
    share = np.where(share.sum(axis=1, keepdims=True) > 0, share, possibility)
    return share / share.sum(axis=1, keepdims=True)
