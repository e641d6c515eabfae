"""Which maxima count: those without an expert on few rows that chance explains.

The likelihood of a mixture with free scales has no maximum, and many local ones that mean
nothing: an expert that happens to pass close to a handful of rows (McLachlan and Peel, Finite
Mixture Models, 2000, section 3.10, call them spurious). Others bound the ratio of the scales
(Hathaway, Ann. Statist. 13, 1985) or shrink it (Chen, Tan and Zhang, Statist. Sinica 18, 2008).
Here an end is judged by the rows themselves, since small groups may be real: what those of an
expert gain by it must be more than a search over all experts of its kind gains by chance.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from mixstat.model import Mixture, expanded_index
from mixstat.numerics import parameter_vector
from mixstat.objective.objective import Objective
from mixstat.solvers.effective import effective_parameters

# Chosen on other data than those on which `python -m tests.benchmarks search` counts wrong calls.
FEW = 5.0  # rows for each of an expert's parameters, up to which it may be chance
FEW_IF_NARROW = 10.0  # the same where its scale is small beside the largest
NARROW = 0.25  # ratio of scales that is small
WIDE = 0.3  # deviations of the response; scales above are no finer than any grid that matters
PEAK = 0.4  # density of a standard normal at its peak
LEAST_VALUES = 8  # different ones, below which they are classes rather than a grid
MOST_VALUES = 10_000  # steps within the range, above which nearly equal numbers are no grid
LOOKED_AT = 8192  # values that tell a grid; sorting all of a large table would cost passes
SAME = 1e-4  # experts closer than this in every standardised parameter coincide
NEAR = 1e-9  # distance at which a scale sits on its floor


def coinciding(model: Mixture) -> tuple[tuple[int, int], ...]:
    """Pairs of experts with the same conditional density."""
    k = model.n_experts
    if not model.experts.exchangeable:
        return ()
    each = expanded_index(model)[1]
    table = parameter_vector.to_vector(model)[each]
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    return tuple((i, j) for i, j in pairs if np.max(np.abs(table[i] - table[j])) < SAME)


def thin(
    objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"]
) -> Bool[np.ndarray, " K"]:
    """Experts with fewer effective rows than parameters of their own plus one, or than asked.

    Of parameters that a ridge holds back the effective number counts.
    """
    if model.n_experts == 1:
        return np.array([_interpolates(objective, model, mass)])
    rows, own = _rows(objective, mass), own_parameters(objective, model)
    few = rows < own.sum(axis=1) + 1
    if few.any():
        few = rows < _effective(objective, model) + 1
    few |= np.asarray(mass) < objective.min_share
    return few & ~_doubles(model)


def by_chance(
    objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"]
) -> Bool[np.ndarray, " K"]:
    """Experts on few rows whose likelihood gains no more by them than chance explains.

    Of the parameters of an expert, those of its predictor pass through as many rows at no cost.
    What the others gain by it must exceed the number of parameters that it brings, its share
    of the gate's among them, times the log of the number of rows: twice what BIC asks of them.
    """
    k = model.n_experts
    found = np.zeros(k, bool)
    if k == 1:
        return found
    rows, own = _rows(objective, mass), own_parameters(objective, model)
    few = np.where(_width_ratio(objective, model) < NARROW, FEW_IF_NARROW, FEW)
    doubted = (rows <= few * own.sum(axis=1)) & ~_doubles(model)
    if not doubted.any():
        return found
    count = _effective(objective, model)
    doubtful = np.flatnonzero(doubted & (rows <= few * count))
    brought = count + parameter_vector.size(model.gate) / (k - 1)
    # coefficients of the predictor
    free = count - (own & _floored(objective, model)).sum(axis=1)
    gains = _gains(objective, model, doubtful)
    gains -= (rows * _finer(objective, model))[doubtful]
    gains *= np.maximum(rows - free, 0.0)[doubtful] / np.maximum(rows[doubtful], 1e-9)
    found[doubtful] = gains < brought[doubtful] * np.log(float(objective.batch.total_weight))
    return found


def beyond_resolution(objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"]) -> float:
    """What the mean log-likelihood gains by scales that are finer than the response is written.

    A response on a grid (tenths, whole numbers) has ties that mean nothing. An expert on such a
    tie may shrink its scale without limit, yet its rows have a probability of one at most: a
    density of one over the step of the grid.
    """
    return float(np.sum(np.asarray(mass) * _finer(objective, model)))


def _finer(objective: Objective, model: Mixture) -> Float[np.ndarray, " K"]:
    """Log of the density at the peak of each expert over that of one step of the grid."""
    finer = np.zeros(model.n_experts)
    y = objective.batch.rows.y
    if model.experts.response != "real" or y.shape[1] != 1:
        return finer
    scales, each = _floored(objective, model), expanded_index(model)[1]
    logs = np.where(scales, parameter_vector.to_vector(model)[each], np.inf).min(axis=1)
    narrow = logs < np.log(WIDE)
    if narrow.any():
        values = np.ravel(np.asarray(y)[: int(objective.batch.n_chunks)])
        step = grid_step(values[:LOOKED_AT])
        with np.errstate(divide="ignore"):
            finer[narrow] = np.maximum(np.log(PEAK * step) - logs[narrow], 0.0)
    return finer


def grid_step(y: Float[np.ndarray, "..."]) -> float:
    """The step of the grid on which numbers lie; 0 if they are few or lie on none."""
    values = np.unique(np.round(np.ravel(y), 10))
    if len(values) < LEAST_VALUES:
        return 0.0
    gaps = np.diff(values)
    step = float(gaps.min())
    whole = gaps / step
    coarse = step * MOST_VALUES > values[-1] - values[0]
    return step if coarse and np.all(np.abs(whole - np.round(whole)) < 1e-3) else 0.0


def narrow(objective: Objective, model: Mixture) -> Bool[np.ndarray, " K"]:
    """Experts whose scale, beside the largest, is smaller than the user lets it be."""
    return _width_ratio(objective, model) * objective.max_scale_ratio < 1.0 - NEAR


def inadmissible(
    objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"]
) -> Bool[np.ndarray, " K"]:
    """Experts for whose sake a maximum does not count."""
    model = parameter_vector.as_numpy(model)
    found = thin(objective, model, mass) | by_chance(objective, model, mass)
    return found | narrow(objective, model)


def _interpolates(objective: Objective, model: Mixture, mass: Float[np.ndarray, " K"]) -> bool:
    """Whether the only expert passes through its rows, having a coefficient for each of them."""
    vector = parameter_vector.to_vector(model)
    if not np.any(objective.floor & (vector <= objective.lower + NEAR)):
        return False
    return bool(_rows(objective, mass)[0] < own_parameters(objective, model).sum() + 1)


def _doubles(model: Mixture) -> Bool[np.ndarray, " K"]:
    """Experts that coincide with another one, whose rows are theirs too."""
    double = np.zeros(model.n_experts, bool)
    double[[k for pair in coinciding(model) for k in pair]] = True
    return double


def _rows(objective: Objective, mass: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    """Effective rows of each expert; of units all rows count."""
    batch = objective.batch
    rows = np.asarray(mass) * float(batch.total_weight)
    return rows if batch.rows.sharing is None else rows * np.asarray(batch.rows.weight).sum()


def own_parameters(objective: Objective, model: Mixture) -> Bool[np.ndarray, "K E"]:
    """Parameters of each expert that vary, as positions in its predictors.

    One that a penalty holds at zero is none.
    """
    each = expanded_index(model)[1]
    zeroed = objective.penalty.zeroed(parameter_vector.to_vector(model))
    return (each >= 0) & (objective.varying & ~zeroed)[each]


def _effective(objective: Objective, model: Mixture) -> Float[np.ndarray, " K"]:
    """Effective number of each expert's own parameters; its scales count in full."""
    objective, model = objective.compact(model)
    own, scales = own_parameters(objective, model), _floored(objective, model)
    return effective_parameters(objective, model, own & ~scales) + (own & scales).sum(axis=1)


