"""Who fits the cells of a study: this process, processes of its own, or a cluster."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax
import numpy as np

from mixstat.arguments import Setting
from mixstat.numerics.threads import available_processors
from mixstat.rates.checks import short

ROWS, LEAST = 2**20, 8  # rows of all replicates of a cell, and how many there are at least
MANY = 2_000_000  # rows of all fits, from which on processes are worth their start

Cell: TypeAlias = tuple[int, list[int]]  # a size and some of its replicates
Rows: TypeAlias = list[dict[str, Any]]
CellFunction: TypeAlias = Callable[[Cell], Rows]


@runtime_checkable
class Client(Protocol):
    """That of a Dask cluster."""

    def submit(self, function: CellFunction, /, *args: Cell, pure: bool) -> Any:
        """A future of what the function returns."""
        ...


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


def check_backend(backend: Setting) -> None:
    """One of those that fit."""
    named = isinstance(backend, str) and backend in ("auto", "device", "joblib")
    if not named and not isinstance(backend, Client):
        raise ValueError(
            f"backend must be 'auto', 'device', 'joblib' or a Dask client, got {short(backend)}."
        )


def workers(
    backend: Setting, n_workers: int | None, parts: Sequence[Cell], n_starts: int
) -> Callable[[CellFunction, list[Cell]], Iterator[Rows]]:
    """A function that maps over cells and yields results as they finish.

    Numbers do not depend on who computes them, so "auto" may look at the work.
    """
    if isinstance(backend, Client):
        return partial(_with_dask, backend)
    count = min(n_workers or available_processors(), max(len(parts), 1))
    rows = n_starts * sum(n * len(replicates) for n, replicates in parts)
    on_processors = jax.default_backend() == "cpu"
    worth = on_processors and count > 1 and rows >= MANY
    if backend == "joblib" or (backend == "auto" and worth):
        return partial(_with_joblib, count)
    return lambda function, items: map(function, items)


class Progress:
    """A bar of the fits that are done and of the time left, which goes by their rows of data."""

    def __init__(
        self, wanted: Sequence[tuple[int, int]], left: Sequence[tuple[int, int]], *, shown: bool
    ) -> None:
        from tqdm import tqdm

        rows = sum(n for n, _ in wanted)
        done = rows - sum(n for n, _ in left)
        self.wanted, self.done = len(wanted), len(wanted) - len(left)
        self.bar: Any = tqdm(
            total=rows, initial=done, unit=" rows", unit_scale=True, disable=not shown
        )
        self._tell()

    def update(self, finished: Rows) -> None:
        """Count the rows of a cell."""
        self.done += len(finished)
        self.bar.update(sum(row["n"] for row in finished))
        self._tell()

    def _tell(self) -> None:
        self.bar.set_postfix_str(f"{self.done} of {self.wanted} fits")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()


def _with_joblib(n_workers: int, function: CellFunction, items: list[Cell]) -> Iterator[Rows]:
    from joblib import Parallel, delayed

    # large cells first, so that none of them is what all others wait for
    ordered = sorted(items, key=lambda item: -item[0] * len(item[1]))
    parallel = Parallel(n_workers, return_as="generator_unordered")
    yield from parallel(delayed(function)(item) for item in ordered)


def _with_dask(client: Client, function: CellFunction, items: list[Cell]) -> Iterator[Rows]:
    from dask.distributed import as_completed  # pyright: ignore[reportMissingImports]

    futures = [client.submit(function, item, pure=False) for item in items]
    for future in as_completed(futures):
        yield future.result()
        future.release()
