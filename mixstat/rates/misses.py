"""How often the starts of a study miss the maximum: the same data, from many more starts."""

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import beta

from mixstat.arguments import DataFrame

TOLERANCE = 1e-3  # in the log-likelihood of all rows


@dataclass(frozen=True)
class MissRate:
    """Share of data sets on which many more starts found a higher maximum.

    Examples
    --------
    >>> from mixstat.rates import RateStudy, find_truth
    >>> study = RateStudy(find_truth("softmax-gaussian-mild"), 2, [200], 3, losses=["kl"])
    >>> missed = study.miss_rate(n_starts=4, n_replicates=3, progress=False)
    >>> missed.n_missed, missed.n_data_sets
    (0, 3)
    """

    n_data_sets: int
    n_missed: int
    largest_gain: float
    """In the log-likelihood of all rows."""
    n_starts: int
    """Of the study."""
    n_more: int
    """With which they were compared; those of the study are among them."""
    tolerance: float
    """Gains above it count."""
    table: DataFrame = field(repr=False, compare=False)
    """A row for each data set, with "gain", "missed", and losses of the higher maximum."""

    @property
    def share(self) -> float:
        """Share of data sets that missed."""
        return self.n_missed / self.n_data_sets

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's 95 % interval of the share among all data sets."""
        missed, all_sets = self.n_missed, self.n_data_sets
        low = 0.0 if missed == 0 else float(beta.ppf(0.025, missed, all_sets - missed + 1))
        high = 1.0 if missed == all_sets else float(beta.ppf(0.975, missed + 1, all_sets - missed))
        return low, high

    def __str__(self) -> str:
        low, high = (100 * end for end in self.interval)
        return (
            f"{self.n_missed} of {self.n_data_sets} data sets miss by more than "
            f"{self.tolerance:g} in log-likelihood ({100 * self.share:.3g} %, 95 % interval "
            f"{low:.3g} to {high:.3g}), by {self.largest_gain:.3g} at most: {self.n_starts} starts "
            f"against {self.n_more}"
        )


def compare(
    few: DataFrame, many: DataFrame, n_starts: int, n_more: int, tolerance: float
) -> MissRate:
    """The miss rate from rows of the same data sets, fitted from few starts and from many."""
    heights = few[["n", "replicate", "log_likelihood"]]
    both = many.merge(heights, on=["n", "replicate"], suffixes=("", "_few"))
    both["gain"] = both["n"] * (both["log_likelihood"] - both["log_likelihood_few"])
    both["missed"] = both["gain"] > tolerance
    return MissRate(
        n_data_sets=len(both),
        n_missed=int(both["missed"].sum()),
        largest_gain=float(np.max(both["gain"].to_numpy(), initial=0.0)),
        n_starts=n_starts,
        n_more=n_more,
        tolerance=tolerance,
        table=both,
    )
