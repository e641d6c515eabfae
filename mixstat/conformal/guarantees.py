"""What holds of the coverage of sets in samples of any size, in words."""

import numpy as np

from mixstat.conformal.ranks import Calibration, Ranks


def least_of_cross(n_rows: int, n_folds: int, level: float) -> float:
    """Coverage that CV+ has at least (Barber et al. 2021, theorem 4; folds of equal size)."""
    miss = 1 - level
    few = 2 * (1 - 1 / n_folds) / (n_rows / n_folds + 1)
    many = (1 - n_folds / n_rows) / (n_folds + 1)
    return max(0.0, 1 - 2 * miss - min(few, many))


def told_of_split(found: Calibration, level: float, *, weighted: bool) -> str:
    """For rows of which some were set apart."""
    each = [found.count(int(one)) for one in np.unique(found.region)]
    where = "" if len(each) == 1 else " within each region"
    if weighted:
        return f"A new row of the weighted population is held with probability {level:g} or more."
    most = min(1.0, level + 1 / (min(each) + 1))
    return (
        f"A new row is held with a probability of {level:g} to {most:.4g}{where}, if rows are "
        "exchangeable."
    )


def told_of_cross(ranks: Ranks, level: float) -> str:
    """For rows that were all fitted and scored."""
    least = least_of_cross(ranks.n_rows, len(ranks.scores), level)
    return (
        f"A new row is held with a probability of at least {least:.4g}, if rows are exchangeable, "
        f"and of about {level:g} as a rule."
    )


def told_of_time(level: float, step: float) -> str:
    """For rows in the order of time."""
    if step == 0:
        return "Without a step coverage is as of rows that are exchangeable, if they are."
    return f"A share of {level:g} is held in the long run, whatever the rows do."
