"""Clusters of rows, as people name them: checked and numbered."""

import numpy as np
from jaxtyping import Bool, Int

from mixstat.arguments import Table
from mixstat.inference.covariances import Covariance
from mixstat.kinds import is_missing_value


def number_groups(
    groups: Table, covariance: Covariance, counted: Bool[np.ndarray, " n"]
) -> Int[np.ndarray, "m v"] | None:
    """Numbers of the clusters of the rows that count.

    Parameters
    ----------
    groups
        Labels (n,), or (n, 2) of two variables; None for none.
    covariance
        Which kind they are for.
    counted
        Which rows count.
    """
    if groups is None:
        if covariance.needs_groups:
            raise ValueError(
                f"groups must be given for cov_type={covariance.name!r}: the cluster of each row; "
                "got None."
            )
        return None
    if covariance.takes_groups == 0:
        raise ValueError(
            f"groups must be left out for cov_type={covariance.name!r}, which has no use for them; "
            "'cluster' has."
        )
    table = _columns(groups, len(counted))
    if len(table) > covariance.takes_groups:
        raise ValueError(
            f"groups must have at most {covariance.takes_groups} columns for "
            f"cov_type={covariance.name!r}, got {len(table)}."
        )
    numbers = [_numbered(column[counted]) for column in table]
    if covariance.needs_groups and (least := min(column.max() for column in numbers) + 1) < 2:
        raise ValueError(f"groups must have at least two different values, got {least}.")
    return np.stack(numbers, axis=1)


def _columns(groups: Table, n: int) -> list[np.ndarray]:
    """Columns of labels, each with an entry for each row."""
    if isinstance(groups, str | bytes):
        raise ValueError(
            f"groups must be a cluster for each row, got {groups!r}; the name of a column stands "
            "for its values only beside a formula."
        )
    pair = isinstance(groups, list | tuple) and 0 < len(groups) <= 2
    if pair and all(np.ndim(one) == 1 for one in groups):  # type: ignore[union-attr]
        columns = [np.asarray(one) for one in groups]  # type: ignore[union-attr]
    else:
        table = np.asarray(groups)
        if table.ndim not in (1, 2):
            raise ValueError(f"groups must have one or two axes, got shape {table.shape}.")
        columns = [table] if table.ndim == 1 else list(table.T)
    for column in columns:
        if len(column) != n:
            raise ValueError(
                f"groups must have an entry for each of the {n} rows of X, got {len(column)}."
            )
        _check_known(column)
    return columns


def _check_known(column: np.ndarray) -> None:
    """Refuse missing labels."""
    for row, value in enumerate(column.tolist()):
        if is_missing_value(value):
            raise ValueError(
                f"groups must have no missing values, got {value!r} in row {row}: give such rows "
                "clusters of their own, or leave them out of the fit."
            )


def _numbered(column: np.ndarray) -> Int[np.ndarray, " n"]:
    labels = column.astype(str) if column.dtype.kind == "O" else column
    return np.unique(labels, return_inverse=True)[1].reshape(-1)
