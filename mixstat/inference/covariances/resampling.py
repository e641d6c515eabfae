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
    """Runs of ``length`` neighbours of a series, drawn until there are as many rows as before.

    A run that reaches the end of its series goes on at its beginning, so that all rows have
    the same chance (Politis and Romano 1992).
    """
    n = len(weight)
    runs = np.empty((n, length), int)  # the run that begins at each row
    for one in np.unique(series):
        rows = np.flatnonzero(series == one)
        runs[rows] = rows[(np.arange(len(rows))[:, None] + np.arange(length)) % len(rows)]
    first = random.integers(n, size=(count, -(-n // length)))
    drawn = [runs[starts].reshape(-1)[:n] for starts in first]
    return np.stack([np.bincount(rows, minlength=n) for rows in drawn]) * weight


def of_bayes(
    weight: Float[np.ndarray, " n"], group: Group | None, count: int, random: np.random.Generator
) -> Weights:
    """Exponential weights of mean one, of rows or of whole clusters."""
    number = len(weight) if group is None else int(group.max()) + 1
    each = random.exponential(size=(count, number))
    return (each if group is None else each[:, group]) * weight
