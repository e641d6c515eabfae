"""What measured slopes say about stated ones: agrees, steeper, slower, or cannot tell."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from mixstat.arguments import DataFrame, Setting
from mixstat.rates.checks import check_number, check_pair
from mixstat.rates.fitted import STATISTICS, Rate, fit_rate
from mixstat.rates.registry import truths
from mixstat.rates.truths import Claim, Truth
from mixstat.validation import check_choice

Verdict: TypeAlias = Literal["agrees", "steeper", "slower", "cannot tell", "not tested"]

SHARE = 0.2  # of a stated slope by which a measured one may differ at finite n
FLAT, STEEP = -0.05, -0.4  # where no rate is stated: slopes that show none, and that show one
RULE = (
    "A slope agrees with a stated one if its whole interval is within 20 % of it, is steeper or "
    "slower if all of it is outside, and otherwise cannot tell. Where theory states that there is "
    "no polynomial rate, an interval above -0.05 agrees and one below -0.4 is steeper. A claim "
    "whose loss a study lacks is not tested."
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
    {"agrees", "steeper", "slower", "cannot tell"}
        "agrees" if the whole interval is within 20 % of the stated slope, "steeper" or "slower" if
        all of it is outside. A slope that is measured badly thus never agrees. Where no polynomial
        rate is stated, an interval above -0.05 agrees and one below -0.4 is steeper.

    Examples
    --------
    >>> from mixstat.rates import verdict
    >>> verdict(-0.5, (-0.514, -0.499)), verdict(-0.25, (-0.161, -0.106)), verdict(-0.5, (-1, 0))
    ('agrees', 'slower', 'cannot tell')
    """
    low, high = check_pair("interval", interval)
    if stated is None:
        within, steeper, slower = low >= FLAT, high <= STEEP, False
    else:
        slope = check_number("stated", stated)
        least, most = sorted(((1 - SHARE) * slope, (1 + SHARE) * slope))
        within, steeper, slower = least <= low and high <= most, high < least, most < low
    if steeper or slower:
        return "steeper" if steeper else "slower"
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
    table: DataFrame,
    claims: Mapping[str, Claim],
    statistic: Setting = "mean",
    source: str = "",
    missed: float = np.nan,
) -> DataFrame:
    """A row for each claim; ``missed`` is the share of maxima that the starts of the study miss."""
    import pandas

    statistic = check_choice("statistic", statistic, tuple(STATISTICS))
    rows: list[dict[str, Any]] = []
    for loss, claim in claims.items():
        about = {
            "claim": _claimed(claim),
            "loss": loss,
            "stated": np.nan if claim.slope is None else claim.slope,
            "source": source,
            "mark": claim.mark,
        }
        rows.append(about | _measured(table, claim, statistic) | {"missed": missed})
    return pandas.DataFrame(rows)


def _claimed(claim: Claim) -> str:
    """A claim in words."""
    slope = "no polynomial rate" if claim.slope is None else f"slope {claim.slope:g}"
    kind = {"exact": "exact-specified", "over": "over-specified"}.get(claim.specification)
    return f"{claim.loss}: {slope}" + (f", {kind}" if kind else "")


def _measured(table: DataFrame, claim: Claim, statistic: Setting) -> dict[str, Any]:
    """The measured slope and what it says; nothing where the table lacks the loss."""
    if claim.loss not in table.columns:
        return {"slope": np.nan, "low": np.nan, "high": np.nan, "verdict": "not tested"}
    rate = fit_rate(table, claim.loss, statistic=statistic)
    low, high = rate.interval
    said = verdict(claim.slope, rate.interval)
    return {"slope": rate.slope, "low": low, "high": high, "verdict": said}
