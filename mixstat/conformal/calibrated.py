"""Fits, and scores of rows that they have not seen."""

import warnings

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning

import mixstat.conformal.asked as asked
import mixstat.conformal.splits as splits
from mixstat.conformal.asked import Rows
from mixstat.conformal.ranks import Calibration, Ranks
from mixstat.estimators.base import BaseMixture
from mixstat.results import DesignWarning, warn
from mixstat.selection.folds import Splitter

Fits = tuple[BaseMixture, ...]


def of_split(
    base: BaseMixture,
    rows: Rows,
    regions: str,
    share: float,
    random: np.random.RandomState | None,
) -> tuple[Fits, Calibration]:
    """A fit to some rows, and scores of the others."""
    train, held = splits.in_two(rows, share, random)
    fit = asked.fit_to(splits.knowing(base, rows), rows.take(train))
    return (fit,), scored(fit, rows.take(held), regions)


def of_folds(base: BaseMixture, rows: Rows, cv: Splitter) -> tuple[Fits, Ranks]:
    """A fit without each fold, and scores of the fold."""
    fits: list[BaseMixture] = []
    scores: list[np.ndarray] = []
    for train, held in splits.folds_of(cv, base, rows):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", DesignWarning)
            fit = asked.fit_to(splits.knowing(base, rows), rows.take(train))
        fits.append(fit)
        scores.append(np.sort(scored(fit, rows.take(held), "all").score))
    odd = sum(not fit.certificate_.is_regular for fit in fits)
    if odd:
        warn(f"{odd} of the {len(fits)} folds' fits are no regular maxima.", ConvergenceWarning)
    experts = [one.fit_.n_experts for one in fits]
    return tuple(fits), Ranks(tuple(scores), np.repeat(np.arange(len(fits)), experts))


def scored(fit: BaseMixture, rows: Rows, regions: str) -> Calibration:
    """Scores of rows under a fit that has not seen them."""
    region = asked.regions_of(fit, rows.X, regions)
    return Calibration(-fit.score_samples(rows.X, rows.y), rows.weight, region)


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
