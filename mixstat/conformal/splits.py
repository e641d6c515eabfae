"""Which rows a fit sees, and which it is scored on."""

import numpy as np

import mixstat.selection.folds as folds
from mixstat.conformal.asked import Rows
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classification import ClassificationMixture
from mixstat.selection.folds import Split, Splitter


def in_two(
    rows: Rows, share: float, random: np.random.RandomState | None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the fit, and others of which there are ``share``; the last ones without a draw."""
    if rows.count < 3:
        raise ValueError(f"X must have at least 3 rows to be split, got {rows.count}.")
    n_held = min(max(1, round(share * rows.count)), rows.count - 2)
    every = np.arange(rows.count)
    if random is None:
        return every[:-n_held], every[-n_held:]
    order = random.permutation(rows.count)
    return np.sort(order[n_held:]), np.sort(order[:n_held])


def folds_of(cv: Splitter, base: BaseMixture, rows: Rows) -> list[Split]:
    """Folds that hold each row once."""
    made = folds.make(cv, base, rows.X, rows.y)
    held = np.sort(np.concatenate([test for _, test in made]))
    if not np.array_equal(held, np.arange(rows.count)):
        raise ValueError(
            f"cv must hold out every row once for method='cross', got {cv!r}: a split in the order "
            "of time leaves rows out."
        )
    return made


def knowing(base: BaseMixture, rows: Rows) -> BaseMixture:
    """A classifier that knows all labels of the rows."""
    if not isinstance(base, ClassificationMixture) or rows.y is None:
        return base
    return folds.knowing_all_classes(base, rows.y)
