"""A study: fits of one specification to data of one truth, over sizes and replicates."""

import numbers
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np

from mixstat.arguments import DataFrame, Setting
from mixstat.hints import hinting
from mixstat.model import Mixture
from mixstat.rates.cells import Plan, fit_cell
from mixstat.rates.checks import check_instance, check_integers, check_switch
from mixstat.rates.fitted import Rate, fit_rate
from mixstat.rates.held import held_values, read_frozen
from mixstat.rates.law import Law
from mixstat.rates.losses import default_losses, resolve
from mixstat.rates.misses import TOLERANCE, MissRate, compare
from mixstat.rates.own_loss import own_among, told_by
from mixstat.rates.specification import Specification
from mixstat.rates.starts import NearTruth, RandomStart, Start
from mixstat.rates.store import Store, tables
from mixstat.rates.truths import Truth
from mixstat.rates.verdicts import claims_of, verdict_table
from mixstat.rates.workers import Cell, Progress, Rows, cells, check_backend, workers
from mixstat.validation import check_integer, check_positive


class RateStudy:
    """Fits over sample sizes and replicates.

    A row of the result is a function of truth, specification, start, losses, seed, n and its
    replicate alone: not of batches, workers, their order, or interruptions.

    Parameters
    ----------
    truth : Truth
        Where data come from.
    spec : Specification or int
        What is fitted; a number is a number of experts.
    sample_sizes : sequence of int
        Sizes n, each at least the number of parameters.
    n_replicates : int
        Data sets of each size.
    start : Start, default=None
        Where fits begin; None means near the truth where it has atoms to copy, else random.
    losses : sequence of str, default=None
        Names of losses; None means all that suit.
    seed : int, default=0
        Seed of the data and the starts.

    Raises
    ------
    ValueError
        If a size is below the number of parameters, there are no replicates, or a loss or the
        start does not suit.

    Examples
    --------
    >>> from mixstat.rates import RateStudy, find_truth
    >>> truth = find_truth("softmax-gaussian-mild")
    >>> study = RateStudy(truth, 2, [200, 800], n_replicates=8, losses=["kl"])
    >>> table = study.run(progress=False)
    >>> table.groupby("n")["converged"].mean().to_dict()
    {200: 1.0, 800: 1.0}
    >>> print(f"{study.rate('kl').slope:.1f}")
    -1.2
    """

    def __init__(
        self,
        truth: Setting,
        spec: Setting,
        sample_sizes: Setting,
        n_replicates: Setting,
        start: Setting = None,
        losses: Setting = None,
        *,
        seed: Setting = 0,
    ) -> None:
        wanted = "a Truth, such as find_truth(name) or Truth.of(...)"
        self.truth = truth = check_instance("truth", truth, Truth, wanted)
        self.spec = as_specification(spec)
        null = self.spec.null(truth)
        self.spec.limits(truth).check(null, self.spec.min_scale)
        held_values(null, read_frozen(self.spec.frozen, self.spec.n_experts))
        size = self.spec.n_parameters(truth)
        self.sample_sizes = sorted(set(check_integers("sample_sizes", sample_sizes, 1)))
        if not self.sample_sizes or self.sample_sizes[0] < size:
            seen = self.sample_sizes[0] if self.sample_sizes else "none"
            raise ValueError(f"sample_sizes must be at least the {size} parameters, got {seen}.")
        self.n_replicates = check_integer("n_replicates", n_replicates, 1)
        self.seed = check_integer("seed", seed, 0)
        wanted = "a start, such as NearTruth() or RandomStart(), or None"
        self.start = (
            self._default_start(null)
            if start is None
            else check_instance("start", start, Start, wanted)
        )
        self.start.check(truth, null)
        asked = default_losses(truth, null) if losses is None else losses
        self.losses = resolve(asked, truth, null)
        at_null = Law(null, self.spec.features(truth))
        self._losses_told = told_by(self.losses, truth, at_null)
        self.table_: DataFrame = None
        self.misses_: MissRate | None = None

    def _default_start(self, null: Mixture) -> Start:
        try:
            NearTruth().check(self.truth, null)
        except ValueError:
            return RandomStart()
        return NearTruth(self.truth.near)

    @property
    def plan(self) -> Plan:
        """All that a row depends on, besides n and the replicate."""
        own = own_among(self.losses)
        return Plan(self.truth, self.spec, self.start, self.losses, self.seed, own)

    def fingerprint(self) -> dict[str, Any]:
        """The same in plain types."""
        return {
            "truth": self.truth.describe(),
            "specification": self.spec.describe(self.truth),
            "start": repr(self.start),
            "losses": sorted(self._losses_told),
            "seed": self.seed,
        }

    @hinting
    def run(
        self,
        store: Setting = None,
        *,
        backend: Setting = "auto",
        n_workers: Setting = None,
        batch_size: Setting = None,
        progress: Setting = True,
    ) -> DataFrame:
        """Fit what is missing; return all rows.

        Parameters
        ----------
        store : path, default=None
            Folder that keeps each finished cell at once. A run that was interrupted, by whatever
            means, goes on where it stopped. None keeps nothing.
        backend : {"auto", "device", "joblib"} or dask.distributed.Client, default="auto"
            Who fits: this process, processes of its own, or a cluster. "auto" takes processes
            where there are several processors, and work enough to pay for starting them.
        n_workers : int, default=None
            Processes of "joblib"; None means as many as there are processors.
        batch_size : int, default=None
            Most replicates of one size in a cell, which is what an interruption may cost. None
            means as many as have about a million rows together, and at least eight.
        progress : bool, default=True
            Whether to show how many fits are done and the time that is left, by rows of data.

        Returns
        -------
        DataFrame
            A row per n and replicate: the certificate of the fit, losses and parameters (columns
            "param ..."). Also kept as ``table_``.

        Raises
        ------
        StoreMismatchError
            If the store belongs to another study; the difference is named.
        """
        pandas, _ = tables()
        most = None if batch_size is None else check_integer("batch_size", batch_size, 1)
        shown = check_switch("progress", progress)
        count = None if n_workers is None else check_integer("n_workers", n_workers, 1)
        check_backend(backend)
        wanted = [(n, r) for n in self.sample_sizes for r in range(self.n_replicates)]
        folder = None if store is None else Store(store, self.fingerprint())
        left = wanted if folder is None else folder.missing(wanted)
        rows: Rows = []
        parts = list(cells(left, most))
        map_cells = workers(backend, count, parts, self.start.n_starts)
        with Progress(wanted, left, shown=shown) as bar:
            for finished in map_cells(partial(_cell, self.plan), parts):
                if folder is None:
                    rows += finished
                else:
                    folder.write(finished)
                bar.update(finished)
        table = pandas.DataFrame(rows) if folder is None else folder.read()
        table = table[table["n"].isin(self.sample_sizes) & (table["replicate"] < self.n_replicates)]
        self.table_ = table.sort_values(["n", "replicate"]).reset_index(drop=True)
        return self.table_

    def rate(self, loss: Setting, **settings: Setting) -> Rate:
        """:func:`mixstat.rates.fitted.fit_rate` of the rows of the last run.

        ``loss`` is a column, or what was asked of the study if that has one column: "voronoi".
        """
        return fit_rate(self._rows(), loss, **settings)

    def verdicts(self, statistic: Setting = "mean") -> DataFrame:
        """What the last run says about what theory states for its truth.

        Parameters
        ----------
        statistic : {"mean", "median"}, default="mean"
            Over the replicates of each n.

        Returns
        -------
        DataFrame
            A row for each claim: "claim" in words, its "loss", the "stated" slope (NaN where there
            is to be no polynomial rate), its "source" and "mark", the measured "slope" with its
            95 % interval "low", "high", the "verdict" by :func:`mixstat.rates.verdict` ("not
            tested" where the study lacks the loss), and "missed", the share of data sets whose
            maximum the starts missed, NaN before :meth:`miss_rate` has told it.
        """
        claims = claims_of(self.truth, self.spec.n_experts)
        missed = np.nan if self.misses_ is None else self.misses_.share
        return verdict_table(self._rows(), claims, statistic, self.truth.citation, missed)

    def miss_rate(
        self,
        n_starts: Setting = 40,
        n_replicates: Setting = 5,
        *,
        sample_sizes: Setting = None,
        tolerance: Setting = TOLERANCE,
        store: Setting = None,
        **settings: Any,
    ) -> MissRate:
        """How often the starts of this study miss the maximum, by many more starts.

        Over-specified models have many local maxima, and the slope of a study is that of the
        fits it found. The starts are of the same kind, those of the study among them, on some of
        its data sets.

        Parameters
        ----------
        n_starts : int, default=40
            Starts that the study's are compared with; more than it has.
        n_replicates : int, default=5
            Data sets of each size: the first ones of the study.
        sample_sizes : sequence of int, default=None
            Sizes; None means the smallest, the middle and the largest of the study.
        tolerance : float, default=1e-3
            Gains of log-likelihood, of all rows together, that count as a miss.
        store : path, default=None
            As in :meth:`run`, a folder of its own.
        **settings
            Others of :meth:`run`.

        Returns
        -------
        MissRate
            The share that missed, with its interval, and a row for each data set; also kept as
            ``misses_``.
        """
        more = check_integer("n_starts", n_starts, self.start.n_starts + 1)
        count = check_integer("n_replicates", n_replicates, 1)
        gain = check_positive("tolerance", tolerance)
        middle = self.sample_sizes[len(self.sample_sizes) // 2]
        few = {self.sample_sizes[0], middle, self.sample_sizes[-1]}
        sizes = sorted(few) if sample_sizes is None else sample_sizes
        start = replace(cast(Any, self.start), n_starts=more)
        asked = (self.truth, self.spec, sizes, count)
        many = RateStudy(*asked, start, self.losses, seed=self.seed)
        own = RateStudy(*asked, self.start, (), seed=self.seed)
        own.table_ = self.table_
        found = many.run(store, **settings)
        self.misses_ = compare(own._known(settings), found, self.start.n_starts, more, gain)
        return self.misses_

    def _known(self, settings: dict[str, Any]) -> DataFrame:
        """Rows of all pairs of n and replicate: those of the table if it has them, else fits."""
        if self.table_ is not None:
            n, replicate = self.table_["n"], self.table_["replicate"]
            rows = self.table_[n.isin(self.sample_sizes) & (replicate < self.n_replicates)]
            if len(rows) == len(self.sample_sizes) * self.n_replicates:
                return rows
        return self.run(**settings)

    def _rows(self) -> DataFrame:
        if self.table_ is None:
            raise ValueError("run the study before asking for a rate.")
        return self.table_


def as_specification(spec: Setting) -> Specification:
    """What is fitted; a number is a number of experts."""
    if isinstance(spec, numbers.Integral) and not isinstance(spec, bool):
        return Specification(int(spec))
    return check_instance("spec", spec, Specification, "a Specification or a number of experts")


def _cell(plan: Plan, cell: Cell) -> Rows:
    return fit_cell(plan, *cell)
