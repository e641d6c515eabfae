"""Draws from a fit with K experts, and their likelihood ratios in a table."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mixstat.arguments import DataFrame
from mixstat.fitting.draws import draw_responses
from mixstat.fitting.fit import Fit
from mixstat.fitting.progress import Progress
from mixstat.fitting.ratio_draws import Ratios, likelihood_ratios

BLOCK = 32  # draws that share a generator, so that the first ones are the same however many follow
TOGETHER = 4  # blocks that are fitted as one batch where there is no early end
FIRST = 4  # times as many draws as end a test early, after which that is looked at first


class Asked(NamedTuple):
    """What draws are compared with, and how many are wanted."""

    statistic: float
    most: int
    enough: int | None


def monte_carlo_pvalue(
    statistic: float, table: DataFrame, stop_after: int | None
) -> tuple[float, int]:
    """The p-value of draws, and how many of them it rests on.

    Parameters
    ----------
    statistic
        Of the data.
    table
        A row for each draw, with columns ``statistic`` and ``counts_null``.
    stop_after
        Draws at least as large after which no more count; None counts all.
    """
    counts = table["counts_null"].to_numpy(bool)
    larger = np.cumsum(counts & (table["statistic"].to_numpy(float) >= statistic))
    made = np.cumsum(counts)
    if stop_after is not None and larger[-1] >= stop_after:
        last = int(np.argmax(larger >= stop_after))
        return float(stop_after / made[last]), last + 1
    return float((larger[-1] + 1) / (made[-1] + 1)), len(table)


def drawn_table(small: Fit, large: Fit, asked: Asked, seed: int, progress: Progress) -> DataFrame:
    """A row for each draw, until there are enough."""
    import pandas

    parts: list[DataFrame] = []
    larger = 0
    for numbers in _pieces(asked):
        responses = _responses(small, seed, numbers)
        seeds = [[seed, 1, i + 1] for i in numbers]
        part = _rows(small, likelihood_ratios(small, large, responses, seeds))
        parts.append(part)
        larger += int((part["counts_null"] & (part["statistic"] >= asked.statistic)).sum())
        progress.say(f"{numbers[-1] + 1} draws, {larger} at least as large as the data's")
        if asked.enough and larger >= asked.enough:
            break
    return pandas.concat(parts, ignore_index=True)


def _pieces(asked: Asked) -> Iterator[range]:
    """Numbers of the draws of each batch: few at first where a few may be enough."""
    size = min(FIRST * asked.enough, BLOCK) if asked.enough else BLOCK * TOGETHER
    first = 0
    while first < asked.most:
        numbers = range(first, min(first + size, asked.most))
        yield numbers
        first = numbers[-1] + 1
        size = min(2 * size, BLOCK) if asked.enough else size


def _responses(small: Fit, seed: int, numbers: range) -> list[Float[np.ndarray, "n c"]]:
    """Responses of some draws."""
    drawn, before = [], numbers[0] // BLOCK
    for block in range(before, numbers[-1] // BLOCK + 1):
        drawn += draw_responses(small, BLOCK, np.random.default_rng([seed, 0, block]))
    return drawn[numbers[0] - before * BLOCK : numbers[-1] + 1 - before * BLOCK]


def _rows(small: Fit, found: Ratios) -> DataFrame:
    import pandas

    n = small.sum_of_weights
    return pandas.DataFrame(
        {
            "statistic": 2 * n * found.gain,
            "log_likelihood_null": n * (found.small.log_likelihood - small.log_unit),
            "log_likelihood_alternative": n * (found.large.log_likelihood - small.log_unit),
            "status_null": found.small.status,
            "status_alternative": found.large.status,
            "counts_null": found.small.counts,
            "counts_alternative": found.large.counts,
        }
    )
