"""One member of a grid: its fit, its folds, and what there is to tell of them."""

import time
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing

import mixstat.selection.folds as folds
from mixstat.arguments import Response, Setting, Table, count_rows
from mixstat.estimators.base import BaseMixture
from mixstat.results import DesignWarning
from mixstat.selection.criteria import Criteria, criteria, log_likelihood, why_none_of_fit
from mixstat.selection.criteria import entropy as entropy_of
from mixstat.selection.extended import MANY_LOST, extended
from mixstat.selection.grid import Settings, with_settings
from mixstat.validation import check_seed

IMPOSSIBLE = "IMPOSSIBLE"
FAILED = "FAILED"
REFUSALS = (ValueError, ArithmeticError, RuntimeError)  # of a fit


class RowsOfGrid(NamedTuple):
    """What every member is fitted to."""

    X: Table
    y: Response
    sample_weight: Float[np.ndarray, " n"] | None
    params: dict[str, Setting]
    """Further arguments of ``fit``."""
    splits: list[folds.Split]
    why_none: str
    """Why information criteria do not apply to any fit of these rows."""
    eic_draws: int = 0
    """Draws for the extended information criterion; 0 makes none."""

    @property
    def weight(self) -> Float[np.ndarray, " n"]:
        """A weight for each row."""
        if self.sample_weight is not None:
            return self.sample_weight
        return np.ones(count_rows(self.X))


@dataclass(frozen=True, eq=False)
class Member:
    """A fitted member, or why there is none."""

    settings: Settings
    estimator: BaseMixture | None = None
    criteria: Criteria | None = None
    """None where they do not apply."""
    eic: float = np.nan
    """Extended information criterion; NaN where it was not asked for or does not apply."""
    entropy: float = np.nan
    held_out: tuple[float, ...] = ()
    """Mean log density of the held-out rows of each fold."""
    seconds: float = 0.0
    kind: str = ""
    """IMPOSSIBLE or FAILED where there is no fit."""
    remark: str = ""
    """What to know of this row."""

    @property
    def is_regular(self) -> bool:
        """Whether there is a fit, and it is a maximum with nothing degenerate about it."""
        return self.estimator is not None and self.estimator.certificate_.is_regular

    @property
    def is_sound(self) -> bool:
        """Whether that was also found often enough."""
        return self.estimator is not None and self.estimator.certificate_.sound

    @property
    def status(self) -> str:
        """Why the fit stopped, or why there is none."""
        return self.kind if self.estimator is None else self.estimator.status_.name

    @property
    def mean_held_out(self) -> float:
        """Mean over folds of the mean log density of held-out rows."""
        return float(np.mean(self.held_out)) if self.held_out else np.nan

    @property
    def error_held_out(self) -> float:
        """Its standard error over the folds."""
        n = len(self.held_out)
        return float(np.std(self.held_out, ddof=1) / np.sqrt(n)) if n > 1 else np.nan


def fit_member(base: BaseMixture, settings: Settings, rows: RowsOfGrid) -> Member:
    """Fit a member to all rows and to those of each fold; warnings become statuses."""
    began = time.perf_counter()
    estimator = with_settings(base, settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DesignWarning)
        try:
            estimator.fit(rows.X, rows.y, sample_weight=rows.sample_weight, **rows.params)
            entropy = entropy_of(estimator, rows.X, rows.y, rows.weight, rows.params)
        except REFUSALS as error:
            spent = time.perf_counter() - began
            return Member(settings, seconds=spent, kind=FAILED, remark=str(error))
        held_out, told = _held_out(estimator, rows)
    why = rows.why_none or why_none_of_fit(estimator)
    n = float(estimator.sum_of_weights_)
    numbers = criteria(log_likelihood(estimator), estimator.n_parameters_, n, entropy)
    eic, noise = _extended(estimator, rows)
    no_criteria = f"No criteria: {why}." if why else ""
    remarks = [*estimator.certificate_.remarks(), no_criteria, noise, told]
    return Member(
        settings=settings,
        estimator=estimator,
        criteria=None if why else numbers,
        eic=eic,
        entropy=entropy,
        held_out=held_out,
        seconds=time.perf_counter() - began,
        remark=" ".join(one for one in remarks if one),
    )


def _extended(estimator: BaseMixture, rows: RowsOfGrid) -> tuple[float, str]:
    """The extended information criterion, and what to know of its draws."""
    if not rows.eic_draws or rows.why_none:
        return np.nan, ""
    seed = check_seed("random_state", estimator.random_state).randint(2**31)
    weight, random = rows.weight[rows.weight > 0], np.random.default_rng(seed)
    found = extended(estimator.fit_, weight, rows.eic_draws, random)
    lost = rows.eic_draws - found.n_counted
    told = f"EIC: {lost} of {rows.eic_draws} draws lost an expert or ended at no maximum."
    value = -2 * log_likelihood(estimator) + 2 * found.bias
    return value, told if lost > MANY_LOST * rows.eic_draws else ""


def _held_out(estimator: BaseMixture, rows: RowsOfGrid) -> tuple[tuple[float, ...], str]:
    """Mean log density of each fold's held-out rows, and what was odd about the folds' fits."""
    values: list[float] = []
    odd = 0
    for train, test in rows.splits:
        try:
            value, regular = _one_fold(estimator, rows, train, test)
        except REFUSALS as error:
            return (), f"A fold could not be fitted: {error}"
        values.append(value)
        odd += not regular
    return tuple(values), f"{odd} of {len(values)} folds' fits are not regular." if odd else ""


def _one_fold(
    estimator: BaseMixture, rows: RowsOfGrid, train: np.ndarray, test: np.ndarray
) -> tuple[float, bool]:
    """Weighted mean log density of the held-out rows, and whether the fit is regular."""
    fold = with_settings(folds.knowing_all_classes(estimator, rows.y), {})
    X, y = (_safe_indexing(table, train) for table in (rows.X, rows.y))
    params = folds.rows_of(rows.params, rows.X, train)
    fold.fit(X, y, sample_weight=rows.weight[train], **params)
    X, y = (_safe_indexing(table, test) for table in (rows.X, rows.y))
    params = folds.rows_of(rows.params, rows.X, test)
    value = folds.mean_log_density(fold, X, y, rows.weight[test], params)
    return value, fold.certificate_.is_regular
