"""How often observations lie within intervals that were stated before them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from mixstat.arguments import DataFrame
from mixstat.inference.covariances.ordered import default_lags, kernel_weights
from mixstat.predictive import Predictive

NORMAL = float(stats.norm.ppf(0.975))


def interval_coverage(
    law: Predictive,
    y: Float[np.ndarray, "m n"],
    levels: Float[np.ndarray, " L"],
    region: Int[np.ndarray, " n"] | None,
    max_lag: int | None,
    names: Sequence[str] = (),
) -> DataFrame:
    """A row for each output, level and region; arguments are as those of the public method."""
    import pandas as pd

    ends = [(law.quantile(0.5 * (1 - level)), law.quantile(0.5 * (1 + level))) for level in levels]
    groups: list[tuple[object, Bool[np.ndarray, " n"]]] = [("all", np.ones(y.shape[1], bool))]
    if region is not None:
        groups += [(names[k] if names else int(k), region == k) for k in np.unique(region)]
    rows = []
    for output, observed in enumerate(y):
        for level, (low, high) in zip(levels, ends, strict=True):
            below, above = observed < low[output], observed > high[output]
            length = high[output] - low[output]
            for name, region_rows in groups:
                chosen = region_rows & ~np.isnan(observed)
                places = {"output": output, "expert": name, "level": float(level)}
                told = _of_rows(below[chosen], above[chosen], max_lag)
                rows.append(places | told | {"mean_length": float(length[chosen].mean())})
    return pd.DataFrame(rows)


def _of_rows(
    below: Bool[np.ndarray, " r"], above: Bool[np.ndarray, " r"], max_lag: int | None
) -> dict[str, float]:
    """Share of rows inside, with an error for rows that depend on those before them."""
    outside = (below | above).astype(float)
    n, missed = len(outside), float(outside.mean())
    lags = min(default_lags(n) if max_lag is None else max_lag, n - 1)
    error = _error_of_mean(outside - missed, lags)
    return {
        "coverage": 1 - missed,
        "std_error": error,
        "conf_low": max(1 - missed - NORMAL * error, 0.0),
        "conf_high": min(1 - missed + NORMAL * error, 1.0),
        "below": float(below.mean()),
        "above": float(above.mean()),
        "rows": n,
    }


def _error_of_mean(gap: Float[np.ndarray, " r"], lags: int) -> float:
    """Newey and West's standard error of the mean of a series, given less its mean."""
    n = len(gap)
    variance = gap @ gap
    for lag, weight in enumerate(kernel_weights("bartlett", lags), start=1):
        variance += 2 * weight * (gap[lag:] @ gap[:-lag])
    return float(np.sqrt(max(variance, 0.0)) / n)
