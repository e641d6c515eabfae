"""From thresholds, or ranks, to sets."""

import numpy as np
from jaxtyping import Float, Int

from mixstat.arguments import Table, count_rows
from mixstat.conformal.asked import laws_of, log_proba
from mixstat.conformal.laws import Laws
from mixstat.conformal.level_sets import Intervals, level_sets
from mixstat.conformal.ranks import Ranks, above
from mixstat.conformal.sets import IntervalSets, LabelSets
from mixstat.estimators.base import BaseMixture
from mixstat.estimators.classification import ClassificationMixture
from mixstat.numerics.quiet import quiet

CHUNK = 2048  # rows at a time
Told = tuple[float, str]  # level and guarantee
INTERVAL = [("row", np.int64), ("lower", np.float64), ("upper", np.float64)]


@quiet
def made(
    fits: tuple[BaseMixture, ...],
    X: Table,
    told: Told,
    *,
    least: Float[np.ndarray, " n"] | None = None,
    region: Int[np.ndarray, " n"] | None = None,
    ranks: Ranks | None = None,
) -> IntervalSets | LabelSets:
    """Sets of the right kind: of densities of at least so much, or of ranks below the level."""
    n = count_rows(X)
    least = np.full(n, np.nan) if least is None else least
    region = np.zeros(n, int) if region is None else region
    make = _of_classes if isinstance(fits[0], ClassificationMixture) else _of_intervals
    return make(fits, X, told, least, region, ranks)


def _of_intervals(
    fits: tuple[BaseMixture, ...],
    X: Table,
    told: Told,
    least: Float[np.ndarray, " n"],
    region: Int[np.ndarray, " n"],
    ranks: Ranks | None,
) -> IntervalSets:
    laws = laws_of(fits, X)
    pieces = []
    for begin in range(0, laws.n_rows, CHUNK):
        rows = slice(begin, begin + CHUNK)
        found = _chunk(laws.rows(rows), least[rows], told[0], ranks)
        pieces.append(found._replace(row=found.row + begin))
    together = [np.concatenate(part) for part in zip(*pieces, strict=True)]
    table = np.empty(len(together[0]), INTERVAL)
    for name, values in zip(("row", "lower", "upper"), together, strict=True):
        table[name] = values
    return IntervalSets(
        level=told[0],
        guarantee=told[1],
        least_log_density=least,
        region=region,
        intervals=table,
        discrete=laws.discrete,
        response=fits[0].fit_.response_name(),
    )


def _chunk(
    laws: Laws, least: Float[np.ndarray, " n"], level: float, ranks: Ranks | None
) -> Intervals:
    if ranks is not None:
        return level_sets(laws, lambda terms, row: ranks.inside(terms, level))
    return level_sets(laws, lambda terms, row: above(terms, least[row]))


def _of_classes(
    fits: tuple[BaseMixture, ...],
    X: Table,
    told: Told,
    least: Float[np.ndarray, " n"],
    region: Int[np.ndarray, " n"],
    ranks: Ranks | None,
) -> LabelSets:
    logs = np.stack([log_proba(one, X) for one in fits])  # (F, n, C)
    if ranks is None:
        members = logs[0] >= least[:, None]
    else:
        worse = ranks.worse_than(logs.reshape(len(fits), -1)).reshape(logs.shape[1:])
        members = ranks.few(worse, told[0])
    return LabelSets(
        level=told[0],
        guarantee=told[1],
        least_log_density=least,
        region=region,
        members=members,
        classes=fits[0].classes_,  # type: ignore[attr-defined]
    )
