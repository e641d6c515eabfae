"""Fits, and scores of rows that they have not seen."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning

import mixstat.conformal.asked as asked
import mixstat.conformal.splits as splits
from mixstat.arguments import Response, Table, count_rows
from mixstat.conformal.asked import Rows
from mixstat.conformal.content import contents, least_log_density
from mixstat.conformal.ranks import Calibration, Ranks
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.missing import taken, where_missing
from mixstat.kinds import check_length
from mixstat.results import DesignWarning, warn
from mixstat.selection.folds import Splitter

Fits = tuple[BaseMixture, ...]


class Kind(NamedTuple):
    """Which sets are made."""

    regions: str = "all"
    threshold: str = "density"


def of_split(
    base: BaseMixture,
    rows: Rows,
    kind: Kind,
    share: float,
    random: np.random.RandomState | None,
) -> tuple[Fits, Calibration]:
    """A fit to some rows, and scores of the others."""
    train, held = splits.in_two(rows, share, random)
    fit = asked.fit_to(splits.knowing(base, rows), rows.take(train))
    return (fit,), scored(fit, rows.take(held), kind)


def of_folds(base: BaseMixture, rows: Rows, cv: Splitter) -> tuple[Fits, Ranks]:
    """A fit without each fold, and scores of the fold."""
    fits: list[BaseMixture] = []
    each: list[np.ndarray] = []
    for train, held in splits.folds_of(cv, base, rows):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", DesignWarning)
            fit = asked.fit_to(splits.knowing(base, rows), rows.take(train))
        fits.append(fit)
        each.append(np.sort(scored(fit, rows.take(held), Kind()).score))
    odd = sum(not fit.certificate_.is_regular for fit in fits)
    if odd:
        warn(f"{odd} of the {len(fits)} folds' fits are no regular maxima.", ConvergenceWarning)
    experts = [one.fit_.n_experts for one in fits]
    return tuple(fits), Ranks(tuple(each), np.repeat(np.arange(len(fits)), experts))


def scored(fit: BaseMixture, rows: Rows, kind: Kind) -> Calibration:
    """Scores of rows under a fit that has not seen them."""
    region = asked.regions_of(fit, rows.X, kind.regions)
    return Calibration(scores(fit, rows.X, rows.y, kind), rows.weight, region)


def scores(fit: BaseMixture, X: Table, y: Response, kind: Kind) -> Float[np.ndarray, " n"]:
    """How improbable responses are."""
    logs = fit.score_samples(X, y)
    return contents(fit, X, logs) if kind.threshold == "content" else -logs


def scores_where_known(
    fit: BaseMixture, X: Table, y: Response, kind: Kind
) -> Float[np.ndarray, " n"]:
    """Scores of the rows whose response is not missing, and nan of the others."""
    missing = where_missing(y)
    if missing is None or not missing.any():
        return scores(fit, X, y, kind)
    check_length("y", y, count_rows(X))
    found = np.full(len(missing), np.nan)
    if not missing.all():
        found[~missing] = scores(fit, taken(X, ~missing), taken(y, ~missing), kind)
    return found


def least(
    fit: BaseMixture, X: Table, most: Float[np.ndarray, " n"], kind: Kind
) -> Float[np.ndarray, " n"]:
    """The log density from which on scores are at most so large."""
    return least_log_density(fit, X, most) if kind.threshold == "content" else -most


def warn_of_few(
    found: Calibration,
    region: Int[np.ndarray, " n"],
    most: Float[np.ndarray, " n"],
    level: float,
) -> None:
    """Say where sets hold everything, being made from too few rows."""
    endless = np.unique(region[np.isinf(most)])
    if len(endless) == 0:
        return
    needed = int(np.ceil(level / (1 - level) - 1e-9))
    told = [f"{found.count(int(one))} in region {one}" for one in endless]
    warn(
        f"Sets hold every response: calibration rows are too few or weigh too little for "
        f"level={level:g}, which needs {needed} of equal weight; there are {', '.join(told)}.",
        UserWarning,
    )
