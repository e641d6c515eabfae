"""A study: fits of one specification to data of one truth, over sizes and replicates."""

import numbers
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from mixstat.arguments import DataFrame, Setting
from mixstat.model import Mixture
from mixstat.rates.cells import Plan, fit_cell
from mixstat.rates.checks import check_instance, check_integers, check_switch
from mixstat.rates.fitted import Rate, fit_rate
from mixstat.rates.losses import default_losses, resolve
from mixstat.rates.specification import Specification
from mixstat.rates.starts import NearTruth, RandomStart, Start
from mixstat.rates.store import Store, tables
from mixstat.rates.truths import Truth
from mixstat.validation import check_integer

Cell = tuple[int, list[int]]  # a size and some of its replicates
Rows: TypeAlias = list[dict[str, Any]]
CellFunction: TypeAlias = Callable[[Cell], Rows]
ROWS, LEAST = 2**20, 8  # rows of all replicates of a cell, and how many there are at least


@runtime_checkable
class Client(Protocol):
    """That of a Dask cluster."""

    def submit(self, function: CellFunction, /, *args: Cell, pure: bool) -> Any:
        """A future of what the function returns."""
        ...


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
        self.table_: DataFrame = None

    def _default_start(self, null: Mixture) -> Start:
        try:
            NearTruth().check(self.truth, null)
        except ValueError:
            return RandomStart()
        return NearTruth(self.truth.near)

    @property
    def plan(self) -> Plan:
        """All that a row depends on, besides n and the replicate."""
        return Plan(self.truth, self.spec, self.start, self.losses, self.seed)

    def fingerprint(self) -> dict[str, Any]:
        """The same in plain types."""
        return {
            "truth": self.truth.describe(),
            "specification": self.spec.describe(self.truth),
            "start": repr(self.start),
            "losses": sorted(self.losses),
            "seed": self.seed,
        }

    def run(
        self,
        store: Setting = None,
        *,
        backend: Setting = "device",
        n_workers: Setting = 1,
        batch_size: Setting = None,
        progress: Setting = True,
    ) -> DataFrame:
        """Fit what is missing; return all rows.

        Parameters
        ----------
        store : path, default=None
            Folder that keeps each finished cell at once. A run that was interrupted, by whatever
            means, goes on where it stopped. None keeps nothing.
        backend : {"device", "joblib"} or dask.distributed.Client, default="device"
            Who fits: this process, processes of its own, or a cluster.
        n_workers : int, default=1
            Processes of "joblib".
        batch_size : int, default=None
            Most replicates of one size in a cell, which is what an interruption may cost. None
            means as many as have about a million rows together, and at least eight.
        progress : bool, default=True
            Whether to show how many fits are done and the time that is left.

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
        map_cells = _workers(backend, check_integer("n_workers", n_workers, 1))
        wanted = [(n, r) for n in self.sample_sizes for r in range(self.n_replicates)]
        folder = None if store is None else Store(store, self.fingerprint())
        left = wanted if folder is None else folder.missing(wanted)
        rows: Rows = []
        with _bar(len(wanted), len(wanted) - len(left), shown) as bar:
            for finished in map_cells(partial(_cell, self.plan), list(cells(left, most))):
                if folder is None:
                    rows += finished
                else:
                    folder.write(finished)
                bar.update(len(finished))
        table = pandas.DataFrame(rows) if folder is None else folder.read()
        table = table[table["n"].isin(self.sample_sizes) & (table["replicate"] < self.n_replicates)]
        self.table_ = table.sort_values(["n", "replicate"]).reset_index(drop=True)
        return self.table_

    def rate(self, loss: Setting, **settings: Setting) -> Rate:
        """:func:`mixstat.rates.fitted.fit_rate` of the rows of the last run.

        ``loss`` is a column, or what was asked of the study if that has one column: "voronoi".
        """
        if self.table_ is None:
            raise ValueError("run the study before asking for a rate.")
        return fit_rate(self.table_, loss, **settings)


def as_specification(spec: Setting) -> Specification:
    """What is fitted; a number is a number of experts."""
    if isinstance(spec, numbers.Integral) and not isinstance(spec, bool):
        return Specification(int(spec))
    return check_instance("spec", spec, Specification, "a Specification or a number of experts")


def cells(pairs: Sequence[tuple[int, int]], batch_size: int | None = None) -> Iterator[Cell]:
    """Pairs of n and replicate as cells of one size, which are about equal."""
    by_size: dict[int, list[int]] = {}
    for n, replicate in pairs:
        by_size.setdefault(n, []).append(replicate)
    for n, replicates in by_size.items():
        most = batch_size or max(LEAST, ROWS // int(2 ** np.ceil(np.log2(n))))
        count = -(-len(replicates) // most)
        for part in np.array_split(np.array(replicates), count):
            yield n, part.tolist()


def _cell(plan: Plan, cell: Cell) -> Rows:
    return fit_cell(plan, *cell)


def _bar(total: int, done: int, shown: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, initial=done, unit="fit", disable=not shown, smoothing=0.1)


def _workers(
    backend: Setting, n_workers: int
) -> Callable[[CellFunction, list[Cell]], Iterator[Rows]]:
    """A function that maps over cells and yields results as they finish."""
    if backend == "device":
        return lambda function, items: map(function, items)
    if backend == "joblib":
        return partial(_with_joblib, n_workers)
    if isinstance(backend, Client):
        return partial(_with_dask, backend)
    raise ValueError(f"backend must be 'device', 'joblib' or a Dask client, got {backend!r}.")


def _with_joblib(n_workers: int, function: CellFunction, items: list[Cell]) -> Iterator[Rows]:
    from joblib import Parallel, delayed

    parallel = Parallel(n_workers, return_as="generator_unordered")
    yield from parallel(delayed(function)(item) for item in items)


def _with_dask(client: Client, function: CellFunction, items: list[Cell]) -> Iterator[Rows]:
    from dask.distributed import as_completed  # pyright: ignore[reportMissingImports]

    futures = [client.submit(function, item, pure=False) for item in items]
    for future in as_completed(futures):
        yield future.result()
        future.release()
