"""Who computes on which processors: compiled programs, and the small matrices between them."""

# threadpoolctl has no types
# pyright: basic

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from itertools import islice
from threading import Lock
from typing import TypeVar

import scipy.linalg  # noqa: F401  its BLAS must be loaded to be found
from threadpoolctl import ThreadpoolController

from mixstat.numerics.precision import float64

Item = TypeVar("Item")
Result = TypeVar("Result")

SMALL_MATRIX = 500  # rows up to which an eigendecomposition gains nothing from a second thread


def available_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``function`` of each item, in float64, on as many threads as there are processors."""
    workers = min(len(items), available_processors())
    if workers < 2:
        return [function(item) for item in items]

    def run(context: Context, item: Item) -> Result:
        return context.run(_in_float64, function, item)

    contexts = [copy_context() for _ in items]

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, contexts, items))


def made_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items, of which a thread makes the next one while one of them is used.

    At most one is waiting. All are made in that thread, which ends with the last item, with an
    error, or as soon as nobody wants another.
    """
    context, iterator = copy_context(), iter(items)

    def take(count: int) -> list[Item]:
        return list(islice(iterator, count))

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(context.run, _in_float64, take, 1)
        while made := waiting.result():
            waiting = thread.submit(context.run, _in_float64, take, 1)
            yield made[0]


def _in_float64(function: Callable[[Item], Result], item: Item) -> Result:
    with float64():  # the setting is a thread's own
        return function(item)


@contextmanager
def one_blas_thread(size: int) -> Iterator[None]:
    """Keep BLAS to one thread while matrices of ``size`` rows are worked on, if that is small.

    Its threads wait for each other beside those of compiled programs, which are awake as well, and
    small decompositions then take many times as long as they should. The setting belongs to the
    process: who comes first sets it and puts it back, and whoever overlaps with that from another
    thread leaves it alone.
    """
    if size > SMALL_MATRIX or not _setting.acquire(blocking=False):
        yield
        return
    try:
        with _BLAS.limit(limits=1):
            yield
    finally:
        _setting.release()


_BLAS = ThreadpoolController().select(user_api="blas")
_setting = Lock()