def _floored(objective: Objective, model: Mixture) -> Bool[np.ndarray, "K E"]:
    """Parameters of each expert that a floor keeps from vanishing: logs of scales."""
    each = expanded_index(model)[1]
    kept = np.asarray(objective.floor) | np.asarray(objective.ceiling)
    return (each >= 0) & kept[each]


def _width_ratio(objective: Objective, model: Mixture) -> Float[np.ndarray, " K"]:
    """Scale of each expert over the largest of all, the mean over outputs; 1 without scales."""
    vector, each = parameter_vector.to_vector(model), expanded_index(model)[1]
    above = np.where(objective.floor, vector - objective.lower, 0.0)
    # a shape that grows is a scale that falls by half as much
    above = np.where(objective.ceiling, 0.5 * (objective.upper - vector), above)
    scales = _floored(objective, model)
    count = scales.sum(axis=1)
    width = np.where(scales, above[each], 0.0).sum(axis=1) / np.maximum(count, 1)
    top = width[count > 0].max(initial=-np.inf)
    return np.where(count > 0, np.exp(np.minimum(width - top, 0.0)), 1.0)


def _gains(
    objective: Objective, model: Mixture, experts: Int[np.ndarray, " d"]
) -> Float[np.ndarray, " d"]:
    """What the log-likelihood of all rows would lose without each of some experts."""
    return float(objective.batch.total_weight) * objective.gains(model)[experts]
