"""Who fits the cells of a study: this process, processes of its own, or a cluster."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

from mixstat.arguments import Setting
from mixstat.rates.checks import short

Cell: TypeAlias = tuple[int, list[int]]  # a size and some of its replicates
Rows: TypeAlias = list[dict[str, Any]]
CellFunction: TypeAlias = Callable[[Cell], Rows]


@runtime_checkable
class Client(Protocol):
    """That of a Dask cluster."""

    def submit(self, function: CellFunction, /, *args: Cell, pure: bool) -> Any:
        """A future of what the function returns."""
        ...


def workers(
    backend: Setting, n_workers: int
) -> Callable[[CellFunction, list[Cell]], Iterator[Rows]]:
    """A function that maps over cells and yields results as they finish."""
    if backend == "device":
        return lambda function, items: map(function, items)
    if backend == "joblib":
        return partial(_with_joblib, n_workers)
    if isinstance(backend, Client):
        return partial(_with_dask, backend)
    raise ValueError(f"backend must be 'device', 'joblib' or a Dask client, got {short(backend)}.")


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
