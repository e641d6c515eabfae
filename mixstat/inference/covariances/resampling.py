"""Weights of the rows in the draws of a bootstrap."""

import numpy as np
from jaxtyping import Float, Int

Weights = Float[np.ndarray, "B n"]
Group = Int[np.ndarray, " n"]


def of_rows(weight: Float[np.ndarray, " n"], count: int, random: np.random.Generator) -> Weights:
    """As many rows as there are, drawn with replacement; weights that count rows draw those."""
    if np.all(weight == np.round(weight)):
        total = int(weight.sum())
        return random.multinomial(total, weight / total, size=count).astype(float)
    n = len(weight)
    return random.multinomial(n, np.full(n, 1 / n), size=count) * weight


def of_clusters(
    weight: Float[np.ndarray, " n"], group: Group, count: int, random: np.random.Generator
) -> Weights:
    """As many whole clusters as there are, drawn with replacement."""
    number = int(group.max()) + 1
    times = random.multinomial(number, np.full(number, 1 / number), size=count)
    return times[:, group] * weight


def of_blocks(
    weight: Float[np.ndarray, " n"],
    series: Group,
    length: int,
    count: int,
    random: np.random.Generator,
) -> Weights:
    """Runs of ``length`` neighbours within each series, drawn as often as fills it.

    A run that reaches the end of its series goes on at its beginning, so that all rows have
    the same chance (Politis and Romano 1992).
    """
    times = np.zeros((count, len(weight)))
    for one in np.unique(series):
        rows = np.flatnonzero(series == one)
        n = len(rows)
        blocks = -(-n // length)
        first = random.integers(n, size=(count, blocks, 1))
        place = ((first + np.arange(length)) % n).reshape(count, -1)[:, :n]
        for draw in range(count):
            times[draw, rows] = np.bincount(place[draw], minlength=n)
    return times * weight


def of_bayes(
    weight: Float[np.ndarray, " n"], group: Group | None, count: int, random: np.random.Generator
) -> Weights:
    """Exponential weights of mean one, of rows or of whole clusters."""
    number = len(weight) if group is None else int(group.max()) + 1
    each = random.exponential(size=(count, number))
    return (each if group is None else each[:, group]) * weight
