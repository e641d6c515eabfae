"""What measured slopes say about stated ones: agrees, disagrees, or cannot tell."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from mixstat.arguments import DataFrame, Setting
from mixstat.rates.catalogue import truths
from mixstat.rates.checks import check_number, check_pair
from mixstat.rates.fitted import STATISTICS, Rate, fit_rate
from mixstat.rates.truths import Claim, Truth
from mixstat.validation import check_choice

Verdict: TypeAlias = Literal["agrees", "disagrees", "cannot tell"]

SHARE = 0.2  # of a stated slope by which a measured one may differ at finite n
FLAT, STEEP = -0.05, -0.4  # where no rate is stated: slopes that show none, and that show one
RULE = (
    "A slope agrees with a stated one if its whole interval is within 20 % of it, disagrees if "
    "all of it is outside, and otherwise cannot tell. Where theory states that there is no "
    "polynomial rate, an interval above -0.05 agrees and one below -0.4 disagrees."
)


def verdict(stated: Setting, interval: Setting) -> Verdict:
    """What the interval of a measured slope says about a stated one.

    Parameters
    ----------
    stated : float or None
        The slope that theory states; None where it states that there is no polynomial rate.
    interval : pair of float
        Of the measured slope.

    Returns
    -------
    {"agrees", "disagrees", "cannot tell"}
        "agrees" if the whole interval is within 20 % of the stated slope, "disagrees" if all of
        it is outside. A slope that is measured badly thus never agrees. Where no polynomial rate
        is stated, an interval above -0.05 agrees and one below -0.4 disagrees.

    Examples
    --------
    >>> from mixstat.rates import verdict
    >>> verdict(-0.5, (-0.514, -0.499)), verdict(-0.25, (-0.161, -0.106)), verdict(-0.5, (-1, 0))
    ('agrees', 'disagrees', 'cannot tell')
    """
    low, high = check_pair("interval", interval)
    if stated is None:
        within, outside = low >= FLAT, high <= STEEP
    else:
        slope = check_number("stated", stated)
        least, most = sorted(((1 - SHARE) * slope, (1 + SHARE) * slope))
        within, outside = least <= low and high <= most, high < least or most < low
    if outside:
        return "disagrees"
    return "agrees" if within else "cannot tell"


def claims_of(truth: Truth, n_experts: int) -> dict[str, Claim]:
    """What theory states for fits of so many experts, by loss."""
    kind = "any"
    if truth.is_mixture:
        kind = "exact" if n_experts == truth.n_experts else "over"
    return {c.loss: c for c in truth.claims if c.specification in ("any", kind)}


def stated_in(facts: Mapping[str, Any]) -> dict[str, Claim]:
    """What theory states for the study of a store, from its fingerprint; by loss."""
    truth = truths().get(facts.get("truth", {}).get("name"))
    return claims_of(truth, facts["specification"]["n_experts"]) if truth else {}


def in_words(claim: Claim, rate: Rate) -> str:
    """A claim beside what was measured."""
    slope = "no polynomial rate" if claim.slope is None else f"{claim.slope:g}"
    return f"theory {slope}: {verdict(claim.slope, rate.interval)}"


def verdict_table(
    table: DataFrame, claims: Mapping[str, Claim], statistic: Setting = "mean"
) -> DataFrame:
    """A row for each claim whose loss is in the table of a study."""
    import pandas

    statistic = check_choice("statistic", statistic, tuple(STATISTICS))
    rows: list[dict[str, Any]] = []
    for loss, claim in claims.items():
        if loss not in table.columns:
            continue
        rate = fit_rate(table, loss, statistic=statistic)
        low, high = rate.interval
        rows.append(
            {
                "loss": loss,
                "stated": np.nan if claim.slope is None else claim.slope,
                "mark": claim.mark,
                "slope": rate.slope,
                "low": low,
                "high": high,
                "verdict": verdict(claim.slope, rate.interval),
            }
        )
    return pandas.DataFrame(rows)
