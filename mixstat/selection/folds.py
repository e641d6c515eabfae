"""Held-out log-likelihood along a path, fold by fold."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from sklearn.base import is_classifier
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _check_method_params

import mixstat.selection.ascent as ascent
from mixstat.arguments import Response, Setting, Table, count_rows
from mixstat.data.units import firsts, numbered
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.grouping import read_units
from mixstat.estimators.offsets import source_of
from mixstat.validation import check_weights

Split = tuple[np.ndarray, np.ndarray]  # training and held-out rows
Splitter: TypeAlias = object  # number of folds, an object with split, or splits


def check_params(params: Setting) -> dict[str, Setting]:
    """Further arguments of ``fit`` by name."""
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise ValueError(
            f"params must be a dict of arguments of fit, as in {{'possibilities': table}}; got "
            f"{params!r}."
        )
    return {str(name): value for name, value in params.items()}


def make(
    cv: Splitter, estimator: BaseMixture, X: Table, y: Response, groups: Table = None
) -> list[Split]:
    """Training and held-out rows of each fold; rows of a unit of ``groups`` stay together."""
    classes, n = is_classifier(estimator), count_rows(y)
    if groups is not None:
        return _of_units(cv, estimator, X, y, groups)
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        if not 2 <= cv <= n:
            raise ValueError(f"cv must lie between 2 and the {n} rows of X, got {cv}.")
        kind = StratifiedKFold if classes else KFold
        if classes:
            labels, counts = np.unique(np.asarray(y), return_counts=True)
            if counts.min() < cv:
                raise ValueError(
                    f"cv={cv} needs as many rows of each class; class "
                    f"{labels[counts.argmin()]} has {counts.min()}."
                )
        seed = int(check_random_state(estimator.random_state).randint(2**31))
        cv = kind(int(cv), shuffle=True, random_state=seed)
    elif isinstance(cv, str) or not (hasattr(cv, "split") or np.iterable(cv)):
        raise ValueError(f"cv must be an integer or have a method split, got {cv!r}.")
    return _arrays(check_cv(cv, y, classifier=classes).split(X, y))


def _of_units(
    cv: Splitter, estimator: BaseMixture, X: Table, y: Response, groups: Table
) -> list[Split]:
    """Folds of whole units."""
    units = read_units(X, groups, source_of(groups))
    assert units is not None
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        count = len(np.unique(units))
        if not 2 <= cv <= count:
            raise ValueError(f"cv must lie between 2 and the {count} units of groups, got {cv}.")
        seed = int(check_random_state(estimator.random_state).randint(2**31))
        number = np.random.default_rng(seed).permutation(count)[numbered(units)]
        chosen = [number % int(cv) == fold for fold in range(int(cv))]
        return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in chosen]
    if isinstance(cv, str) or not (hasattr(cv, "split") or np.iterable(cv)):
        raise ValueError(f"cv must be an integer or have a method split, got {cv!r}.")
    return _arrays(check_cv(cv, y).split(X, y, units))


def _arrays(splits: Iterable[Any]) -> list[Split]:
    """Splits that people may have written as lists or ranges."""
    return [(np.asarray(train), np.asarray(test)) for train, test in splits]


def of_rows(params: Mapping[str, Setting]) -> dict[str, Setting]:
    """Those arguments of ``fit`` that questions about rows take too."""
    return {name: params[name] for name in ("offset", "groups") if name in params}


def mean_log_density(
    moe: BaseMixture,
    X: Table,
    y: Response,
    weight: Float[np.ndarray, " n"],
    params: Mapping[str, Setting],
) -> float:
    """Weighted mean of log p(y | x) over rows, or over units; ``params`` are those of the rows."""
    logs = moe.score_samples(X, y, **of_rows(params))
    units = read_units(X, params.get("groups"), moe.fit_.request.schema.groups)
    if units is not None:
        weight = weight[firsts(numbered(units))]
    return float(np.average(logs, weights=weight))


def score(
    task: ascent.Task, strengths: Float[np.ndarray, " s"], train: np.ndarray, test: np.ndarray
) -> Float[np.ndarray, " s"]:
    """Weighted mean of log p(y | x) over held-out rows, at each strength."""
    weight = check_weights(task.sample_weight, count_rows(task.y))

    def rows(table: Table, chosen: np.ndarray) -> Table:
        return _safe_indexing(table, chosen)

    inner = task._replace(
        estimator=knowing_all_classes(task.estimator, task.y),
        X=rows(task.X, train),
        y=rows(task.y, train),
        sample_weight=weight[train],
        params=rows_of(task.params, task.X, train),
    )
    fits = ascent.walk(inner, strengths)
    X, y = rows(task.X, test), rows(task.y, test)
    params = rows_of(task.params, task.X, test)
    return np.array([mean_log_density(moe, X, y, weight[test], params) for moe in fits])


def rows_of(params: dict[str, Setting], X: Table, chosen: np.ndarray) -> dict[str, Setting]:
    """Arguments of ``fit`` for some rows of X: those with an entry for each row are cut."""
    return _check_method_params(X, params, indices=chosen)


def knowing_all_classes(estimator: BaseMixture, y: Response) -> BaseMixture:
    """A classifier that refuses rows which lack one of the classes."""
    settings = estimator.get_params(deep=False)
    if not is_classifier(estimator) or settings["classes"] is not None:
        return estimator
    return type(estimator)(**settings | {"classes": np.unique(np.asarray(y))})
