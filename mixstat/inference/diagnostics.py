"""Diagnostics of rows: residuals, certainty of experts, reliability of the gate."""

import numpy as np
from jaxtyping import Float
from scipy import stats

from mixstat.arguments import DataFrame, Seed
from mixstat.data import batch as batches
from mixstat.inference.estimate import Estimate
from mixstat.inference.quantile_errors import laws
from mixstat.inference.row_functions import Features
from mixstat.numerics.precision import in_float64
from mixstat.objective.likelihood import gate_rows
from mixstat.predictive import Predictive
from mixstat.validation import check_integer, check_seed, check_share

SURE = 1 - 2.0**-53  # the largest probability below one


def own_features(estimate: Estimate) -> Features:
    """Of the rows of the fit that count."""
    rows, n = estimate.batch.rows, estimate.n_table_rows
    Phi, Z = (batches.take_rows(np.asarray(rows.feature(name)), n) for name in ("Phi", "Z"))
    offset = None if rows.offset is None else batches.take_rows(np.asarray(rows.offset), n)
    return Features(Phi, Z, offset)


def own_law(estimate: Estimate) -> Predictive:
    """Distribution of the response at the rows of the fit, by the gate alone."""
    return laws(estimate, estimate.vector[None], own_features(estimate))[0]


@in_float64
def own_shares(estimate: Estimate) -> Float[np.ndarray, "n K"]:
    """Gate probabilities at the rows (or units) of the fit."""
    table = gate_rows(estimate.model.gate, estimate.batch.rows)
    return np.exp(estimate.of_units(batches.take_rows(table, estimate.n_table_rows)))


def probability_transform(estimate: Estimate, random_state: Seed) -> Float[np.ndarray, "n m"]:
    """P(Y <= y given x) of each response; of separate values drawn between it and P(Y < y)."""
    y = estimate.response
    if y is None:
        raise ValueError("X and y must be given to inference before residuals are asked for.")
    random = check_seed("random_state", random_state)
    law, experts = own_law(estimate), estimate.model.experts
    at = law.cdf(y.T).T
    if not experts.ranges:
        return at
    below = law.cdf(experts.one_less(y).T).T
    return below + random.uniform(size=at.shape) * (at - below)


def quantile_residuals(estimate: Estimate, random_state: Seed) -> Float[np.ndarray, "n m"]:
    """Normal quantiles of the transforms."""
    share = probability_transform(estimate, random_state)
    return stats.norm.ppf(np.clip(share, np.finfo(float).tiny, SURE))


def entropies(estimate: Estimate) -> Float[np.ndarray, " n"]:
    """Entropy of the responsibilities of each row."""
    share = estimate.responsibilities
    return -np.sum(share * np.log(np.where(share > 0, share, 1.0)), axis=1)


def expert_diagnostics(estimate: Estimate) -> DataFrame:
    """How much each expert rests on, and how sure it is of its rows."""
    import pandas as pd

    share, weight = estimate.responsibilities, estimate.weight
    mass, chosen = weight @ share, np.argmax(share, axis=1)
    own = chosen[:, None] == np.arange(share.shape[1])
    assigned = weight @ own
    with np.errstate(divide="ignore", invalid="ignore"):
        sure = (weight @ (share * own)) / assigned
        prior = mass / mass.sum()
        odds = (sure / (1 - sure)) / (prior / (1 - prior))
        table = {
            "share": prior,
            "rows": mass,
            "effective_rows": mass**2 / (weight @ share**2),
            "assigned": assigned,
            "certainty": sure,
            "odds_of_correct": odds,
            "entropy": (weight * entropies(estimate)) @ share / mass,
        }
    return pd.DataFrame(table, index=pd.Index(estimate.expert_keys, name="expert"))


def rootogram(estimate: Estimate, n_bins: object, omit: object) -> DataFrame:
    """Weights of rows by their responsibility of each expert, but for those near zero."""
    import pandas as pd

    count, least = check_integer("n_bins", n_bins, 1), check_share("omit", omit)
    edges = np.linspace(0, 1, count + 1)
    tables = []
    for expert, share in zip(estimate.expert_keys, estimate.responsibilities.T, strict=True):
        kept = share >= least
        height, _ = np.histogram(share[kept], edges, weights=estimate.weight[kept])
        columns = {"expert": expert, "low": edges[:-1], "high": edges[1:], "count": height}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def gate_reliability(estimate: Estimate, n_bins: object) -> DataFrame:
    """Mean share and mean responsibility of each expert in bins of rows of like shares."""
    import pandas as pd

    count = check_integer("n_bins", n_bins, 1)
    prior, posterior, weight = own_shares(estimate), estimate.responsibilities, estimate.weight
    rows = []
    for k, expert in enumerate(estimate.expert_keys):
        share, found = prior[:, k], posterior[:, k]
        order = np.argsort(share, kind="stable")
        place = np.cumsum(weight[order]) - 0.5 * weight[order]
        bins = np.floor(count * place / weight.sum()).astype(int)
        for number in np.unique(bins):
            chosen = order[bins == number]
            told = _reliability(share[chosen], found[chosen], weight[chosen])
            rows.append({"expert": expert} | told)
    return pd.DataFrame(rows)


def _reliability(
    share: Float[np.ndarray, " r"], found: Float[np.ndarray, " r"], weight: Float[np.ndarray, " r"]
) -> dict[str, float]:
    total = float(weight.sum())
    mean = float(weight @ found / total)
    gap = found - share
    variance = float(weight @ (gap - weight @ gap / total) ** 2 / total)
    return {
        "share": float(weight @ share / total),
        "responsibility": mean,
        "std_error": float(np.sqrt(variance / total)),
        "rows": total,
    }
