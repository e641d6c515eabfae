"""Covariances from fits to resampled rows, all in one batch that begins at the estimate."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from mixstat.arguments import Seed
from mixstat.inference.covariances.base import Covariance, Groups, ParameterCovariance
from mixstat.inference.covariances.ordered import default_lags
from mixstat.inference.covariances.resampling import of_bayes, of_blocks, of_clusters, of_rows
from mixstat.inference.estimate import Estimate, Refits
from mixstat.validation import check_choice, check_integer, check_seed

KINDS = ("rows", "cluster", "block", "bayesian", "parametric")
INTERVALS = ("bc", "percentile", "basic", "normal")
LEAST = 2  # draws that count, for a covariance
MANY_LOST = 0.05  # share of draws that do not count, above which what is left may mislead

WORDS = {
    "rows": "bootstrap of rows",
    "cluster": "bootstrap of clusters",
    "block": "bootstrap of blocks of neighbours",
    "bayesian": "Bayesian bootstrap",
    "parametric": "parametric bootstrap",
}


@dataclass(frozen=True)
class Bootstrap(Covariance):
    """Covariance and quantiles of fits to resampled rows.

    All fits run as one batch that begins at the estimate. Experts are numbered as in the fit, by
    the assignment of least total distance. Draws in which an expert is left without rows of its
    own, or that do not end at a maximum, are left out, and told.

    Parameters
    ----------
    n_draws : int, default=999
        Number of fits.
    kind : {"rows", "cluster", "block", "bayesian", "parametric"}, default="rows"
        What is drawn: rows; whole clusters of ``groups``; runs of neighbouring rows, within each
        series of ``groups`` where it is given; exponential weights of rows, or of clusters of
        ``groups``; or data from the fitted model: responses, with one expert for each unit of a
        fit with groups and as many trials as before, and the inputs of a Gaussian gate.
    length : int or None, default=None
        Rows of a block, for ``kind="block"``. None takes one more than the lags of :class:`HAC`.
    interval : {"bc", "percentile", "basic", "normal"}, default="bc"
        Confidence intervals: quantiles of the draws, of B of them the (B + 1) p-th smallest, at
        levels moved by the share of draws below the estimate ("bc", for bias-corrected) or not
        ("percentile"); twice the estimate less these; or the estimate plus and minus standard
        errors. Scales come out too small from few rows, and from draws of such fits once more,
        which percentiles leave as it is.
    random_state : int, RandomState or None, default=None
        Seed of the draws.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. Ann. Statist. 7, 1-26.

    Efron, B. (1981). Nonparametric standard errors and confidence intervals. Canad. J. Statist.
    9, 139-158.

    Künsch, H. R. (1989). The jackknife and the bootstrap for general stationary observations.
    Ann. Statist. 17, 1217-1241.

    Rubin, D. B. (1981). The Bayesian bootstrap. Ann. Statist. 9, 130-134.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.inference import Bootstrap
    >>> X, y = make_tent(300, random_state=0)
    >>> moe = MixtureOfExperts(2, n_init=2, random_state=0).fit(X, y)
    >>> results = moe.inference(X, y, cov_type=Bootstrap(20, random_state=0))
    >>> results.conf_int().loc["expert0:x0"].round(1).tolist()
    [1.8, 2.0]
    """

    n_draws: int = 999
    kind: str = "rows"
    length: int | None = None
    interval: str = "bc"
    random_state: Seed = None

    name: ClassVar[str] = "bootstrap"
    takes_groups: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_integer("n_draws", self.n_draws, LEAST)
        check_choice("kind", self.kind, KINDS)
        check_choice("interval", self.interval, INTERVALS)
        check_seed("random_state", self.random_state)
        if self.length is None:
            return
        if self.kind != "block":
            raise ValueError(f"length needs kind='block', got kind={self.kind!r}.")
        check_integer("length", self.length, 1)

    def fit(self, estimate: Estimate, groups: Groups) -> ParameterCovariance:
        """The covariance of an estimate."""
        self._check_groups(groups)
        seed = check_seed("random_state", self.random_state).randint(2**31)
        random = np.random.default_rng(seed)
        if self.kind == "parametric":
            found = estimate.refit(data=estimate.simulate(self.n_draws, random))
        else:
            found = estimate.refit(weights=self._weights(estimate, groups, random))
        counted = len(found.vectors)
        if counted < LEAST:
            raise ValueError(
                f"bootstrap: {counted} of {self.n_draws} draws end at a maximum with rows for "
                "every expert, too few for a covariance. The experts are not stable: fit fewer."
            )
        matrix = np.cov(found.vectors, rowvar=False).reshape(2 * (estimate.vector.size,))
        return ParameterCovariance(
            matrix,
            estimate.spectrum,
            estimate.held,
            f"{WORDS[self.kind]}, {counted} draws{self._size(estimate)}",
            _told(found, self.n_draws),
            rank=min(counted - 1, len(estimate.spectrum.values)),
            draws=found.vectors,
            interval=self.interval,
        )

    def _check_groups(self, groups: Groups) -> None:
        if self.kind == "cluster" and groups is None:
            raise ValueError("groups must be given for a bootstrap of kind='cluster', got None.")
        if groups is not None and self.kind in ("rows", "parametric"):
            raise ValueError(
                f"groups must be left out for a bootstrap of kind={self.kind!r}; kind='cluster' "
                "draws whole clusters."
            )

    def _weights(
        self, estimate: Estimate, groups: Groups, random: np.random.Generator
    ) -> Float[np.ndarray, "B n"]:
        weight, count = estimate.weight, self.n_draws
        group = None if groups is None else groups[:, 0]
        if self.kind == "rows":
            return of_rows(weight, count, random)
        if self.kind == "bayesian":
            return of_bayes(weight, group, count, random)
        if self.kind == "cluster":
            assert group is not None  # checked
            return of_clusters(weight, group, count, random)
        series = np.zeros(len(weight), int) if group is None else group
        return of_blocks(weight, series, self._length(estimate), count, random)

    def _length(self, estimate: Estimate) -> int:
        return default_lags(estimate.n_rows) + 1 if self.length is None else self.length

    def _size(self, estimate: Estimate) -> str:
        return f", blocks of {self._length(estimate)} rows" if self.kind == "block" else ""


def _told(found: Refits, asked: int) -> tuple[str, ...]:
    """How many draws were left out, and what that means."""
    notes = []
    if found.n_lost:
        notes.append(f"{found.n_lost} of {asked} draws lost an expert and were left out.")
    if found.n_unsettled:
        notes.append(f"{found.n_unsettled} of {asked} draws ended at no maximum and were left out.")
    if found.n_lost + found.n_unsettled > MANY_LOST * asked:
        notes.append("So many that errors are too small: the experts are hardly told apart.")
    return tuple(notes)
